/** Tensors put together and taken apart along an axis. */
import { describe } from "../describe.js";
import {
  checkArray,
  formatShape,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
} from "../shape.js";
import type { TransposeShape } from "../shapeTypes/axes.js";
import type { ConcatProblem, ConcatShape } from "../shapeTypes/concat.js";
import type { Check, ShapeOf } from "../shapeTypes/shapeOf.js";
import { checkTensors, type Op, record, record1 } from "../tape.js";
import type { FloatDtype, Tensor, TensorType } from "../tensor.js";
import { full } from "./create.js";
import { add } from "./elementwise.js";
import { broadcastTo, reshape, transpose } from "./shape.js";
import { emitPlace, emitView, pad, slice, whole } from "./view.js";

interface ConcatAttrs {
  readonly axis: number;
}

const lengthOf = ({ shape }: TensorType, axis: number): number => shape[axis] as number;

/** Where each operand begins along the axis. */
function starts(inputs: readonly TensorType[], axis: number): number[] {
  let at = 0;
  return inputs.map((input) => {
    const start = at;
    at += lengthOf(input, axis);
    return start;
  });
}

const along = (rank: number, axis: number, range: readonly [number, number]) =>
  Array.from({ length: rank }, (_, a) => (a === axis ? range : null));

const concatOp: Op<ConcatAttrs> = {
  name: "concat",
  infer(inputs, { axis }) {
    const [first] = inputs as [TensorType];
    const total = inputs.reduce((sum, input) => sum + lengthOf(input, axis), 0);
    return [{ shape: first.shape.map((n, a) => (a === axis ? total : n)), dtype: first.dtype }];
  },
  vjpAll({ inputs, attrs: { axis } }, [dy]) {
    if (!dy) return inputs.map(() => undefined);
    const begins = starts(inputs, axis);
    return inputs.map((input, index) => {
      const begin = begins[index] as number;
      return slice(dy, along(dy.rank, axis, [begin, begin + lengthOf(input, axis)]));
    });
  },
  /** The sum of the operands, each padded to its place. */
  decomposition(inputs, { axis }) {
    const begins = starts(inputs, axis);
    const total = inputs.reduce((sum, input) => sum + lengthOf(input, axis), 0);
    const placed = inputs.map((input, index) => {
      const before = begins[index] as number;
      const after = total - before - lengthOf(input, axis);
      return pad(
        input,
        input.shape.map((_, a) => (a === axis ? [before, after] : [0, 0])),
      );
    });
    return [placed.reduce(add)];
  },
  lower(node, to) {
    const { axis } = node.attrs;
    const out = to.output(node);
    const strides = stridesOf((node.outputs[0] as Tensor).shape);
    const begins = starts(node.inputs, axis);
    for (const [index, { shape }] of node.inputs.entries()) {
      if (sizeOf(shape) === 0) continue;
      const offset = (begins[index] as number) * (strides[axis] as number);
      emitPlace(to, out, to.input(node, index), { shape, strides, offset });
    }
  },
};

function checkList(op: string, tensors: readonly Tensor[]): readonly [Tensor, ...Tensor[]] {
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new TypeError(
      `${op}: nothing to join: got ${describe(tensors)}, expected an array of tensors`,
    );
  checkTensors(op, ...tensors);
  return tensors as unknown as readonly [Tensor, ...Tensor[]];
}

/** The tensors one after the other along an axis; their other axes are equal. */
export function concat<const Parts extends readonly Tensor[], Axis extends number = 0>(
  tensors: Parts & Check<ConcatProblem<Parts, Axis>>,
  axis?: Axis,
): Tensor<ConcatShape<Parts, Axis>>;
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  const list = checkList("concat", tensors);
  const [first] = list;
  const at = normalizeAxis("concat", axis, first.rank);
  for (const [index, { shape, dtype }] of list.entries()) {
    if (dtype !== first.dtype)
      throw new TypeError(
        `concat: dtypes differ: got ${dtype} at ${index} beside ${first.dtype}, expected equal ones`,
      );
    const fits =
      shape.length === first.rank && shape.every((n, a) => a === at || n === first.shape[a]);
    if (!fits)
      throw new RangeError(
        `concat: shapes differ outside axis ${at}: got ${formatShape(shape)} at ${index} beside ${formatShape(first.shape)}`,
      );
  }
  return list.length === 1 ? first : record1(concatOp, list, { axis: at });
}

/** The tensors, all of one shape, along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  const list = checkList("stack", tensors);
  const [first] = list;
  const at = normalizeAxis("stack", axis, first.rank + 1);
  for (const [index, { shape }] of list.entries())
    if (!sameShape(shape, first.shape))
      throw new RangeError(
        `stack: shapes differ: got ${formatShape(shape)} at ${index}, expected ${formatShape(first.shape)}`,
      );
  return concat(
    list.map((tensor) => expandDims(tensor, at)),
    at,
  );
}

interface SplitAttrs {
  readonly axis: number;
  readonly lengths: readonly number[];
}

/** The transpose of `concat`: an output for each part. */
const splitOp: Op<SplitAttrs> = {
  name: "split",
  infer([x], { axis, lengths }) {
    const { shape, dtype } = x as TensorType;
    return lengths.map((n) => ({ shape: shape.map((m, a) => (a === axis ? n : m)), dtype }));
  },
  vjpAll({ outputs, attrs: { axis } }, cotangents) {
    const parts = outputs.map(
      ({ shape, dtype }, index) =>
        cotangents[index] ?? broadcastTo(full([], 0, { dtype: dtype as FloatDtype }), shape),
    );
    return [concat(parts, axis)];
  },
  jvpAll: ({ attrs: { axis, lengths } }, [xDot]) =>
    xDot ? split(xDot, lengths, axis) : lengths.map(() => undefined),
  lower(node, to) {
    const { axis, lengths } = node.attrs;
    const x = to.input(node, 0);
    const strides = stridesOf(to.operand(node, 0).shape);
    let begin = 0;
    for (const [index, { shape }] of node.outputs.entries()) {
      emitView(to, to.output(node, index), x, {
        shape,
        strides,
        offset: begin * (strides[axis] as number),
      });
      begin += lengths[index] as number;
    }
  },
};

/** x in `parts` equal parts along an axis, or in parts of the given lengths. */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  checkTensors("split", x);
  const at = normalizeAxis("split", axis, x.rank);
  const length = x.shape[at] as number;
  if (typeof parts !== "number") checkArray("split", "list of lengths", parts);
  const lengths =
    typeof parts === "number" ? Array.from({ length: parts }, () => length / parts) : parts;
  const total = lengths.reduce((sum, n) => sum + n, 0);
  if (
    lengths.length === 0 ||
    lengths.some((n) => !Number.isInteger(n) || n < 0) ||
    total !== length
  )
    throw new RangeError(
      typeof parts === "number"
        ? `split: axis ${at} does not divide: got ${length} elements in ${parts} parts, expected equal whole ones`
        : `split: lengths do not add up: got [${parts.join(", ")}] for ${length} elements on axis ${at}, expected that sum`,
    );
  return lengths.length === 1 ? [x] : [...record(splitOp, [x], { axis: at, lengths })];
}

/** x with an axis of length 1 before `axis` (of the result, or several). */
export function expandDims(x: Tensor, axis: number | readonly number[]): Tensor {
  checkTensors("expandDims", x);
  const axes = typeof axis === "number" ? [axis] : axis;
  checkArray("expandDims", "axis", axes);
  const rank = x.rank + axes.length;
  const list = axes.map((a) => normalizeAxis("expandDims", a, rank));
  const rest = [...x.shape];
  return reshape(
    x,
    Array.from({ length: rank }, (_, a) => (list.includes(a) ? 1 : (rest.shift() as number))),
  );
}

/** x without its axes of length 1, or without those given. */
export function squeeze(x: Tensor, axis?: number | readonly number[]): Tensor {
  checkTensors("squeeze", x);
  if (typeof axis !== "number" && axis !== undefined) checkArray("squeeze", "axis", axis);
  const list =
    axis === undefined
      ? x.shape.flatMap((n, a) => (n === 1 ? [a] : []))
      : (typeof axis === "number" ? [axis] : axis).map((a) => normalizeAxis("squeeze", a, x.rank));
  for (const a of list)
    if (x.shape[a] !== 1)
      throw new RangeError(
        `squeeze: axis ${a} is not of length 1: got ${formatShape(x.shape)}, expected 1 there`,
      );
  return reshape(
    x,
    x.shape.filter((_, a) => !list.includes(a)),
  );
}

/** x with its axes from `start` to `end`, both included, as one. */
export function flatten(x: Tensor, start = 0, end = -1): Tensor {
  checkTensors("flatten", x);
  if (x.rank === 0) return reshape(x, [1]);
  const [from, to] = [start, end].map((axis) => normalizeAxis("flatten", axis, x.rank)) as [
    number,
    number,
  ];
  if (from > to)
    throw new RangeError(
      `flatten: axes are reversed: got ${start} and ${end}, expected start ≤ end`,
    );
  const { shape } = x;
  return reshape(x, [
    ...shape.slice(0, from),
    sizeOf(shape.slice(from, to + 1)),
    ...shape.slice(to + 1),
  ]);
}

/** x with its axes in another order. */
export const permute = <X extends Tensor, const Order extends Shape>(
  x: X,
  axes: Order,
): Tensor<TransposeShape<ShapeOf<X>, Order>> => transpose(x, axes);

/** x with two axes exchanged. */
export function swapAxes(x: Tensor, axis1: number, axis2: number): Tensor {
  checkTensors("swapAxes", x);
  const order = x.shape.map((_, axis) => axis);
  const [a, b] = [axis1, axis2].map((axis) => normalizeAxis("swapAxes", axis, x.rank)) as [
    number,
    number,
  ];
  [order[a], order[b]] = [b, a];
  return transpose(x, order);
}

/** x repeated as a whole along its axes; axes are added before when there are more repeats. */
export function tile(x: Tensor, repeats: number | readonly number[]): Tensor {
  checkTensors("tile", x);
  const given = typeof repeats === "number" ? [repeats] : repeats;
  checkArray("tile", "list of repeats", given);
  if (given.some((n) => !Number.isInteger(n) || n < 0))
    throw new RangeError(
      `tile: bad repeats: got [${given.join(", ")}], expected whole numbers ≥ 0`,
    );
  const rank = Math.max(x.rank, given.length);
  const lengths: Shape = [...Array<number>(rank - x.rank).fill(1), ...x.shape];
  const times = [...Array<number>(rank - given.length).fill(1), ...given];
  const apart = reshape(
    x,
    lengths.flatMap((n) => [1, n]),
  );
  const repeated = broadcastTo(
    apart,
    lengths.flatMap((n, axis) => [times[axis] as number, n]),
  );
  return reshape(
    repeated,
    lengths.map((n, axis) => n * (times[axis] as number)),
  );
}

/** x with the elements of an axis moved on by `shift`, those at the end coming round. */
export function roll(x: Tensor, shift: number, axis = 0): Tensor {
  checkTensors("roll", x);
  whole("roll", "shift", shift);
  const at = normalizeAxis("roll", axis, x.rank);
  const length = x.shape[at] as number;
  const by = length === 0 ? 0 : ((shift % length) + length) % length;
  if (by === 0) return x;
  const tail = slice(x, along(x.rank, at, [length - by, length]));
  return concat([tail, slice(x, along(x.rank, at, [0, length - by]))], at);
}
