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
export { clipGradNorm, clipGradValue, gradNorm } from "./clip.js";
export type { Gradients } from "./gradients.js";
export type { Group, Hyper, ParametersOrGroups } from "./groups.js";
export { Lion, type LionHyper } from "./lion.js";
export { NAdam, type NAdamHyper } from "./nadam.js";
export { Optimizer } from "./optimizer.js";
export type { PlateauOptions, ReduceOnPlateau } from "./plateau.js";
export type { Schedule, Scheduled } from "./schedule.js";
export { type CosineOptions, type OneCycleOptions, schedules } from "./schedules.js";
export { SGD, type SGDHyper, type SGDOptions } from "./sgd.js";
