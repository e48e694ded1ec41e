/**
 * Pooling: one number for each window of an image. The average is linear, and its backward is its
 * transpose. The maximum keeps where it was found: its tangent is picked from there (`pick`), its
 * cotangent put there (`place`), and those two are each other's transpose.
 */

import { Opcode } from "../../assembly/opcodes.js";
import { checkOptions } from "../describe.js";
import type { Lowering } from "../plan/lowering.js";
import { formatShape } from "../shape.js";
import { type Op, record, record1 } from "../tape.js";
import type { Node, Tensor } from "../tensor.js";
import {
  areaOf,
  asRow,
  checkFits,
  checkImages,
  extent,
  fromRow,
  type Geometry,
  imageShape,
  mapShape,
  type Pair,
  pair,
  type Two,
  typed,
  words,
} from "./geometry.js";

/** Outputs: the maxima, and their indices in the planes of x. */
const maxPoolOp: Op<Geometry> = {
  name: "maxPool2d",
  infer: (types, g) => [...typed(types, mapShape(g)), { shape: mapShape(g), dtype: "i32" }],
  vjp: [(dy, { attrs, outputs }) => record1(placeOp, [dy, outputs[1] as Tensor], attrs)],
  jvp: [(xDot, { attrs, outputs }) => record1(pickOp, [xDot, outputs[1] as Tensor], attrs)],
  lower: (node, to) =>
    to.emit(
      Opcode.MaxPool,
      [to.output(node, 0), to.output(node, 1)],
      [to.input(node, 0), ...words(node.attrs)],
    ),
};

/** x at the indices. */
const pickOp: Op<Geometry> = {
  name: "maxPool2dPick",
  infer: (types, g) => typed(types, mapShape(g)),
  vjp: [(d, { attrs, inputs }) => record1(placeOp, [d, inputs[1] as Tensor], attrs), null],
  jvp: [(t, { attrs, inputs }) => record1(pickOp, [t, inputs[1] as Tensor], attrs), null],
  lower(node, to) {
    const { batch, channels, input, output } = node.attrs;
    to.emit(
      Opcode.PoolGather,
      [to.output(node)],
      [to.input(node, 0), to.input(node, 1), batch * channels, areaOf(input), areaOf(output)],
    );
  },
};

/** Added up at the indices. */
const placeOp: Op<Geometry> = {
  name: "maxPool2dPlace",
  infer: (types, g) => typed(types, imageShape(g)),
  vjp: [(d, { attrs, inputs }) => record1(pickOp, [d, inputs[1] as Tensor], attrs), null],
  jvp: [(t, { attrs, inputs }) => record1(placeOp, [t, inputs[1] as Tensor], attrs), null],
  lower: (node, to) =>
    to.emit(
      Opcode.PoolScatter,
      [to.output(node)],
      [to.input(node, 0), to.input(node, 1), ...words(node.attrs)],
    ),
};

interface AvgPoolAttrs {
  readonly geometry: Geometry;
  readonly countIncludePad: boolean;
  readonly divisor: number | null;
}

function emitAverage(opcode: Opcode, node: Node<AvgPoolAttrs>, to: Lowering): void {
  const { geometry, countIncludePad, divisor } = node.attrs;
  to.emit(
    opcode,
    [to.output(node)],
    [
      ...[to.input(node, 0), ...words(geometry), countIncludePad ? 1 : 0],
      divisor === null ? 0 : to.scalar(divisor),
    ],
  );
}

const avgPoolOp: Op<AvgPoolAttrs> = {
  name: "avgPool2d",
  infer: (types, { geometry }) => typed(types, mapShape(geometry)),
  vjp: [(dy, { attrs }) => record1(avgPoolBackwardOp, [dy], attrs)],
  jvp: [(xDot, { attrs }) => record1(avgPoolOp, [xDot], attrs)],
  lower: (node, to) => emitAverage(Opcode.AvgPool, node, to),
};

const avgPoolBackwardOp: Op<AvgPoolAttrs> = {
  name: "avgPool2dBackward",
  infer: (types, { geometry }) => typed(types, imageShape(geometry)),
  vjp: [(d, { attrs }) => record1(avgPoolOp, [d], attrs)],
  jvp: [(dyDot, { attrs }) => record1(avgPoolBackwardOp, [dyDot], attrs)],
  lower: (node, to) => emitAverage(Opcode.AvgPoolBackward, node, to),
};

interface PoolOptions<Each> {
  /** Steps of the window; default: its size. */
  readonly stride?: Each;
  /** On both sides, at most half of the kernel; default 0. */
  readonly padding?: Each;
  /** A last window that sticks out, when it starts inside; default false. */
  readonly ceilMode?: boolean;
}

export interface MaxPoolOptions<Each = Pair> extends PoolOptions<Each> {
  /** Distance of the elements in a window; default 1. */
  readonly dilation?: Each;
}

export interface AvgPoolOptions<Each = Pair> extends PoolOptions<Each> {
  /** Whether the padding counts in the divisor; default true. */
  readonly countIncludePad?: boolean;
  /** Divides instead of the number of elements. */
  readonly divisorOverride?: number;
}

const POOL = ["stride", "padding", "ceilMode"];
const MAX_POOL: readonly string[] = [...POOL, "dilation"];
const AVG_POOL: readonly string[] = [...POOL, "countIncludePad", "divisorOverride"];

function geometryOf(
  op: string,
  axes: 1 | 2,
  x: Tensor,
  kernelSize: Pair,
  options: MaxPoolOptions,
  known = MAX_POOL,
): Geometry {
  checkImages(op, x, axes);
  checkOptions(op, options, known);
  const kernel = pair(op, "kernel size", kernelSize, 1, axes);
  const stride = pair(op, "stride", options.stride ?? kernelSize, 1, axes);
  const padding = pair(op, "padding", options.padding ?? 0, 0, axes, 0);
  const dilation = pair(op, "dilation", options.dilation ?? 1, 1, axes);
  if (2 * padding[0] > kernel[0] || 2 * padding[1] > kernel[1])
    throw new RangeError(
      `${op}: padding is more than half of the kernel: got ${formatShape(padding.slice(2 - axes))} ` +
        `for a kernel of ${formatShape(kernel.slice(2 - axes))}`,
    );
  const input = (axes === 2 ? x.shape.slice(2) : [1, x.shape[2]]) as unknown as Two;
  const reach = extent(kernel, dilation);
  // How far windows may reach: in ceilMode the last one may stick out by less than a stride.
  const room = ([0, 1] as const).map(
    (axis) => input[axis] + 2 * padding[axis] + (options.ceilMode ? stride[axis] - 1 : 0),
  ) as unknown as Two;
  checkFits(op, reach, room, axes);
  // That one must start inside the input or the padding before it.
  const steps = (axis: 0 | 1): number => {
    const last = Math.floor((room[axis] - reach[axis]) / stride[axis]);
    return last * stride[axis] >= input[axis] + padding[axis] ? last : last + 1;
  };
  const [batch, channels] = x.shape as [number, number];
  return {
    ...{ batch, channels, input, filters: channels, kernel, output: [steps(0), steps(1)] },
    ...{ stride, padding, dilation, groups: 1 },
  };
}

/**
 * The greatest element of each window: x [n, C, H, W] → [n, C, oH, oW]. Padding counts as −Infinity;
 * NaN wins its window; the gradient goes to the first of equal maxima in row-major order.
 */
export function maxPool2d(x: Tensor, kernelSize: Pair, options: MaxPoolOptions = {}): Tensor {
  return maxPool2dWithIndices(x, kernelSize, options).values;
}

/** `maxPool2d`, and for each maximum its index in the plane of H·W it is from (i32). */
export function maxPool2dWithIndices(
  x: Tensor,
  kernelSize: Pair,
  options: MaxPoolOptions = {},
): { values: Tensor; indices: Tensor } {
  const g = geometryOf("maxPool2d", 2, x, kernelSize, options);
  const [values, indices] = record(maxPoolOp, [x], g) as [Tensor, Tensor];
  return { values, indices };
}

/** `maxPool2d` along one axis: x [n, C, L] → [n, C, oL]. */
export function maxPool1d(
  x: Tensor,
  kernelSize: number,
  options: MaxPoolOptions<number> = {},
): Tensor {
  const g = geometryOf("maxPool1d", 1, x, kernelSize, options);
  return fromRow(record(maxPoolOp, [asRow(x)], g)[0] as Tensor);
}

function averageOf(op: string, geometry: Geometry, options: AvgPoolOptions): AvgPoolAttrs {
  const { countIncludePad = true, divisorOverride: divisor = null } = options;
  if (divisor !== null && (!Number.isFinite(divisor) || divisor === 0))
    throw new RangeError(
      `${op}: bad divisor override: got ${divisor}, expected a finite number other than 0`,
    );
  return { geometry, countIncludePad, divisor };
}

/**
 * The mean of each window: x [n, C, H, W] → [n, C, oH, oW], zeros of the padding included unless
 * `countIncludePad` is false. Of a last window that `ceilMode` lets stick out of the padding too,
 * only what is inside counts.
 */
export function avgPool2d(x: Tensor, kernelSize: Pair, options: AvgPoolOptions = {}): Tensor {
  const g = geometryOf("avgPool2d", 2, x, kernelSize, options, AVG_POOL);
  return record1(avgPoolOp, [x], averageOf("avgPool2d", g, options));
}

/** `avgPool2d` along one axis: x [n, C, L] → [n, C, oL]. */
export function avgPool1d(
  x: Tensor,
  kernelSize: number,
  options: AvgPoolOptions<number> = {},
): Tensor {
  const g = geometryOf("avgPool1d", 1, x, kernelSize, options, AVG_POOL);
  return fromRow(record1(avgPoolOp, [asRow(x)], averageOf("avgPool1d", g, options)));
}
