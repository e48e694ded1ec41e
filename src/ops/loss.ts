/**
 * Softmax cross-entropy with integer labels. For one row, with m = max x:
 *
 *     loss = ln Σ exp(x_c − m) − (x_label − m)            the log-sum-exp form: nothing overflows
 *     ∂loss/∂x_c = softmax(x)_c − [c = label]
 *
 * The forward keeps m and ln Σ per row, two numbers, from which the backward recomputes the
 * softmax.
 */
import { Opcode } from "../../assembly/opcodes.js";
import { type Op, record, record1 } from "../tape.js";
import type { FloatDtype, Node, Tensor, TensorType } from "../tensor.js";
import { exp, log, mul, sub } from "./elementwise.js";
import { max, sum } from "./reduce.js";
import { broadcastSource, reshape, stopGradient } from "./shape.js";

const refuseLabel = (node: Node, row: number, label: number): string =>
  `crossEntropy: label ${label} at row ${row} is out of range: expected 0 ≤ label < ${
    (node.inputs[0] as Tensor | undefined)?.shape[1] ?? (node.outputs[0] as Tensor).shape[1]
  }`;

const oneHotOp: Op<{ readonly classes: number; readonly dtype: FloatDtype }> = {
  name: "oneHot",
  infer: ([labels], { classes, dtype }) => [
    { shape: [(labels as TensorType).shape[0] as number, classes], dtype },
  ],
  lower(node, to) {
    const labels = to.input(node, 0);
    to.emit(Opcode.OneHot, [to.output(node)], [labels, labels.size, node.attrs.classes]);
  },
  refusal: ({ attrs: { classes } }, row, label) =>
    `oneHot: label ${label} at row ${row} is out of range: expected 0 ≤ label < ${classes}`,
};

/** labels i32 [n] → [n, classes]: 1 at the label, 0 elsewhere. */
export const oneHotRows = (labels: Tensor, classes: number, dtype: FloatDtype): Tensor =>
  record1(oneHotOp, [labels], { classes, dtype });

const oneHot = (labels: Tensor, like: Tensor): Tensor =>
  oneHotRows(labels, like.shape[1] as number, like.dtype as FloatDtype);

/** x less its row maximum, and ln Σ exp of that, in basic ops. */
function shifted(logits: Tensor): { z: Tensor; rowMax: Tensor; logSum: Tensor } {
  const rowMax = stopGradient(max(logits, 1, true));
  const z = sub(logits, rowMax);
  return { z, rowMax, logSum: log(sum(exp(z), 1, true)) };
}

/** Outputs: losses [n], row maxima [n], log-sums [n]. */
const forwardOp: Op<null> = {
  name: "crossEntropy",
  infer(types) {
    const [{ shape, dtype }] = types as [TensorType];
    const rows = { shape: [shape[0] as number], dtype };
    return [rows, rows, rows];
  },
  vjpAll(node, [dLosses, dRowMax, dLogSum]) {
    if (dRowMax || dLogSum || !dLosses) return undefined;
    const [logits, labels] = node.inputs as [Tensor, Tensor];
    const [, rowMax, logSum] = node.outputs as [Tensor, Tensor, Tensor];
    return [record1(backwardOp, [logits, labels, rowMax, logSum, dLosses], null), undefined];
  },
  decomposition([logits, labels]) {
    const { z, rowMax, logSum } = shifted(logits as Tensor);
    const rows = [(logits as Tensor).shape[0] as number];
    const picked = sum(mul(z, oneHot(labels as Tensor, logits as Tensor)), 1);
    return [sub(reshape(logSum, rows), picked), reshape(rowMax, rows), reshape(logSum, rows)];
  },
  lower(node, to) {
    const [rows, cols] = (node.inputs[0] as Tensor).shape as [number, number];
    to.emit(
      Opcode.SoftmaxCrossEntropyForward,
      [to.output(node, 0), to.output(node, 1), to.output(node, 2)],
      [to.input(node, 0), to.input(node, 1), rows, cols],
    );
  },
  refusal: refuseLabel,
};

/** dLogits from the losses' cotangents; a cotangent shared by all rows is read in place. */
const backwardOp: Op<null> = {
  name: "crossEntropyBackward",
  infer: ([logits]) => [logits as TensorType],
  decomposition([logits, labels, , , dLosses]) {
    const { z, logSum } = shifted(logits as Tensor);
    const rows = (logits as Tensor).shape[0] as number;
    const difference = sub(exp(sub(z, logSum)), oneHot(labels as Tensor, logits as Tensor));
    return [mul(difference, reshape(dLosses as Tensor, [rows, 1]))];
  },
  lower(node, to) {
    const [rows, cols] = (node.inputs[0] as Tensor).shape as [number, number];
    const cotangent = to.operand(node, 4);
    const from = broadcastSource(cotangent);
    const shared = from.size === 1;
    const logits = to.input(node, 0);
    const dLogits = to.output(node);
    to.emit(
      Opcode.SoftmaxCrossEntropyBackward,
      [dLogits],
      [
        ...[logits, to.input(node, 1), to.input(node, 2), to.input(node, 3)],
        ...[to.valueOf(shared ? from : cotangent), rows, cols, shared ? 0 : 1],
      ],
      [[dLogits, logits]],
    );
  },
};

/**
 * −ln softmax(logits)[label] of each row: logits [n, classes], labels i32 [n]. A label out of range
 * throws when the value is computed, before anything is changed.
 */
export const labelLosses = (logits: Tensor, labels: Tensor): Tensor =>
  record(forwardOp, [logits, labels], null)[0] as Tensor;
