/** What is refused alike by the functions of `chainrule/inspect`; errors of their own are beside them. */
import { describe, expect, test } from "vitest";
import { compile, tensor } from "../../src/index.js";
import * as inspect from "../../src/inspect/index.js";
import { Linear } from "../../src/nn/index.js";
import type { Tensor } from "../../src/tensor.js";

// biome-ignore lint/suspicious/noExplicitAny: what JavaScript may pass
type Loose = any;

const square = (x: Tensor): Tensor => x.square().sum();
const x = tensor([1, 2]);
const drawn = inspect.circuit(square, [x]);
const { circuit, stages, jacobianShapes, firstBadOp, profile, monitor } = inspect;
const CALLS: Record<string, Loose> = { circuit, stages, jacobianShapes, firstBadOp, profile };

describe.each(Object.entries(CALLS))("%s", (name, call) => {
  const inside = compile((y: Tensor) => {
    call(square, [y]);
    return y;
  });
  const none = "expected an array of the function's arguments";
  test.each<[string, () => unknown, typeof Error, string]>([
    ["nothing", () => call(), TypeError, "not a function: got undefined, expected a function of"],
    ["a string", () => call("f", [x]), TypeError, 'not a function: got "f", expected a function'],
    [
      "a module",
      () => call(new Linear(2, 1), [x]),
      TypeError,
      "not a function: got a Linear, expected a function of tensors; write (x) => model.forward(x)",
    ],
    ["no inputs", () => call(square), TypeError, `inputs are no list: got undefined, ${none}`],
    ["no list", () => call(square, x), TypeError, `inputs are no list: got a Tensor, ${none}`],
    [
      "a call while compiling",
      () => inside(x),
      Error,
      "called while a function is being compiled: expected a call outside of it, with its values",
    ],
  ])("%s", (_, run, kind, message) => {
    expect(run).toThrow(kind);
    expect(run).toThrow(`${name}: ${message}`);
    // The library works on.
    expect(circuit(square, [x]).wires).toEqual(drawn.wires);
  });
});

const OPTIONS: [string, (options: Loose) => unknown, string][] = [
  ["circuit", (o) => circuit(square, [x], o), "names, output, cotangent, entries or depth"],
  ["stages", (o) => stages(square, [x], o), "names, output or cotangent"],
  ["jacobianShapes", (o) => jacobianShapes(square, [x], o), "names or output"],
  ["profile", (o) => profile(square, [x], o), "repeats"],
  ["monitor", (o) => monitor(compile(square), o), "every or bins"],
  ["compile", (o) => compile(square, o), "maxBytes or debug"],
  ["toText", (o) => drawn.toText(o), "color, entries, depth or modules"],
  ["toDot", (o) => drawn.toDot(o), "depth or modules"],
];

test.each(OPTIONS)("options of %s", (name, run, known) => {
  expect(() => run(null)).toThrow(
    new TypeError(`${name}: bad options: got null, expected an object`),
  );
  expect(() => run(3)).toThrow(new TypeError(`${name}: bad options: got 3, expected an object`));
  expect(() => run({ nmaes: 1 })).toThrow(
    new TypeError(`${name}: unknown option: got nmaes, expected ${known}`),
  );
});

test.each(["circuit", "stages", "jacobianShapes"])("names of %s", (name) => {
  const product = (a: Tensor, b: Tensor): Tensor => a.mul(b);
  const named = (names: unknown) => () => CALLS[name](product, [1, 2], { names });
  expect(named("xy")).toThrow(
    new TypeError(`${name}: bad names: got "xy", expected an array of strings`),
  );
  expect(named(["x", 3])).toThrow(
    new TypeError(`${name}: bad name of argument 1: got 3, expected a string that is not empty`),
  );
  expect(named(["", "y"])).toThrow(
    new TypeError(`${name}: bad name of argument 0: got "", expected a string that is not empty`),
  );
  expect(named(["x", "x"])).toThrow(
    new RangeError(
      `${name}: two arguments have one name: got "x" for 0 and 1, expected different ones`,
    ),
  );
});

const { toText, toDot, toJson, grouped, collapsed } = inspect;
const READERS: Record<string, Loose> = { toText, toDot, toJson, grouped, collapsed };
test.each(Object.entries(READERS))("no circuit: %s", (name, read) => {
  const expected = "expected what circuit(f, inputs) returns";
  expect(() => read()).toThrow(new TypeError(`${name}: no circuit: got undefined, ${expected}`));
  expect(() => read(square)).toThrow(
    new TypeError(`${name}: no circuit: got a function, ${expected}`),
  );
});

test.each<[() => unknown, Error]>([
  [
    () => new inspect.Circuit({} as Loose),
    new TypeError("Circuit: no circuit: got an Object, expected what circuit(f, inputs) returns"),
  ],
  [
    () => drawn.toText({ depth: -1 }),
    new RangeError("toText: bad depth: got -1, expected a whole number ≥ 0, or Infinity"),
  ],
  [
    () => drawn.toText({ entries: "x" as Loose }),
    new TypeError('toText: bad entries: got "x", expected a whole number ≥ 0, or Infinity'),
  ],
  [
    () => drawn.toText({ color: 1 as Loose }),
    new TypeError("toText: bad color: got 1, expected true or false"),
  ],
  [
    () => drawn.toDot({ modules: true as Loose }),
    new TypeError("toDot: bad modules: got a boolean, expected a whole number ≥ 0, or Infinity"),
  ],
  [
    () => profile(square, [x], { repeats: 1 }).toText({ rows: -1 }),
    new RangeError("toText: bad rows: got -1, expected a whole number ≥ 0, or Infinity"),
  ],
  [
    () => profile(square, [x], { repeats: 1 }).toText({ row: 1 } as Loose),
    new TypeError("toText: unknown option: got row, expected by or rows"),
  ],
])("values of options: %s", (run, error) => {
  expect(run).toThrow(error);
});
