/**
 * The greatest and the least of n ≥ 1 elements of [outer, n, inner] (contract: `src/kernels.ts`).
 * `f32x4.max` compiles to eight instructions, most of them for NaN and for zeros of either sign.
 * Comparisons alone (`pmax`) are right without both, so they go first: that there was a NaN shows in
 * the sum of the elements, and a zero as the result is looked at again.
 */
import { loadLanes, storeLanes } from "./lanes";

@unmanaged
class Greatest {
  // @ts-ignore: decorator
  @inline
  exact(a: v128, b: v128): v128 {
    return f32x4.max(a, b);
  }
  /** Keeps a NaN in a, not one in b. */
  // @ts-ignore: decorator
  @inline
  quick(a: v128, b: v128): v128 {
    return f32x4.pmax(a, b);
  }
  /** The zero that wins. */
  // @ts-ignore: decorator
  @inline
  zero(): v128 {
    return i32x4.splat(0);
  }
}

@unmanaged
class Least {
  // @ts-ignore: decorator
  @inline
  exact(a: v128, b: v128): v128 {
    return f32x4.min(a, b);
  }
  // @ts-ignore: decorator
  @inline
  quick(a: v128, b: v128): v128 {
    return f32x4.pmin(a, b);
  }
  // @ts-ignore: decorator
  @inline
  zero(): v128 {
    return i32x4.splat(0x80000000);
  }
}

// @ts-ignore: decorator
@inline
function hasNaN(sum: v128): bool {
  return v128.any_true(f32x4.ne(sum, sum));
}

/** By comparisons that mind NaN and zeros, `step` bytes apart, lanes by themselves. */
function exactly<F>(x: usize, n: usize, step: usize, count: usize): v128 {
  let best = loadLanes(x, count);
  for (; n > 1; n--) {
    x += step;
    best = changetype<F>(0).exact(best, loadLanes(x, count));
  }
  return best;
}

/** `best` with its zeros made those that win where there is one among the n, `step` bytes apart. */
function withZeros<F>(best: v128, x: usize, n: usize, step: usize, count: usize): v128 {
  const zero = changetype<F>(0).zero();
  let found = i32x4.splat(0);
  for (; n > 0; n--, x += step) found = v128.or(found, i32x4.eq(loadLanes(x, count), zero));
  const isZero = f32x4.eq(best, f32x4.splat(0));
  return v128.bitselect(zero, best, v128.and(found, isZero));
}

/** The one of four lanes. */
// @ts-ignore: decorator
@inline
function across<F>(p: v128): f32 {
  const q = changetype<F>(0).exact(p, v128.shuffle<f32>(p, p, 2, 3, 2, 3));
  return f32x4.extract_lane(
    changetype<F>(0).exact(q, v128.shuffle<f32>(q, q, 1, 1, 1, 1)),
    0,
  );
}

function ofRow<F>(x: usize, n: usize): f32 {
  if (n < 8) return f32x4.extract_lane(exactly<F>(x, n, 4, 1), 0);
  const f = changetype<F>(0);
  const end = x + (n << 2);
  // The last eight are counted twice where they are in the loops too: that changes nothing.
  let a = v128.load(end - 32);
  let b = v128.load(end - 16);
  let c = a;
  let d = b;
  let sum = f32x4.add(a, b);
  let at = x;
  for (; at + 128 <= end; at += 128) {
    const x0 = v128.load(at);
    const x1 = v128.load(at, 16);
    const x2 = v128.load(at, 32);
    const x3 = v128.load(at, 48);
    const x4 = v128.load(at, 64);
    const x5 = v128.load(at, 80);
    const x6 = v128.load(at, 96);
    const x7 = v128.load(at, 112);
    a = f.quick(a, f.quick(x0, x4));
    b = f.quick(b, f.quick(x1, x5));
    c = f.quick(c, f.quick(x2, x6));
    d = f.quick(d, f.quick(x3, x7));
    const low = f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3));
    const high = f32x4.add(f32x4.add(x4, x5), f32x4.add(x6, x7));
    sum = f32x4.add(sum, f32x4.add(low, high));
  }
  for (; at + 16 <= end; at += 16) {
    const v = v128.load(at);
    a = f.quick(a, v);
    sum = f32x4.add(sum, v);
  }
  if (hasNaN(sum)) return across<F>(f.exact(exactly<F>(x, n >> 2, 16, 4), v128.load(end - 16)));
  const lanes = f.quick(f.quick(a, b), f.quick(c, d));
  const pair = f.quick(lanes, v128.shuffle<f32>(lanes, lanes, 2, 3, 2, 3));
  const last = f.quick(pair, v128.shuffle<f32>(pair, pair, 1, 1, 1, 1));
  const best = f32x4.extract_lane(last, 0);
  if (best != 0) return best;
  const zeros = f32x4.splat(best);
  const found = withZeros<F>(zeros, x, n >> 2, 16, 4);
  return across<F>(f.exact(found, withZeros<F>(zeros, end - 16, 1, 16, 4)));
}

/** The best of up to four columns so far, kept at `to` unless these are the `first` rows. */
// @ts-ignore: decorator
@inline
function meetColumns4<F>(
  to: usize, x: usize, step: usize, rows: usize, first: bool, count: usize,
): void {
  const begun = first ? loadLanes(x, count) : loadLanes(to, count);
  let best = begun;
  let sum = begun;
  let at = x;
  for (let left = rows; left > 0; left--, at += step) {
    const v = loadLanes(at, count);
    best = changetype<F>(0).quick(best, v);
    sum = f32x4.add(sum, v);
  }
  if (hasNaN(sum)) best = changetype<F>(0).exact(begun, exactly<F>(x, rows, step, count));
  storeLanes(to, best, count);
}

/** The same of sixteen columns; false if there may be a NaN: then nothing is written. */
// @ts-ignore: decorator
@inline
function meetColumns16<F>(to: usize, x: usize, step: usize, rows: usize, first: bool): bool {
  const f = changetype<F>(0);
  const begun = first ? x : to;
  let a = v128.load(begun);
  let b = v128.load(begun, 16);
  let c = v128.load(begun, 32);
  let d = v128.load(begun, 48);
  let sum = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  for (; rows >= 2; rows -= 2) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    const x2 = v128.load(x, 32);
    const x3 = v128.load(x, 48);
    x += step;
    const y0 = v128.load(x);
    const y1 = v128.load(x, 16);
    const y2 = v128.load(x, 32);
    const y3 = v128.load(x, 48);
    x += step;
    a = f.quick(a, f.quick(x0, y0));
    b = f.quick(b, f.quick(x1, y1));
    c = f.quick(c, f.quick(x2, y2));
    d = f.quick(d, f.quick(x3, y3));
    const low = f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3));
    const high = f32x4.add(f32x4.add(y0, y1), f32x4.add(y2, y3));
    sum = f32x4.add(sum, f32x4.add(low, high));
  }
  if (rows) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    const x2 = v128.load(x, 32);
    const x3 = v128.load(x, 48);
    a = f.quick(a, x0);
    b = f.quick(b, x1);
    c = f.quick(c, x2);
    d = f.quick(d, x3);
    sum = f32x4.add(sum, f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3)));
  }
  if (hasNaN(sum)) return false;
  v128.store(to, a);
  v128.store(to, b, 16);
  v128.store(to, c, 32);
  v128.store(to, d, 48);
  return true;
}

/** The same of `width` columns of rows `step` bytes apart. */
function meetRows<F>(
  to: usize, x: usize, step: usize, width: usize, rows: usize, first: bool,
): void {
  const end = to + (width << 2);
  while (to + 64 <= end && meetColumns16<F>(to, x, step, rows, first)) {
    to += 64;
    x += 64;
  }
  for (; to + 16 <= end; to += 16, x += 16) meetColumns4<F>(to, x, step, rows, first, 4);
  if (to < end) meetColumns4<F>(to, x, step, rows, first, width & 3);
}

/** Rows that are read side by side: few enough for the hardware to read each ahead. */
const ROWS: usize = 16;

/** Columns whose results stay in L1 while rows pass by. */
const STRIP: usize = 4096;

function ofColumns<F>(out: usize, x: usize, n: usize, step: usize, width: usize): void {
  for (let r: usize = 0; r < n; r += ROWS) {
    meetRows<F>(out, x + r * step, step, width, min(n - r, ROWS), r == 0);
  }
  for (let left = width; left > 0; out += 16, x += 16) {
    const count = min(left, 4);
    const best = loadLanes(out, count);
    if (v128.any_true(f32x4.eq(best, f32x4.splat(0)))) {
      storeLanes(out, withZeros<F>(best, x, n, step, count), count);
    }
    left -= count;
  }
}

// @ts-ignore: decorator
@inline
function extreme<F>(out: usize, x: usize, outer: usize, n: usize, inner: usize): void {
  const step = inner << 2;
  for (; outer > 0; outer--, x += n * step) {
    if (inner == 1) {
      store<f32>(out, ofRow<F>(x, n));
      out += 4;
      continue;
    }
    for (let c: usize = 0; c < inner; c += STRIP) {
      const width = min(inner - c, STRIP);
      ofColumns<F>(out, x + (c << 2), n, step, width);
      out += width << 2;
    }
  }
}

export function maxOf(out: usize, x: usize, outer: usize, n: usize, inner: usize): void {
  extreme<Greatest>(out, x, outer, n, inner);
}

export function minOf(out: usize, x: usize, outer: usize, n: usize, inner: usize): void {
  extreme<Least>(out, x, outer, n, inner);
}
