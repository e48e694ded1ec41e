import { Comparison, IntegerOperation } from "../../assembly/opcodes.js";
import type { Kernels } from "../kernels.js";
import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";

/** Comparisons, whole numbers, selection, conversion: the twins of `assembly/compare.ts`. */

type OnHeap<Name extends keyof Kernels> = (
  m: Heap,
  ...operands: Parameters<Kernels[Name]>
) => ReturnType<Kernels[Name]>;

export const compare: OnHeap<"compare"> = (m, out, a, b, rows, cols, rsA, csA, rsB, csB, kind) => {
  const { f, i } = m;
  let o = out >>> 2;
  for (let r = 0; r < rows; r++) {
    let p = (a >>> SHIFT) + r * rsA;
    let q = (b >>> SHIFT) + r * rsB;
    for (const end = o + cols; o < end; o++, p += csA, q += csB) {
      const x = f[p] as number;
      const y = f[q] as number;
      if (kind === Comparison.Equal) i[o] = x === y ? 1 : 0;
      else if (kind === Comparison.NotEqual) i[o] = x !== y ? 1 : 0;
      else if (kind === Comparison.Less) i[o] = x < y ? 1 : 0;
      else i[o] = x <= y ? 1 : 0;
    }
  }
};

export const compareIntegers: OnHeap<"compareIntegers"> = (
  m,
  out,
  a,
  b,
  rows,
  cols,
  rsA,
  csA,
  rsB,
  csB,
  kind,
) => {
  const { i } = m;
  let o = out >>> 2;
  for (let r = 0; r < rows; r++) {
    let p = (a >>> 2) + r * rsA;
    let q = (b >>> 2) + r * rsB;
    for (const end = o + cols; o < end; o++, p += csA, q += csB) {
      const x = i[p] as number;
      const y = i[q] as number;
      if (kind === Comparison.Equal) i[o] = x === y ? 1 : 0;
      else if (kind === Comparison.NotEqual) i[o] = x !== y ? 1 : 0;
      else if (kind === Comparison.Less) i[o] = x < y ? 1 : 0;
      else i[o] = x <= y ? 1 : 0;
    }
  }
};

export const integers: OnHeap<"integers"> = (
  m,
  out,
  a,
  b,
  rows,
  cols,
  rsA,
  csA,
  rsB,
  csB,
  operation,
) => {
  const { i } = m;
  let o = out >>> 2;
  for (let r = 0; r < rows; r++) {
    let p = (a >>> 2) + r * rsA;
    let q = (b >>> 2) + r * rsB;
    for (const end = o + cols; o < end; o++, p += csA, q += csB) {
      const x = i[p] as number;
      const y = i[q] as number;
      if (operation === IntegerOperation.Add) i[o] = x + y;
      else if (operation === IntegerOperation.Sub) i[o] = x - y;
      else if (operation === IntegerOperation.Mul) i[o] = Math.imul(x, y);
      else if (operation === IntegerOperation.Maximum) i[o] = Math.max(x, y);
      else i[o] = Math.min(x, y);
    }
  }
};

export const select: OnHeap<"select"> = (m, out, condition, a, b, n, sA, sB) => {
  const { f, i } = m;
  const o = out >>> SHIFT;
  const c = condition >>> 2;
  let p = a >>> SHIFT;
  let q = b >>> SHIFT;
  for (let k = 0; k < n; k++, p += sA, q += sB) f[o + k] = (i[c + k] ? f[p] : f[q]) as number;
};

export const selectWords: OnHeap<"selectWords"> = (m, out, condition, a, b, n, sA, sB) => {
  const { i } = m;
  const o = out >>> 2;
  const c = condition >>> 2;
  let p = a >>> 2;
  let q = b >>> 2;
  for (let k = 0; k < n; k++, p += sA, q += sB) i[o + k] = (i[c + k] ? i[p] : i[q]) as number;
};

/** Rounds an i32 that f32 has no room for: storing it does. */
export function toFloat(m: Heap, out: number, x: number, n: number): void {
  const { f, i } = m;
  for (let k = 0; k < n; k++) f[(out >>> SHIFT) + k] = i[(x >>> 2) + k] as number;
}

export function toInteger(m: Heap, out: number, x: number, n: number): void {
  const { f, i } = m;
  for (let k = 0; k < n; k++) {
    const value = f[(x >>> SHIFT) + k] as number;
    // NaN becomes 0 when it is stored.
    i[(out >>> 2) + k] = Math.max(-2147483648, Math.min(2147483647, value));
  }
}

export function abs(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = Math.abs(f[a + i] as number);
}

export function sign(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) {
    const value = f[a + i] as number;
    f[o + i] = value > 0 ? 1 : value < 0 ? -1 : 0;
  }
}

export function floor(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = Math.floor(f[a + i] as number);
}

export function ceil(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = Math.ceil(f[a + i] as number);
}

/** Half to even; the sign of the argument stays at zero. */
function roundEven(x: number): number {
  const low = Math.floor(x);
  const part = x - low;
  // Infinity − Infinity is NaN, and NaN stays.
  if (!(part >= 0)) return x;
  const up = part > 0.5 || (part === 0.5 && low % 2 !== 0);
  return up ? (low === -1 ? -0 : low + 1) : low;
}

export function round(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = roundEven(f[a + i] as number);
}
