/**
 * Elements by indices. Each op and its transpose: `take` and `takeAdd` (one index for a whole row),
 * `gather` and `scatterAdd` (one for each element). Repeated indices add up, in ascending order of
 * position. A bad index throws when the value is computed, before anything is changed.
 */
import { Opcode } from "../../assembly/opcodes.js";
import { defaultDtype } from "../backend.js";
import type { Lowering, Value } from "../plan/lowering.js";
import { aroundAxis, formatShape, normalizeAxis, type Shape, sameShape, sizeOf } from "../shape.js";
import { checkTensors, type Op, record1 } from "../tape.js";
import type { FloatDtype, Node, Tensor, TensorType } from "../tensor.js";
import { checkFloat, zeros } from "./create.js";
import { add } from "./elementwise.js";
import { oneHotRows } from "./loss.js";
import { broadcastSource, broadcastTo, reshape } from "./shape.js";
import { pad, slice } from "./view.js";

interface IndexAttrs {
  readonly axis: number;
  /** The public function, for errors. */
  readonly op: string;
}

const wordsOf = ({ dtype }: TensorType): number => (dtype === "f64" ? 2 : 1);

const refusal =
  (target: number) =>
  (node: Node<IndexAttrs>, position: number, index: number): string => {
    const { axis, op } = node.attrs;
    const shape = (node.inputs[target] ?? node.outputs[0])?.shape as Shape;
    return `${op}: index ${index} at position ${position} is out of range: expected 0 ≤ index < ${shape[axis]}`;
  };

function checkIndices(op: string, { dtype }: Tensor): void {
  if (dtype !== "i32")
    throw new TypeError(
      `${op}: indices are not integers: got ${dtype}, expected i32; write tensor(indices, { dtype: "i32" })`,
    );
}

/** The value that a scatter adds to, in a place of its own. */
function emitBase(node: Node, to: Lowering): Value {
  const base = broadcastSource(to.operand(node, 0));
  const out = to.output(node);
  if (base.size === 1 && out.size !== 1) to.emit(Opcode.Fill, [out], [to.valueOf(base), out.size]);
  else {
    const from = to.input(node, 0);
    to.emit(Opcode.Copy, [out], [from, from.bytes]);
  }
  return out;
}

/** x [outer, n, inner], indices [count] → [outer, count, inner]. */
const takeOp: Op<IndexAttrs> = {
  name: "take",
  infer([x, indices], { axis }) {
    const { shape, dtype } = x as TensorType;
    const count = sizeOf((indices as TensorType).shape);
    return [{ shape: shape.with(axis, count), dtype }];
  },
  vjp: [
    (dy, { inputs: [x, indices], attrs }) =>
      record1(takeAddOp, [nothing(x as Tensor), indices as Tensor, dy], attrs),
    null,
  ],
  jvp: [
    (xDot, { inputs: [, indices], attrs }) => record1(takeOp, [xDot, indices as Tensor], attrs),
    null,
  ],
  lower(node, to) {
    const x = node.inputs[0] as Tensor;
    const [outer, n, inner] = aroundAxis(x.shape, node.attrs.axis);
    const indices = to.input(node, 1);
    to.emit(
      Opcode.Take,
      [to.output(node)],
      [to.input(node, 0), indices, outer, n, indices.size, inner * wordsOf(x)],
    );
  },
  refusal: refusal(0),
};

/** base [outer, n, inner], indices [count], x [outer, count, inner] → base with x added. */
const takeAddOp: Op<IndexAttrs> = {
  name: "takeAdd",
  infer: ([base]) => [base as TensorType],
  vjp: [
    (dy) => dy,
    null,
    (dy, { inputs: [, indices], attrs }) => record1(takeOp, [dy, indices as Tensor], attrs),
  ],
  jvp: [
    (baseDot) => baseDot,
    null,
    (xDot, { inputs: [base, indices], attrs }) =>
      record1(takeAddOp, [nothing(base as Tensor), indices as Tensor, xDot], attrs),
  ],
  lower(node, to) {
    const [outer, n, inner] = aroundAxis((node.outputs[0] as Tensor).shape, node.attrs.axis);
    const indices = to.input(node, 1);
    const out = emitBase(node, to);
    to.emit(Opcode.TakeAdd, [out], [to.input(node, 2), indices, outer, n, indices.size, inner]);
  },
  refusal: refusal(0),
};

/** x [outer, n, inner], indices [outer, count, inner] → as the indices. */
export const gatherOp: Op<IndexAttrs> = {
  name: "gather",
  infer: ([x, indices]) => [
    { shape: (indices as TensorType).shape, dtype: (x as TensorType).dtype },
  ],
  vjp: [
    (dy, { inputs: [x, indices], attrs }) =>
      record1(scatterOp, [nothing(x as Tensor), indices as Tensor, dy], attrs),
    null,
  ],
  jvp: [
    (xDot, { inputs: [, indices], attrs }) => record1(gatherOp, [xDot, indices as Tensor], attrs),
    null,
  ],
  lower(node, to) {
    const { axis } = node.attrs;
    const [x, indices] = node.inputs as [Tensor, Tensor];
    const [outer, n, inner] = aroundAxis(x.shape, axis);
    const sizes = [outer, n, indices.shape[axis] as number, inner, wordsOf(x)];
    to.emit(Opcode.Gather, [to.output(node)], [to.input(node, 0), to.input(node, 1), ...sizes]);
  },
  refusal: refusal(0),
};

/** base [outer, n, inner], indices and x [outer, count, inner] → base with x added. */
const scatterOp: Op<IndexAttrs> = {
  name: "scatterAdd",
  infer: ([base]) => [base as TensorType],
  vjp: [
    (dy) => dy,
    null,
    (dy, { inputs: [, indices], attrs }) => record1(gatherOp, [dy, indices as Tensor], attrs),
  ],
  jvp: [
    (baseDot) => baseDot,
    null,
    (xDot, { inputs: [base, indices], attrs }) =>
      record1(scatterOp, [nothing(base as Tensor), indices as Tensor, xDot], attrs),
  ],
  lower(node, to) {
    const { axis } = node.attrs;
    const [base, indices] = node.inputs as [Tensor, Tensor];
    const [outer, n, inner] = aroundAxis(base.shape, axis);
    const sizes = [outer, n, indices.shape[axis] as number, inner];
    const out = emitBase(node, to);
    to.emit(Opcode.ScatterAdd, [out], [to.input(node, 2), to.input(node, 1), ...sizes]);
  },
  refusal: refusal(0),
};

/** Zeros like x, as one element repeated. */
const nothing = (x: Tensor): Tensor =>
  broadcastTo(zeros([], { dtype: x.dtype as FloatDtype }), x.shape);

/** x with the rows that the indices name along an axis: indices of any shape take its place. */
export function indexSelect(x: Tensor, axis: number, indices: Tensor): Tensor {
  checkTensors("indexSelect", x, indices);
  return selectAs("indexSelect", x, axis, indices);
}

function selectAs(op: string, x: Tensor, axis: number, indices: Tensor): Tensor {
  const at = normalizeAxis(op, axis, x.rank);
  checkIndices(op, indices);
  const taken = record1(takeOp, [x, indices], { axis: at, op });
  return reshape(taken, [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)]);
}

/**
 * The rows of a table [entries, …] that ids (i32, of any shape) name: [ids …, …]. The gradients of
 * an entry that is named several times add up.
 */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  checkTensors("embedding", table, ids);
  if (table.rank < 1)
    throw new RangeError("embedding: table is a scalar: got [], expected [entries, …]");
  return selectAs("embedding", table, 0, ids);
}

/** x with `source`'s rows added where the indices name them: source is as `indexSelect` gives. */
export function indexAdd(x: Tensor, axis: number, indices: Tensor, source: Tensor): Tensor {
  checkTensors("indexAdd", x, indices, source);
  const at = normalizeAxis("indexAdd", axis, x.rank);
  checkIndices("indexAdd", indices);
  checkFloat("indexAdd", x.dtype);
  const wanted = x.shape.with(at, indices.size);
  if (!sameShape(source.shape, wanted) || indices.rank > 1)
    throw new RangeError(
      `indexAdd: shapes do not fit: got source ${formatShape(source.shape)} and indices ${formatShape(indices.shape)}, expected ${formatShape(wanted)} and [n]`,
    );
  return record1(takeAddOp, [x, indices, source], { axis: at, op: "indexAdd" });
}

function checkAlong(op: string, x: Tensor, axis: number, indices: Tensor): number {
  const at = normalizeAxis(op, axis, x.rank);
  checkIndices(op, indices);
  const fits =
    indices.rank === x.rank &&
    indices.shape.every((n, a) => a === at || n <= (x.shape[a] as number));
  if (!fits)
    throw new RangeError(
      `${op}: shapes do not fit: got indices ${formatShape(indices.shape)} for ${formatShape(x.shape)}, expected no longer ones outside axis ${at}`,
    );
  return at;
}

/** The part of x that indices reach outside the axis. */
const reached = (x: Tensor, axis: number, { shape }: Tensor): Tensor =>
  slice(
    x,
    shape.map((n, a) => (a === axis ? null : [0, n])),
  );

/**
 * out[i, j, …] = x[…, indices[i, j, …], …] along an axis: PyTorch's gather, NumPy's
 * take_along_axis. Outside the axis the indices may be shorter than x.
 */
export function gather(x: Tensor, axis: number, indices: Tensor): Tensor {
  checkTensors("gather", x, indices);
  const at = checkAlong("gather", x, axis, indices);
  return record1(gatherOp, [reached(x, at, indices), indices], { axis: at, op: "gather" });
}

/** `gather` with NumPy's order of arguments. */
export const takeAlongAxis = (x: Tensor, indices: Tensor, axis: number): Tensor =>
  gather(x, axis, indices);

/**
 * x with source added at the indices: x[…, indices[i, j, …], …] += source[i, j, …]. Source is at
 * least as long as the indices everywhere.
 */
export function scatterAdd(x: Tensor, axis: number, indices: Tensor, source: Tensor): Tensor {
  checkTensors("scatterAdd", x, indices, source);
  const at = checkAlong("scatterAdd", x, axis, indices);
  checkFloat("scatterAdd", x.dtype);
  if (source.rank !== x.rank || indices.shape.some((n, a) => n > (source.shape[a] as number)))
    throw new RangeError(
      `scatterAdd: source is too short: got ${formatShape(source.shape)}, expected at least ${formatShape(indices.shape)}`,
    );
  const used = slice(
    source,
    indices.shape.map((n) => [0, n]),
  );
  // Shorter indices reach a corner of x: what they add is placed there.
  const corner = reached(x, at, indices);
  const attrs = { axis: at, op: "scatterAdd" };
  if (corner === x) return record1(scatterOp, [x, indices, used], attrs);
  const added = record1(scatterOp, [nothing(corner), indices, used], attrs);
  const rest = x.shape.map((n, a) => [0, n - (corner.shape[a] as number)] as const);
  return add(x, pad(added, rest));
}

/**
 * A row for each label with 1 at the label and 0 elsewhere: labels i32 of any shape → [labels …,
 * classes]. Throws for a label out of range when the value is computed.
 */
export function oneHot(
  labels: Tensor,
  classes: number,
  options: { readonly dtype?: FloatDtype } = {},
): Tensor {
  checkTensors("oneHot", labels);
  checkIndices("oneHot", labels);
  if (!Number.isInteger(classes) || classes < 1)
    throw new RangeError(`oneHot: bad classes: got ${classes}, expected a whole number ≥ 1`);
  const rows = oneHotRows(reshape(labels, [labels.size]), classes, options.dtype ?? defaultDtype());
  return reshape(rows, [...labels.shape, classes]);
}
