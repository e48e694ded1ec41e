import { describe } from "../describe.js";

/** The probability of a dropout. */
export function checkProbability(op: string, p: number): number {
  if (!(typeof p === "number" && p >= 0 && p <= 1))
    throw new RangeError(`${op}: not a probability: got ${describe(p)}, expected 0 ≤ p ≤ 1`);
  return p;
}

/** A number of features, channels or the like. */
export function checkSize(op: string, name: string, size: number): void {
  if (!Number.isInteger(size) || size < 1)
    throw new RangeError(`${op}: bad ${name}: got ${size}, expected a positive integer`);
}
