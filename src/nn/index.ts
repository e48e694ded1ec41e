import "../ops/methods.js";

export {
  type ClassOptions,
  type CrossEntropyOptions,
  crossEntropy,
  type MultiMarginOptions,
  multiMargin,
  nllLoss,
} from "../ops/classification.js";
export {
  bce,
  type CosineOptions,
  cosineSimilarity,
  hingeEmbedding,
  huber,
  type KlDivOptions,
  klDiv,
  l1,
  mse,
  smoothL1,
} from "../ops/losses.js";
export { type BatchNormResult, batchNormEval, batchNormTrain } from "../ops/norm.js";
export type { LossOptions, Reduction } from "../ops/reduction.js";
export * as init from "./init.js";
export {
  BatchNorm1d,
  type BatchNormOptions,
  Dropout,
  Linear,
  ReLU,
  Sequential,
  Sigmoid,
  Tanh,
} from "./layers.js";
export { Module } from "./module.js";
