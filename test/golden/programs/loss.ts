import * as c from "../../../src/index.js";
import * as nn from "../../../src/nn/index.js";
import type { Program, Programs } from "../program.js";

type Pair = (x: c.Tensor, y: c.Tensor, options: { reduction?: nn.Reduction }) => c.Tensor;
const pair =
  (loss: Pair): Program =>
  ([x, y], { reduction }) => [loss(x, y, { reduction })];

/** The third input, if there is one, is a weight for each class. */
const classes: Program = (inputs, { reduction, label_smoothing, ignore_index }) => {
  const [logits, targets, weight] = inputs as readonly c.Tensor[] as [
    c.Tensor,
    c.Tensor,
    c.Tensor?,
  ];
  return [
    nn.crossEntropy(logits, targets, {
      reduction,
      labelSmoothing: label_smoothing,
      ignoreIndex: ignore_index,
      ...(weight && { weight }),
    }),
  ];
};

const margin =
  (average: boolean): Program =>
  ([x, y], { reduction, margin: width, p }) => [
    nn.multiMargin(x, y, { reduction, margin: width, p, average }),
  ];

export const programs: Programs = {
  softmax: ([x], { axis = -1 }) => [c.softmax(x, axis)],
  log_softmax: ([x], { axis = -1 }) => [c.logSoftmax(x, axis)],
  cross_entropy: classes,
  cross_entropy_soft: classes,
  cross_entropy_nd: classes,
  nll_loss: (inputs, { reduction, ignore_index }) => {
    const [x, y, weight] = inputs as readonly c.Tensor[] as [c.Tensor, c.Tensor, c.Tensor?];
    const options = { reduction, ignoreIndex: ignore_index, ...(weight && { weight }) };
    return [nn.nllLoss(x, y, options)];
  },
  kl_div: ([x, y], { reduction, log_target }) => [
    nn.klDiv(x, y, {
      reduction: reduction === "batchmean" ? "batchMean" : reduction,
      logTarget: log_target,
    }),
  ],
  mse: pair(nn.mse),
  l1: pair(nn.l1),
  huber: ([x, y], { reduction, delta }) => [nn.huber(x, y, { reduction, delta })],
  smooth_l1: ([x, y], { reduction, beta }) => [nn.smoothL1(x, y, { reduction, beta })],
  bce: pair(nn.bce),
  bce_with_logits: pair(nn.bceWithLogits),
  hinge_embedding: ([x, y], { reduction, margin: width }) => [
    nn.hingeEmbedding(x, y, { reduction, margin: width }),
  ],
  multi_margin: margin(true),
  svm_hinge: margin(false),
  cosine_similarity: ([a, b], { axis = 1, eps }) => [c.cosineSimilarity(a, b, { axis, eps })],
};
