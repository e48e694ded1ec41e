import { loadLanes, storeLanes } from "./lanes";
import { limitAt } from "./normTerms";

/**
 * Sums per channel of x [outer, channels, inner] and a cotangent dy of the same shape. What is
 * added is F, an `@unmanaged` class with
 *
 *     @inline at(
 *       x: usize, dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, limit: v128,
 *     ): v128
 *
 * that loads `count` ≤ 4 elements at the two addresses. Channels lie in memory in two ways:
 *
 *     inner = 1, columns                      inner > 1, rows of one channel
 *
 *            c0 c1 c2 c3 │ c4 …                      c0            c1
 *     row 0   ▪  ▪  ▪  ▪ │ ▪                  row 0  ▪ ▪ … inner │ ▪ ▪ …
 *     row 1   ▪  ▪  ▪  ▪ │ ▪                  row 1  ▪ ▪ …       │ ▪ ▪ …
 *             lanes are channels                     lanes are elements of one channel
 *
 * `mean`, `variance`, `gamma` and `beta` are addresses of one float per channel, 0 where F does not
 * use them. A sum starts at +0 and is therefore never −0: a total that starts at 0 equals a copy of
 * its first part.
 */

/** Rows of one block: GEMM's KC. */
export const KC: usize = 256;
/** Elements of one block of a row sum. */
const BLOCK_SHIFT: usize = 12;
export const BLOCK: usize = 1 << BLOCK_SHIFT;

/** 1 / sqrt(variance + eps) */
// @ts-ignore: decorator
@inline
export function rstdOf(variance: v128, eps: usize): v128 {
  const deviation = f32x4.sqrt(f32x4.add(variance, v128.load32_splat(eps)));
  return f32x4.div(f32x4.splat(1), deviation);
}

/** Lanes of an array of one float per channel, or 0 where a term does not use it (address 0). */
// @ts-ignore: decorator
@inline
function lanesAt(values: usize, at: usize, count: usize): v128 {
  return values ? loadLanes(values + at, count) : f32x4.splat(0);
}

// @ts-ignore: decorator
@inline
function rstdAt(variance: usize, at: usize, count: usize, eps: usize): v128 {
  return variance ? rstdOf(loadLanes(variance + at, count), eps) : f32x4.splat(0);
}

/** out += Σ F over the rows of a block, for one to four channels. */
// @ts-ignore: decorator
@inline
function addStrip<F>(
  out: usize, x: usize, dy: usize, mean: v128, rstd: v128, gamma: v128, limit: v128, rows: usize,
  stride: usize, count: usize,
): void {
  let s = f32x4.splat(0);
  do {
    s = f32x4.add(s, changetype<F>(0).at(x, dy, count, mean, rstd, gamma, limit));
    x += stride;
    dy += stride;
  } while (--rows > 0);
  storeLanes(out, f32x4.add(loadLanes(out, count), s), count);
}

/** The same for sixteen channels: a cache line a row, and four additions under way at once. */
function addWideStrip<F>(
  out: usize, x: usize, dy: usize, mean: usize, variance: usize, gamma: usize, beta: usize,
  at: usize, eps: usize, rows: usize, stride: usize,
): void {
  const mean0 = lanesAt(mean, at, 4);
  const mean1 = lanesAt(mean, at + 16, 4);
  const mean2 = lanesAt(mean, at + 32, 4);
  const mean3 = lanesAt(mean, at + 48, 4);
  const rstd0 = rstdAt(variance, at, 4, eps);
  const rstd1 = rstdAt(variance, at + 16, 4, eps);
  const rstd2 = rstdAt(variance, at + 32, 4, eps);
  const rstd3 = rstdAt(variance, at + 48, 4, eps);
  const gamma0 = lanesAt(gamma, at, 4);
  const gamma1 = lanesAt(gamma, at + 16, 4);
  const gamma2 = lanesAt(gamma, at + 32, 4);
  const gamma3 = lanesAt(gamma, at + 48, 4);
  const limit0 = limitAt(beta, at, 4);
  const limit1 = limitAt(beta, at + 16, 4);
  const limit2 = limitAt(beta, at + 32, 4);
  const limit3 = limitAt(beta, at + 48, 4);
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  do {
    s0 = f32x4.add(s0, changetype<F>(0).at(x, dy, 4, mean0, rstd0, gamma0, limit0));
    s1 = f32x4.add(s1, changetype<F>(0).at(x + 16, dy + 16, 4, mean1, rstd1, gamma1, limit1));
    s2 = f32x4.add(s2, changetype<F>(0).at(x + 32, dy + 32, 4, mean2, rstd2, gamma2, limit2));
    s3 = f32x4.add(s3, changetype<F>(0).at(x + 48, dy + 48, 4, mean3, rstd3, gamma3, limit3));
    x += stride;
    dy += stride;
  } while (--rows > 0);
  v128.store(out, f32x4.add(v128.load(out), s0));
  v128.store(out, f32x4.add(v128.load(out, 16), s1), 16);
  v128.store(out, f32x4.add(v128.load(out, 32), s2), 32);
  v128.store(out, f32x4.add(v128.load(out, 48), s3), 48);
}

/** out[c] = Σ F over the rows of [outer, channels], inner = 1, in blocks of KC. */
export function columnSums<F>(
  out: usize, x: usize, dy: usize, mean: usize, variance: usize, gamma: usize, beta: usize,
  outer: usize, channels: usize, eps: usize,
): void {
  const stride = channels << 2;
  memory.fill(out, 0, stride);
  for (let from: usize = 0; from < outer; from += KC) {
    const rows = min<usize>(outer - from, KC);
    const start = from * stride;
    let c: usize = 0;
    for (; c + 16 <= channels; c += 16) {
      const at = c << 2;
      const first = start + at;
      addWideStrip<F>(
        out + at, x + first, dy + first, mean, variance, gamma, beta, at, eps, rows, stride,
      );
    }
    for (; c < channels; c += 4) {
      const at = c << 2;
      const first = start + at;
      const count = channels - c;
      const shift = lanesAt(mean, at, count);
      const scale = rstdAt(variance, at, count, eps);
      const g = lanesAt(gamma, at, count);
      const limit = limitAt(beta, at, count);
      const from = x + first;
      const fromDy = dy + first;
      if (count >= 4) addStrip<F>(out + at, from, fromDy, shift, scale, g, limit, rows, stride, 4);
      else addStrip<F>(out + at, from, fromDy, shift, scale, g, limit, rows, stride, count);
    }
  }
}

/** F of the first `count` of four elements, 0 in the other lanes. */
// @ts-ignore: decorator
@inline
function tailTerm<F>(
  x: usize, dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, limit: v128,
): v128 {
  const mask = i32x4.gt_s(i32x4.splat(<i32>count), i32x4(0, 1, 2, 3));
  return v128.and(changetype<F>(0).at(x, dy, count, mean, rstd, gamma, limit), mask);
}

/** Σ F over one block of a row, n ≤ 4,096, in the order of rows. */
function blockSum<F>(
  x: usize, dy: usize, n: usize, mean: v128, rstd: v128, gamma: v128, limit: v128,
): f32 {
  let p0 = f32x4.splat(0);
  let p4 = f32x4.splat(0);
  let p8 = f32x4.splat(0);
  let p12 = f32x4.splat(0);
  const whole = x + ((n & ~15) << 2);
  while (x < whole) {
    p0 = f32x4.add(p0, changetype<F>(0).at(x, dy, 4, mean, rstd, gamma, limit));
    p4 = f32x4.add(p4, changetype<F>(0).at(x + 16, dy + 16, 4, mean, rstd, gamma, limit));
    p8 = f32x4.add(p8, changetype<F>(0).at(x + 32, dy + 32, 4, mean, rstd, gamma, limit));
    p12 = f32x4.add(p12, changetype<F>(0).at(x + 48, dy + 48, 4, mean, rstd, gamma, limit));
    x += 64;
    dy += 64;
  }
  // The partials pass by; where they end, what is added to what is the same.
  for (let left = <isize>(n & 15); left > 0; left -= 4, x += 16, dy += 16) {
    const grown = f32x4.add(p0, tailTerm<F>(x, dy, left, mean, rstd, gamma, limit));
    p0 = p4;
    p4 = p8;
    p8 = p12;
    p12 = grown;
  }
  const p = f32x4.add(f32x4.add(p0, p8), f32x4.add(p4, p12));
  const q = f32x4.add(p, v128.shuffle<f32>(p, p, 2, 3, 2, 3));
  return f32x4.extract_lane(q, 0) + f32x4.extract_lane(q, 1);
}

/** Σ F over n elements in the order of rows. */
function rowSum<F>(
  x: usize, dy: usize, n: usize, mean: v128, rstd: v128, gamma: v128, limit: v128,
): f32 {
  if (n <= BLOCK) return blockSum<F>(x, dy, n, mean, rstd, gamma, limit);
  const shift = n <= BLOCK << BLOCK_SHIFT ? BLOCK_SHIFT : 2 * BLOCK_SHIFT;
  return halve<F>(x, dy, n, mean, rstd, gamma, limit, shift, 0, 1);
}

/**
 * The sum of the partials q, q + step, q + 2·step, … < 16 over parts of 2^shift elements, halved as
 * in a block: a tree over the distances 8, 4, 2, 1 entered from its root (q = 0, step = 1), so that
 * no partial has to be kept in memory.
 */
function halve<F>(
  x: usize, dy: usize, n: usize, mean: v128, rstd: v128, gamma: v128, limit: v128, shift: usize,
  q: usize, step: usize,
): f32 {
  if (step < 16)
    return (
      halve<F>(x, dy, n, mean, rstd, gamma, limit, shift, q, step << 1) +
      halve<F>(x, dy, n, mean, rstd, gamma, limit, shift, q + step, step << 1)
    );
  let s: f32 = 0;
  for (let from = q << shift; from < n; from += <usize>16 << shift) {
    const length = min<usize>(n - from, <usize>1 << shift);
    const at = from << 2;
    s += shift == BLOCK_SHIFT
      ? blockSum<F>(x + at, dy + at, length, mean, rstd, gamma, limit)
      : rowSum<F>(x + at, dy + at, length, mean, rstd, gamma, limit);
  }
  return s;
}

/**
 * Σ F over the rows of one channel, inner > 1: rows by the row order, their sums in blocks of KC.
 * x and dy: the channel's first row; `stride` bytes from one to the next.
 */
export function channelSum<F>(
  x: usize, dy: usize, mean: f32, rstd: f32, gamma: f32, limit: f32, outer: usize, stride: usize,
  inner: usize,
): f32 {
  const mean4 = f32x4.splat(mean);
  const rstd4 = f32x4.splat(rstd);
  const gamma4 = f32x4.splat(gamma);
  const limit4 = f32x4.splat(limit);
  let total: f32 = 0;
  for (let from: usize = 0; from < outer; from += KC) {
    const end = min<usize>(from + KC, outer);
    let s: f32 = 0;
    for (let r = from; r < end; r++) {
      s += rowSum<F>(x, dy, inner, mean4, rstd4, gamma4, limit4);
      x += stride;
      dy += stride;
    }
    total += s;
  }
  return total;
}
