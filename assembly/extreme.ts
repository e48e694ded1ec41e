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

/**
 * The best of four stretches of n ≥ 4, by comparisons alone: one in each lane. A NaN where there may
 * have been one.
 */
function bestOfFour<F>(x: usize, y: usize, z: usize, w: usize, n: usize): v128 {
  const f = changetype<F>(0);
  const end = x + (n << 2);
  const back = (n << 2) - 16;
  // The last four are counted twice where they are in the loops too: that changes nothing.
  let a = v128.load(x + back);
  let b = v128.load(y + back);
  let c = v128.load(z + back);
  let d = v128.load(w + back);
  let sum = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  for (; x + 32 <= end; x += 32, y += 32, z += 32, w += 32) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    const y0 = v128.load(y);
    const y1 = v128.load(y, 16);
    const z0 = v128.load(z);
    const z1 = v128.load(z, 16);
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    a = f.quick(a, f.quick(x0, x1));
    b = f.quick(b, f.quick(y0, y1));
    c = f.quick(c, f.quick(z0, z1));
    d = f.quick(d, f.quick(w0, w1));
    const half = f32x4.add(f32x4.add(f32x4.add(x0, x1), y0), y1);
    const all = f32x4.add(f32x4.add(f32x4.add(f32x4.add(half, z0), z1), w0), w1);
    sum = f32x4.add(sum, all);
  }
  if (x + 16 <= end) {
    const x0 = v128.load(x);
    const y0 = v128.load(y);
    const z0 = v128.load(z);
    const w0 = v128.load(w);
    a = f.quick(a, x0);
    b = f.quick(b, y0);
    c = f.quick(c, z0);
    d = f.quick(d, w0);
    sum = f32x4.add(sum, f32x4.add(f32x4.add(x0, y0), f32x4.add(z0, w0)));
  }
  const p = f.quick(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const q = f.quick(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  const best = f.quick(v128.shuffle<f64>(p, q, 0, 2), v128.shuffle<f64>(p, q, 1, 3));
  return v128.or(best, f32x4.ne(sum, sum));
}

function ofRow<F>(x: usize, n: usize): f32 {
  if (n < 8) return f32x4.extract_lane(exactly<F>(x, n, 4, 1), 0);
  const f = changetype<F>(0);
  const part = max<usize>(4, (n + 3) >> 2);
  const last = n - part;
  const lanes = bestOfFour<F>(
    x,
    x + (min<usize>(part, last) << 2),
    x + (min<usize>(2 * part, last) << 2),
    x + (last << 2),
    part,
  );
  const end = x + (n << 2) - 16;
  if (hasNaN(lanes)) return across<F>(f.exact(exactly<F>(x, n >> 2, 16, 4), v128.load(end)));
  const best = across<F>(lanes);
  if (best != 0) return best;
  const zeros = f32x4.splat(best);
  const found = withZeros<F>(zeros, x, n >> 2, 16, 4);
  return across<F>(f.exact(found, withZeros<F>(zeros, end, 1, 16, 4)));
}

/** Four rows of n ≥ 4. */
function ofFourRows<F>(out: usize, x: usize, n: usize): void {
  const step = n << 2;
  const best = bestOfFour<F>(x, x + step, x + 2 * step, x + 3 * step, n);
  const zeros = f32x4.eq(best, f32x4.splat(0));
  if (!v128.any_true(v128.or(zeros, f32x4.ne(best, best)))) {
    v128.store(out, best);
    return;
  }
  for (const end = out + 16; out < end; out += 4, x += step) store<f32>(out, ofRow<F>(x, n));
}

/**
 * The best of up to four columns so far, kept at `to` unless these are the `first` rows, by comparisons
 * alone. Returns `sum` with all that was met added, NaN where there may have been one.
 */
// @ts-ignore: decorator
@inline
function meetColumns4<F>(
  to: usize, x: usize, step: usize, rows: usize, first: bool, sum: v128, count: usize,
): v128 {
  let best = loadLanes(first ? x : to, count);
  for (; rows > 0; rows--, x += step) {
    const v = loadLanes(x, count);
    best = changetype<F>(0).quick(best, v);
    sum = f32x4.add(sum, v);
  }
  storeLanes(to, best, count);
  return sum;
}

/** The same of sixteen columns. */
// @ts-ignore: decorator
@inline
function meetColumns16<F>(
  to: usize, x: usize, step: usize, rows: usize, first: bool, sum: v128,
): v128 {
  const f = changetype<F>(0);
  const begun = first ? x : to;
  let a = v128.load(begun);
  let b = v128.load(begun, 16);
  let c = v128.load(begun, 32);
  let d = v128.load(begun, 48);
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
    // One after the other: a tree needs more registers than there are.
    const half = f32x4.add(f32x4.add(f32x4.add(x0, x1), x2), x3);
    const all = f32x4.add(f32x4.add(f32x4.add(f32x4.add(half, y0), y1), y2), y3);
    sum = f32x4.add(sum, all);
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
  v128.store(to, a);
  v128.store(to, b, 16);
  v128.store(to, c, 32);
  v128.store(to, d, 48);
  return sum;
}

/** The same of `width` columns of rows `step` bytes apart. */
function meetRows<F>(
  to: usize, x: usize, step: usize, width: usize, rows: usize, first: bool, sum: v128,
): v128 {
  const end = to + (width << 2);
  for (; to + 64 <= end; to += 64, x += 64) {
    sum = meetColumns16<F>(to, x, step, rows, first, sum);
  }
  for (; to + 16 <= end; to += 16, x += 16) {
    sum = meetColumns4<F>(to, x, step, rows, first, sum, 4);
  }
  return to < end ? meetColumns4<F>(to, x, step, rows, first, sum, width & 3) : sum;
}

/** Whether a zero is among the sixteen results at `at`. */
function hasZero(at: usize): bool {
  const zero = f32x4.splat(0);
  const low = v128.or(f32x4.eq(v128.load(at), zero), f32x4.eq(v128.load(at, 16), zero));
  const high = v128.or(f32x4.eq(v128.load(at, 32), zero), f32x4.eq(v128.load(at, 48), zero));
  return v128.any_true(v128.or(low, high));
}

/** Rows that are read side by side: few enough for the hardware to read each ahead. */
const ROWS: usize = 32;

/** Columns whose results stay in L1 while rows pass by. */
const STRIP: usize = 4096;

function ofColumns<F>(out: usize, x: usize, n: usize, step: usize, width: usize): void {
  let sum = f32x4.splat(0);
  for (let r: usize = 0; r < n; r += ROWS) {
    sum = meetRows<F>(out, x + r * step, step, width, min(n - r, ROWS), r == 0, sum);
  }
  const exact = hasNaN(sum);
  for (let left = width; left > 0; ) {
    if (left >= 16 && !exact && !hasZero(out)) {
      out += 64;
      x += 64;
      left -= 16;
      continue;
    }
    const count = min(left, 4);
    const best = exact
      ? exactly<F>(x, n, step, count)
      : withZeros<F>(loadLanes(out, count), x, n, step, count);
    storeLanes(out, best, count);
    out += 16;
    x += 16;
    left -= count;
  }
}

// @ts-ignore: decorator
@inline
function extreme<F>(out: usize, x: usize, outer: usize, n: usize, inner: usize): void {
  const step = inner << 2;
  if (inner == 1 && n >= 4) {
    for (; outer >= 4; outer -= 4, out += 16, x += n << 4) ofFourRows<F>(out, x, n);
  }
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
