/**
 * Softmax (Bridle 1990) and its logarithm along an axis. With p = softmax(x):
 *
 *     ∂pᵢ/∂xⱼ = pᵢ·([i = j] − pⱼ), symmetric             so vjp and jvp are the same map
 *     ∂ln pᵢ/∂xⱼ = [i = j] − pⱼ
 */
import { Opcode } from "../../assembly/opcodes.js";
import { normalizeAxis } from "../shape.js";
import { checkTensors, type Op, record1 } from "../tape.js";
import type { Tensor, TensorType } from "../tensor.js";
import { ge, where } from "./compare.js";
import { arange, checkFloat } from "./create.js";
import { div, exp, log, mul, sub } from "./elementwise.js";
import { expandDims, swapAxes } from "./join.js";
import { max, sum } from "./reduce.js";
import { stopGradient } from "./shape.js";
import type { Unary } from "./signatures.js";

interface SoftmaxAttrs {
  readonly logarithm: boolean;
}

const rowsOf = ({ shape, size }: Tensor): [rows: number, n: number] => {
  const n = shape.at(-1) as number;
  return [n === 0 ? 0 : size / n, n];
};

/** Along the last axis. */
const softmaxOp: Op<SoftmaxAttrs> = {
  name: "softmax",
  infer([x], { logarithm }) {
    checkFloat(logarithm ? "logSoftmax" : "softmax", (x as TensorType).dtype);
    return [x as TensorType];
  },
  vjp: [(dy, { outputs, attrs }) => record1(backwardOp, [outputs[0] as Tensor, dy], attrs)],
  jvp: [
    (xDot, { outputs: [y], attrs: { logarithm } }) =>
      logarithm
        ? sub(xDot, sum(mul(exp(y as Tensor), xDot), -1, true))
        : record1(backwardOp, [y as Tensor, xDot], { logarithm }),
  ],
  decomposition([x], { logarithm }) {
    const z = sub(x as Tensor, stopGradient(max(x as Tensor, -1, true)));
    const e = exp(z);
    const total = sum(e, -1, true);
    return [logarithm ? sub(z, log(total)) : div(e, total)];
  },
  lower(node, to) {
    const y = node.outputs[0] as Tensor;
    const [rows, n] = rowsOf(y);
    const x = to.input(node, 0);
    const out = to.output(node);
    to.emit(Opcode.Softmax, [out], [x, rows, n, node.attrs.logarithm ? 1 : 0], [[out, x]]);
  },
};

/** Inputs y, dy. */
const backwardOp: Op<SoftmaxAttrs> = {
  name: "softmaxBackward",
  infer: ([y]) => [y as TensorType],
  decomposition([y, dy], { logarithm }) {
    const [p, d] = [y as Tensor, dy as Tensor];
    return [
      logarithm ? sub(d, mul(exp(p), sum(d, -1, true))) : mul(sub(d, sum(mul(d, p), -1, true)), p),
    ];
  },
  lower(node, to) {
    const [rows, n] = rowsOf(node.outputs[0] as Tensor);
    const [y, dy] = [to.input(node, 0), to.input(node, 1)];
    const dx = to.output(node);
    to.emit(
      Opcode.SoftmaxBackward,
      [dx, to.temporary(y.dtype, n)],
      [y, dy, rows, n, node.attrs.logarithm ? 1 : 0],
      [
        [dx, dy],
        [dx, y],
      ],
    );
  },
};

interface CausalAttrs {
  readonly scale: number;
}

/** Whether query i may look at key j: j ≤ i. For x [..., queries, keys] bool [queries, keys]. */
export function causalMask({ shape }: Tensor): Tensor {
  const index = (axis: number): Tensor =>
    arange(shape.at(axis) as number, undefined, 1, { dtype: "i32" });
  return ge(expandDims(index(-2), 1), index(-1));
}

/** Over the last axis of [..., queries, keys]. */
const causalOp: Op<CausalAttrs> = {
  name: "causalSoftmax",
  infer: ([x]) => [x as TensorType],
  vjp: [(dy, { outputs, attrs }) => record1(causalBackwardOp, [outputs[0] as Tensor, dy], attrs)],
  // The Jacobian of each row is symmetric.
  jvp: [
    (xDot, { outputs, attrs }) => record1(causalBackwardOp, [outputs[0] as Tensor, xDot], attrs),
  ],
  decomposition([x], { scale }) {
    const scores = mul(x as Tensor, scale);
    return [softmax(where(causalMask(scores), scores, Number.NEGATIVE_INFINITY))];
  },
  lower(node, to) {
    const y = node.outputs[0] as Tensor;
    const [rows, n] = rowsOf(y);
    const x = to.input(node, 0);
    const out = to.output(node);
    const scale = to.scalar(node.attrs.scale);
    to.emit(Opcode.CausalSoftmax, [out], [x, rows, n, y.shape.at(-2) as number, scale], [[out, x]]);
  },
};

/** Inputs y, dy. Where y is masked it is 0, and so is the derivative. */
const causalBackwardOp: Op<CausalAttrs> = {
  name: "causalSoftmaxBackward",
  infer: ([y]) => [y as TensorType],
  decomposition([y, dy], { scale }) {
    const [p, d] = [y as Tensor, dy as Tensor];
    return [mul(mul(sub(d, sum(mul(d, p), -1, true)), p), scale)];
  },
  lower(node, to) {
    const { shape } = node.outputs[0] as Tensor;
    const [rows, n] = rowsOf(node.outputs[0] as Tensor);
    const [y, dy] = [to.input(node, 0), to.input(node, 1)];
    const dx = to.output(node);
    to.emit(
      Opcode.CausalSoftmaxBackward,
      [dx, to.temporary(y.dtype, n)],
      [y, dy, rows, n, shape.at(-2) as number, to.scalar(node.attrs.scale)],
      [
        [dx, dy],
        [dx, y],
      ],
    );
  },
};

/**
 * softmax(scale · x) over the keys of x [..., queries, keys] that come no later than the query, and 0
 * of the others: causal attention's weights (Vaswani et al. 2017). `scale` is above 0.
 */
export const causalSoftmax = (x: Tensor, scale: number): Tensor =>
  record1(causalOp, [x], { scale });

function along(name: string, x: Tensor, axis: number, logarithm: boolean): Tensor {
  checkTensors(name, x);
  const at = normalizeAxis(name, axis, x.rank);
  if (at === x.rank - 1) return record1(softmaxOp, [x], { logarithm });
  return swapAxes(record1(softmaxOp, [swapAxes(x, at, -1)], { logarithm }), at, -1);
}

/** eˣ / Σ eˣ along an axis; a row of −Infinity, or with NaN in it, is NaN. */
export const softmax: Unary<[axis?: number]> = (x: Tensor, axis = -1) =>
  along("softmax", x, axis, false);

/** x − ln Σ eˣ along an axis: the logarithm of the softmax, without the loss of taking it. */
export const logSoftmax: Unary<[axis?: number]> = (x: Tensor, axis = -1) =>
  along("logSoftmax", x, axis, true);
