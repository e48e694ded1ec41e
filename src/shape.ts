import { describe } from "./describe.js";

/** Shapes: row-major, slowest axis first. A scalar has shape []. */
export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}

/** [outer, length, inner] of an axis: the elements before it, along it, and within one of its steps. */
export const aroundAxis = (
  shape: Shape,
  axis: number,
): [outer: number, length: number, inner: number] => [
  sizeOf(shape.slice(0, axis)),
  shape[axis] as number,
  sizeOf(shape.slice(axis + 1)),
];

/** The indices of the element at a row-major position. */
export function indicesAt(position: number, shape: Shape): number[] {
  const indices: number[] = [];
  let rest = position;
  for (const length of [...shape].reverse()) {
    indices.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return indices;
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** Strides in elements of a contiguous tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}

/**
 * The strides with which a tensor of shape `from` is read as one of shape `to`: 0 along repeated
 * axes.
 */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const offset = to.length - from.length;
  return to.map((_, axis) =>
    axis < offset || from[axis - offset] === 1 ? 0 : (strides[axis - offset] as number),
  );
}

/** NumPy's rule: shapes are aligned at their last axis, and a length of 1 stretches. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const result = new Array<number>(rank);
  for (let back = 1; back <= rank; back++) {
    const lengthA = a[a.length - back] ?? 1;
    const lengthB = b[b.length - back] ?? 1;
    if (lengthA !== lengthB && lengthA !== 1 && lengthB !== 1)
      throw new RangeError(
        `${op}: shapes do not broadcast: got ${formatShape(a)} and ${formatShape(b)}, ` +
          `expected axis −${back} to be equal or 1: ${lengthA} ≠ ${lengthB}`,
      );
    result[rank - back] = lengthA === 1 ? lengthB : lengthA;
  }
  return result;
}

/** An axis counted from the front; negative ones count from the back. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new RangeError(
      `${op}: axis is out of range: got ${axis}, expected ` +
        (rank === 0 ? "none for a scalar" : `−${rank} ≤ axis < ${rank}`),
    );
  return axis < 0 ? axis + rank : axis;
}

export type Axes = number | readonly number[] | null | undefined;

/** The axes of a reduction, ascending; none given means all. */
export function normalizeAxes(op: string, axes: Axes, rank: number): readonly number[] {
  if (axes === null || axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  if (typeof axes !== "number" && !Array.isArray(axes))
    throw new TypeError(
      `${op}: axes are no numbers: got ${JSON.stringify(axes)}, expected a whole number or an array of them`,
    );
  const list = (typeof axes === "number" ? [axes] : axes).map((axis: number) =>
    normalizeAxis(op, axis, rank),
  );
  if (new Set(list).size !== list.length)
    throw new RangeError(`${op}: axes repeat: got [${String(axes)}], expected each axis once`);
  return list.sort((a, b) => a - b);
}

/** Refuses a number, or several one after the other, where an array of them is asked for. */
export function checkArray(op: string, what: string, list: unknown): void {
  if (!Array.isArray(list))
    throw new TypeError(
      `${op}: ${what} is no array: got ${describe(list)}, expected one, as in [2, 3]`,
    );
}

export function checkShape(op: string, shape: Shape): void {
  checkArray(op, "shape", shape);
  for (const length of shape)
    if (!Number.isInteger(length) || length < 0)
      throw new RangeError(
        `${op}: bad shape: got ${formatShape(shape)}, expected non-negative integers`,
      );
  if (sizeOf(shape) > 2 ** 32)
    throw new RangeError(
      `${op}: too many elements: got ${formatShape(shape)}, expected at most 4294967296 of them`,
    );
}
