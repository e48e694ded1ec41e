export { crossEntropy, type Reduction } from "../ops/loss.js";
export { type BatchNormOptions, BatchNorm1d, Dropout, Linear, ReLU, Sequential, Sigmoid, Tanh } from "./layers.js";
export { Module } from "./module.js";
