import { loadLanes } from "./lanes";

/**
 * Reductions of [outer, n, inner] to [outer, inner]. Every sum has one order, the contract's, so
 * that it does not depend on the vector width or on how the work is split.
 *
 * A row (`inner = 1`) is summed in blocks of 4,096 by sixteen partials, four vectors of four lanes:
 *
 *              x[0..3]   x[4..7]   x[8..11]  x[12..15]
 *              x[16..19] x[20..23] x[24..27] x[28..31]
 *              …         …         …         …
 *     partial  0 1 2 3   4 5 6 7   8 9 …     12 … 15
 *
 * which are then halved: the third and fourth vector join the first and second (p[q] += p[q + 8]),
 * the second joins the first (p[q] += p[q + 4]), the upper two lanes join the lower two
 * (p[q] += p[q + 2]) and lane 1 joins lane 0.
 */

const BLOCK: i32 = 4096;
const BLOCK_SHIFT: i32 = 12;
/** A column sum is a product with ones, so it is added in GEMM's blocks. */
const KC: i32 = 256;

/**
 * What a plain sum adds: a class with an inlined method, because an arrow function would be called.
 */
// @ts-ignore: decorator
@unmanaged
class Itself {
  // @ts-ignore: decorator
  @inline
  at(v: v128, _c: v128): v128 {
    return v;
  }
}

/** Ones in the first `count` ≤ 3 lanes' bits, zeros in the others. */
// @ts-ignore: decorator
@inline
function maskOf(count: i32): v128 {
  return i32x4.gt_s(i32x4.splat(count), i32x4(0, 1, 2, 3));
}

/**
 * Σ F.at(x[i], c) over one block, n ≤ 4,096. An absent element adds +0 to a partial that is never
 * −0: no change.
 */
function blockSum<F>(x: usize, n: i32, c: v128): f32 {
  let p0 = f32x4.splat(0);
  let p4 = f32x4.splat(0);
  let p8 = f32x4.splat(0);
  let p12 = f32x4.splat(0);
  const end = x + (<usize>n << 2);
  const whole = x + (<usize>(n & ~15) << 2);
  for (; x < whole; x += 64) {
    p0 = f32x4.add(p0, changetype<F>(0).at(v128.load(x), c));
    p4 = f32x4.add(p4, changetype<F>(0).at(v128.load(x, 16), c));
    p8 = f32x4.add(p8, changetype<F>(0).at(v128.load(x, 32), c));
    p12 = f32x4.add(p12, changetype<F>(0).at(v128.load(x, 48), c));
  }
  let part = f32x4.splat(0);
  const count = n & 3;
  if (count) {
    const at = end - (<usize>count << 2);
    part = v128.and(changetype<F>(0).at(loadLanes(at, count), c), maskOf(count));
  }
  const vectors = (n & 15) >>> 2;
  if (vectors == 0) {
    p0 = f32x4.add(p0, part);
  } else {
    p0 = f32x4.add(p0, changetype<F>(0).at(v128.load(x), c));
    if (vectors == 1) {
      p4 = f32x4.add(p4, part);
    } else {
      p4 = f32x4.add(p4, changetype<F>(0).at(v128.load(x, 16), c));
      if (vectors == 2) {
        p8 = f32x4.add(p8, part);
      } else {
        p8 = f32x4.add(p8, changetype<F>(0).at(v128.load(x, 32), c));
        p12 = f32x4.add(p12, part);
      }
    }
  }
  const p = f32x4.add(f32x4.add(p0, p8), f32x4.add(p4, p12));
  const q = f32x4.add(p, v128.shuffle<f32>(p, p, 2, 3, 2, 3));
  return f32x4.extract_lane(q, 0) + f32x4.extract_lane(q, 1);
}

/**
 * Σ F.at(x[i], c) over the n elements at `x`, in the order of rows. F is an `@unmanaged` class with
 * `@inline at(v: v128, c: v128): v128`, applied to four elements at once (in a tail also to zeros,
 * whose results are dropped). 0 when n = 0.
 */
// @ts-ignore: decorator
@inline
export function rowSum<F>(x: usize, n: i32, c: v128): f32 {
  if (n <= BLOCK) return blockSum<F>(x, n, c);
  return halve<F>(x, n, c, n <= BLOCK << BLOCK_SHIFT ? BLOCK_SHIFT : 2 * BLOCK_SHIFT, 0, 1);
}

/**
 * The sum of the partials q, q + step, q + 2·step, … < 16 over parts of 2^shift elements each,
 * halved as in a block: a tree over the distances 8, 4, 2, 1, entered from its root, q = 0 and
 * step = 1. The partials do not depend on one another, so none has to be kept while others grow.
 */
function halve<F>(x: usize, n: i32, c: v128, shift: i32, q: i32, step: i32): f32 {
  if (step < 16) {
    const next = step << 1;
    return halve<F>(x, n, c, shift, q, next) + halve<F>(x, n, c, shift, q + step, next);
  }
  const size = 1 << shift;
  let s: f32 = 0;
  for (let from = q << shift; from < n; from += size << 4) {
    const at = x + (<usize>from << 2);
    const length = n - from < size ? n - from : size;
    if (shift == BLOCK_SHIFT) s += blockSum<F>(at, length, c);
    else s += halve<F>(at, length, c, BLOCK_SHIFT, 0, 1);
  }
  return s;
}

/**
 * Σ over the n rows of four columns at x, `step` bytes apart; the total starts at +0, which is
 * never seen: s is never −0.
 */
// @ts-ignore: decorator
@inline
function columnSum4(x: usize, n: i32, step: usize): v128 {
  let total = f32x4.splat(0);
  for (let from = 0; from < n; from += KC) {
    const rows = n - from < KC ? n - from : KC;
    const end = x + <usize>rows * step;
    let s = f32x4.splat(0);
    for (; x < end; x += step) s = f32x4.add(s, v128.load(x));
    total = f32x4.add(total, s);
  }
  return total;
}

/**
 * Sixteen columns at once: a whole cache line of each row, and four independent chains of
 * additions.
 */
function columnSum16(out: usize, x: usize, n: i32, step: usize): void {
  let total0 = f32x4.splat(0);
  let total1 = f32x4.splat(0);
  let total2 = f32x4.splat(0);
  let total3 = f32x4.splat(0);
  for (let from = 0; from < n; from += KC) {
    const rows = n - from < KC ? n - from : KC;
    const end = x + <usize>rows * step;
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    for (; x < end; x += step) {
      s0 = f32x4.add(s0, v128.load(x));
      s1 = f32x4.add(s1, v128.load(x, 16));
      s2 = f32x4.add(s2, v128.load(x, 32));
      s3 = f32x4.add(s3, v128.load(x, 48));
    }
    total0 = f32x4.add(total0, s0);
    total1 = f32x4.add(total1, s1);
    total2 = f32x4.add(total2, s2);
    total3 = f32x4.add(total3, s3);
  }
  v128.store(out, total0);
  v128.store(out, total1, 16);
  v128.store(out, total2, 32);
  v128.store(out, total3, 48);
}

/** One column, lane 0 of what four columns do: the same additions. */
function columnSum1(x: usize, n: i32, step: usize): f32 {
  let total: f32 = 0;
  for (let from = 0; from < n; from += KC) {
    const rows = n - from < KC ? n - from : KC;
    const end = x + <usize>rows * step;
    let s: f32 = 0;
    for (; x < end; x += step) s += load<f32>(x);
    total += s;
  }
  return total;
}

export function sum(out: usize, x: usize, outer: u32, n: u32, inner: u32): void {
  const step = <usize>inner << 2;
  const slab = <usize>n * step;
  for (let o: u32 = 0; o < outer; o++, x += slab) {
    if (inner == 1) {
      store<f32>(out, rowSum<Itself>(x, n, f32x4.splat(0)));
      out += 4;
      continue;
    }
    columnSums(out, x, n, inner, step);
    out += step;
  }
}

/** The sums of `inner` columns of n rows, `step` bytes apart. */
export function columnSums(out: usize, x: usize, n: i32, inner: u32, step: usize): void {
  const end = out + (<usize>inner << 2);
  for (; out + 64 <= end; out += 64, x += 64) columnSum16(out, x, n, step);
  for (; out + 16 <= end; out += 16, x += 16) v128.store(out, columnSum4(x, n, step));
  for (; out < end; out += 4, x += 4) store<f32>(out, columnSum1(x, n, step));
}

export function sumBlocks(out: usize, x: usize, n: i32): void {
  for (; n > 0; n -= BLOCK, out += 4, x += <usize>BLOCK << 2) {
    store<f32>(out, blockSum<Itself>(x, n < BLOCK ? n : BLOCK, f32x4.splat(0)));
  }
}

export function mean(out: usize, x: usize, outer: u32, n: u32, inner: u32): void {
  sum(out, x, outer, n, inner);
  const end = out + ((<usize>outer * inner) << 2);
  for (; out + 16 <= end; out += 16) {
    v128.store(out, f32x4.div(v128.load(out), f32x4.splat(<f32>n)));
  }
  for (; out < end; out += 4) store<f32>(out, load<f32>(out) / <f32>n);
}

// @ts-ignore: decorator
@unmanaged
class Greatest {
  // @ts-ignore: decorator
  @inline
  start(): f32 {
    return -Infinity;
  }
  // @ts-ignore: decorator
  @inline
  of4(a: v128, b: v128): v128 {
    return f32x4.max(a, b);
  }
}

// @ts-ignore: decorator
@unmanaged
class Least {
  // @ts-ignore: decorator
  @inline
  start(): f32 {
    return Infinity;
  }
  // @ts-ignore: decorator
  @inline
  of4(a: v128, b: v128): v128 {
    return f32x4.min(a, b);
  }
}

/**
 * The greatest or least of n ≥ 1 elements `step` bytes apart. Both are associative and commutative,
 * NaN and −0 included, so any order gives the contract's result.
 */
function extreme4<F>(x: usize, n: u32, step: usize): v128 {
  let best = f32x4.splat(changetype<F>(0).start());
  const end = x + <usize>n * step;
  for (; x < end; x += step) best = changetype<F>(0).of4(best, v128.load(x));
  return best;
}

function extreme1<F>(x: usize, n: u32, step: usize): f32 {
  let best = f32x4.splat(changetype<F>(0).start());
  const end = x + <usize>n * step;
  for (; x < end; x += step) best = changetype<F>(0).of4(best, v128.load32_zero(x));
  return f32x4.extract_lane(best, 0);
}

function extremeOfRow<F>(x: usize, n: u32): f32 {
  if (n < 8) return extreme1<F>(x, n, 4);
  const end = x + (<usize>n << 2);
  let even = v128.load(x);
  let odd = v128.load(x, 16);
  for (x += 32; x + 32 <= end; x += 32) {
    even = changetype<F>(0).of4(even, v128.load(x));
    odd = changetype<F>(0).of4(odd, v128.load(x, 16));
  }
  // The last eight once more: an element that counts twice changes nothing.
  even = changetype<F>(0).of4(even, v128.load(end - 32));
  odd = changetype<F>(0).of4(odd, v128.load(end - 16));
  const p = changetype<F>(0).of4(even, odd);
  const q = changetype<F>(0).of4(p, v128.shuffle<f32>(p, p, 2, 3, 2, 3));
  return f32x4.extract_lane(changetype<F>(0).of4(q, v128.shuffle<f32>(q, q, 1, 1, 1, 1)), 0);
}

// @ts-ignore: decorator
@inline
function extreme<F>(out: usize, x: usize, outer: u32, n: u32, inner: u32): void {
  const step = <usize>inner << 2;
  const slab = <usize>n * step;
  for (let o: u32 = 0; o < outer; o++, x += slab) {
    if (inner == 1) {
      store<f32>(out, extremeOfRow<F>(x, n));
      out += 4;
      continue;
    }
    const end = out + step;
    let column = x;
    for (; out + 16 <= end; out += 16, column += 16) v128.store(out, extreme4<F>(column, n, step));
    for (; out < end; out += 4, column += 4) store<f32>(out, extreme1<F>(column, n, step));
  }
}

export function max(out: usize, x: usize, outer: u32, n: u32, inner: u32): void {
  extreme<Greatest>(out, x, outer, n, inner);
}

export function min(out: usize, x: usize, outer: u32, n: u32, inner: u32): void {
  extreme<Least>(out, x, outer, n, inner);
}
