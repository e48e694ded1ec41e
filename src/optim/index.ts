import "../ops/methods.js";

export { GradientAccumulator } from "./accumulator.js";
export { Adam, type AdamHyper, type AdamOptions, AdamW } from "./adam.js";
export {
  Adadelta,
  type AdadeltaHyper,
  Adagrad,
  type AdagradHyper,
  RMSprop,
  type RMSpropHyper,
} from "./adaptive.js";
export { clipGradNorm, clipGradValue, type Gradients, gradNorm } from "./clip.js";
export { Lion, type LionHyper } from "./lion.js";
export { NAdam, type NAdamHyper } from "./nadam.js";
export { type Group, type Hyper, Optimizer, type ParametersOrGroups } from "./optimizer.js";
export {
  type CosineOptions,
  type OneCycleOptions,
  type PlateauOptions,
  type ReduceOnPlateau,
  type Schedule,
  type Scheduled,
  schedules,
} from "./schedules.js";
export { SGD, type SGDHyper, type SGDOptions } from "./sgd.js";
