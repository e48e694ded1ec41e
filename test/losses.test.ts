/** Losses: conventions and refusals. */
import { describe, expect, test } from "vitest";
import {
  cosineSimilarity,
  grad,
  logSoftmax,
  softmax,
  sum,
  type Tensor,
  tensor,
} from "../src/index.js";
import * as nn from "../src/nn/index.js";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const ints = (...data: number[]): Tensor => tensor(data, { dtype: "i32" });
const x23 = tensor([
  [1, 2, 3],
  [0, 0, 0],
]);

describe("values", () => {
  test.each<[string, () => Tensor, unknown]>([
    ["softmax of −Infinity alone", () => softmax(tensor([-inf, -inf])), [nan, nan]],
    [
      "softmax with NaN",
      () =>
        softmax(
          tensor([
            [nan, 1],
            [0, 0],
          ]),
        ),
      [
        [nan, nan],
        [0.5, 0.5],
      ],
    ],
    ["softmax, masked", () => softmax(tensor([0, -inf, 0])), [0.5, 0, 0.5]],
    ["softmax of nothing", () => softmax(tensor([], { shape: [2, 0] })), [[], []]],
    ["logSoftmax, far apart", () => logSoftmax(tensor([0, -1000])), [0, -1000]],
    ["every row ignored", () => nn.crossEntropy(x23, ints(7, 7), { ignoreIndex: 7 }), nan],
    [
      "every row ignored, summed",
      () => nn.crossEntropy(x23, ints(7, 7), { ignoreIndex: 7, reduction: "sum" }),
      0,
    ],
    ["one example", () => nn.crossEntropy(tensor([0, 0]), tensor(1, { dtype: "i32" })).exp(), 2],
    ["l1", () => nn.l1(tensor([1, 2]), tensor([4, 2]), { reduction: "none" }), [3, 0]],
    [
      "klDiv where p is 0",
      () => nn.klDiv(tensor([-1, -1]), tensor([0, 1]), { reduction: "none" }),
      [0, 1],
    ],
    [
      "bce, clamped",
      () => nn.bce(tensor([0, 1]), tensor([1, 1]), { reduction: "none" }),
      [100, -0],
    ],
    ["multiMargin", () => nn.multiMargin(tensor([[1, 2, 4]]), ints(1)), 1],
    [
      "multiMargin of CS231n",
      () => nn.multiMargin(tensor([[1, 2, 4]]), ints(1), { average: false }),
      3,
    ],
    ["cosine of nothing", () => cosineSimilarity(tensor([[0, 0]]), tensor([[1, 0]])), [0]],
  ])("%s", (_, f, want) => expect(f().toArray()).toEqual(want));
});

describe("gradients where there is a choice", () => {
  const at = (f: (x: Tensor) => Tensor, ...data: number[]): unknown =>
    grad((x: Tensor) => sum(f(x)))(tensor(data)).toArray();
  test.each<[string, unknown, unknown]>([
    ["l1 at equality", at((x) => nn.l1(x, tensor([2, 1])), 2, 2), [0, 0.5]],
    ["hinge at the margin", at((x) => nn.hingeEmbedding(x, tensor([-1, -1])), 1, 0), [-0.5, -0.5]],
    ["bce at the ends", at((x) => nn.bce(x, tensor([0, 1]), { reduction: "sum" }), 0, 1), [0, 0]],
    ["huber at delta", at((x) => nn.huber(x, tensor([0, 0]), { reduction: "sum" }), 1, 2), [1, 1]],
    [
      "cosine of nothing",
      at((x) => cosineSimilarity(x.reshape([1, 2]), tensor([[1, 0]])).mul(1e-8), 0, 0),
      [1, 0],
    ],
  ])("%s", (_, got, want) => {
    for (const [i, g] of (got as number[]).entries())
      expect(g).toBeCloseTo((want as number[])[i] as number, 5);
  });
});

test.each<[string, () => unknown, string]>([
  [
    "reduction",
    () => nn.mse(x23, x23, { reduction: "avg" as never }),
    'mse: unknown reduction: got "avg", expected "mean", "sum" or "none"',
  ],
  [
    "shapes",
    () => nn.mse(x23, tensor([1])),
    "mse: shapes differ: got [2, 3] and [1], expected equal ones; broadcastTo stretches one",
  ],
  [
    "smoothing",
    () => nn.crossEntropy(x23, ints(0, 1), { labelSmoothing: 2 }),
    "crossEntropy: bad labelSmoothing: got 2, expected 0 ≤ labelSmoothing ≤ 1",
  ],
  [
    "weight",
    () => nn.crossEntropy(x23, ints(0, 1), { weight: tensor([1]) }),
    "crossEntropy: weight does not fit: got [1], expected [3], one for each class",
  ],
  [
    "labels of images",
    () => nn.crossEntropy(tensor([[[1], [2]]]), ints(0)),
    "crossEntropy: shapes do not fit: got logits [1, 2, 1] and labels [1]",
  ],
  [
    "probabilities",
    () => nn.crossEntropy(x23, tensor([[1, 2]])),
    "crossEntropy: shapes do not fit: got logits [2, 3] and probabilities [1, 2], expected equal ones",
  ],
  [
    "a label, weighted",
    () => nn.crossEntropy(x23, ints(0, 3), { labelSmoothing: 0.1 }).item(),
    "crossEntropy: label 3 at row 1 is out of range: expected 0 ≤ label < 3",
  ],
  [
    "a label that PyTorch ignores",
    () => nn.crossEntropy(x23, ints(0, -100)).item(),
    "crossEntropy: label -100 at row 1 is out of range",
  ],
  [
    "nllLoss, a label",
    () => nn.nllLoss(x23, ints(0, -1)).item(),
    "nllLoss: index -1 at position 1 is out of range: expected 0 ≤ index < 3",
  ],
  [
    "huber",
    () => nn.huber(x23, x23, { delta: 0 }),
    "huber: bad delta: got 0, expected a finite number > 0",
  ],
  [
    "multiMargin",
    () => nn.multiMargin(x23, ints(0, 1), { p: 3 as never }),
    "multiMargin: bad p: got 3, expected 1 or 2",
  ],
  ["softmax of integers", () => softmax(ints(1)), "softmax: dtype is not a float: got i32"],
  [
    "softmax, axis",
    () => softmax(x23, 2),
    "softmax: axis is out of range: got 2, expected −2 ≤ axis < 2",
  ],
])("bad input: %s", (_, call, message) => expect(call).toThrow(message));
