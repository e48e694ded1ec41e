/**
 * Every op is a row: in f64 its derivatives are checked against central differences, forward mode
 * against reverse mode (⟨Jv, u⟩ = ⟨v, Jᵀu⟩), first and second order; in f32 both builds must give
 * equal bits for values and gradients.
 */
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  add,
  broadcastTo,
  div,
  exp,
  grad,
  init,
  jvp,
  linear,
  log,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
  vjp,
  wasm,
} from "../src/index.js";
import { crossEntropy } from "../src/nn/index.js";
import { batchNormEval, batchNormTrain } from "../src/ops/norm.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";

type F = (...inputs: Tensor[]) => Tensor;
interface Row {
  readonly name: string;
  readonly f: F;
  readonly shapes: readonly (readonly number[])[];
  /** The inputs are drawn from here; default −2 … 2. */
  readonly domain?: readonly [number, number];
  /** Piecewise linear: the second derivative is 0, and inputs stay away from the kink. */
  readonly kink?: number;
}

const labels = (n: number, classes: number): Tensor =>
  tensor(
    Array.from({ length: n }, (_, row) => (row * 7 + 3) % classes),
    { dtype: "i32" },
  );
const norm: F = (x, gamma, beta) => batchNormTrain(x as Tensor, gamma as Tensor, beta as Tensor).y;
const normed: F = (x, mu, variance, gamma, beta) =>
  batchNormEval(x as Tensor, mu as Tensor, variance as Tensor, gamma as Tensor, beta as Tensor);
const unary = (name: string, f: (x: Tensor) => Tensor, extra: Partial<Row> = {}): Row => ({
  name,
  f: (x) => f(x as Tensor),
  shapes: [[3, 5]],
  ...extra,
});
const binary = (
  name: string,
  f: (a: Tensor, b: Tensor) => Tensor,
  extra: Partial<Row> = {},
): Row[] =>
  [
    [
      [3, 5],
      [3, 5],
    ],
    [[3, 5], [5]],
    [
      [3, 1],
      [1, 5],
    ],
    [[], [2, 3]],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [
      [2, 1, 3, 1],
      [4, 1, 2],
    ],
  ].map((shapes) => ({
    name: `${name} ${JSON.stringify(shapes)}`,
    f: (a, b) => f(a as Tensor, b as Tensor),
    shapes,
    ...extra,
  }));
const reduced = (name: string, f: typeof sum): Row[] =>
  [undefined, 0, -1, [0, 2], [1, 2], []].map((axes) => ({
    name: `${name} over ${JSON.stringify(axes)}`,
    f: (x) => f(x as Tensor, axes, axes === 0),
    shapes: [[3, 4, 2]],
  }));

const rows: Row[] = [
  ...binary("add", add),
  ...binary("sub", sub),
  ...binary("mul", mul),
  ...binary("div", div, { domain: [0.5, 2] }),
  ...binary("maximum", maximum),
  ...binary("minimum", minimum),
  { name: "mul by itself", f: (x) => mul(x as Tensor, x as Tensor), shapes: [[7]] },
  unary("neg", neg),
  unary("exp", exp),
  unary("log", log, { domain: [0.3, 3] }),
  unary("sqrt", sqrt, { domain: [0.3, 3] }),
  unary("square", square),
  unary("sigmoid", sigmoid),
  unary("tanh", tanh),
  unary("relu", relu, { kink: 0 }),
  unary("reshape", (x) => reshape(x, [5, -1])),
  unary("transpose", (x) => transpose(x)),
  unary("broadcastTo", (x) => broadcastTo(x, [2, 3, 5])),
  unary("broadcastTo inner", (x) => broadcastTo(reshape(x, [3, 5, 1]), [3, 5, 4])),
  { name: "transpose 3-d", f: (x) => transpose(x as Tensor, [1, 2, 0]), shapes: [[2, 3, 4]] },
  ...reduced("sum", sum),
  ...reduced("mean", mean),
  ...reduced("max", max),
  ...reduced("min", min),
  {
    name: "matmul",
    f: (a, b) => matmul(a as Tensor, b as Tensor),
    shapes: [
      [3, 4],
      [4, 5],
    ],
  },
  { name: "matmul of vectors", f: (a, b) => matmul(a as Tensor, b as Tensor), shapes: [[4], [4]] },
  {
    name: "matmul, vector left",
    f: (a, b) => matmul(a as Tensor, b as Tensor),
    shapes: [[4], [4, 3]],
  },
  {
    name: "matmul of transposes",
    f: (a, b) => matmul(transpose(a as Tensor), transpose(b as Tensor)),
    shapes: [
      [4, 3],
      [5, 4],
    ],
  },
  {
    name: "linear",
    f: (x, w, b) => linear(x as Tensor, w as Tensor, b),
    shapes: [[3, 4], [5, 4], [5]],
  },
  {
    name: "linear without bias",
    f: (x, w) => linear(x as Tensor, w as Tensor),
    shapes: [
      [3, 4],
      [5, 4],
    ],
  },
  {
    name: "relu of linear",
    f: (x, w, b) => relu(linear(x as Tensor, w as Tensor, b)),
    shapes: [[3, 4], [5, 4], [5]],
  },
  { name: "crossEntropy", f: (x) => crossEntropy(x as Tensor, labels(6, 5)), shapes: [[6, 5]] },
  {
    name: "crossEntropy, sum",
    f: (x) => crossEntropy(x as Tensor, labels(6, 5), { reduction: "sum" }),
    shapes: [[6, 5]],
  },
  {
    name: "crossEntropy, none",
    f: (x) => crossEntropy(x as Tensor, labels(6, 5), { reduction: "none" }),
    shapes: [[6, 5]],
  },
  { name: "batchNorm", f: norm, shapes: [[6, 3], [3], [3]] },
  { name: "batchNorm with length", f: norm, shapes: [[4, 3, 5], [3], [3]] },
  { name: "batchNormEval", f: normed, shapes: [[4, 3], [3], [3], [3], [3]], domain: [0.5, 2] },
  {
    name: "a fork and a chain",
    f: (x) => mul(sigmoid(x as Tensor), add(tanh(x as Tensor), exp(neg(x as Tensor)))),
    shapes: [[9]],
  },
];

afterEach(() => init({ backend: wasm }));

/** A fixed stream of numbers in [low, high). */
function stream(seed: number): (low: number, high: number) => number {
  let s = seed * 2654435761 + 1;
  return (low, high) => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return low + ((s >>> 8) / 2 ** 24) * (high - low);
  };
}

const size = (shape: readonly number[]): number => shape.reduce((n, length) => n * length, 1);
function inputsOf(row: Row, seed: number, dtype: "f32" | "f64"): Tensor[] {
  const next = stream(seed);
  const [low, high] = row.domain ?? [-2, 2];
  return row.shapes.map((shape) => {
    const data = Array.from({ length: size(shape) }, () => {
      const x = next(low, high);
      return row.kink !== undefined && Math.abs(x - row.kink) < 0.05 ? x + 0.1 : x;
    });
    return tensor(data, { shape, dtype });
  });
}
const like = (x: Tensor, seed: number): Tensor => {
  const next = stream(seed);
  return tensor(
    Array.from({ length: x.size }, () => next(-1, 1)),
    { shape: x.shape, dtype: x.dtype },
  );
};
const dot = (a: Tensor, b: Tensor): number => sum(mul(a, b)).item();
const shifted = (x: Tensor, v: Tensor, h: number): Tensor => add(x, mul(v, h));

/** |⟨Jv, u⟩ by differences − ⟨v, Jᵀu⟩|, relative. */
function differenceError(f: F, x: Tensor[], v: Tensor[], u: Tensor, gradients: Tensor[]): number {
  const h = 1e-5;
  const at = (sign: number): Tensor =>
    f(...x.map((xi, i) => shifted(xi, v[i] as Tensor, sign * h)));
  const numeric = dot(u, sub(at(1), at(-1))) / (2 * h);
  const analytic = gradients.reduce((total, g, i) => total + dot(g, v[i] as Tensor), 0);
  return Math.abs(numeric - analytic) / Math.max(1, Math.abs(numeric));
}

describe("derivatives in f64", () => {
  test.each(rows)("$name", (row) => {
    init({ backend: ts, dtype: "f64" });
    const x = inputsOf(row, 1, "f64");
    const f = (all: readonly Tensor[]): Tensor => row.f(...all);
    const { value, pullback } = vjp(f, x);
    const u = like(value, 2);
    const v = x.map((xi, i) => like(xi, 3 + i));
    const gradients = pullback(u) as Tensor[];
    for (const [i, g] of gradients.entries()) expect(g.shape).toEqual((x[i] as Tensor).shape);
    expect(differenceError(row.f, x, v, u, gradients), "central differences").toBeLessThan(1e-8);

    const { tangent } = jvp(f, x, v);
    const forward = dot(u, tangent);
    const reverse = gradients.reduce((total, g, i) => total + dot(g, v[i] as Tensor), 0);
    expect(
      Math.abs(forward - reverse) / Math.max(1, Math.abs(forward)),
      "⟨Jv,u⟩ = ⟨v,Jᵀu⟩",
    ).toBeLessThan(1e-12);

    // The same for the function's own gradient: every rule is differentiated once more.
    const gradient: F = (...all) => {
      const parts = vjp(f, all).pullback(u) as Tensor[];
      return parts.reduce(
        (total, part, i) => add(total, sum(mul(part, v[i] as Tensor))),
        tensor(0, { dtype: "f64" }),
      );
    };
    const second = vjp((all: readonly Tensor[]) => gradient(...all), x).pullback(
      tensor(1, { dtype: "f64" }),
    );
    expect(
      differenceError(gradient, x, v, tensor(1, { dtype: "f64" }), second as Tensor[]),
      "second order",
    ).toBeLessThan(1e-7);
    const pushed = jvp((all: readonly Tensor[]) => gradient(...all), x, v).tangent.item();
    const pulled = (second as Tensor[]).reduce((total, g, i) => total + dot(g, v[i] as Tensor), 0);
    expect(
      Math.abs(pushed - pulled) / Math.max(1, Math.abs(pushed)),
      "second order, both modes",
    ).toBeLessThan(1e-11);
  });
});

/** Bits of a value and all gradients, NaNs made one. */
function bitsOf(row: Row, inputs: readonly (readonly number[])[]): number[][] {
  const x = inputs.map((data, i) => tensor(data, { shape: row.shapes[i] as number[] }));
  const { value, pullback } = vjp((all: readonly Tensor[]) => row.f(...all), x);
  return [value, ...(pullback(like(value, 5)) as Tensor[])].map((t) => {
    const data = t.toTypedArray() as Float32Array;
    return [...new Uint32Array(data.buffer)].map((word, i) =>
      Number.isNaN(data[i]) ? 0x7fc00000 : word,
    );
  });
}

const special = fc.constantFrom(
  Number.NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  1e-45,
  -1e-40,
  3.4e38,
  1e4,
  -1e4,
  88.7,
  -104,
);
const number = fc.oneof(
  { weight: 4, arbitrary: fc.float({ noNaN: true, min: -8, max: 8 }) },
  { weight: 1, arbitrary: special },
);

describe("equal bits in both builds", () => {
  test.each(rows)("$name", (row) => {
    const data = fc.tuple(
      ...row.shapes.map((shape) =>
        fc.array(number, { minLength: size(shape), maxLength: size(shape) }),
      ),
    );
    fc.assert(
      fc.property(data, (inputs) => {
        init({ backend: wasm });
        const a = bitsOf(row, inputs);
        init({ backend: ts });
        expect(bitsOf(row, inputs)).toEqual(a);
      }),
      { numRuns: 15, seed: 1 },
    );
  });
});

test("dropout is linear with one mask in both modes, and random draws have no gradient", () => {
  init({ backend: ts, dtype: "f64" });
  random.seed(4);
  const x = like(tensor(new Array(50).fill(0)), 1);
  const state = random.getState();
  const f = (t: Tensor): Tensor => {
    random.setState(state);
    return random.dropout(t, 0.4);
  };
  const ones = tensor(new Array(50).fill(1));
  const mask = f(ones).toArray();
  expect(vjp(f, x).pullback(ones).toArray()).toEqual(mask);
  expect(jvp(f, x, ones).tangent.toArray()).toEqual(mask);
  expect(grad((t: Tensor) => mul(t, random.uniform([50])).sum())(x).size).toBe(50);
});

test("stopGradient lets nothing through", () => {
  const f = (x: Tensor): Tensor => mul(x, stopGradient(x)).sum();
  expect(grad(f)(tensor([2, 3])).toArray()).toEqual([2, 3]);
});

test.each([
  { name: "relu", f: relu, at: [0, -0], gradient: [0, 0] },
  {
    name: "maximum at a tie",
    f: (x: Tensor) => maximum(x, tensor([1, 2])),
    at: [1, 3],
    gradient: [0.5, 1],
  },
  {
    name: "minimum at a tie",
    f: (x: Tensor) => minimum(x, tensor([1, 2])),
    at: [1, 3],
    gradient: [0.5, 0],
  },
  { name: "max over ties", f: (x: Tensor) => max(x), at: [2, 2], gradient: [0.5, 0.5] },
])("the gradient of $name is PyTorch's", ({ f, at, gradient }) => {
  expect(grad((x: Tensor) => sum(f(x)))(tensor(at)).toArray()).toEqual(gradient);
});

describe("empty and scalar shapes", () => {
  test.each([
    { what: "sum of nothing", got: () => sum(tensor([])).item(), want: 0 },
    { what: "mean of nothing", got: () => mean(tensor([])).item(), want: Number.NaN },
    { what: "add", got: () => add(tensor([]), 1).toArray(), want: [] },
    {
      what: "sum over an empty axis",
      got: () => sum(tensor([], { shape: [2, 0] }), 1).toArray(),
      want: [0, 0],
    },
    {
      what: "matmul with k = 0",
      got: () => matmul(tensor([], { shape: [2, 0] }), tensor([], { shape: [0, 2] })).toArray(),
      want: [
        [0, 0],
        [0, 0],
      ],
    },
    {
      what: "matmul with m = 0",
      got: () => matmul(tensor([], { shape: [0, 2] }), tensor([[1], [2]])).shape,
      want: [0, 1],
    },
    { what: "scalar", got: () => exp(tensor(0)).toArray(), want: 1 },
    {
      what: "gradient through nothing",
      got: () => grad((x: Tensor) => square(x).sum())(tensor([])).toArray(),
      want: [],
    },
  ])("$what", ({ got, want }) => expect(got()).toEqual(want));
});
