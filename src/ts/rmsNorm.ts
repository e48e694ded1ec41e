import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";
import { rowSum, rowSumOf } from "./reduce.js";

const F = Math.fround;

/** Root-mean-square normalisation of rows: the twins of `assembly/rmsNorm.ts`. */

const square = (x: number): number => F(x * x);

/** 1 / sqrt(Σ x² / n + eps) of one row. */
function rstdOf(f: Heap["f"], x: number, n: number, eps: number): number {
  const squares = rowSumOf(f, x, n, 0, square);
  return F(1 / F(Math.sqrt(F(F(squares / n) + eps))));
}

export function rmsNorm(m: Heap, y: number, x: number, rows: number, n: number, eps: number): void {
  const f = m.f;
  const small = f[eps >>> SHIFT] as number;
  for (let r = 0; r < rows; r++) {
    const from = (x >>> SHIFT) + r * n;
    const to = (y >>> SHIFT) + r * n;
    const rstd = rstdOf(f, from, n, small);
    for (let i = 0; i < n; i++) f[to + i] = F((f[from + i] as number) * rstd);
  }
}

export function rmsNormBackward(
  m: Heap,
  dx: number,
  scratch: number,
  x: number,
  dy: number,
  rows: number,
  n: number,
  eps: number,
): void {
  const f = m.f;
  const small = f[eps >>> SHIFT] as number;
  const products = scratch >>> SHIFT;
  for (let r = 0; r < rows; r++) {
    const from = (x >>> SHIFT) + r * n;
    const d = (dy >>> SHIFT) + r * n;
    const to = (dx >>> SHIFT) + r * n;
    const rstd = rstdOf(f, from, n, small);
    for (let i = 0; i < n; i++)
      f[products + i] = F((f[d + i] as number) * F((f[from + i] as number) * rstd));
    const share = F(rowSum(f, products, n) / n);
    for (let i = 0; i < n; i++) {
      const xHat = F((f[from + i] as number) * rstd);
      f[to + i] = F(rstd * F((f[d + i] as number) - F(xHat * share)));
    }
  }
}
