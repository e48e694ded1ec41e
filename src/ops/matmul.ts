/**
 * Matrix products: one GEMM, its operands read by row and column strides, so that a transpose costs
 * nothing.
 */

import { Opcode } from "../../assembly/opcodes.js";
import type { Lowering, Value } from "../plan/lowering.js";
import { broadcastShapes, formatShape, type Shape, sizeOf } from "../shape.js";
import type { MatmulProblem, MatmulShape } from "../shapeTypes/products.js";
import type { Check, ShapeOf } from "../shapeTypes/shapeOf.js";
import { checkTensors, type Op, record1 } from "../tape.js";
import { isFloat, type Node, type Tensor, type TensorType } from "../tensor.js";
import { add, mul } from "./elementwise.js";
import { sum } from "./reduce.js";
import { broadcastSource, broadcastTo, reshape, swappedSource } from "./shape.js";

interface Transposed {
  /** The stored operand is the transpose of the factor. */
  readonly a: boolean;
  readonly b: boolean;
}

const NO_BIAS = 0;
/** alpha = 1, beta = 0 */
const DEFAULT_SCALARS = [0, 0] as const;
const NO_ACTIVATION = 0;

/** [m, n, k] of op(A)·op(B), and the k of B; a batch comes before. */
function sizes(a: Shape, b: Shape, t: Transposed): [number, number, number, number] {
  const [a0, a1, b0, b1] = [...a.slice(-2), ...b.slice(-2)] as [number, number, number, number];
  const [m, k] = t.a ? [a1, a0] : [a0, a1];
  const [kB, n] = t.b ? [b1, b0] : [b0, b1];
  return [m, n, k, kB];
}

/** [m, n, k, rsA, csA, rsB, csB] of a node whose first operands are A and B. */
function layout(node: Node, to: Lowering, t: Transposed): number[] {
  const [a, b] = [to.operand(node, 0).shape, to.operand(node, 1).shape];
  const [m, n, k] = sizes(a, b, t);
  return [m, n, k, ...(t.a ? [1, m] : [k, 1]), ...(t.b ? [1, k] : [n, 1])];
}

function emitGemm(node: Node, to: Lowering, t: Transposed, bias: Value | number): void {
  const [m, n, k, ...strides] = layout(node, to, t) as [number, number, number, ...number[]];
  to.emit(
    Opcode.Gemm,
    [to.output(node)],
    [to.input(node, 0), to.input(node, 1), bias, m, n, k, n, ...strides].concat(
      ...DEFAULT_SCALARS,
      NO_ACTIVATION,
    ),
  );
}

/** One operand of a batch: itself with its batch stride, or what it repeats with stride 0. */
function batched(node: Node, to: Lowering, index: number): { value: Value; stride: number } {
  const operand = to.operand(node, index);
  const matrix = sizeOf(operand.shape.slice(1));
  const from = broadcastSource(operand);
  return from.size === matrix
    ? { value: to.valueOf(from), stride: 0 }
    : { value: to.valueOf(operand), stride: matrix };
}

function emitBatch(node: Node, to: Lowering, t: Transposed): void {
  const [left, right] = [batched(node, to, 0), batched(node, to, 1)];
  const batch = to.operand(node, 0).shape[0] as number;
  to.emit(
    Opcode.GemmBatched,
    [to.output(node)],
    [left.value, right.value, batch, left.stride, right.stride, ...layout(node, to, t)],
  );
}

function sameFloats(op: string, types: readonly TensorType[]): void {
  const dtypes = types.map(({ dtype }) => dtype);
  if (dtypes.some((dtype) => !isFloat(dtype) || dtype !== dtypes[0]))
    throw new TypeError(
      `${op}: dtypes differ or are not floats: got ${dtypes.join(" and ")}, expected f32 throughout or f64 throughout`,
    );
}

/** a [m, k], b [k, n] → [m, n], or the same for each of a batch, the axis before. */
const matmulOp: Op<Transposed> = {
  name: "matmul",
  cost: "high",
  infer(types, t) {
    const [a, b] = types as [TensorType, TensorType];
    sameFloats("matmul", types);
    const [m, n, k, kB] = sizes(a.shape, b.shape, t);
    if (k !== kB)
      throw new RangeError(
        `matmul: inner dimensions differ: got ${formatShape(a.shape)} × ${formatShape(b.shape)}`,
      );
    return [{ shape: [...a.shape.slice(0, -2), m, n], dtype: a.dtype }];
  },
  // C = A·B: dA = dC·Bᵀ, dB = Aᵀ·dC, each written so that stored transposes stay unmaterialised.
  vjp: [
    (d, { inputs, attrs: t }) => {
      const b = inputs[1] as Tensor;
      return t.a ? product(b, d, t.b, true) : product(d, b, false, !t.b);
    },
    (d, { inputs, attrs: t }) => {
      const a = inputs[0] as Tensor;
      return t.b ? product(d, a, true, t.a) : product(a, d, !t.a, false);
    },
  ],
  jvp: [
    (aDot, { inputs, attrs: t }) => product(aDot, inputs[1] as Tensor, t.a, t.b),
    (bDot, { inputs, attrs: t }) => product(inputs[0] as Tensor, bDot, t.a, t.b),
  ],
  lower(node, to) {
    if (node.outputs[0]?.rank === 2) emitGemm(node, to, node.attrs, NO_BIAS);
    else emitBatch(node, to, node.attrs);
  },
};

const product = (a: Tensor, b: Tensor, transA: boolean, transB: boolean): Tensor =>
  record1(matmulOp, [a, b], { a: transA, b: transB });

/** A factor as it is stored: what a swap of the last two axes swapped, which GEMM does for nothing. */
function stored(x: Tensor): { x: Tensor; transposed: boolean } {
  const source = swappedSource(x);
  return source ? { x: source, transposed: true } : { x, transposed: false };
}

/** x [..., rows, cols] as [batch, rows, cols]; one matrix is repeated without being copied. */
function inBatch(x: Tensor, batch: Shape): Tensor {
  const matrix = x.shape.slice(-2);
  const count = sizeOf(batch);
  if (x.size === sizeOf(matrix)) return broadcastTo(reshape(x, matrix), [count, ...matrix]);
  return reshape(broadcastTo(x, [...batch, ...matrix]), [count, ...matrix]);
}

/**
 * a [..., m, k], b [..., k, n] → [..., m, n] by NumPy's rules: leading axes broadcast; a vector counts
 * as a row on the left and as a column on the right, and its axis is dropped from the result.
 * Transposes of the last two axes cost nothing.
 */
export function matmul<A extends Tensor, B extends Tensor>(
  a: A,
  b: B & Check<MatmulProblem<ShapeOf<A>, ShapeOf<B>>>,
): Tensor<MatmulShape<ShapeOf<A>, ShapeOf<B>>>;
export function matmul(a: Tensor, b: Tensor): Tensor {
  checkTensors("matmul", a, b);
  for (const [name, x] of [
    ["a", a],
    ["b", b],
  ] as const)
    if (x.rank < 1)
      throw new RangeError(
        `matmul: operand ${name} is a scalar: got ${formatShape(x.shape)}, expected at least one axis`,
      );
  if (a.shape.at(-1) !== (b.rank === 1 ? b.shape[0] : b.shape.at(-2)))
    throw new RangeError(
      `matmul: inner dimensions differ: got ${formatShape(a.shape)} × ${formatShape(b.shape)}`,
    );
  const left = stored(a.rank === 1 ? reshape(a, [1, a.size]) : a);
  const right = stored(b.rank === 1 ? reshape(b, [b.size, 1]) : b);
  const batch = broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [
    ...batch,
    ...(a.rank === 1 ? [] : [a.shape.at(-2) as number]),
    ...(b.rank === 1 ? [] : [b.shape.at(-1) as number]),
  ];
  return reshape(multiply(left, right, batch), shape);
}

type Stored = ReturnType<typeof stored>;

function multiply(left: Stored, right: Stored, batch: Shape): Tensor {
  if (right.x.rank === 2 && !left.transposed) {
    // One matrix for the whole batch: its rows are those of one large product.
    const { shape } = left.x;
    const rows = reshape(left.x, [sizeOf(shape.slice(0, -1)), shape.at(-1) as number]);
    return product(rows, right.x, false, right.transposed);
  }
  if (left.x.rank === 2 && right.x.rank === 2)
    return product(left.x, right.x, left.transposed, right.transposed);
  return product(
    inBatch(left.x, batch),
    inBatch(right.x, batch),
    left.transposed,
    right.transposed,
  );
}

/** a [m], b [n] → [m, n]: every product of two elements. */
export function outer(a: Tensor, b: Tensor): Tensor {
  checkTensors("outer", a, b);
  if (a.rank !== 1 || b.rank !== 1)
    throw new RangeError(
      `outer: operands are no vectors: got ${formatShape(a.shape)} and ${formatShape(b.shape)}, expected [m] and [n]`,
    );
  return mul(reshape(a, [a.size, 1]), b);
}

export interface GemmOptions {
  readonly alpha?: number;
  readonly beta?: number;
  /** The stored matrix is the transpose of the factor. */
  readonly transA?: boolean;
  readonly transB?: boolean;
}

/** alpha · op(a)·op(b) + beta · c: a [m, k], b [k, n], c any shape that broadcasts to [m, n]. */
export function gemm(a: Tensor, b: Tensor, c?: Tensor, options: GemmOptions = {}): Tensor {
  checkTensors("gemm", a, b);
  const { alpha = 1, beta = 1, transA = false, transB = false } = options;
  if (a.rank !== 2 || b.rank !== 2)
    throw new RangeError(
      `gemm: operands are no matrices: got ${formatShape(a.shape)} and ${formatShape(b.shape)}, expected two axes each`,
    );
  const ab = product(a, b, transA, transB);
  const scaled = alpha === 1 ? ab : mul(ab, alpha);
  if (!c || beta === 0) return scaled;
  return add(scaled, beta === 1 ? c : mul(c, beta));
}

const linearOp: Op<null> = {
  name: "linear",
  cost: "high",
  infer(types) {
    const [x, w, b] = types as [TensorType, TensorType, TensorType];
    sameFloats("linear", types);
    if (b.shape.length !== 1 || b.shape[0] !== w.shape[0])
      throw new RangeError(
        `linear: bias does not fit: got ${formatShape(b.shape)}, expected [${w.shape[0]}]`,
      );
    return [{ shape: [x.shape[0] as number, w.shape[0] as number], dtype: x.dtype }];
  },
  vjp: [
    (d, { inputs }) => product(d, inputs[1] as Tensor, false, false),
    (d, { inputs }) => product(d, inputs[0] as Tensor, true, false),
    (d) => sum(d, 0),
  ],
  jvp: [
    (xDot, { inputs }) => product(xDot, inputs[1] as Tensor, false, true),
    (wDot, { inputs }) => product(inputs[0] as Tensor, wDot, false, true),
    (bDot, { outputs }) => broadcastTo(bDot, (outputs[0] as Tensor).shape),
  ],
  lower: (node, to) => emitGemm(node, to, { a: false, b: true }, to.input(node, 2)),
};

/**
 * y = x·Wᵀ + b: x [..., in], weight [out, in], bias [out] → [..., out]; the bias is added in the GEMM's
 * epilogue.
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  checkTensors("linear", x, weight);
  if (x.rank < 1 || weight.rank !== 2)
    throw new RangeError(
      `linear: wrong number of axes: got x ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, expected [..., in] and [out, in]`,
    );
  if (x.rank !== 2) {
    const features = x.shape.at(-1) as number;
    const rows = sizeOf(x.shape.slice(0, -1));
    const y = linear(reshape(x, [rows, features]), weight, bias);
    return reshape(y, [...x.shape.slice(0, -1), weight.shape[0] as number]);
  }
  if (x.shape[1] !== weight.shape[1])
    throw new RangeError(
      `linear: input features differ: got x ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, ` +
        `expected x [n, ${weight.shape[1]}]`,
    );
  return bias ? record1(linearOp, [x, weight, bias], null) : product(x, weight, false, true);
}
