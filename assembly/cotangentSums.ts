import { BLOCK, KC } from "./channelSums";
import { loadLeft } from "./lanes";
import { normalized, passed } from "./normTerms";

/**
 * The two sums of a batch norm's backward in one pass over x and dy, for rows that are one block:
 * Σ d and Σ d · xhat, where d is what a relu after the norm lets through of dy.
 */

/** Whether a row of `inner` elements is one block of the row order. */
// @ts-ignore: decorator
@inline
export function isOneBlock(inner: usize): bool {
  return inner <= BLOCK;
}

/** The first `count` lanes. */
// @ts-ignore: decorator
@inline
function maskOf(count: i32): v128 {
  return i32x4.gt_s(i32x4.splat(count), i32x4(0, 1, 2, 3));
}

/** p[0] of four vectors of partials, halved. */
// @ts-ignore: decorator
@inline
function halved(p0: v128, p4: v128, p8: v128, p12: v128): f32 {
  const p = f32x4.add(f32x4.add(p0, p8), f32x4.add(p4, p12));
  const q = f32x4.add(p, v128.shuffle<f32>(p, p, 2, 3, 2, 3));
  return f32x4.extract_lane(q, 0) + f32x4.extract_lane(q, 1);
}

/** dBeta and dGamma += what a row of n elements gives. */
// @ts-ignore: decorator
@inline
function addRow(
  dBeta: usize, dGamma: usize, x: usize, dy: usize, n: usize,
  mean: v128, rstd: v128, gamma: v128, limit: v128,
): void {
  let b0 = f32x4.splat(0);
  let b4 = f32x4.splat(0);
  let b8 = f32x4.splat(0);
  let b12 = f32x4.splat(0);
  let g0 = f32x4.splat(0);
  let g4 = f32x4.splat(0);
  let g8 = f32x4.splat(0);
  let g12 = f32x4.splat(0);
  let xhat: v128, d: v128;
  const whole = x + ((n & ~15) << 2);
  // A branch that is never taken, as no sum lies in x or dy, keeps the loads of two vectors apart,
  // as in `microKernel`: there are registers for one at a time.
  for (; x < whole; x += 64, dy += 64) {
    xhat = normalized(v128.load(x), mean, rstd);
    d = passed(v128.load(dy), xhat, gamma, limit);
    b0 = f32x4.add(b0, d);
    g0 = f32x4.add(g0, f32x4.mul(d, xhat));
    if (x == dBeta) break;
    xhat = normalized(v128.load(x, 16), mean, rstd);
    d = passed(v128.load(dy, 16), xhat, gamma, limit);
    b4 = f32x4.add(b4, d);
    g4 = f32x4.add(g4, f32x4.mul(d, xhat));
    if (x == dGamma) break;
    xhat = normalized(v128.load(x, 32), mean, rstd);
    d = passed(v128.load(dy, 32), xhat, gamma, limit);
    b8 = f32x4.add(b8, d);
    g8 = f32x4.add(g8, f32x4.mul(d, xhat));
    if (dy == dBeta) break;
    xhat = normalized(v128.load(x, 48), mean, rstd);
    d = passed(v128.load(dy, 48), xhat, gamma, limit);
    b12 = f32x4.add(b12, d);
    g12 = f32x4.add(g12, f32x4.mul(d, xhat));
  }
  // The partials pass by; where they end, what is added to what is the same.
  for (let left = <isize>(n & 15); left > 0; left -= 4, x += 16, dy += 16) {
    xhat = normalized(loadLeft(x, left), mean, rstd);
    d = v128.and(passed(loadLeft(dy, left), xhat, gamma, limit), maskOf(<i32>left));
    const b = f32x4.add(b0, d);
    b0 = b4;
    b4 = b8;
    b8 = b12;
    b12 = b;
    const g = f32x4.add(g0, v128.and(f32x4.mul(d, xhat), maskOf(<i32>left)));
    g0 = g4;
    g4 = g8;
    g8 = g12;
    g12 = g;
  }
  store<f32>(dBeta, load<f32>(dBeta) + halved(b0, b4, b8, b12));
  store<f32>(dGamma, load<f32>(dGamma) + halved(g0, g4, g8, g12));
}

/**
 * dBeta and dGamma of one channel: rows by the row order, their sums in blocks of KC. x and dy: the
 * channel's first row; `stride` bytes from one to the next.
 */
export function cotangentSums(
  dBeta: usize, dGamma: usize, x: usize, dy: usize, mean: f32, rstd: f32, gamma: f32, limit: f32,
  outer: usize, stride: usize, inner: usize,
): void {
  const m = f32x4.splat(mean);
  const r = f32x4.splat(rstd);
  const scale = f32x4.splat(gamma);
  const most = f32x4.splat(limit);
  let sum: f32 = 0;
  let product: f32 = 0;
  for (let from: usize = 0; from < outer; from += KC) {
    store<f32>(dBeta, 0);
    store<f32>(dGamma, 0);
    for (let rows = min<usize>(outer - from, KC); rows > 0; rows--, x += stride, dy += stride) {
      addRow(dBeta, dGamma, x, dy, inner, m, r, scale, most);
    }
    sum += load<f32>(dBeta);
    product += load<f32>(dGamma);
  }
  store<f32>(dBeta, sum);
  store<f32>(dGamma, product);
}
