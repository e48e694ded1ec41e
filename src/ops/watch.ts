/** What tensors are like, as ops without derivatives: for looking on while a step runs. */
import { Opcode } from "../../assembly/opcodes.js";
import { type Op, record, record1 } from "../tape.js";
import type { FloatDtype, Tensor, TensorType } from "../tensor.js";
import { arrayOf, constant } from "./create.js";

/** Inputs x and [low, high]; outputs as the kernel documents them. */
const statisticsOp: Op<{ readonly bins: number }> = {
  name: "statistics",
  infer: ([x], { bins }) => [
    { shape: [4], dtype: (x as TensorType).dtype },
    { shape: [4 + bins], dtype: "i32" },
  ],
  lower(node, to) {
    const x = to.input(node, 0);
    to.emit(
      Opcode.Statistics,
      [to.output(node, 0), to.output(node, 1)],
      [x, x.size, node.attrs.bins, to.input(node, 1)],
    );
  },
};

export interface StatisticsOptions {
  /** Of the histogram; at most 1,024. */
  readonly bins?: number;
  /** What is below and above is counted. */
  readonly low?: number;
  readonly high?: number;
}

/**
 * Of the finite elements of x, in one instruction: [mean, standard deviation, least, greatest], and
 * i32 [zeros, not finite, below, above, each bin's entries …].
 */
export function statistics(
  x: Tensor,
  options: StatisticsOptions = {},
): readonly [floats: Tensor, counts: Tensor] {
  const { bins = 0, low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY } = options;
  const limits = arrayOf(x.dtype, 2);
  limits.set([low, high]);
  const inputs = [x, constant(limits, [2], x.dtype as FloatDtype)];
  return record(statisticsOp, inputs, { bins }) as readonly [Tensor, Tensor];
}

const distanceOp: Op<null> = {
  name: "distance",
  infer: ([x]) => [{ shape: [1], dtype: (x as TensorType).dtype }],
  lower(node, to) {
    const x = to.input(node, 0);
    const y = node.inputs.length > 1 ? to.input(node, 1) : 0;
    to.emit(Opcode.Norm, [to.output(node)], [x, y, x.size]);
  },
};

/** The Euclidean norm of all of x, or of x − y for an equal shape, as [1]; its sum is made in f64. */
export const distance = (x: Tensor, y?: Tensor): Tensor =>
  record1(distanceOp, y ? [x, y] : [x], null);
