/** The ops as methods of Tensor. */

import { type Readings, readings } from "../reading.js";
import type { Axes, Shape } from "../shape.js";
import type { TransposeShape } from "../shapeTypes/axes.js";
import type { MatmulProblem, MatmulShape } from "../shapeTypes/products.js";
import type { ReshapeProblem, ReshapeShape } from "../shapeTypes/reshape.js";
import type { Check, ShapeOf } from "../shapeTypes/shapeOf.js";
import { type Dtype, Tensor } from "../tensor.js";
import {
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
} from "./activations.js";
import {
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
} from "./compare.js";
import type { Operand } from "./create.js";
import {
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
} from "./elementwise.js";
import { gather, indexAdd, indexSelect, scatterAdd } from "./indexing.js";
import { expandDims, flatten, permute, roll, split, squeeze, swapAxes, tile } from "./join.js";
import {
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
} from "./math.js";
import { matmul } from "./matmul.js";
import { max, mean, min, sum } from "./reduce.js";
import { broadcastTo, reshape, transpose } from "./shape.js";
import type { BinaryMethod, ReductionMethod, UnaryMethod } from "./signatures.js";
import { logSoftmax, softmax } from "./softmax.js";
import { argsort, type SortOptions, sort, topK } from "./sort.js";
import {
  argmax,
  argmin,
  cumsum,
  logSumExp,
  type NormOptions,
  norm,
  prod,
  std,
  type VarianceOptions,
  variance,
} from "./statistics.js";
import {
  diagonal,
  flip,
  type PadOptions,
  pad,
  type Range,
  slice,
  tril,
  triu,
  type Widths,
} from "./view.js";

/** Reading a value, and the ops that take a tensor first: `x.add(y)` is `add(x, y)`. */
export interface TensorMethods extends Readings {
  add: BinaryMethod;
  sub: BinaryMethod;
  mul: BinaryMethod;
  div: BinaryMethod;
  maximum: BinaryMethod;
  minimum: BinaryMethod;
  eq: BinaryMethod;
  ne: BinaryMethod;
  lt: BinaryMethod;
  le: BinaryMethod;
  gt: BinaryMethod;
  ge: BinaryMethod;
  logicalAnd: BinaryMethod<Tensor>;
  logicalOr: BinaryMethod<Tensor>;
  logicalNot: UnaryMethod;
  maskedFill(mask: Tensor, value: Operand): Tensor;
  cast: UnaryMethod<[dtype: Dtype]>;
  neg: UnaryMethod;
  abs: UnaryMethod;
  sign: UnaryMethod;
  floor: UnaryMethod;
  ceil: UnaryMethod;
  round: UnaryMethod;
  clamp: UnaryMethod<[low?: number, high?: number]>;
  leakyRelu: UnaryMethod<[slope?: number]>;
  silu: UnaryMethod;
  elu: UnaryMethod<[alpha?: number]>;
  gelu: UnaryMethod<[options?: GeluOptions]>;
  softplus: UnaryMethod;
  logSigmoid: UnaryMethod;
  softsign: UnaryMethod;
  mish: UnaryMethod;
  hardtanh: UnaryMethod<[low?: number, high?: number]>;
  relu6: UnaryMethod;
  hardSigmoid: UnaryMethod;
  hardSwish: UnaryMethod;
  exp: UnaryMethod;
  log: UnaryMethod;
  sqrt: UnaryMethod;
  square: UnaryMethod;
  sigmoid: UnaryMethod;
  tanh: UnaryMethod;
  relu: UnaryMethod;
  log1p: UnaryMethod;
  expm1: UnaryMethod;
  rsqrt: UnaryMethod;
  reciprocal: UnaryMethod;
  sin: UnaryMethod;
  cos: UnaryMethod;
  tan: UnaryMethod;
  sinh: UnaryMethod;
  cosh: UnaryMethod;
  atan: UnaryMethod;
  erf: UnaryMethod;
  pow: BinaryMethod;
  /** The angle of the point (x, this). */
  atan2: BinaryMethod;
  hypot: BinaryMethod;

  sum: ReductionMethod;
  mean: ReductionMethod;
  max: ReductionMethod;
  min: ReductionMethod;

  prod: ReductionMethod;
  logSumExp: ReductionMethod;
  variance(axes?: Axes, options?: VarianceOptions): Tensor;
  std(axes?: Axes, options?: VarianceOptions): Tensor;
  norm(axes?: Axes, options?: NormOptions): Tensor;
  argmax(axis?: number, keepdims?: boolean): Tensor;
  argmin(axis?: number, keepdims?: boolean): Tensor;
  cumsum: UnaryMethod<[axis: number]>;

  softmax: UnaryMethod<[axis?: number]>;
  logSoftmax: UnaryMethod<[axis?: number]>;
  matmul<A extends Tensor, B extends Tensor>(
    this: A,
    other: B & Check<MatmulProblem<ShapeOf<A>, ShapeOf<B>>>,
  ): Tensor<MatmulShape<ShapeOf<A>, ShapeOf<B>>>;
  reshape<X extends Tensor, const To extends Shape>(
    this: X,
    shape: To & Check<ReshapeProblem<ShapeOf<X>, To>>,
  ): Tensor<ReshapeShape<ShapeOf<X>, To>>;
  transpose<X extends Tensor, const Order extends Shape | undefined = undefined>(
    this: X,
    axes?: Order,
  ): Tensor<TransposeShape<ShapeOf<X>, Order>>;
  broadcastTo<const To extends Shape>(shape: To): Tensor<To>;
  slice(ranges: readonly Range[]): Tensor;
  flip(axes?: number | readonly number[]): Tensor;
  pad(widths: Widths, options?: PadOptions): Tensor;
  diagonal(offset?: number, axis1?: number, axis2?: number): Tensor;
  triu(k?: number): Tensor;
  tril(k?: number): Tensor;
  split(parts: number | readonly number[], axis?: number): Tensor[];
  expandDims(axis: number | readonly number[]): Tensor;
  squeeze(axis?: number | readonly number[]): Tensor;
  flatten(start?: number, end?: number): Tensor;
  permute<X extends Tensor, const Order extends Shape>(
    this: X,
    axes: Order,
  ): Tensor<TransposeShape<ShapeOf<X>, Order>>;
  swapAxes(axis1: number, axis2: number): Tensor;
  tile(repeats: number | readonly number[]): Tensor;
  roll(shift: number, axis?: number): Tensor;
  gather(axis: number, indices: Tensor): Tensor;
  indexSelect(axis: number, indices: Tensor): Tensor;
  indexAdd(axis: number, indices: Tensor, source: Tensor): Tensor;
  scatterAdd(axis: number, indices: Tensor, source: Tensor): Tensor;
  argsort(axis?: number, options?: SortOptions): Tensor;
  sort(axis?: number, options?: SortOptions): { values: Tensor; indices: Tensor };
  topK(
    k: number,
    axis?: number,
    options?: { readonly largest?: boolean },
  ): { values: Tensor; indices: Tensor };
}

/** A method's function: the tensor it is called on comes first. */
type FunctionOf<Method> = Method extends (...operands: infer Rest) => infer Result
  ? (x: Tensor, ...rest: Rest) => Result
  : never;

const functions: {
  readonly [Name in keyof Omit<TensorMethods, keyof Readings>]: FunctionOf<TensorMethods[Name]>;
} = {
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  pow,
  atan2,
  hypot,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  logicalAnd,
  logicalOr,
  logicalNot,
  maskedFill,
  cast,
  neg,
  abs,
  sign,
  floor,
  ceil,
  round,
  clamp,
  leakyRelu,
  silu,
  elu,
  gelu,
  softplus,
  logSigmoid,
  softsign,
  mish,
  hardtanh,
  relu6,
  hardSigmoid,
  hardSwish,
  sigmoid,
  tanh,
  relu,
  softmax,
  logSoftmax,
  exp,
  log,
  sqrt,
  square,
  log1p,
  expm1,
  rsqrt,
  reciprocal,
  sin,
  cos,
  tan,
  sinh,
  cosh,
  atan,
  erf,
  sum,
  mean,
  max,
  min,
  prod,
  logSumExp,
  variance,
  std,
  norm,
  argmax,
  argmin,
  cumsum,
  matmul,
  reshape,
  transpose,
  broadcastTo,
  slice,
  flip,
  pad,
  diagonal,
  triu,
  tril,
  split,
  expandDims,
  squeeze,
  flatten,
  permute,
  swapAxes,
  tile,
  roll,
  gather,
  indexSelect,
  indexAdd,
  scatterAdd,
  argsort,
  sort,
  topK,
};

const install = (name: string, value: unknown): unknown =>
  Object.defineProperty(Tensor.prototype, name, { value, configurable: true, writable: true });

for (const [name, read] of Object.entries(readings)) install(name, read);
for (const [name, fn] of Object.entries<(x: Tensor, ...rest: never[]) => unknown>(functions))
  install(name, function (this: Tensor, ...rest: never[]) {
    return fn(this, ...rest);
  });
