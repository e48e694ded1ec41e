import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";

/** Kernels that move elements without computing on them. */

export function copy(m: Heap, out: number, x: number, bytes: number): void {
  m.u.copyWithin(out >>> 2, x >>> 2, (x + bytes) >>> 2);
}

export function fill(m: Heap, out: number, value: number, n: number): void {
  const o = out >>> SHIFT;
  m.f.fill(m.f[value >>> SHIFT] as number, o, o + n);
}

export function stridedCopy(
  m: Heap,
  out: number,
  x: number,
  offset: number,
  rank: number,
  dims: number,
): void {
  const sizes = dims >>> 2;
  copyAxes(m.u, out >>> 2, (x >>> 2) + offset, rank, sizes, sizes + rank);
}

export function stridedPlace(
  m: Heap,
  out: number,
  offset: number,
  x: number,
  rank: number,
  dims: number,
): void {
  const sizes = dims >>> 2;
  placeAxes(m.u, (out >>> 2) + offset, x >>> 2, rank, sizes, sizes + rank);
}

/** Writes the axes whose sizes and strides begin at these words; returns where x stopped. */
function placeAxes(
  u: Uint32Array,
  out: number,
  x: number,
  rank: number,
  sizes: number,
  strides: number,
): number {
  if (rank === 0) {
    u[out] = u[x] as number;
    return x + 1;
  }
  const size = u[sizes] as number;
  const stride = (u[strides] as number) | 0;
  let o = out;
  let p = x;
  for (let i = 0; i < size; i++, o += stride)
    p = placeAxes(u, o, p, rank - 1, sizes + 1, strides + 1);
  return p;
}

/** Copies the axes whose sizes and strides begin at these words; returns where it stopped. */
function copyAxes(
  u: Uint32Array,
  out: number,
  x: number,
  rank: number,
  sizes: number,
  strides: number,
): number {
  if (rank === 0) {
    u[out] = u[x] as number;
    return out + 1;
  }
  const size = u[sizes] as number;
  const stride = (u[strides] as number) | 0;
  let o = out;
  let p = x;
  if (rank === 1) {
    for (const end = o + size; o < end; o++, p += stride) u[o] = u[p] as number;
  } else {
    for (let i = 0; i < size; i++, p += stride) {
      o = copyAxes(u, o, p, rank - 1, sizes + 1, strides + 1);
    }
  }
  return o;
}

export function increment(m: Heap, out: number, x: number, n: number): void {
  const i32 = m.i;
  const o = out >>> 2;
  const a = x >>> 2;
  for (let i = 0; i < n; i++) i32[o + i] = (i32[a + i] as number) + 1;
}

export function oneHot(m: Heap, out: number, labels: number, rows: number, cols: number): number {
  const f = m.f;
  const l = labels >>> 2;
  const o = out >>> SHIFT;
  for (let r = 0; r < rows; r++) {
    // Seen as unsigned, a negative label is out of range too.
    if ((m.u[l + r] as number) >= cols) return r;
  }
  f.fill(0, o, o + rows * cols);
  for (let r = 0; r < rows; r++) f[o + r * cols + (m.u[l + r] as number)] = 1;
  return -1;
}
