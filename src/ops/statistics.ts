/** Reductions that are made of others, running sums, and positions of extrema. */

import { Opcode } from "../../assembly/opcodes.js";
import { checkOptions } from "../describe.js";
import {
  type Axes,
  aroundAxis,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  sizeOf,
} from "../shape.js";
import type { AxesProblem, ReducedShape } from "../shapeTypes/axes.js";
import type { Check, ShapeOf } from "../shapeTypes/shapeOf.js";
import { checkTensors, type Op, record1 } from "../tape.js";
import type { FloatDtype, Tensor, TensorType } from "../tensor.js";
import { abs, eq, where } from "./compare.js";
import { checkFloat, full, ones } from "./create.js";
import { add, div, exp, log, mul, sqrt, square, sub } from "./elementwise.js";
import { gather } from "./indexing.js";
import { concat } from "./join.js";
import { pow } from "./math.js";
import { kept, max, mean, min, sum } from "./reduce.js";
import { reshape, stopGradient, transpose } from "./shape.js";
import { slice } from "./view.js";

const finished = (y: Tensor, shape: Shape, axes: readonly number[], keepdims: boolean): Tensor =>
  reshape(y, keepdims ? kept(shape, axes) : shape.filter((_, axis) => !axes.includes(axis)));

const floatOf = (op: string, { dtype }: Tensor): FloatDtype => {
  checkFloat(op, dtype);
  return dtype;
};

/**
 * ln Σ eˣ over `axes` (default: all), shifted by the greatest, so that nothing overflows; −Infinity
 * for none. Its derivative is the softmax.
 */
export function logSumExp<
  X extends Tensor,
  const Over extends Axes = undefined,
  Keep extends boolean = false,
>(
  x: X & Check<AxesProblem<ShapeOf<X>, Over>>,
  axes?: Over,
  keepdims?: Keep,
): Tensor<ReducedShape<ShapeOf<X>, Over, Keep>>;
export function logSumExp(x: Tensor, axes?: Axes, keepdims = false): Tensor {
  checkTensors("logSumExp", x);
  const dtype = floatOf("logSumExp", x);
  const list = normalizeAxes("logSumExp", axes, x.rank);
  if (list.some((axis) => x.shape[axis] === 0)) {
    const none = full(kept(x.shape, list), Number.NEGATIVE_INFINITY, { dtype });
    return finished(none, x.shape, list, keepdims);
  }
  const greatest = stopGradient(max(x, list, true));
  // An infinite shift would make Infinity − Infinity.
  const shift = where(eq(abs(greatest), Number.POSITIVE_INFINITY), 0, greatest);
  const y = add(log(sum(exp(sub(x, shift)), list, true)), shift);
  return finished(y, x.shape, list, keepdims);
}

export interface VarianceOptions {
  /** Taken off the number of elements: 0 for the variance of a population, 1 of a sample. */
  readonly ddof?: number;
  readonly keepdims?: boolean;
}

/** Σ(x − mean)² / (n − ddof) over `axes` (default: all), in two passes; NaN where n ≤ ddof is 0 / 0. */
export function variance(x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor {
  checkTensors("variance", x);
  checkOptions("variance", options, ["ddof", "keepdims"]);
  const { ddof = 0, keepdims = false } = options;
  floatOf("variance", x);
  const list = normalizeAxes("variance", axes, x.rank);
  const n = sizeOf(list.map((axis) => x.shape[axis] as number));
  const total = sum(square(sub(x, mean(x, list, true))), list, keepdims);
  return div(total, Math.max(0, n - ddof));
}

/** xᵖ of x ≥ 0; at 0 it is 0, and its derivative with it, which would be infinite for p < 1. */
function power(x: Tensor, p: number): Tensor {
  const zero = eq(x, 0);
  const safe = where(zero, 1, x);
  return where(zero, 0, p === 0.5 ? sqrt(safe) : pow(safe, p));
}

/** The square root of `variance`; its derivative where that is 0 is 0. */
export const std = (x: Tensor, axes?: Axes, options?: VarianceOptions): Tensor =>
  power(variance(x, axes, options), 0.5);

export interface NormOptions {
  /** p: (Σ|x|ᵖ)^(1/p), 2 by default; ±Infinity: the greatest, the least magnitude. */
  readonly order?: number;
  readonly keepdims?: boolean;
}

/** The norm over `axes` (default: all) taken as one vector; its derivative at 0 is 0. */
export function norm(x: Tensor, axes?: Axes, options: NormOptions = {}): Tensor {
  checkTensors("norm", x);
  checkOptions("norm", options, ["order", "keepdims"]);
  const { order = 2, keepdims = false } = options;
  floatOf("norm", x);
  if (order === 1) return sum(abs(x), axes, keepdims);
  if (order === Number.POSITIVE_INFINITY) return max(abs(x), axes, keepdims);
  if (order === Number.NEGATIVE_INFINITY) return min(abs(x), axes, keepdims);
  if (!(typeof order === "number" && order > 0))
    throw new RangeError(`norm: bad order: got ${order}, expected a positive number or -Infinity`);
  const powers = sum(order === 2 ? square(x) : power(abs(x), order), axes, keepdims);
  return power(powers, 1 / order);
}

/** The product over `axes` (default: all), halves multiplied by each other until one is left; 1 for none. */
export function prod<
  X extends Tensor,
  const Over extends Axes = undefined,
  Keep extends boolean = false,
>(
  x: X & Check<AxesProblem<ShapeOf<X>, Over>>,
  axes?: Over,
  keepdims?: Keep,
): Tensor<ReducedShape<ShapeOf<X>, Over, Keep>>;
export function prod(x: Tensor, axes?: Axes, keepdims = false): Tensor {
  checkTensors("prod", x);
  const dtype = floatOf("prod", x);
  const list = normalizeAxes("prod", axes, x.rank);
  const rest = x.shape.map((_, axis) => axis).filter((axis) => !list.includes(axis));
  let n = sizeOf(list.map((axis) => x.shape[axis] as number));
  const outer = sizeOf(rest.map((axis) => x.shape[axis] as number));
  let y = reshape(transpose(x, [...rest, ...list]), [outer, n]);
  if (n === 0) y = ones([outer, 1], { dtype });
  while (n > 1) {
    const half = Math.floor(n / 2);
    const pairs = mul(slice(y, [null, [0, half]]), slice(y, [null, [half, 2 * half]]));
    y = n % 2 === 0 ? pairs : concat([pairs, slice(y, [null, [n - 1]])], 1);
    n -= half;
  }
  return finished(y, x.shape, list, keepdims);
}

interface CumsumAttrs {
  readonly axis: number;
  readonly reverse: boolean;
}

const cumsumOp: Op<CumsumAttrs> = {
  name: "cumsum",
  infer([x]) {
    checkFloat("cumsum", (x as TensorType).dtype);
    return [x as TensorType];
  },
  vjp: [(dy, { attrs: { axis, reverse } }) => record1(cumsumOp, [dy], { axis, reverse: !reverse })],
  jvp: [(xDot, { attrs }) => record1(cumsumOp, [xDot], attrs)],
  lower(node, to) {
    const { axis, reverse } = node.attrs;
    const { shape } = node.outputs[0] as Tensor;
    const x = to.input(node, 0);
    const out = to.output(node);
    to.emit(Opcode.Cumsum, [out], [x, ...aroundAxis(shape, axis), reverse ? 1 : 0], [[out, x]]);
  },
};

/** Running sums along an axis, one addition after the other. */
export function cumsum<X extends Tensor>(x: X, axis: number): Tensor<ShapeOf<X>>;
export function cumsum(x: Tensor, axis: number): Tensor {
  checkTensors("cumsum", x);
  return record1(cumsumOp, [x], { axis: normalizeAxis("cumsum", axis, x.rank), reverse: false });
}

interface ArgAttrs {
  readonly axis: number;
  readonly least: boolean;
}

const argOp: Op<ArgAttrs> = {
  name: "argmax",
  infer([x], { axis, least }) {
    const { shape, dtype } = x as TensorType;
    const name = least ? "argmin" : "argmax";
    checkFloat(name, dtype);
    if (shape[axis] === 0)
      throw new RangeError(
        `${name}: nothing to reduce: got ${formatShape(shape)} over axis ${axis}, expected at least one element`,
      );
    return [{ shape: shape.filter((_, at) => at !== axis), dtype: "i32" }];
  },
  vjp: [null],
  jvp: [null],
  lower(node, to) {
    const { axis, least } = node.attrs;
    const { shape } = node.inputs[0] as Tensor;
    const sizes = aroundAxis(shape, axis);
    to.emit(Opcode.Argmax, [to.output(node)], [to.input(node, 0), ...sizes, least ? 1 : 0]);
  },
};

function position(x: Tensor, axis: number | undefined, keepdims: boolean, least: boolean): Tensor {
  const op = least ? "argmin" : "argmax";
  checkTensors(op, x);
  const all = axis === undefined;
  const at = all ? 0 : normalizeAxis(op, axis, x.rank);
  const places = record1(argOp, [all ? reshape(x, [x.size]) : x], { axis: at, least });
  return finished(places, x.shape, all ? x.shape.map((_, a) => a) : [at], keepdims);
}

/**
 * Where the greatest element is along an axis, i32; of all elements, row-major, without one. The
 * first of ties; NaN is the greatest.
 */
export const argmax = (x: Tensor, axis?: number, keepdims = false): Tensor =>
  position(x, axis, keepdims, false);

/** Where the least element is: see `argmax`; NaN is the least. */
export const argmin = (x: Tensor, axis?: number, keepdims = false): Tensor =>
  position(x, axis, keepdims, true);

/** The greatest along an axis and where it is; of ties the first gets the whole gradient. */
export function maxWithIndices(
  x: Tensor,
  axis: number,
  keepdims = false,
): { readonly values: Tensor; readonly indices: Tensor } {
  checkTensors("maxWithIndices", x);
  const at = normalizeAxis("maxWithIndices", axis, x.rank);
  const indices = argmax(x, at, true);
  const values = gather(x, at, indices);
  const shaped = (y: Tensor): Tensor => finished(y, x.shape, [at], keepdims);
  return { values: shaped(values), indices: shaped(indices) };
}
