/** The ops as methods of Tensor, and reading its value. */

import { evaluate } from "../evaluate.js";
import { Parameter } from "../parameter.js";
import { type Axes, formatShape, type Shape } from "../shape.js";
import type {
  Check,
  MatmulProblem,
  MatmulShape,
  ReshapeProblem,
  ReshapeShape,
  ShapeOf,
  TransposeShape,
} from "../shapeTypes.js";
import { checkOpen, currentTrace } from "../tape.js";
import { type Dtype, Tensor, type TypedArray } from "../tensor.js";
import type { GeluOptions } from "./activations.js";
import * as activations from "./activations.js";
import * as compare from "./compare.js";
import type { NestedNumbers, Operand } from "./create.js";
import * as elementwise from "./elementwise.js";
import * as indexing from "./indexing.js";
import * as join from "./join.js";
import * as math from "./math.js";
import { matmul } from "./matmul.js";
import { max, mean, min, sum } from "./reduce.js";
import { broadcastTo, reshape, transpose } from "./shape.js";
import type { BinaryMethod, ReductionMethod, UnaryMethod } from "./signatures.js";
import { logSoftmax, softmax } from "./softmax.js";
import type { SortOptions } from "./sort.js";
import * as sorting from "./sort.js";
import type { NormOptions, VarianceOptions } from "./statistics.js";
import * as statistics from "./statistics.js";
import type { PadOptions, Range, Widths } from "./view.js";
import * as view from "./view.js";

export interface TensorMethods {
  /** The value of a tensor with one element; 0 or 1 for a bool. */
  item(): number;
  /** The value as nested arrays, a bool's as booleans; a number (boolean) for a scalar. */
  toArray(): NestedNumbers;
  /** A copy of the elements, row-major. */
  toTypedArray(): TypedArray;

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

/** The elements themselves: not to be written. */
export function valuesOf(op: string, x: Tensor): TypedArray {
  checkOpen(op, x);
  const known = x.node.values[x.index];
  if (known) return known;
  if (currentTrace())
    throw new Error(
      `${op}: ${x} is read while a function is being compiled: got no value yet, ` +
        "expected reading after the call; return the tensor instead",
    );
  if (x instanceof Parameter) return x.value();
  evaluate([x]);
  return x.node.values[x.index] as TypedArray;
}

function nested(flat: TypedArray, shape: Shape, axis: number, at: number): NestedNumbers {
  if (axis === shape.length)
    return flat instanceof Uint8Array ? flat[at] === 1 : (flat[at] as number);
  const step = shape.slice(axis + 1).reduce((n, length) => n * length, 1);
  return Array.from({ length: shape[axis] as number }, (_, index) =>
    nested(flat, shape, axis + 1, at + index * step),
  );
}

const methods: TensorMethods & ThisType<Tensor> = {
  item() {
    if (this.size !== 1)
      throw new RangeError(
        `item: more or less than one element: got ${formatShape(this.shape)}, expected a tensor of one`,
      );
    return valuesOf("item", this)[0] as number;
  },
  toArray() {
    return nested(valuesOf("toArray", this), this.shape, 0, 0);
  },
  toTypedArray() {
    return valuesOf("toTypedArray", this).slice();
  },

  add(other) {
    return elementwise.add(this, other);
  },
  sub(other) {
    return elementwise.sub(this, other);
  },
  mul(other) {
    return elementwise.mul(this, other);
  },
  div(other) {
    return elementwise.div(this, other);
  },
  maximum(other) {
    return elementwise.maximum(this, other);
  },
  minimum(other) {
    return elementwise.minimum(this, other);
  },
  eq(other) {
    return compare.eq(this, other);
  },
  ne(other) {
    return compare.ne(this, other);
  },
  lt(other) {
    return compare.lt(this, other);
  },
  le(other) {
    return compare.le(this, other);
  },
  gt(other) {
    return compare.gt(this, other);
  },
  ge(other) {
    return compare.ge(this, other);
  },
  logicalAnd(other) {
    return compare.logicalAnd(this, other);
  },
  logicalOr(other) {
    return compare.logicalOr(this, other);
  },
  logicalNot() {
    return compare.logicalNot(this);
  },
  maskedFill(mask, value) {
    return compare.maskedFill(this, mask, value);
  },
  cast(dtype) {
    return compare.cast(this, dtype);
  },
  clamp(low, high) {
    return activations.clamp(this, low, high);
  },
  leakyRelu(slope) {
    return activations.leakyRelu(this, slope);
  },
  elu(alpha) {
    return activations.elu(this, alpha);
  },
  gelu(options) {
    return activations.gelu(this, options);
  },
  softplus() {
    return activations.softplus(this);
  },
  silu() {
    return activations.silu(this);
  },
  logSigmoid() {
    return activations.logSigmoid(this);
  },
  softsign() {
    return activations.softsign(this);
  },
  mish() {
    return activations.mish(this);
  },
  relu6() {
    return activations.relu6(this);
  },
  hardSigmoid() {
    return activations.hardSigmoid(this);
  },
  hardSwish() {
    return activations.hardSwish(this);
  },
  hardtanh(low, high) {
    return activations.hardtanh(this, low, high);
  },
  abs() {
    return compare.abs(this);
  },
  sign() {
    return compare.sign(this);
  },
  floor() {
    return compare.floor(this);
  },
  ceil() {
    return compare.ceil(this);
  },
  round() {
    return compare.round(this);
  },
  neg() {
    return elementwise.neg(this);
  },
  exp() {
    return elementwise.exp(this);
  },
  log() {
    return elementwise.log(this);
  },
  sqrt() {
    return elementwise.sqrt(this);
  },
  square() {
    return elementwise.square(this);
  },
  sigmoid() {
    return elementwise.sigmoid(this);
  },
  tanh() {
    return elementwise.tanh(this);
  },
  relu() {
    return elementwise.relu(this);
  },
  log1p() {
    return math.log1p(this);
  },
  expm1() {
    return math.expm1(this);
  },
  rsqrt() {
    return math.rsqrt(this);
  },
  reciprocal() {
    return math.reciprocal(this);
  },
  sin() {
    return math.sin(this);
  },
  cos() {
    return math.cos(this);
  },
  tan() {
    return math.tan(this);
  },
  sinh() {
    return math.sinh(this);
  },
  cosh() {
    return math.cosh(this);
  },
  atan() {
    return math.atan(this);
  },
  erf() {
    return math.erf(this);
  },
  pow(exponent) {
    return math.pow(this, exponent);
  },
  atan2(x) {
    return math.atan2(this, x);
  },
  hypot(other) {
    return math.hypot(this, other);
  },

  sum(this: Tensor, axes?: Axes, keepdims?: boolean) {
    return sum(this, axes, keepdims);
  },
  mean(this: Tensor, axes?: Axes, keepdims?: boolean) {
    return mean(this, axes, keepdims);
  },
  max(this: Tensor, axes?: Axes, keepdims?: boolean) {
    return max(this, axes, keepdims);
  },
  min(this: Tensor, axes?: Axes, keepdims?: boolean) {
    return min(this, axes, keepdims);
  },

  prod(this: Tensor, axes?: Axes, keepdims?: boolean) {
    return statistics.prod(this, axes, keepdims);
  },
  logSumExp(this: Tensor, axes?: Axes, keepdims?: boolean) {
    return statistics.logSumExp(this, axes, keepdims);
  },
  variance(axes, options) {
    return statistics.variance(this, axes, options);
  },
  std(axes, options) {
    return statistics.std(this, axes, options);
  },
  norm(axes, options) {
    return statistics.norm(this, axes, options);
  },
  argmax(axis, keepdims) {
    return statistics.argmax(this, axis, keepdims);
  },
  argmin(axis, keepdims) {
    return statistics.argmin(this, axis, keepdims);
  },
  cumsum(axis) {
    return statistics.cumsum(this, axis);
  },

  softmax(axis) {
    return softmax(this, axis);
  },
  logSoftmax(axis) {
    return logSoftmax(this, axis);
  },
  matmul(other) {
    return matmul(this, other);
  },
  reshape(this: Tensor, shape: Shape) {
    return reshape(this, shape);
  },
  transpose(axes) {
    return transpose(this, axes);
  },
  broadcastTo(shape) {
    return broadcastTo(this, shape);
  },
  slice(ranges) {
    return view.slice(this, ranges);
  },
  flip(axes) {
    return view.flip(this, axes);
  },
  pad(widths, options) {
    return view.pad(this, widths, options);
  },
  diagonal(offset, axis1, axis2) {
    return view.diagonal(this, offset, axis1, axis2);
  },
  triu(k) {
    return view.triu(this, k);
  },
  tril(k) {
    return view.tril(this, k);
  },
  split(parts, axis) {
    return join.split(this, parts, axis);
  },
  expandDims(axis) {
    return join.expandDims(this, axis);
  },
  squeeze(axis) {
    return join.squeeze(this, axis);
  },
  flatten(start, end) {
    return join.flatten(this, start, end);
  },
  permute(axes) {
    return join.permute(this, axes);
  },
  swapAxes(axis1, axis2) {
    return join.swapAxes(this, axis1, axis2);
  },
  tile(repeats) {
    return join.tile(this, repeats);
  },
  roll(shift, axis) {
    return join.roll(this, shift, axis);
  },
  gather(axis, indices) {
    return indexing.gather(this, axis, indices);
  },
  indexSelect(axis, indices) {
    return indexing.indexSelect(this, axis, indices);
  },
  indexAdd(axis, indices, source) {
    return indexing.indexAdd(this, axis, indices, source);
  },
  scatterAdd(axis, indices, source) {
    return indexing.scatterAdd(this, axis, indices, source);
  },
  argsort(axis, options) {
    return sorting.argsort(this, axis, options);
  },
  sort(axis, options) {
    return sorting.sort(this, axis, options);
  },
  topK(k, axis, options) {
    return sorting.topK(this, k, axis, options);
  },
};

for (const [name, value] of Object.entries(methods))
  Object.defineProperty(Tensor.prototype, name, { value, configurable: true, writable: true });
