import { logSoftmax, softmax, type Tensor, tensor } from "../../../src/index.js";
import * as nn from "../../../src/nn/index.js";
import { labels, type Row, unary } from "../row.js";

const ce = (use: string, options: nn.CrossEntropyOptions = {}): Row => ({
  op: "crossEntropy",
  use,
  f: (x) => nn.crossEntropy(x as Tensor, labels(6, 5), options),
  shapes: [[6, 5]],
});
const pair = (
  op: string,
  loss: (x: Tensor, y: Tensor) => Tensor,
  extra: Partial<Row> = {},
): Row => ({
  op,
  f: (x, y) => loss(x as Tensor, y as Tensor),
  shapes: [
    [4, 3],
    [4, 3],
  ],
  ...extra,
});
const weightLike = (x: Tensor): Tensor => tensor([1, 0.5, 2, 0.25, 3], { dtype: x.dtype });
const signs = (x: Tensor): Tensor =>
  tensor(
    Array.from({ length: x.size }, (_, i) => (i % 3 ? 1 : -1)),
    { shape: x.shape, dtype: x.dtype },
  );

export const rows: Row[] = [
  unary("softmax", softmax),
  { op: "softmax", use: "inner axis", f: (x) => softmax(x as Tensor, 1), shapes: [[2, 4, 3]] },
  unary("logSoftmax", logSoftmax),
  unary("logSoftmax", (x) => logSoftmax(x, 0), { use: "first axis" }),
  ce(""),
  ce("sum", { reduction: "sum" }),
  ce("none", { reduction: "none" }),
  ce("smoothed", { labelSmoothing: 0.1 }),
  ce("ignoring", { ignoreIndex: 3 }),
  {
    op: "crossEntropy",
    use: "weighted, smoothed, ignoring",
    f: (x) =>
      nn.crossEntropy(x as Tensor, labels(6, 5), {
        weight: weightLike(x as Tensor),
        labelSmoothing: 0.2,
        ignoreIndex: 1,
      }),
    shapes: [[6, 5]],
  },
  {
    op: "crossEntropy",
    use: "of images",
    f: (x) => nn.crossEntropy(x as Tensor, labels(12, 5).reshape([2, 3, 2])),
    shapes: [[2, 5, 3, 2]],
  },
  {
    op: "crossEntropy",
    use: "with probabilities",
    f: (x, y) => nn.crossEntropy(x as Tensor, y as Tensor, { labelSmoothing: 0.1 }),
    shapes: [
      [4, 5],
      [4, 5],
    ],
  },
  { op: "nllLoss", f: (x) => nn.nllLoss(x as Tensor, labels(6, 5)), shapes: [[6, 5]] },
  {
    op: "nllLoss",
    use: "weighted, ignoring",
    f: (x) =>
      nn.nllLoss(x as Tensor, labels(6, 5), { weight: weightLike(x as Tensor), ignoreIndex: 0 }),
    shapes: [[6, 5]],
  },
  pair("klDiv", nn.klDiv, { domain: [0.1, 2] }),
  pair("klDiv", (x, y) => nn.klDiv(x, y, { logTarget: true, reduction: "batchMean" }), {
    use: "of logarithms",
  }),
  pair("mse", nn.mse),
  pair("mse", (x, y) => nn.mse(x, y, { reduction: "none" }), { use: "none" }),
  pair("l1", nn.l1, { distinct: true }),
  pair("huber", (x, y) => nn.huber(x, y, { delta: 0.7 })),
  pair("smoothL1", (x, y) => nn.smoothL1(x, y, { beta: 0.5 })),
  pair("bceWithLogits", nn.bceWithLogits),
  pair(
    "bceWithLogits",
    (x, y) => nn.bceWithLogits(x, y, { posWeight: tensor([1, 2, 3], { dtype: x.dtype }) }),
    { use: "weighted" },
  ),
  pair("bce", nn.bce, { domain: [0.1, 0.9] }),
  {
    op: "hingeEmbedding",
    f: (x) => nn.hingeEmbedding(x as Tensor, signs(x as Tensor), { margin: 0.5 }),
    shapes: [[4, 3]],
    kinks: [0.5],
  },
  { op: "multiMargin", f: (x) => nn.multiMargin(x as Tensor, labels(6, 5)), shapes: [[6, 5]] },
  {
    op: "multiMargin",
    use: "squared, weighted",
    f: (x) =>
      nn.multiMargin(x as Tensor, labels(6, 5), {
        p: 2,
        weight: weightLike(x as Tensor),
        average: false,
      }),
    shapes: [[6, 5]],
  },
  pair("cosineSimilarity", nn.cosineSimilarity),
];
