/** The public API, without a backend: each entry chooses one. */
import "./ops/methods.js";

export {
  derivative,
  hessian,
  hvp,
  type Jacobian,
  jacobian,
  type VmapOptions,
  vmap,
} from "./autodiff/derivatives.js";
export { checkpoint, customGrad, type GradRules } from "./autodiff/regions.js";
export {
  type GradientOf,
  grad,
  gradients,
  jvp,
  type Tensors,
  valueAndGrad,
  vjp,
} from "./autodiff/transforms.js";
export {
  type Backend,
  type InitOptions,
  init,
  type KernelModule,
  type ThreadedBackend,
  type ThreadsOptions,
} from "./backend.js";
export { type ComparedOp, type CompareReport, compare } from "./check/compare.js";
export { type GradCheckEntry, type GradCheckReport, gradCheck } from "./check/gradCheck.js";
export {
  type Argument,
  type Arguments,
  type Compiled,
  type CompileOptions,
  compile,
  type Traced,
} from "./compile.js";
export {
  clamp,
  elu,
  type GeluOptions,
  gelu,
  hardSigmoid,
  hardSwish,
  hardtanh,
  leakyRelu,
  logSigmoid,
  mish,
  relu6,
  silu,
  softplus,
  softsign,
} from "./ops/activations.js";
export {
  abs,
  cast,
  ceil,
  eq,
  floor,
  ge,
  gt,
  le,
  logicalAnd,
  logicalNot,
  logicalOr,
  lt,
  maskedFill,
  ne,
  round,
  sign,
  where,
} from "./ops/compare.js";
export {
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
} from "./ops/conv.js";
export type { ConvOptions, ConvTransposeOptions } from "./ops/convOptions.js";
export {
  arange,
  eye,
  full,
  type NestedNumbers,
  type Operand,
  ones,
  type TensorOptions,
  tensor,
  zeros,
} from "./ops/create.js";
export { einsum } from "./ops/einsum.js";
export {
  add,
  div,
  exp,
  log,
  maximum,
  minimum,
  mul,
  neg,
  relu,
  sigmoid,
  sqrt,
  square,
  sub,
  tanh,
} from "./ops/elementwise.js";
export type { Pair } from "./ops/geometry.js";
export {
  embedding,
  gather,
  indexAdd,
  indexSelect,
  oneHot,
  scatterAdd,
  takeAlongAxis,
} from "./ops/indexing.js";
export {
  concat,
  expandDims,
  flatten,
  permute,
  roll,
  split,
  squeeze,
  stack,
  swapAxes,
  tile,
} from "./ops/join.js";
export { cosineSimilarity } from "./ops/losses.js";
export {
  atan,
  atan2,
  cos,
  cosh,
  erf,
  expm1,
  hypot,
  log1p,
  pow,
  reciprocal,
  rsqrt,
  sin,
  sinh,
  tan,
} from "./ops/math.js";
export { type GemmOptions, gemm, linear, matmul, outer } from "./ops/matmul.js";
export { type ParameterOptions, parameter } from "./ops/parameter.js";
export {
  type AvgPoolOptions,
  avgPool1d,
  avgPool2d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool2dWithIndices,
} from "./ops/pool.js";
export { max, mean, min, sum } from "./ops/reduce.js";
export {
  adaptiveAvgPool2d,
  globalAvgPool,
  globalMaxPool,
  upsampleNearest,
} from "./ops/resize.js";
export { broadcastTo, reshape, stopGradient, transpose } from "./ops/shape.js";
export { logSoftmax, softmax } from "./ops/softmax.js";
export { argsort, type SortOptions, sort, topK } from "./ops/sort.js";
export {
  argmax,
  argmin,
  cumsum,
  logSumExp,
  maxWithIndices,
  type NormOptions,
  norm,
  prod,
  std,
  type VarianceOptions,
  variance,
} from "./ops/statistics.js";
export { fold, type UnfoldOptions, unfold } from "./ops/unfold.js";
export {
  diagonal,
  flip,
  type PadOptions,
  pad,
  type Range,
  slice,
  tril,
  triu,
  type Widths,
} from "./ops/view.js";
export { assign, Parameter } from "./parameter.js";
export type { Tape } from "./plan/passes.js";
export type { Plan } from "./plan/plan.js";
export type { Program } from "./plan/program.js";
export type { Shape } from "./shape.js";
export { type Dtype, Tensor, type TypedArray } from "./tensor.js";
export { type Slice, type SliceBounds, type Training, type TrainOptions, train } from "./train.js";
