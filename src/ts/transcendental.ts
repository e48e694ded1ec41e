import type { Kernels } from "../kernels.js";
import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";
import { coshOf, erfOf, expm1Of, hypotOf, log1pOf, powOf, sinhOf } from "./wideMath.js";
import { atan2Of, atanOf, cosOf, sinOf, tanOf } from "./wideTrig.js";

/** The kernels of `wideMath.ts` and `wideTrig.ts`. A call per element is small beside the function itself. */

type Unary = (m: Heap, ...operands: Parameters<Kernels["exp"]>) => void;
type Binary = (m: Heap, ...operands: Parameters<Kernels["add"]>) => void;

function unary(
  of: (x: number) => number,
  m: Heap,
  ...[out, x, n]: Parameters<Kernels["exp"]>
): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = of(f[a + i] as number);
}

function binary(
  of: (a: number, b: number) => number,
  m: Heap,
  ...[out, a, b, rows, cols, rsA, csA, rsB, csB]: Parameters<Kernels["add"]>
): void {
  const f = m.f;
  let o = out >>> SHIFT;
  for (let r = 0; r < rows; r++) {
    const end = o + cols;
    let p = (a >>> SHIFT) + r * rsA;
    let q = (b >>> SHIFT) + r * rsB;
    for (; o < end; o++, p += csA, q += csB) f[o] = of(f[p] as number, f[q] as number);
  }
}

export const log1p: Unary = (m, ...operands) => unary(log1pOf, m, ...operands);
export const expm1: Unary = (m, ...operands) => unary(expm1Of, m, ...operands);
export const sin: Unary = (m, ...operands) => unary(sinOf, m, ...operands);
export const cos: Unary = (m, ...operands) => unary(cosOf, m, ...operands);
export const tan: Unary = (m, ...operands) => unary(tanOf, m, ...operands);
export const sinh: Unary = (m, ...operands) => unary(sinhOf, m, ...operands);
export const cosh: Unary = (m, ...operands) => unary(coshOf, m, ...operands);
export const atan: Unary = (m, ...operands) => unary(atanOf, m, ...operands);
export const erf: Unary = (m, ...operands) => unary(erfOf, m, ...operands);

export const pow: Binary = (m, ...operands) => binary(powOf, m, ...operands);
export const atan2: Binary = (m, ...operands) => binary(atan2Of, m, ...operands);
export const hypot: Binary = (m, ...operands) => binary(hypotOf, m, ...operands);
