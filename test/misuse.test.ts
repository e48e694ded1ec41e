/** Uses that could go wrong silently: each is refused, or does the one thing it can mean. */
import { expect, test } from "vitest";
import { describe } from "../src/describe.js";
import {
  add,
  assign,
  compile,
  createWasmBackend,
  grad,
  init,
  parameter,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import * as nn from "../src/nn/index.js";
import { SGD } from "../src/optim/index.js";
import { ts } from "../src/pure.js";

const named = (value: number) => parameter([value], { name: "w" });
const stale =
  "reads Parameter(w: f32[1]), which was written after it was recorded: got version 1, expected 0";

test("an effect's own read is taken when it commits, but only when it is the effect's alone", () => {
  const p = named(1);
  const own = assign(p, p.add(1));
  const held = p.mul(10);
  assign(p, tensor([5]));
  expect(() => held.add(own).item()).toThrow(stale);
  expect(() => held.item()).toThrow(stale);
  expect([own.item(), p.item()]).toEqual([6, 6]);
});

test("two effects that read one value of their parameter do not run together", () => {
  const p = named(1);
  const double = assign(p, p.mul(2));
  const next = assign(p, p.add(1));
  expect(() => double.add(next).item()).toThrow(
    "assign: Parameter(w: f32[1]) was assigned before, by an effect that has not run: got two in one program",
  );
  expect([double.item(), next.item(), p.item()]).toEqual([2, 3, 3]);
});

test("a loss that reaches no parameter is refused, inside compile and outside", () => {
  const p = named(2);
  const optimizer = new SGD([p], { lr: 1 });
  const message =
    "minimize: the loss reaches none of the parameters: got Tensor(f32[]), " +
    "expected one computed from Parameter(w: f32[1]) or others";
  expect(() => optimizer.minimize(tensor(3).mul(2))).toThrow(message);
  expect(() => compile((x: Tensor) => optimizer.minimize(x))(1)).toThrow(message);
  expect(p.item()).toBe(2);
});

test("an update inside a transform is refused before it runs", () => {
  const p = named(1);
  const optimizer = new SGD([p], { lr: 0.1 });
  const train = (x: Tensor): Tensor => {
    const loss = p.mul(x).sum();
    optimizer.minimize(loss);
    return loss;
  };
  expect(() => grad(train)(tensor([2]))).toThrow(
    "SGD: an update inside a transform: got a call within grad, vjp or jvp, expected it outside or inside compile",
  );
  expect(p.item()).toBe(1);
});

test("a captured value may be read while compiling, a placeholder not", () => {
  const captured = tensor([2, 3]);
  expect(compile((x: Tensor) => x.mul(captured.toTypedArray()[1] as number))(4).item()).toBe(12);
  expect(() => compile((x: Tensor) => x.mul(x.item()))(4)).toThrow(
    "item: Tensor(f32[]) is read while a function is being compiled",
  );
});

test("a module made inside of a compiled function is told to be made outside", () => {
  const step = compile((x: Tensor) => new nn.Linear(2, 1).forward(x));
  expect(() => step(tensor([[1, 2]]))).toThrow(
    "parameter: made while a function is being compiled: got Tensor(f32[1, 2]) without a value yet, " +
      "expected the parameter, or the module it belongs to, made once, outside of the function",
  );
});

test.each<[unknown, string]>([
  [undefined, "undefined"],
  [null, "null"],
  [[1, 2], "an array of 2"],
  ["", '""'],
  [-0.5, "-0.5"],
  [true, "a boolean"],
  [() => 1, "a function"],
  [Symbol("s"), "a symbol"],
  [{}, "an Object"],
  [Object.create(null), "an object"],
  [new (class {})(), "an object"],
  [new Map(), "a Map"],
  [new Error("e"), "an Error"],
  [new Int32Array(2), "an Int32Array"],
  [new ArrayBuffer(2), "an ArrayBuffer"],
  [new Uint8Array(2), "a Uint8Array"],
  [new URL("https://example.org"), "a URL"],
])("errors call %o %s", (value, name) => {
  expect(describe(value)).toBe(name);
});

test("numbers alone have the default dtype", () => {
  try {
    init({ backend: ts, dtype: "f64" });
    expect(add(0.1, 0.2).item()).toBe(0.1 + 0.2);
  } finally {
    init({ backend: wasm });
  }
});

test("a limit is kept to the page", () => {
  const backend = createWasmBackend({ maximumBytes: 1_000_000 });
  expect(() => backend.memory.allocate(900_000)).toThrow("expected at most 983040 in all");
  backend.memory.allocate(200_000);
  expect(backend.memory.bytes).toBeLessThanOrEqual(1_000_000);
});

test("a trace of an unknown dtype is refused", () => {
  const step = compile((x: Tensor) => x);
  expect(() => step.trace({ shape: [2], dtype: "f16" })).toThrow(
    'trace: unknown dtype: got "f16", expected f32, f64, i32 or bool',
  );
});

test("an empty array before and behind a tensor are two structures", () => {
  const lengths = compile((a: Tensor[], b: Tensor[]) => [a.length, b.length]);
  expect(lengths([tensor([1])], [])).toEqual([1, 0]);
  expect(lengths([], [tensor([1])])).toEqual([0, 1]);
});
