import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";
import { greatest, shiftedExp } from "./loss.js";
import { exp1, log1 } from "./math.js";
import { rowSum, rowSumOf } from "./reduce.js";

const F = Math.fround;

/** Softmax and its logarithm: the twins of `assembly/softmax.ts`. */

export function softmax(
  m: Heap,
  y: number,
  x: number,
  rows: number,
  n: number,
  logarithm: number,
): void {
  const f = m.f;
  for (let r = 0; r < rows; r++) {
    const from = (x >>> SHIFT) + r * n;
    const to = (y >>> SHIFT) + r * n;
    const shift = greatest(f, from, n);
    if (logarithm !== 0) {
      const log = log1(rowSumOf(f, from, n, shift, shiftedExp));
      for (let i = 0; i < n; i++) f[to + i] = F(F((f[from + i] as number) - shift) - log);
    } else {
      for (let i = 0; i < n; i++) f[to + i] = exp1(F((f[from + i] as number) - shift));
      const total = rowSum(f, to, n);
      for (let i = 0; i < n; i++) f[to + i] = F((f[to + i] as number) / total);
    }
  }
}

export function softmaxBackward(
  m: Heap,
  dx: number,
  scratch: number,
  y: number,
  dy: number,
  rows: number,
  n: number,
  logarithm: number,
): void {
  const f = m.f;
  const products = scratch >>> SHIFT;
  for (let r = 0; r < rows; r++) {
    const to = (dx >>> SHIFT) + r * n;
    const a = (y >>> SHIFT) + r * n;
    const b = (dy >>> SHIFT) + r * n;
    if (logarithm !== 0) {
      const total = rowSum(f, b, n);
      for (let i = 0; i < n; i++)
        f[to + i] = F((f[b + i] as number) - F(exp1(f[a + i] as number) * total));
    } else {
      for (let i = 0; i < n; i++) f[products + i] = F((f[b + i] as number) * (f[a + i] as number));
      const total = rowSum(f, products, n);
      for (let i = 0; i < n; i++)
        f[to + i] = F(F((f[b + i] as number) - total) * (f[a + i] as number));
    }
  }
}

export function causalSoftmax(
  m: Heap,
  y: number,
  x: number,
  rows: number,
  n: number,
  queries: number,
  scale: number,
): void {
  const f = m.f;
  const factor = f[scale >>> SHIFT] as number;
  for (let r = 0; r < rows; r++) {
    const from = (x >>> SHIFT) + r * n;
    const to = (y >>> SHIFT) + r * n;
    const count = Math.min(n, (r % queries) + 1);
    const shift = F(greatest(f, from, count) * factor);
    for (let i = 0; i < count; i++)
      f[to + i] = exp1(F(F((f[from + i] as number) * factor) - shift));
    const total = rowSum(f, to, count);
    for (let i = 0; i < count; i++) f[to + i] = F((f[to + i] as number) / total);
    f.fill(0, to + count, to + n);
  }
}

export function causalSoftmaxBackward(
  m: Heap,
  dx: number,
  scratch: number,
  y: number,
  dy: number,
  rows: number,
  n: number,
  queries: number,
  scale: number,
): void {
  const f = m.f;
  const products = scratch >>> SHIFT;
  const factor = f[scale >>> SHIFT] as number;
  for (let r = 0; r < rows; r++) {
    const to = (dx >>> SHIFT) + r * n;
    const a = (y >>> SHIFT) + r * n;
    const b = (dy >>> SHIFT) + r * n;
    const count = Math.min(n, (r % queries) + 1);
    for (let i = 0; i < count; i++)
      f[products + i] = F((f[b + i] as number) * (f[a + i] as number));
    const total = rowSum(f, products, count);
    for (let i = 0; i < count; i++) {
      const dz = F(F((f[b + i] as number) - total) * (f[a + i] as number));
      f[to + i] = F(dz * factor);
    }
    f.fill(0, to + count, to + n);
  }
}
