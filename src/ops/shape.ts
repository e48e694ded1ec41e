import { Opcode } from "../../assembly/opcodes.js";
import type { Lowering } from "../plan/lowering.js";
import {
  broadcastShapes,
  broadcastStrides,
  checkArray,
  checkShape,
  formatShape,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
} from "../shape.js";
import type { TransposeShape } from "../shapeTypes/axes.js";
import type { ReshapeProblem, ReshapeShape } from "../shapeTypes/reshape.js";
import type { Check, ShapeOf } from "../shapeTypes/shapeOf.js";
import { checkTensors, type Op, record1 } from "../tape.js";
import type { Node, Tensor, TensorType } from "../tensor.js";
import { sum } from "./reduce.js";
import type { Unary } from "./signatures.js";

const first = (inputs: readonly TensorType[]): TensorType => inputs[0] as TensorType;

/** y = x under another name: what a transform differentiates with respect to. */
const aliasOp: Op<{ readonly id: number }> = {
  name: "alias",
  cost: "none",
  infer: (inputs) => [first(inputs)],
  vjp: [(dy) => dy],
  jvp: [(xDot) => xDot],
  lower: (node, to) => to.bind(node, 0, to.input(node, 0)),
};
let aliases = 0;
export const alias = (x: Tensor): Tensor => record1(aliasOp, [x], { id: aliases++ });

const stopOp: Op<null> = {
  name: "stopGradient",
  cost: "none",
  infer: (inputs) => [first(inputs)],
  vjp: [null],
  jvp: [null],
  lower: (node, to) => to.bind(node, 0, to.input(node, 0)),
};

/** The same values, through which no gradient flows. */
export const stopGradient: Unary = (x: Tensor) => record1(stopOp, [x], null);

const reshapeOp: Op<{ readonly shape: Shape }> = {
  name: "reshape",
  cost: "none",
  infer: (inputs, { shape }) => [{ shape, dtype: first(inputs).dtype }],
  vjp: [(dy, { inputs: [x] }) => reshape(dy, (x as Tensor).shape)],
  jvp: [(xDot, { attrs }) => reshape(xDot, attrs.shape)],
  lower: (node, to) => to.bind(node, 0, to.input(node, 0)),
};

/**
 * The same elements in another shape; one length may be −1, which is then inferred. Costs nothing.
 */
export function reshape<X extends Tensor, const To extends Shape>(
  x: X,
  shape: To & Check<ReshapeProblem<ShapeOf<X>, To>>,
): Tensor<ReshapeShape<ShapeOf<X>, To>>;
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensors("reshape", x);
  const full = inferLength(x, shape);
  return sameShape(x.shape, full) ? x : record1(reshapeOp, [x], { shape: full });
}

function inferLength(x: Tensor, shape: Shape): Shape {
  checkArray("reshape", "shape", shape);
  const unknown = shape.indexOf(-1);
  const known = shape.filter((_, axis) => axis !== unknown);
  checkShape("reshape", known);
  const length = x.size / sizeOf(known);
  const full = unknown < 0 ? [...shape] : shape.with(unknown, length);
  if (sizeOf(full) !== x.size || full.some((n) => !Number.isInteger(n)))
    throw new RangeError(
      `reshape: sizes differ: got ${formatShape(x.shape)} (${x.size} elements), ` +
        `expected a shape of as many, not ${formatShape(shape)}`,
    );
  return full;
}

/**
 * Emits a copy of x read with one stride per axis of `shape`: in words, of which an f64 has two.
 */
function emitCopy(node: Node, to: Lowering, shape: Shape, strides: readonly number[]): void {
  const x = to.input(node, 0);
  const double = x.dtype === "f64";
  const sizes = double ? [...shape, 2] : shape;
  const words = double ? [...strides.map((stride) => 2 * stride), 1] : strides;
  to.emit(Opcode.StridedCopy, [to.output(node)], [x, 0, sizes.length, ...sizes, ...words]);
}

const broadcastOp: Op<{ readonly shape: Shape }> = {
  name: "broadcastTo",
  cost: "none",
  infer: (inputs, { shape }) => [{ shape, dtype: first(inputs).dtype }],
  vjp: [(dy, { inputs: [x] }) => sumTo(dy, (x as Tensor).shape)],
  jvp: [(xDot, { attrs }) => broadcastTo(xDot, attrs.shape)],
  lower(node, to) {
    const { shape } = node.attrs;
    emitCopy(node, to, shape, broadcastStrides(to.operand(node, 0).shape, shape));
  },
};

/** x repeated along new axes and axes of length 1, by NumPy's rule. */
export function broadcastTo<const To extends Shape>(x: Tensor, shape: To): Tensor<To>;
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkTensors("broadcastTo", x);
  checkShape("broadcastTo", shape);
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes("broadcastTo", x.shape, shape), shape))
    throw new RangeError(
      `broadcastTo: shape does not stretch: got ${formatShape(x.shape)}, expected one that broadcasts to ${formatShape(shape)}`,
    );
  return record1(broadcastOp, [x], { shape: [...shape] });
}

/**
 * What a broadcast repeats, so that a kernel may read it in place; x itself when it is none, or has
 * its value already.
 */
export function broadcastSource(x: Tensor): Tensor {
  const { op, inputs, values } = x.node;
  return (op as unknown) === broadcastOp && !values[0] ? (inputs[0] as Tensor) : x;
}

/** The transpose of `broadcastTo`: x summed over the axes that had been repeated. */
function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const offset = x.rank - shape.length;
  const axes = x.shape.flatMap((length, axis) =>
    axis < offset || (shape[axis - offset] === 1 && length !== 1) ? [axis] : [],
  );
  return reshape(sum(x, axes), shape);
}

const transposeOp: Op<{ readonly axes: readonly number[] }> = {
  name: "transpose",
  cost: "none",
  infer(inputs, { axes }) {
    const { shape, dtype } = first(inputs);
    return [{ shape: axes.map((axis) => shape[axis] as number), dtype }];
  },
  vjp: [(dy, { attrs: { axes } }) => transpose(dy, inverse(axes))],
  jvp: [(xDot, { attrs: { axes } }) => transpose(xDot, axes)],
  lower(node, to) {
    const { axes } = node.attrs;
    const from = stridesOf(to.operand(node, 0).shape);
    const { shape } = node.outputs[0] as Tensor;
    emitCopy(
      node,
      to,
      shape,
      axes.map((axis) => from[axis] as number),
    );
  },
};

/** What x is when it is x with its last two axes swapped; undefined otherwise, or if x is known. */
export function swappedSource(x: Tensor): Tensor | undefined {
  const { op, inputs, values, attrs } = x.node;
  if ((op as unknown) !== transposeOp || values[0]) return undefined;
  const { axes } = attrs as { readonly axes: readonly number[] };
  const last = axes.length - 1;
  const swaps = axes.every(
    (axis, at) => axis === (at < last - 1 ? at : at === last ? last - 1 : last),
  );
  return swaps ? inputs[0] : undefined;
}

function inverse(axes: readonly number[]): number[] {
  const result = new Array<number>(axes.length);
  for (const [to, from] of axes.entries()) result[from] = to;
  return result;
}

/** x with its axes in another order; none given means reversed. */
export function transpose<X extends Tensor, const Order extends Shape | undefined = undefined>(
  x: X,
  axes?: Order,
): Tensor<TransposeShape<ShapeOf<X>, Order>>;
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  checkTensors("transpose", x);
  if (axes !== undefined) checkArray("transpose", "order of axes", axes);
  const order = axes
    ? axes.map((axis) => normalizeAxis("transpose", axis, x.rank))
    : x.shape.map((_, axis) => x.rank - 1 - axis);
  if (order.length !== x.rank || new Set(order).size !== x.rank)
    throw new RangeError(
      `transpose: axes are not a permutation: got [${String(axes)}], expected each of ${x.rank} axes once`,
    );
  if (order.every((axis, index) => axis === index)) return x;
  return record1(transposeOp, [x], { axes: order });
}
