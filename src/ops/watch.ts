/** What a tensor is like, as an op without derivatives: for looking on while a step runs. */
import { Opcode } from "../../assembly/opcodes.js";
import { type Op, record } from "../tape.js";
import type { FloatDtype, Tensor, TensorType } from "../tensor.js";
import { arrayOf, constant } from "./create.js";

/** Inputs x and [low, high]; outputs as the kernel documents them. */
const statisticsOp: Op<{ readonly bins: number }> = {
  name: "statistics",
  infer: ([x], { bins }) => [
    { shape: [5], dtype: (x as TensorType).dtype },
    { shape: [4 + bins], dtype: "i32" },
  ],
  vjp: [null, null],
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

export interface Statistics {
  /** mean, standard deviation, Euclidean norm, least, greatest */
  readonly floats: Tensor;
  /** zeros, not finite, below, above, and each bin's entries */
  readonly counts: Tensor;
}

/** Of the finite elements of x, in one instruction. */
export function statistics(x: Tensor, options: StatisticsOptions = {}): Statistics {
  const { bins = 0, low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY } = options;
  const limits = arrayOf(x.dtype, 2);
  limits.set([low, high]);
  const inputs = [x, constant(limits, [2], x.dtype as FloatDtype)];
  const [floats, counts] = record(statisticsOp, inputs, { bins }) as [Tensor, Tensor];
  return { floats, counts };
}
