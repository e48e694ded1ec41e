import "../ops/methods.js";

export { crossEntropy, type Reduction } from "../ops/loss.js";
export { type BatchNormResult, batchNormEval, batchNormTrain } from "../ops/norm.js";
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
