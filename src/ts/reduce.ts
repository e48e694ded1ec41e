import { type Heap, SHIFT } from "./float.js";

const F = Math.fround;

/**
 * Reductions of [outer, n, inner] to [outer, inner] in the orders of the contract;
 * `assembly/reduce.ts` draws the sixteen partials of a row.
 */

const BLOCK = 4096;
const BLOCK_SHIFT = 12;
/** A column sum is a product with ones, so it is added in GEMM's blocks. */
const KC = 256;

/** What a row sum adds instead of the element itself; `c` is what varies from row to row. */
type Map = (value: number, c: number) => number;

function term(f: Heap["f"], i: number, c: number, map: Map | undefined): number {
  const value = f[i] as number;
  return map === undefined ? value : map(value, c);
}

/**
 * The partials lane, lane + 4, lane + 8 and lane + 12 of one block, then their sum. A block is gone
 * over four times, once per lane, so that four partials at a time stay in registers.
 */
function laneSum(
  f: Heap["f"],
  at: number,
  end: number,
  lane: number,
  c: number,
  map: Map | undefined,
): number {
  let p0 = 0;
  let p4 = 0;
  let p8 = 0;
  let p12 = 0;
  let i = at + lane;
  for (; i + 12 < end; i += 16) {
    p0 = F(p0 + term(f, i, c, map));
    p4 = F(p4 + term(f, i + 4, c, map));
    p8 = F(p8 + term(f, i + 8, c, map));
    p12 = F(p12 + term(f, i + 12, c, map));
  }
  if (i < end) p0 = F(p0 + term(f, i, c, map));
  if (i + 4 < end) p4 = F(p4 + term(f, i + 4, c, map));
  if (i + 8 < end) p8 = F(p8 + term(f, i + 8, c, map));
  return F(F(p0 + p8) + F(p4 + p12));
}

function blockSum(f: Heap["f"], at: number, n: number, c: number, map: Map | undefined): number {
  const end = at + n;
  const even = F(laneSum(f, at, end, 0, c, map) + laneSum(f, at, end, 2, c, map));
  const odd = F(laneSum(f, at, end, 1, c, map) + laneSum(f, at, end, 3, c, map));
  return F(even + odd);
}

/**
 * The sum of the partials q, q + step, q + 2·step, … < 16 over parts of 2^shift elements each,
 * halved as in a block: a tree over the distances 8, 4, 2, 1, entered from its root, q = 0 and
 * step = 1. The partials do not depend on one another, so none has to be kept while others grow.
 */
function halve(
  f: Heap["f"],
  at: number,
  n: number,
  c: number,
  map: Map | undefined,
  shift: number,
  q: number,
  step: number,
): number {
  if (step < 16) {
    const next = step << 1;
    const lower = halve(f, at, n, c, map, shift, q, next);
    return F(lower + halve(f, at, n, c, map, shift, q + step, next));
  }
  const size = 1 << shift;
  let s = 0;
  for (let from = q << shift; from < n; from += size << 4) {
    const length = Math.min(n - from, size);
    const part =
      shift === BLOCK_SHIFT
        ? blockSum(f, at + from, length, c, map)
        : halve(f, at + from, length, c, map, BLOCK_SHIFT, 0, 1);
    s = F(s + part);
  }
  return s;
}

/** Σ map(f[at + i], c) for i < n, in the order of rows; 0 when n = 0. */
export function rowSumOf(
  f: Heap["f"],
  at: number,
  n: number,
  c: number,
  map: Map | undefined,
): number {
  if (n <= BLOCK) return blockSum(f, at, n, c, map);
  const shift = n <= BLOCK << BLOCK_SHIFT ? BLOCK_SHIFT : 2 * BLOCK_SHIFT;
  return halve(f, at, n, c, map, shift, 0, 1);
}

/** Σ f[at + i] for i < n, in the order of rows; 0 when n = 0. */
export function rowSum(f: Heap["f"], at: number, n: number): number {
  return rowSumOf(f, at, n, 0, undefined);
}

/** Σ over n rows of the column that starts at f[at], in GEMM's order. */
export function columnSum(f: Heap["f"], at: number, n: number, inner: number): number {
  let total = 0;
  let i = at;
  for (let from = 0; from < n; from += KC) {
    const end = i + Math.min(n - from, KC) * inner;
    let s = 0;
    for (; i < end; i += inner) s = F(s + (f[i] as number));
    total = F(total + s);
  }
  return total;
}

export function sum(
  m: Heap,
  out: number,
  x: number,
  outer: number,
  n: number,
  inner: number,
): void {
  const f = m.f;
  let to = out >>> SHIFT;
  let from = x >>> SHIFT;
  for (let o = 0; o < outer; o++, from += n * inner) {
    for (let j = 0; j < inner; j++) {
      f[to++] = inner === 1 ? rowSum(f, from, n) : columnSum(f, from + j, n, inner);
    }
  }
}

export function sumBlocks(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const from = x >>> SHIFT;
  let to = out >>> SHIFT;
  for (let i = 0; i < n; i += BLOCK)
    f[to++] = blockSum(f, from + i, Math.min(n - i, BLOCK), 0, undefined);
}

export function mean(
  m: Heap,
  out: number,
  x: number,
  outer: number,
  n: number,
  inner: number,
): void {
  sum(m, out, x, outer, n, inner);
  const f = m.f;
  const start = out >>> SHIFT;
  for (let i = start; i < start + outer * inner; i++) f[i] = F((f[i] as number) / F(n));
}

export function max(
  m: Heap,
  out: number,
  x: number,
  outer: number,
  n: number,
  inner: number,
): void {
  const f = m.f;
  let to = out >>> SHIFT;
  let from = x >>> SHIFT;
  for (let o = 0; o < outer; o++, from += n * inner) {
    for (let j = from; j < from + inner; j++) {
      let best = -Infinity;
      for (let i = j; i < from + n * inner; i += inner) best = Math.max(best, f[i] as number);
      f[to++] = best;
    }
  }
}

export function min(
  m: Heap,
  out: number,
  x: number,
  outer: number,
  n: number,
  inner: number,
): void {
  const f = m.f;
  let to = out >>> SHIFT;
  let from = x >>> SHIFT;
  for (let o = 0; o < outer; o++, from += n * inner) {
    for (let j = from; j < from + inner; j++) {
      let best = Infinity;
      for (let i = j; i < from + n * inner; i += inner) best = Math.min(best, f[i] as number);
      f[to++] = best;
    }
  }
}
