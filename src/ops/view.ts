/**
 * Views with strides: what slices, flips, diagonals and padding are made of. `view` reads some
 * elements of x in some order, `place` puts elements there and a value elsewhere; each is the
 * other's transpose.
 */

import { Opcode } from "../../assembly/opcodes.js";
import { checkOptions, describe, listed } from "../describe.js";
import type { Lowering, Value } from "../plan/lowering.js";
import {
  checkArray,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  stridesOf,
} from "../shape.js";
import { checkTensors, type Op, record1 } from "../tape.js";
import { isFloat, type Tensor, type TensorType } from "../tensor.js";
import { where } from "./compare.js";
import { constant } from "./create.js";
import { indexSelect } from "./indexing.js";

interface ViewAttrs {
  readonly shape: Shape;
  /** In elements of the tensor that is viewed. */
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Sizes and strides in words, of which an f64 has two. */
function inWords(dtype: string, { shape, strides, offset }: ViewAttrs) {
  if (dtype !== "f64") return { offset, rank: shape.length, dims: [...shape, ...strides] };
  const wide = strides.map((stride) => 2 * stride);
  return { offset: 2 * offset, rank: shape.length + 1, dims: [...shape, 2, ...wide, 1] };
}

const viewOp: Op<ViewAttrs> = {
  name: "view",
  infer: ([x], { shape }) => [{ shape, dtype: (x as TensorType).dtype }],
  vjp: [(dy, { inputs: [x], attrs }) => place(dy, (x as Tensor).shape, attrs, 0)],
  jvp: [(xDot, { attrs }) => record1(viewOp, [xDot], attrs)],
  lower(node, to) {
    emitView(to, to.output(node), to.input(node, 0), node.attrs);
  },
};

/** Copies the elements that a view sees. */
export function emitView(to: Lowering, out: Value, x: Value, attrs: ViewAttrs): void {
  const { offset, rank, dims } = inWords(x.dtype, attrs);
  to.emit(Opcode.StridedCopy, [out], [x, offset, rank, ...dims]);
}

interface PlaceAttrs extends ViewAttrs {
  /** Of the result, of which `shape` is the part that x becomes. */
  readonly whole: Shape;
  /** Elsewhere. */
  readonly value: number;
}

/** Writes `value` to the whole of an output. */
function emitFill(to: Lowering, out: Value, value: number): void {
  if (isFloat(out.dtype)) {
    to.emit(Opcode.Fill, [out], [to.scalar(value), out.size]);
    return;
  }
  const word = to.word(value);
  to.emit(Opcode.StridedCopy, [out], [word, 0, 1, out.size, 0]);
}

/** Writes x to its places in an output that is filled already. */
export function emitPlace(to: Lowering, out: Value, x: Value, attrs: ViewAttrs): void {
  const { offset, rank, dims } = inWords(out.dtype, attrs);
  to.emit(Opcode.StridedPlace, [out], [offset, x, rank, ...dims]);
}

const placeOp: Op<PlaceAttrs> = {
  name: "place",
  infer: ([x], { whole }) => [{ shape: whole, dtype: (x as TensorType).dtype }],
  vjp: [(dy, { attrs }) => view(dy, attrs)],
  jvp: [(xDot, { attrs }) => record1(placeOp, [xDot], { ...attrs, value: 0 })],
  lower(node, to) {
    const x = to.input(node, 0);
    const out = to.output(node);
    emitFill(to, out, node.attrs.value);
    emitPlace(to, out, x, node.attrs);
  },
};

const view = (x: Tensor, { shape, strides, offset }: ViewAttrs): Tensor =>
  record1(viewOp, [x], { shape, strides, offset });

function place(x: Tensor, whole: Shape, attrs: ViewAttrs, value: number): Tensor {
  const { strides, offset } = attrs;
  return record1(placeOp, [x], { shape: x.shape, strides, offset, whole, value });
}

/**
 * One axis of `slice`: a number takes that element and drops the axis; `[start, stop, step]` as in
 * NumPy (negative ones count from the end, null or nothing is the end itself); null takes all.
 */
export type Range =
  | number
  | null
  | readonly [start?: number | null, stop?: number | null, step?: number | null];

export function whole(op: string, name: string, value: number): number {
  if (!Number.isInteger(value))
    throw new TypeError(`${op}: ${name} is not a whole number: got ${describe(value)}`);
  return value;
}

/** First element, number of elements and step of a range on an axis of `length`. */
function resolve(range: Exclude<Range, number>, length: number) {
  const [start, stop, given] = range ?? [];
  const step = whole("slice", "step", given ?? 1);
  if (step === 0) throw new RangeError("slice: step is zero: got 0, expected another number");
  const limit = (at: number | null | undefined, otherwise: number): number => {
    if (at === null || at === undefined) return otherwise;
    const from = whole("slice", "bound", at) < 0 ? at + length : at;
    return step > 0
      ? Math.min(Math.max(from, 0), length)
      : Math.min(Math.max(from, -1), length - 1);
  };
  const first = limit(start, step > 0 ? 0 : length - 1);
  const end = limit(stop, step > 0 ? length : -1);
  return { first, step, count: Math.max(0, Math.ceil((end - first) / step)) };
}

/**
 * Part of x: one range for each axis, those not given are taken whole.
 * `x.slice([[1, 3], null, 0])` is NumPy's `x[1:3, :, 0]`.
 */
export function slice(x: Tensor, ranges: readonly Range[]): Tensor {
  checkTensors("slice", x);
  if (!Array.isArray(ranges))
    throw new TypeError(
      `slice: ranges are no list: got ${describe(ranges)}, expected one for each axis, as in [[0, 2], null]`,
    );
  if (ranges.length > x.rank)
    throw new RangeError(
      `slice: too many ranges: got ${ranges.length} for ${formatShape(x.shape)}, expected at most ${x.rank}`,
    );
  const from = stridesOf(x.shape);
  const [shape, strides]: [number[], number[]] = [[], []];
  let offset = 0;
  for (const [axis, length] of x.shape.entries()) {
    const range = ranges[axis] ?? null;
    const stride = from[axis] as number;
    if (typeof range === "number") {
      const at = whole("slice", "index", range) < 0 ? range + length : range;
      if (at < 0 || at >= length)
        throw new RangeError(
          `slice: index ${range} on axis ${axis} is out of range: expected ${-length} ≤ index < ${length}`,
        );
      offset += at * stride;
      continue;
    }
    const { first, step, count } = resolve(range, length);
    if (count > 0) offset += first * stride;
    shape.push(count);
    strides.push(step * stride);
  }
  if (
    shape.length === x.rank &&
    shape.every((n, axis) => n === x.shape[axis] && strides[axis] === from[axis])
  )
    return x;
  return view(x, { shape, strides, offset });
}

/** x in reverse along `axes` (default: all). */
export function flip(x: Tensor, axes?: number | readonly number[]): Tensor {
  checkTensors("flip", x);
  const list = normalizeAxes("flip", axes, x.rank);
  return slice(
    x,
    x.shape.map((_, axis) => (list.includes(axis) ? [null, null, -1] : null)),
  );
}

/** The diagonal of two axes, as the last axis: element i is at [i, i + offset]. */
export function diagonal(x: Tensor, offset = 0, axis1 = 0, axis2 = 1): Tensor {
  checkTensors("diagonal", x);
  whole("diagonal", "offset", offset);
  const [a, b] = [axis1, axis2].map((axis) => normalizeAxis("diagonal", axis, x.rank)) as [
    number,
    number,
  ];
  if (a === b)
    throw new RangeError(`diagonal: axes are the same: got ${axis1} and ${axis2}, expected two`);
  const from = stridesOf(x.shape);
  const [rows, cols] = [x.shape[a] as number, x.shape[b] as number];
  const count = Math.max(
    0,
    offset >= 0 ? Math.min(rows, cols - offset) : Math.min(rows + offset, cols),
  );
  const rest = x.shape.map((_, axis) => axis).filter((axis) => axis !== a && axis !== b);
  const [strideA, strideB] = [from[a] as number, from[b] as number];
  return view(x, {
    shape: [...rest.map((axis) => x.shape[axis] as number), count],
    strides: [...rest.map((axis) => from[axis] as number), strideA + strideB],
    offset: count === 0 ? 0 : offset >= 0 ? offset * strideB : -offset * strideA,
  });
}

/** Elements that are added before and after each axis. */
export type Widths = number | readonly (number | readonly [before: number, after: number])[];

const MODES = ["constant", "reflect", "replicate", "circular"] as const;
type Mode = (typeof MODES)[number];

export interface PadOptions {
  /**
   * What is added: `value`, the elements mirrored at the edge, the edge again, or those of the other
   * end.
   */
  readonly mode?: Mode;
  readonly value?: number;
}

/**
 * x with elements added at the ends of its axes: one number for all, or for each axis a number or
 * `[before, after]`. Negative widths are not taken: slice instead.
 */
export function pad(x: Tensor, widths: Widths, options: PadOptions = {}): Tensor {
  checkTensors("pad", x);
  checkOptions("pad", options, ["mode", "value"]);
  const { mode = "constant", value = 0 } = options;
  if (!MODES.includes(mode))
    throw new TypeError(`pad: unknown mode: got ${describe(mode)}, expected ${listed(MODES)}`);
  const list = typeof widths === "number" ? x.shape.map(() => widths) : widths;
  checkArray("pad", "list of widths", list);
  if (list.length !== x.rank)
    throw new RangeError(
      `pad: number of widths differs: got ${list.length}, expected ${x.rank}, one for each axis of ${formatShape(x.shape)}`,
    );
  const pairs = list.map((width) => (typeof width === "number" ? [width, width] : width)) as [
    number,
    number,
  ][];
  for (const pair of pairs)
    if (pair.length !== 2 || pair.some((width) => !Number.isInteger(width) || width < 0))
      throw new RangeError(
        `pad: bad width: got [${pair.join(", ")}], expected two whole numbers ≥ 0`,
      );
  if (pairs.every(([before, after]) => before === 0 && after === 0)) return x;
  if (mode !== "constant") return pairs.reduce((y, pair, axis) => extend(y, axis, pair, mode), x);
  const shape = x.shape.map((n, axis) => n + (pairs[axis]?.[0] ?? 0) + (pairs[axis]?.[1] ?? 0));
  const strides = stridesOf(shape);
  const offset = pairs.reduce((at, [before], axis) => at + before * (strides[axis] as number), 0);
  return place(x, shape, { shape: x.shape, strides, offset }, value);
}

/** One axis longer by elements of its own. */
function extend(
  x: Tensor,
  axis: number,
  [before, after]: readonly [number, number],
  mode: Exclude<Mode, "constant">,
): Tensor {
  const length = x.shape[axis] as number;
  const any = length > 0 ? Number.POSITIVE_INFINITY : 0;
  const most = { reflect: length - 1, replicate: any, circular: length }[mode];
  if (before > most || after > most)
    throw new RangeError(
      `pad: width is too large: got [${before}, ${after}] on an axis of ${length}, expected at most ${most} in mode ${mode}`,
    );
  const positions = Int32Array.from({ length: before + length + after }, (_, i) => {
    const at = i - before;
    if (mode === "circular") return (at + length) % length;
    if (mode === "replicate") return Math.min(Math.max(at, 0), length - 1);
    return at < 0 ? -at : at < length ? at : 2 * (length - 1) - at;
  });
  return indexSelect(x, axis, constant(positions, [positions.length], "i32"));
}

/** x where col − row of its last two axes is kept, and 0 elsewhere. */
function triangle(op: string, x: Tensor, k: number, keep: (from: number) => boolean): Tensor {
  checkTensors(op, x);
  whole(op, "k", k);
  if (x.rank < 2)
    throw new RangeError(
      `${op}: not a matrix: got ${formatShape(x.shape)}, expected at least two axes`,
    );
  const [rows, cols] = x.shape.slice(-2) as [number, number];
  const mask = Uint8Array.from({ length: rows * cols }, (_, i) =>
    keep((i % cols) - Math.floor(i / cols)) ? 1 : 0,
  );
  return where(constant(mask, [rows, cols], "bool"), x, 0);
}

/** x with zeros below the diagonal k of its last two axes. */
export const triu = (x: Tensor, k = 0): Tensor => triangle("triu", x, k, (from) => from >= k);

/** x with zeros above the diagonal k of its last two axes. */
export const tril = (x: Tensor, k = 0): Tensor => triangle("tril", x, k, (from) => from <= k);
