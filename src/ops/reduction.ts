/** What is done with a loss per example. */
import { describe } from "../describe.js";
import type { Tensor } from "../tensor.js";
import { mean, sum } from "./reduce.js";

export type Reduction = "mean" | "sum" | "none";

export interface LossOptions {
  /** Averaged (the default), summed, or one for each. */
  readonly reduction?: Reduction;
}

export function checkReduction(op: string, reduction: unknown = "mean"): Reduction {
  if (reduction !== "mean" && reduction !== "sum" && reduction !== "none")
    throw new TypeError(
      `${op}: unknown reduction: got ${describe(reduction)}, expected "mean", "sum" or "none"`,
    );
  return reduction;
}

export function reduced(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === "none") return losses;
  return reduction === "sum" ? sum(losses) : mean(losses);
}
