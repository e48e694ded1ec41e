/** What is done with a loss per example. */
import { checkWord } from "../describe.js";
import type { Tensor } from "../tensor.js";
import { mean, sum } from "./reduce.js";

export type Reduction = "mean" | "sum" | "none";

export interface LossOptions {
  /** Averaged (the default), summed, or one for each. */
  readonly reduction?: Reduction;
}

const REDUCTIONS: readonly string[] = ["mean", "sum", "none"];

export function checkReduction(op: string, reduction: Reduction = "mean"): Reduction {
  checkWord(op, "reduction", reduction, REDUCTIONS);
  return reduction;
}

export function reduced(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === "none") return losses;
  return reduction === "sum" ? sum(losses) : mean(losses);
}
