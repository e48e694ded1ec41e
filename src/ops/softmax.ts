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
import { checkFloat } from "./create.js";
import { div, exp, log, mul, sub } from "./elementwise.js";
import { swapAxes } from "./join.js";
import { max, sum } from "./reduce.js";
import { stopGradient } from "./shape.js";

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
  infer: ([x], { logarithm }) => {
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
    const total = sum(exp(z), -1, true);
    return [logarithm ? sub(z, log(total)) : div(exp(z), total)];
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

function along(name: string, x: Tensor, axis: number, logarithm: boolean): Tensor {
  checkTensors(name, x);
  const at = normalizeAxis(name, axis, x.rank);
  if (at === x.rank - 1) return record1(softmaxOp, [x], { logarithm });
  return swapAxes(record1(softmaxOp, [swapAxes(x, at, -1)], { logarithm }), at, -1);
}

/** eˣ / Σ eˣ along an axis; a row of −Infinity, or with NaN in it, is NaN. */
export const softmax = (x: Tensor, axis = -1): Tensor => along("softmax", x, axis, false);

/** x − ln Σ eˣ along an axis: the logarithm of the softmax, without the loss of taking it. */
export const logSoftmax = (x: Tensor, axis = -1): Tensor => along("logSoftmax", x, axis, true);
