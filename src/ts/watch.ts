import type { Kernels } from "../kernels.js";
import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";

const F = Math.fround;

/** Kernels that look at values and change none: the twins of `assembly/watch.ts`. */

type OnHeap<Name extends keyof Kernels> = (
  m: Heap,
  ...operands: Parameters<Kernels[Name]>
) => ReturnType<Kernels[Name]>;

const isInfinite = (v: number): boolean => Math.abs(v) === Number.POSITIVE_INFINITY;

/** The first of n elements that `is` so; −1 for none. */
function first(m: Heap, x: number, n: number, is: (v: number) => boolean): number {
  const at = x >>> SHIFT;
  for (let i = 0; i < n; i++) if (is(m.f[at + i] as number)) return i;
  return -1;
}

export const checkFinite: OnHeap<"checkFinite"> = (m, y, n, infinities, count, inputs) => {
  let nan = first(m, y, n, Number.isNaN);
  let infinity = infinities !== 0 ? first(m, y, n, isInfinite) : -1;
  const list = inputs >>> 2;
  for (let k = 0; k < count && (nan >= 0 || infinity >= 0); k++) {
    const x = m.u[list + 2 * k] as number;
    const size = m.u[list + 2 * k + 1] as number;
    if (first(m, x, size, Number.isNaN) >= 0) {
      nan = -1;
      infinity = -1;
    } else if (infinity >= 0 && first(m, x, size, isInfinite) >= 0) infinity = -1;
  }
  return nan >= 0 && infinity >= 0 ? Math.min(nan, infinity) : Math.max(nan, infinity);
};

export const norm: OnHeap<"norm"> = (m, out, x, y, n) => {
  const { f } = m;
  const [a, b] = [x >>> SHIFT, y >>> SHIFT];
  const p = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const v = f[a + i] as number;
    const d = y === 0 ? v : F(v - (f[b + i] as number));
    p[i & 7] = (p[i & 7] as number) + d * d;
  }
  f[out >>> SHIFT] = Math.sqrt(total(p.slice(0, 4).map((v, q) => v + (p[q + 4] as number))));
};

/** Of four partials. */
const total = (p: readonly number[]): number =>
  (p[0] as number) + (p[2] as number) + ((p[1] as number) + (p[3] as number));

export const statistics: OnHeap<"statistics"> = (m, out, counts, x, n, bins, limits) => {
  const { f, i: words } = m;
  const from = x >>> SHIFT;
  const low = f[limits >>> SHIFT] as number;
  const high = f[(limits >>> SHIFT) + 1] as number;
  const sums = [0, 0, 0, 0];
  const squares = [0, 0, 0, 0];
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let [zeros, strange, below, above] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const v = f[from + i] as number;
    if (v - v !== 0) {
      strange++;
      continue;
    }
    const q = i & 3;
    sums[q] = (sums[q] as number) + v;
    squares[q] = (squares[q] as number) + v * v;
    min = Math.min(min, v);
    max = Math.max(max, v);
    if (v === 0) zeros++;
    if (v < low) below++;
    if (v > high) above++;
  }
  const finite = n - strange;
  const mean = total(sums) / finite;
  const square = total(squares);
  const o = out >>> SHIFT;
  f[o] = mean;
  f[o + 1] = Math.sqrt(Math.max(0, square / finite - mean * mean));
  f[o + 2] = min + 0;
  f[o + 3] = max + 0;
  const c = counts >>> 2;
  words[c] = zeros;
  words[c + 1] = strange;
  words[c + 2] = below;
  words[c + 3] = above;
  words.fill(0, c + 4, c + 4 + bins);
  if (bins === 0) return;
  const scale = F(bins / F(max - min));
  for (let i = 0; i < n; i++) {
    const v = f[from + i] as number;
    if (v - v !== 0) continue;
    const k = F(F(v - min) * scale);
    // Not a number where all are equal: then they are in the first.
    const bin = c + 4 + (k >= bins ? bins - 1 : Math.trunc(k) | 0);
    words[bin] = (words[bin] as number) + 1;
  }
};
