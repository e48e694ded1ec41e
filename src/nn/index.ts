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
  bceWithLogits,
  type CosineOptions,
  cosineSimilarity,
  hingeEmbedding,
  huber,
  type KlDivOptions,
  klDiv,
  type LogitsOptions,
  l1,
  mse,
  smoothL1,
} from "../ops/losses.js";
export { type BatchNormResult, batchNormEval, batchNormTrain } from "../ops/norm.js";
export type { LossOptions, Reduction } from "../ops/reduction.js";
export { groupNorm, layerNorm, rmsNorm } from "../ops/rowNorm.js";
export {
  ELU,
  GELU,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  LogSigmoid,
  LogSoftmax,
  Mish,
  ReLU,
  ReLU6,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Softsign,
  Tanh,
} from "./activations.js";
export {
  type AttentionMasks,
  type AttentionOptions,
  MultiheadAttention,
  MultiheadAttention as MultiHeadAttention,
  scaledDotProductAttention,
} from "./attention.js";
export { Flatten, Identity, ModuleList, Sequential } from "./containers.js";
export {
  Conv1d,
  Conv2d,
  type ConvModuleOptions,
  ConvTranspose1d,
  ConvTranspose2d,
  type ConvTransposeModuleOptions,
} from "./conv.js";
export { Dropout } from "./dropout.js";
export { Embedding, type EmbeddingOptions } from "./embedding.js";
export { init, type KaimingOptions, type Nonlinearity } from "./init.js";
export { Linear } from "./linear.js";
export { type Layer, Module } from "./module.js";
export {
  BatchNorm1d,
  BatchNorm2d,
  type BatchNormCall,
  type BatchNormOptions,
  batchNorm,
  GroupNorm,
  LayerNorm,
  type LayerNormOptions,
  RMSNorm,
} from "./norm.js";
export {
  AdaptiveAvgPool2d,
  AvgPool1d,
  AvgPool2d,
  GlobalAvgPool,
  GlobalMaxPool,
  MaxPool1d,
  MaxPool2d,
  Upsample,
} from "./pool.js";
export { GRU, LSTM, type Recurrence, type RecurrentOptions, RNN } from "./recurrent.js";
