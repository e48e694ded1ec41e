/** Which instructions of a plan become a chain, and that effects and results stay as they were. */
import { afterEach, describe, expect, test } from "vitest";
import { Opcode } from "../assembly/opcodes.js";
import {
  assign,
  compile,
  init,
  type Parameter,
  parameter,
  type Tensor,
  tensor,
  wasm,
  where,
} from "../src/index.js";
import { Adadelta, Adagrad, Lion, NAdam, RMSprop } from "../src/optim/index.js";
import { ts } from "../src/pure.js";

afterEach(() => init({ backend: wasm }));

const N = 299 * 67;
const wave = (n: number, step = 1): Tensor =>
  tensor(Float32Array.from({ length: n }, (_, i) => Math.sin(i * step + 1)));

const kinds = (fn: (...x: Tensor[]) => unknown, ...shapes: number[][]): string[] =>
  compile(fn)
    .trace(...shapes.map((shape) => ({ shape })))
    .plan.instructions.map(({ opcode, words }) =>
      opcode === Opcode.Chain ? "chain" : (names.get(opcode) ?? (words ? "?" : "other")),
    );
const names = new Map<Opcode, string>([
  [Opcode.Exp, "exp"],
  [Opcode.Neg, "neg"],
  [Opcode.Tanh, "tanh"],
  [Opcode.Sum, "sum"],
  [Opcode.Div, "div"],
  [Opcode.Sub, "sub"],
  [Opcode.Add, "add"],
  [Opcode.Gemm, "gemm"],
  [Opcode.Cumsum, "cumsum"],
]);

describe("what is fused", () => {
  const rows = [500, 100];
  test.each<[string, string[], (...x: Tensor[]) => unknown, number[][]]>([
    ["two ops", ["chain"], (x) => x.exp().neg(), [[N]]],
    ["a value that is a result, too", ["chain"], (x) => [x.exp(), x.exp().neg()], [[N]]],
    ["a diamond", ["chain"], (x) => x.exp().add(x.neg()), [[N]]],
    [
      "a row, a column, a scalar",
      ["chain"],
      (x, r, c) => x.mul(r).add(c).mul(2),
      [rows, [100], [500, 1]],
    ],
    ["a sum of rows, read by them", ["chain"], (x) => x.exp().div(x.exp().sum(1, true)), [rows]],
    ["a sum of all", ["chain", "sum"], (x) => x.exp().sum(), [[N]]],
    ["a mean of all", ["chain", "sum", "div"], (x) => x.exp().mean(), [[N]]],
    ["around another instruction", ["cumsum", "chain"], (x) => x.exp().add(x.cumsum(0)), [[N]]],
    ["one op alone", ["exp"], (x) => x.exp(), [[N]]],
    ["small values", ["exp", "neg"], (x) => x.exp().neg(), [[1000]]],
    ["values of a product", ["gemm", "chain"], (x) => x.matmul(x).exp().neg(), [[150, 150]]],
    [
      "a value that another reads",
      ["exp", "cumsum", "add"],
      (x) => x.exp().add(x.exp().cumsum(0)),
      [[N]],
    ],
    ["a sum of columns is none", ["exp", "sum"], (x) => x.exp().sum(0), [rows]],
    [
      "values that are few per row",
      ["sum", "other", "sub"],
      (x) => x.sub(x.sum(1).relu()),
      [[200, 200]],
    ],
    ["rows that are too long", ["exp", "sum"], (x) => x.exp().sum(1), [[2, 20000]]],
    [
      "a row that the chain itself computes",
      ["chain", "sub"],
      (x) => x.exp().sub(x.exp().sum(1).relu()),
      [[200, 200]],
    ],
  ])("%s", (_, expected, fn, shapes) => {
    expect(kinds(fn, ...shapes)).toEqual(expected);
  });

  test("what only the chain reads takes no place", () => {
    const fused = compile((x: Tensor) => x.exp().mul(x.neg()).add(x.tanh()));
    expect(fused.trace({ shape: [N] }).plan.peakBytes).toBe(4 * N);
  });
});

const bits = (x: Tensor | Parameter): readonly number[] => [
  ...new Uint32Array((x.toTypedArray() as Float32Array).slice().buffer),
];

describe.each([wasm, ts])("in $name", (backend) => {
  type Read = (value: Tensor) => Tensor;
  test.each<[string, (x: Tensor, y: Tensor, read: Read) => Tensor]>([
    ["arithmetic", (x, y, read) => read(read(x.mul(y)).add(1)).div(read(read(y.abs()).add(0.5)))],
    ["a mean", (x, y, read) => read(read(x.sub(y)).square()).mean()],
    ["a sum", (x, y, read) => read(read(x.exp()).mul(y)).sum()],
    ["a choice", (x, y, read) => where(read(x.lt(y)), read(x.exp()), 2)],
    [
      "rows",
      (x, y, read) => read(x.reshape([-1, 67]).exp()).mul(read(y.reshape([-1, 67]).sum(1, true))),
    ],
  ])("%s: the bits of its ops one by one", (_, fn) => {
    init({ backend });
    const [x, y] = [wave(N), wave(N, 0.37)];
    const step = compile((a: Tensor, b: Tensor) => fn(a, b, (value) => value));
    const alone = fn(x, y, (value) =>
      tensor(value.toTypedArray(), { shape: value.shape, dtype: value.dtype }),
    );
    expect(bits(step(x, y))).toEqual(bits(alone));
    const { instructions } = step.plan;
    expect(instructions.some(({ opcode }) => opcode === Opcode.Chain)).toBe(true);
  });

  test.each([
    ["Lion", Lion],
    ["RMSprop", RMSprop],
    ["NAdam", NAdam],
    ["Adagrad", Adagrad],
    ["Adadelta", Adadelta],
  ] as const)("%s in place: as on parts too small to fuse", (_, Rule) => {
    init({ backend });
    const part = 4003;
    const data = wave(5 * part).toTypedArray();
    const parts = (from: Tensor): Tensor[] =>
      Array.from({ length: 5 }, (_, k) =>
        tensor(from.toTypedArray().slice(k * part, (k + 1) * part)),
      );
    const whole = parameter(tensor(data));
    const pieces = parts(tensor(data)).map((piece) => parameter(piece));
    const [one, many] = [
      new Rule([whole], { weightDecay: 0.1 }),
      new Rule(pieces, { weightDecay: 0.1 }),
    ];
    const fused = compile((g: Tensor) => void one.apply([g]));
    const split = compile((...g: Tensor[]) => void many.apply(g));
    for (let k = 0; k < 3; k++) {
      const g = wave(5 * part, 0.11 * (k + 1));
      fused(g);
      split(...parts(g));
    }
    const { instructions, peakBytes } = fused.plan;
    expect(instructions.some(({ opcode }) => opcode === Opcode.Chain)).toBe(true);
    expect(instructions.some(({ opcode }) => opcode === Opcode.Copy)).toBe(false);
    // The gradient is all that needs a place.
    expect(peakBytes).toBeLessThan(4.1 * 5 * part);
    expect(bits(whole)).toEqual(pieces.flatMap(bits));
  });

  test("a Parameter that is read after its new value is known keeps its old one until then", () => {
    init({ backend });
    const [p, q] = [parameter(wave(N)), parameter(wave(N, 0.3))];
    const step = compile((x: Tensor) => {
      const [oldP, oldQ] = [p.mul(1), q.mul(1)];
      assign(p, oldQ.add(x));
      assign(q, oldP.sub(x));
    });
    const [a, b] = [p.toTypedArray().slice(), q.toTypedArray().slice()];
    step(wave(N, 0.7));
    const x = wave(N, 0.7).toTypedArray();
    expect(bits(p)).toEqual(bits(tensor(b.map((v, i) => v + (x[i] as number)))));
    expect(bits(q)).toEqual(bits(tensor(a.map((v, i) => v - (x[i] as number)))));
  });
});
