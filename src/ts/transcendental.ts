import type { Kernels } from "../kernels.js";
import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";
import { coshOf, erfOf, expm1Of, hypotOf, log1pOf, powOf, sinhOf } from "./wideMath.js";
import { atan2Of, atanOf, cosOf, sinOf, tanOf } from "./wideTrig.js";

/** The kernels of `wideMath.ts` and `wideTrig.ts`. A call per element is small beside the function itself. */

type Unary = (m: Heap, ...operands: Parameters<Kernels["exp"]>) => void;
type Binary = (m: Heap, ...operands: Parameters<Kernels["add"]>) => void;

const unary =
  (of: (x: number) => number): Unary =>
  (m, out, x, n) => {
    const f = m.f;
    const o = out >>> SHIFT;
    const a = x >>> SHIFT;
    for (let i = 0; i < n; i++) f[o + i] = of(f[a + i] as number);
  };

const binary =
  (of: (a: number, b: number) => number): Binary =>
  (m, out, a, b, rows, cols, rsA, csA, rsB, csB) => {
    const f = m.f;
    let o = out >>> SHIFT;
    for (let r = 0; r < rows; r++) {
      const end = o + cols;
      let p = (a >>> SHIFT) + r * rsA;
      let q = (b >>> SHIFT) + r * rsB;
      for (; o < end; o++, p += csA, q += csB) f[o] = of(f[p] as number, f[q] as number);
    }
  };

export const log1p = unary(log1pOf);
export const expm1 = unary(expm1Of);
export const sin = unary(sinOf);
export const cos = unary(cosOf);
export const tan = unary(tanOf);
export const sinh = unary(sinhOf);
export const cosh = unary(coshOf);
export const atan = unary(atanOf);
export const erf = unary(erfOf);

export const pow = binary(powOf);
export const atan2 = binary(atan2Of);
export const hypot = binary(hypotOf);
