/**
 * Matrix products: one GEMM, its operands read by row and column strides, so that a transpose costs
 * nothing.
 */
import { Opcode } from "../../assembly/opcodes.js";
import type { Lowering, Value } from "../plan/lowering.js";
import { formatShape, type Shape } from "../shape.js";
import { type Op, record1 } from "../tape.js";
import { isFloat, type Node, type Tensor, type TensorType } from "../tensor.js";
import { sum } from "./reduce.js";
import { broadcastTo, reshape } from "./shape.js";

interface Transposed {
  /** The stored operand is the transpose of the factor. */
  readonly a: boolean;
  readonly b: boolean;
}

const NO_BIAS = 0;
/** alpha = 1, beta = 0 */
const DEFAULT_SCALARS = [0, 0] as const;
const NO_ACTIVATION = 0;

/** [m, n, k] of op(A)·op(B). */
function sizes(a: Shape, b: Shape, t: Transposed): [number, number, number, number] {
  const [a0, a1, b0, b1] = [a[0], a[1], b[0], b[1]] as [number, number, number, number];
  const [m, k] = t.a ? [a1, a0] : [a0, a1];
  const [kB, n] = t.b ? [b1, b0] : [b0, b1];
  return [m, n, k, kB];
}

function emitGemm(node: Node, to: Lowering, t: Transposed, bias: Value | number): void {
  const [a, b] = [to.operand(node, 0).shape, to.operand(node, 1).shape];
  const [m, n, k] = sizes(a, b, t);
  const [rsA, csA] = t.a ? [1, m] : [k, 1];
  const [rsB, csB] = t.b ? [1, k] : [n, 1];
  to.emit(
    Opcode.Gemm,
    [to.output(node)],
    [to.input(node, 0), to.input(node, 1), bias, m, n, k, n, rsA, csA, rsB, csB].concat(
      ...DEFAULT_SCALARS,
      NO_ACTIVATION,
    ),
  );
}

function sameFloats(op: string, types: readonly TensorType[]): void {
  const dtypes = types.map(({ dtype }) => dtype);
  if (dtypes.some((dtype) => !isFloat(dtype) || dtype !== dtypes[0]))
    throw new TypeError(
      `${op}: dtypes differ or are not floats: got ${dtypes.join(" and ")}, expected f32 throughout or f64 throughout`,
    );
}

const matmulOp: Op<Transposed> = {
  name: "matmul",
  infer: (types, t) => {
    const [a, b] = types as [TensorType, TensorType];
    sameFloats("matmul", types);
    const [m, n, k, kB] = sizes(a.shape, b.shape, t);
    if (k !== kB)
      throw new RangeError(
        `matmul: inner dimensions differ: got ${formatShape(a.shape)} × ${formatShape(b.shape)}`,
      );
    return [{ shape: [m, n], dtype: a.dtype }];
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
  lower: (node, to) => emitGemm(node, to, node.attrs, NO_BIAS),
};

const product = (a: Tensor, b: Tensor, transA: boolean, transB: boolean): Tensor =>
  record1(matmulOp, [a, b], { a: transA, b: transB });

/**
 * a [m, k], b [k, n] → [m, n]. A vector counts as a row on the left and as a column on the right,
 * and its axis is dropped from the result, as in NumPy.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  for (const [name, x] of [
    ["a", a],
    ["b", b],
  ] as const)
    if (x.rank < 1 || x.rank > 2)
      throw new RangeError(
        `matmul: operand ${name} has the wrong number of axes: got ${formatShape(x.shape)}, expected 1 or 2`,
      );
  if (a.shape.at(-1) !== b.shape[0])
    throw new RangeError(
      `matmul: inner dimensions differ: got ${formatShape(a.shape)} × ${formatShape(b.shape)}`,
    );
  const rows = a.rank === 1 ? reshape(a, [1, a.size]) : a;
  const columns = b.rank === 1 ? reshape(b, [b.size, 1]) : b;
  const c = product(rows, columns, false, false);
  return reshape(c, [...a.shape.slice(0, -1), ...b.shape.slice(1)]);
}

const linearOp: Op<null> = {
  name: "linear",
  infer: (types) => {
    const [x, w, b] = types as [TensorType, TensorType, TensorType];
    sameFloats("linear", types);
    if (x.shape[1] !== w.shape[1])
      throw new RangeError(
        `linear: input features differ: got x ${formatShape(x.shape)}, weight ${formatShape(w.shape)}, ` +
          `expected x [n, ${w.shape[1]}]`,
      );
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
 * y = x·Wᵀ + b: x [n, in], weight [out, in], bias [out] → [n, out]; the bias is added in the GEMM's
 * epilogue.
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  if (x.rank !== 2 || weight.rank !== 2)
    throw new RangeError(
      `linear: wrong number of axes: got x ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, expected [n, in] and [out, in]`,
    );
  if (bias) return record1(linearOp, [x, weight, bias], null);
  if (x.shape[1] !== weight.shape[1])
    throw new RangeError(
      `linear: input features differ: got x ${formatShape(x.shape)}, weight ${formatShape(weight.shape)}, ` +
        `expected x [n, ${weight.shape[1]}]`,
    );
  return product(x, weight, false, true);
}
