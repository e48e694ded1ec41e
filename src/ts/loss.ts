import { type Heap, SHIFT } from "./float.js";
import { exp1, log1 } from "./math.js";
import { rowSumOf } from "./reduce.js";

const F = Math.fround;

/** Softmax cross-entropy: the twins of `assembly/loss.ts`. */

/** exp(logit − rowMax): what a row's sum adds up. */
export const shiftedExp = (logit: number, rowMax: number): number => exp1(F(logit - rowMax));

/** The greatest of a row; any NaN wins. */
export function greatest(f: Heap["f"], row: number, cols: number): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let i = row; i < row + cols; i++) best = Math.max(best, f[i] as number);
  return best;
}

export function softmaxCrossEntropyForward(
  m: Heap,
  losses: number,
  rowMax: number,
  logSum: number,
  logits: number,
  labels: number,
  rows: number,
  cols: number,
): number {
  const f = m.f;
  const label = labels >>> 2;
  for (let r = 0; r < rows; r++) if ((m.u[label + r] as number) >= cols) return r;
  for (let r = 0; r < rows; r++) {
    const row = (logits >>> SHIFT) + r * cols;
    const shift = greatest(f, row, cols);
    const log = log1(rowSumOf(f, row, cols, shift, shiftedExp));
    const chosen = f[row + (m.u[label + r] as number)] as number;
    f[(rowMax >>> SHIFT) + r] = shift;
    f[(logSum >>> SHIFT) + r] = log;
    f[(losses >>> SHIFT) + r] = F(log - F(chosen - shift));
  }
  return -1;
}

export function softmaxCrossEntropyBackward(
  m: Heap,
  dLogits: number,
  logits: number,
  labels: number,
  rowMax: number,
  logSum: number,
  dLosses: number,
  rows: number,
  cols: number,
  dStride: number,
): void {
  const f = m.f;
  for (let r = 0; r < rows; r++) {
    const row = (logits >>> SHIFT) + r * cols;
    const out = (dLogits >>> SHIFT) + r * cols;
    const shift = f[(rowMax >>> SHIFT) + r] as number;
    const log = f[(logSum >>> SHIFT) + r] as number;
    const dLoss = f[(dLosses >>> SHIFT) + r * dStride] as number;
    const label = m.u[(labels >>> 2) + r] as number;
    for (let c = 0; c < cols; c++) {
      const p = exp1(F(F((f[row + c] as number) - shift) - log));
      f[out + c] = F(F(p - (c === label ? 1 : 0)) * dLoss);
    }
  }
}
