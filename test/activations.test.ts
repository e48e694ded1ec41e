/** Activations at their kinks and far out. */
import { expect, test } from "vitest";
import * as c from "../src/index.js";
import { grad, sum, type Tensor, tensor } from "../src/index.js";
import { Adam } from "../src/optim/index.js";

const inf = Number.POSITIVE_INFINITY;
const slopes = (f: (x: Tensor) => Tensor, at: number[]): unknown =>
  grad((x: Tensor) => sum(f(x)))(tensor(at)).toArray();

test.each<[string, (x: Tensor) => Tensor, number[], number[]]>([
  ["abs", c.abs, [0, -0, -2], [0, 0, -1]],
  ["sign", c.sign, [0, 3], [0, 0]],
  ["round", c.round, [0.5, 1.2], [0, 0]],
  ["leakyRelu: the slope", (x) => c.leakyRelu(x, 0.25), [0, 1, -1], [0.25, 1, 0.25]],
  ["elu: alpha", (x) => c.elu(x, 0.5), [0, 1], [0.5, 1]],
  ["elu does not overflow where it is not used", (x) => c.elu(x), [1000], [1]],
  ["clamp passes at its bounds", (x) => c.clamp(x, -1, 1), [-1, 1, 2, -2], [1, 1, 0, 0]],
  ["hardtanh blocks at its bounds", (x) => c.hardtanh(x), [-1, 1, 0], [0, 0, 1]],
  ["relu6 blocks at its bounds", c.relu6, [0, 6, 3], [0, 0, 1]],
  ["hardSigmoid", c.hardSigmoid, [-3, 3], [0, 0]],
  ["hardSwish", c.hardSwish, [-4, 4, 0], [0, 1, 0.5]],
  ["softplus at 0", c.softplus, [0], [0.5]],
  ["softplus far out", c.softplus, [1e4, -1e4], [1, 0]],
  ["logSigmoid far out", c.logSigmoid, [1e4, -1e4], [0, 1]],
  ["gelu far out", (x) => c.gelu(x), [1e4, -1e4], [1, 0]],
  ["gelu by tanh, far out", (x) => c.gelu(x, { approximate: "tanh" }), [1e4, -1e4], [1, 0]],
  ["silu far out", c.silu, [1e4, -1e4], [1, 0]],
  ["mish far out", c.mish, [1e4, -1e4], [1, 0]],
  ["softsign at 0", c.softsign, [0], [1]],
])("the gradient of %s", (_, f, at, want) => expect(slopes(f, at)).toEqual(want));

test.each<[string, (x: Tensor) => Tensor, number[], number[]]>([
  ["softplus, exact on both sides", c.softplus, [1e4, -100], [1e4, Math.fround(Math.exp(-100))]],
  ["logSigmoid", c.logSigmoid, [-1e4, 100], [-1e4, -Math.fround(Math.exp(-100))]],
  ["elu of −∞ and ∞", (x) => c.elu(x), [-inf, inf], [-1, inf]],
  ["NaN passes", (x) => c.clamp(c.hardtanh(c.leakyRelu(x)), -1, 1), [Number.NaN], [Number.NaN]],
  ["sign of NaN", c.sign, [Number.NaN], [0]],
  ["relu6", c.relu6, [-1, 7, inf], [0, 6, 6]],
])("the value of %s", (_, f, at, want) => expect(f(tensor(at)).toArray()).toEqual(want));

test("Adam with zero gradients throughout leaves the parameter exactly", () => {
  const w = c.parameter([0.1, -3]);
  const before = w.toArray();
  const optimizer = new Adam([w]);
  for (let k = 0; k < 5; k++) optimizer.apply([tensor([0, 0])]);
  expect(w.toArray()).toEqual(before);
});

test.each<[string, () => unknown, string]>([
  [
    "gelu",
    () => c.gelu(tensor([1]), { approximate: "erf" as never }),
    'gelu: unknown approximation: got "erf", expected "none" or "tanh"',
  ],
  [
    "clamp",
    () => c.clamp(tensor([1]), Number.NaN),
    "clamp: low is not a number: got NaN, expected one",
  ],
  [
    "softplus of integers",
    () => c.softplus(tensor([1], { dtype: "i32" })),
    "softplus: dtype is not a float: got i32, expected f32 or f64",
  ],
])("bad input: %s", (_, call, message) => expect(call).toThrow(message));
