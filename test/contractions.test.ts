/** Products of any rank, contractions, reductions: values, conventions, refusals. */
import { afterEach, describe, expect, test } from "vitest";
import * as c from "../src/index.js";
import { compile, einsum, grad, init, matmul, type Tensor, tensor, wasm } from "../src/index.js";
import { ts } from "../src/pure.js";

afterEach(() => init({ backend: wasm }));

/** Of a shape that is not known while the types are checked. */
const loose = (t: Tensor): Tensor => t;

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const x = tensor([
  [3, 1, 3],
  [nan, 5, 6],
]);

test("a batch is one instruction, and a shared matrix is not copied", () => {
  const step = compile((a: Tensor, b: Tensor) => matmul(a, b));
  step(c.ones([5, 3, 4]), c.ones([5, 4, 2]));
  expect(step.plan.instructions.length).toBe(1);
  step(c.ones([3, 4]), c.ones([5, 4, 2]));
  expect(step.plan.instructions.length).toBe(1);
  const folded = compile((a: Tensor, b: Tensor) => matmul(a, b.transpose()));
  folded(c.ones([5, 3, 4]), c.ones([2, 4]));
  expect(folded.plan.instructions.length).toBe(1);
  expect(folded.plan.peakBytes).toBe(4 * (60 + 8 + 30) + 8);
});

test("empty batches and empty sums", () => {
  expect(matmul(c.ones([0, 3, 4]), c.ones([4, 2])).shape).toEqual([0, 3, 2]);
  expect(matmul(c.ones([2, 1, 0]), c.ones([2, 0, 1])).toArray()).toEqual([[[0]], [[0]]]);
});

describe.each([
  { name: "wasm f32", backend: wasm, dtype: "f32" },
  { name: "ts f64", backend: ts, dtype: "f64" },
] as const)("in $name", ({ backend, dtype }) => {
  test.each<[string, (x: Tensor) => Tensor, unknown]>([
    ["argmax", (t) => c.argmax(t, 1), [0, 0]],
    ["argmax of all: the first NaN", (t) => c.argmax(t), 3],
    ["argmin, keepdims", (t) => c.argmin(t, 1, true), [[1], [0]]],
    ["maxWithIndices", (t) => c.maxWithIndices(t, 0).values, [nan, 5, 6]],
    [
      "cumsum",
      (t) => c.cumsum(t, 1),
      [
        [3, 4, 7],
        [nan, nan, nan],
      ],
    ],
    ["prod", (t) => c.prod(t, 1), [9, nan]],
    ["prod of nothing", () => c.prod(tensor([])), 1],
    ["logSumExp of nothing", () => c.logSumExp(c.zeros([2, 0]), 1), [-inf, -inf]],
    ["logSumExp of −Infinity", () => c.logSumExp(tensor([-inf, -inf])), -inf],
    ["logSumExp of Infinity", () => c.logSumExp(tensor([inf, 1])), inf],
    [
      "logSumExp of large",
      () =>
        c
          .logSumExp(tensor([1000, 1000]))
          .sub(1000)
          .mul(1e3)
          .round(),
      693,
    ],
    ["variance", () => c.variance(tensor([1, 2, 3, 6])), 3.5],
    ["variance of a sample of one", () => c.variance(tensor([1]), 0, { ddof: 1 }), nan],
    [
      "norm",
      () =>
        c.norm(
          tensor([
            [3, 4],
            [0, 0],
          ]),
          1,
        ),
      [5, 0],
    ],
    ["norm of order −∞", () => c.norm(tensor([-3, 4]), 0, { order: -inf }), 3],
  ])("%s", (_, f, want) => {
    init({ backend, dtype });
    expect(f(tensor(x.toArray())).toArray()).toEqual(want);
  });

  test("gradients where there is a choice", () => {
    init({ backend, dtype });
    const at = (f: (t: Tensor) => Tensor, ...data: number[]): unknown =>
      grad((t: Tensor) => c.sum(f(t)))(tensor(data)).toArray();
    expect(at((t) => c.norm(t), 0, 0)).toEqual([0, 0]);
    expect(at((t) => c.prod(t), 2, 0, 5)).toEqual([0, 10, 0]);
    expect(at((t) => c.prod(t), 2, 0, 0)).toEqual([0, 0, 0]);
    expect(at((t) => c.maxWithIndices(t, 0).values, 7, 7, 1)).toEqual([1, 0, 0]);
  });
});

test.each<[string, unknown]>([
  ["i,i", 32],
  [
    "i,j->ji",
    [
      [4, 8, 12],
      [5, 10, 15],
      [6, 12, 18],
    ],
  ],
  [" i , i -> i ", [4, 10, 18]],
])("einsum %s", (subscripts, want) => {
  expect(einsum(subscripts, tensor([1, 2, 3]), tensor([4, 5, 6])).toArray()).toEqual(want);
});

test("einsum sums out what only one operand has", () => {
  const a = tensor([
    [1, 2],
    [3, 4],
  ]);
  expect(einsum("ij,k->i", a, tensor([1, 2])).toArray()).toEqual([9, 21]);
  expect(einsum("...i->i...", a).toArray()).toEqual([
    [1, 3],
    [2, 4],
  ]);
});

test("einsum multiplies any number of operands, stretches ... and takes every letter", () => {
  const a = c.arange(6).reshape([2, 3]);
  const b = c.arange(12).reshape([3, 4]);
  const d = c.arange(8).reshape([4, 2]);
  const once = matmul(matmul(a, b), d);
  expect(einsum("ij,jk,kl->il", a, b, d).toArray()).toEqual(once.toArray());
  expect(einsum("ij,jk,kl,il", a, b, d, once).item()).toBe(once.square().sum().item());
  expect(einsum("ZY,YX", a, b).toArray()).toEqual(matmul(a, b).transpose().toArray());
  expect(einsum("Z", tensor([1, 2])).toArray()).toEqual([1, 2]);
  const [row, column] = [a.reshape([1, 2, 3]), c.ones([4, 1, 3])];
  expect(einsum("...i,...i->...", row, column).toArray()).toEqual(
    Array.from({ length: 4 }, () => [3, 12]),
  );
  expect(einsum("...,...->...", c.ones([1]), c.ones([0])).shape).toEqual([0]);
});

const v = c.ones([3]);
test.each<[string, () => unknown, string]>([
  ["einsum, letters", () => einsum("i+j", v), 'einsum: subscripts are not understood: got "i+j"'],
  [
    "einsum, operands",
    () => einsum("i,i->", v),
    'einsum: number of operands differs: got 1 for "i,i->", expected 2',
  ],
  [
    "einsum, no operand",
    () => einsum("i"),
    'einsum: number of operands differs: got 0 for "i", expected 1',
  ],
  [
    "einsum, lengths of ...",
    () => einsum("...,...->...", v, c.ones([2])),
    "einsum: lengths of ... differ: got 3 and 2, expected equal ones",
  ],
  [
    "einsum, axes",
    () => einsum("ij->i", v),
    'einsum: axes differ: got [3] for "ij", expected 2 axes',
  ],
  [
    "einsum, output",
    () => einsum("i->j", v),
    'einsum: output axis j is not in the operands once: got "i->j"',
  ],
  [
    "einsum, lengths",
    () => einsum("i,i->", v, c.ones([4])),
    "einsum: lengths of i differ: got 3 and 4, expected equal ones",
  ],
  [
    "batches",
    () => matmul(loose(c.ones([2, 3, 4])), c.ones([3, 4, 5])),
    "matmul: shapes do not broadcast: got [2] and [3]",
  ],
  [
    "batches, inner",
    () => matmul(loose(c.ones([2, 3, 4])), c.ones([2, 3, 5])),
    "matmul: inner dimensions differ: got [2, 3, 4] × [2, 3, 5]",
  ],
  [
    "outer",
    () => c.outer(v, c.ones([2, 2])),
    "outer: operands are no vectors: got [3] and [2, 2], expected [m] and [n]",
  ],
  [
    "gemm",
    () => c.gemm(v, v),
    "gemm: operands are no matrices: got [3] and [3], expected two axes each",
  ],
  [
    "norm",
    () => c.norm(v, 0, { order: 0 }),
    "norm: bad order: got 0, expected a positive number or -Infinity",
  ],
  [
    "argmax of nothing",
    () => c.argmax(tensor([])),
    "argmax: nothing to reduce: got [0] over axis 0, expected at least one element",
  ],
  [
    "argmin, axis",
    () => c.argmin(v, 1),
    "argmin: axis is out of range: got 1, expected −1 ≤ axis < 1",
  ],
  [
    "cumsum of integers",
    () => c.cumsum(tensor([1], { dtype: "i32" }), 0),
    "cumsum: dtype is not a float: got i32",
  ],
])("bad input: %s", (_, call, message) => expect(call).toThrow(message));
