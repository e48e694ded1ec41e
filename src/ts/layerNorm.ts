import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";
import { rowSum, rowSumOf } from "./reduce.js";

const F = Math.fround;

/** Layer normalisation of rows: the twins of `assembly/layerNorm.ts`. */

/** Rows of one block of a column sum: GEMM's KC. */
const KC = 256;

export function layerNormForward(
  m: Heap,
  y: number,
  mean: number,
  rstd: number,
  x: number,
  gamma: number,
  beta: number,
  rows: number,
  n: number,
  eps: number,
): void {
  const f = m.f;
  const small = f[eps >>> SHIFT] as number;
  const scale = gamma >>> SHIFT;
  const shift = beta >>> SHIFT;
  for (let r = 0; r < rows; r++) {
    const from = (x >>> SHIFT) + r * n;
    const to = (y >>> SHIFT) + r * n;
    const centre = F(rowSum(f, from, n) / n);
    const squares = rowSumOf(f, from, n, centre, squaredDeviation);
    const scaleOfRow = F(1 / F(Math.sqrt(F(F(squares / n) + small))));
    f[(mean >>> SHIFT) + r] = centre;
    f[(rstd >>> SHIFT) + r] = scaleOfRow;
    for (let i = 0; i < n; i++) {
      const xhat = F(F((f[from + i] as number) - centre) * scaleOfRow);
      f[to + i] = F(F(xhat * (f[scale + i] as number)) + (f[shift + i] as number));
    }
  }
}

function squaredDeviation(x: number, mean: number): number {
  const d = F(x - mean);
  return F(d * d);
}

export function layerNormBackward(
  m: Heap,
  dx: number,
  dGamma: number,
  dBeta: number,
  scratch: number,
  x: number,
  mean: number,
  rstd: number,
  gamma: number,
  dy: number,
  rows: number,
  n: number,
): void {
  const f = m.f;
  const scale = gamma >>> SHIFT;
  const partialBeta = scratch >>> SHIFT;
  const partialGamma = partialBeta + n;
  const products = partialGamma + n;
  const totalBeta = dBeta >>> SHIFT;
  const totalGamma = dGamma >>> SHIFT;
  f.fill(0, totalBeta, totalBeta + n);
  f.fill(0, totalGamma, totalGamma + n);
  for (let r = 0; r < rows; r++) {
    const xs = (x >>> SHIFT) + r * n;
    const ds = (dy >>> SHIFT) + r * n;
    const to = (dx >>> SHIFT) + r * n;
    const centre = f[(mean >>> SHIFT) + r] as number;
    const rstdOfRow = f[(rstd >>> SHIFT) + r] as number;
    if (r % KC === 0) f.fill(0, partialBeta, products);
    for (let i = 0; i < n; i++)
      f[products + i] = F((f[ds + i] as number) * (f[scale + i] as number));
    const shift = F(rowSum(f, products, n) / n);
    for (let i = 0; i < n; i++) {
      const xhat = F(F((f[xs + i] as number) - centre) * rstdOfRow);
      f[products + i] = F((f[products + i] as number) * xhat);
    }
    const slope = F(rowSum(f, products, n) / n);
    for (let i = 0; i < n; i++) {
      const xhat = F(F((f[xs + i] as number) - centre) * rstdOfRow);
      const d = f[ds + i] as number;
      f[partialBeta + i] = F((f[partialBeta + i] as number) + d);
      f[partialGamma + i] = F((f[partialGamma + i] as number) + F(d * xhat));
      const centred = F(F(d * (f[scale + i] as number)) - shift);
      f[to + i] = F(rstdOfRow * F(centred - F(xhat * slope)));
    }
    if ((r + 1) % KC === 0 || r + 1 === rows)
      for (let i = 0; i < n; i++) {
        f[totalBeta + i] = F((f[totalBeta + i] as number) + (f[partialBeta + i] as number));
        f[totalGamma + i] = F((f[totalGamma + i] as number) + (f[partialGamma + i] as number));
      }
  }
}
