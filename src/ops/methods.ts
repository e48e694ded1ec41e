/** The ops as methods of Tensor, and reading its value. */

import { evaluate } from "../evaluate.js";
import { Parameter } from "../parameter.js";
import { type Axes, formatShape, type Shape } from "../shape.js";
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

  add(other: Operand): Tensor;
  sub(other: Operand): Tensor;
  mul(other: Operand): Tensor;
  div(other: Operand): Tensor;
  maximum(other: Operand): Tensor;
  minimum(other: Operand): Tensor;
  eq(other: Operand): Tensor;
  ne(other: Operand): Tensor;
  lt(other: Operand): Tensor;
  le(other: Operand): Tensor;
  gt(other: Operand): Tensor;
  ge(other: Operand): Tensor;
  logicalAnd(other: Tensor): Tensor;
  logicalOr(other: Tensor): Tensor;
  logicalNot(): Tensor;
  maskedFill(mask: Tensor, value: Operand): Tensor;
  cast(dtype: Dtype): Tensor;
  neg(): Tensor;
  abs(): Tensor;
  sign(): Tensor;
  floor(): Tensor;
  ceil(): Tensor;
  round(): Tensor;
  clamp(low?: number, high?: number): Tensor;
  leakyRelu(slope?: number): Tensor;
  silu(): Tensor;
  elu(alpha?: number): Tensor;
  gelu(options?: GeluOptions): Tensor;
  softplus(): Tensor;
  logSigmoid(): Tensor;
  softsign(): Tensor;
  mish(): Tensor;
  hardtanh(low?: number, high?: number): Tensor;
  relu6(): Tensor;
  hardSigmoid(): Tensor;
  hardSwish(): Tensor;
  exp(): Tensor;
  log(): Tensor;
  sqrt(): Tensor;
  square(): Tensor;
  sigmoid(): Tensor;
  tanh(): Tensor;
  relu(): Tensor;
  log1p(): Tensor;
  expm1(): Tensor;
  rsqrt(): Tensor;
  reciprocal(): Tensor;
  sin(): Tensor;
  cos(): Tensor;
  tan(): Tensor;
  sinh(): Tensor;
  cosh(): Tensor;
  atan(): Tensor;
  erf(): Tensor;
  pow(exponent: Operand): Tensor;
  /** The angle of the point (x, this). */
  atan2(x: Operand): Tensor;
  hypot(other: Operand): Tensor;

  sum(axes?: Axes, keepdims?: boolean): Tensor;
  mean(axes?: Axes, keepdims?: boolean): Tensor;
  max(axes?: Axes, keepdims?: boolean): Tensor;
  min(axes?: Axes, keepdims?: boolean): Tensor;

  prod(axes?: Axes, keepdims?: boolean): Tensor;
  logSumExp(axes?: Axes, keepdims?: boolean): Tensor;
  variance(axes?: Axes, options?: VarianceOptions): Tensor;
  std(axes?: Axes, options?: VarianceOptions): Tensor;
  norm(axes?: Axes, options?: NormOptions): Tensor;
  argmax(axis?: number, keepdims?: boolean): Tensor;
  argmin(axis?: number, keepdims?: boolean): Tensor;
  cumsum(axis: number): Tensor;

  softmax(axis?: number): Tensor;
  logSoftmax(axis?: number): Tensor;
  matmul(other: Tensor): Tensor;
  reshape(shape: Shape): Tensor;
  transpose(axes?: readonly number[]): Tensor;
  broadcastTo(shape: Shape): Tensor;
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
  permute(axes: readonly number[]): Tensor;
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

  sum(axes, keepdims) {
    return sum(this, axes, keepdims);
  },
  mean(axes, keepdims) {
    return mean(this, axes, keepdims);
  },
  max(axes, keepdims) {
    return max(this, axes, keepdims);
  },
  min(axes, keepdims) {
    return min(this, axes, keepdims);
  },

  prod(axes, keepdims) {
    return statistics.prod(this, axes, keepdims);
  },
  logSumExp(axes, keepdims) {
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
  reshape(shape) {
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
