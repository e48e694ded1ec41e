/**
 * Kernels that look at values and change none (contract: `src/kernels.ts`).
 */

/** The first of n elements that is NaN, or infinite if `infinities`; −1 for none. */
function first(x: usize, n: usize, infinities: bool): i32 {
  for (let i: usize = 0; i < n; i++) {
    const v = load<f32>(x + (i << 2));
    if (infinities ? v == v && v - v != 0 : v != v) return <i32>i;
  }
  return -1;
}

export function checkFinite(
  y: usize, n: usize, infinities: u32, count: u32, inputs: usize,
): i32 {
  let nan = first(y, n, false);
  let infinity = infinities ? first(y, n, true) : -1;
  for (let k: u32 = 0; k < count && (nan >= 0 || infinity >= 0); k++, inputs += 8) {
    const x: usize = load<u32>(inputs);
    const size: usize = load<u32>(inputs, 4);
    if (first(x, size, false) >= 0) {
      nan = -1;
      infinity = -1;
    } else if (infinity >= 0 && first(x, size, true) >= 0) infinity = -1;
  }
  return nan >= 0 && infinity >= 0 ? min(nan, infinity) : max(nan, infinity);
}

function lanes(x: v128): i32 {
  return (
    i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1) +
    i32x4.extract_lane(x, 2) + i32x4.extract_lane(x, 3)
  );
}

/** (p[0] + p[2]) + (p[1] + p[3]) */
// @ts-ignore: decorator
@inline
function total(p01: v128, p23: v128): f64 {
  const p = f64x2.add(p01, p23);
  return f64x2.extract_lane(p, 0) + f64x2.extract_lane(p, 1);
}

/** Two floats of memory in f64: one instruction without a shuffle, unlike those of a register. */
// @ts-ignore: decorator
@inline
function pair(x: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(x));
}

/** Lanes 2 and 3 in f64. */
// @ts-ignore: decorator
@inline
function upper(x: v128): v128 {
  return f64x2.promote_low_f32x4(i32x4.shuffle(x, x, 2, 3, 2, 3));
}

export function norm(out: usize, x: usize, y: usize, n: u32): void {
  let p01 = f64x2.splat(0);
  let p23 = f64x2.splat(0);
  let p45 = f64x2.splat(0);
  let p67 = f64x2.splat(0);
  const whole = x + (<usize>(n & ~7) << 2);
  for (; x < whole; x += 32) {
    let a01: v128, a23: v128, b01: v128, b23: v128;
    if (y) {
      const a = f32x4.sub(v128.load(x), v128.load(y));
      const b = f32x4.sub(v128.load(x, 16), v128.load(y, 16));
      y += 32;
      a01 = f64x2.promote_low_f32x4(a);
      a23 = upper(a);
      b01 = f64x2.promote_low_f32x4(b);
      b23 = upper(b);
    } else {
      a01 = pair(x);
      a23 = pair(x + 8);
      b01 = pair(x + 16);
      b23 = pair(x + 24);
    }
    p01 = f64x2.add(p01, f64x2.mul(a01, a01));
    p23 = f64x2.add(p23, f64x2.mul(a23, a23));
    p45 = f64x2.add(p45, f64x2.mul(b01, b01));
    p67 = f64x2.add(p67, f64x2.mul(b23, b23));
  }
  // An absent element adds 0 to a partial that is never −0: no change.
  for (let q: u32 = 0; q < (n & 7); q++) {
    const d = y ? load<f32>(x + (q << 2)) - load<f32>(y + (q << 2)) : load<f32>(x + (q << 2));
    const square = f64x2.replace_lane(f64x2.splat(0), 0, <f64>d * <f64>d);
    const term = q & 1 ? i64x2.shuffle(square, square, 1, 0) : square;
    if (q < 2) p01 = f64x2.add(p01, term);
    else if (q < 4) p23 = f64x2.add(p23, term);
    else if (q < 6) p45 = f64x2.add(p45, term);
    else p67 = f64x2.add(p67, term);
  }
  const sum = total(f64x2.add(p01, p45), f64x2.add(p23, p67));
  store<f32>(out, <f32>sqrt<f64>(sum));
}

/** The first `count` ≤ 3 elements at x; the others are NaN. */
function rest(x: usize, count: i32): v128 {
  let v = f32x4.splat(NaN);
  if (count > 0) v = f32x4.replace_lane(v, 0, load<f32>(x));
  if (count > 1) v = f32x4.replace_lane(v, 1, load<f32>(x, 4));
  if (count > 2) v = f32x4.replace_lane(v, 2, load<f32>(x, 8));
  return v;
}

export function statistics(
  out: usize, counts: usize, x: usize, n: u32, bins: u32, limits: usize, workspace: usize,
): void {
  const low = v128.load32_splat(limits);
  const high = v128.load32_splat(limits, 4);
  let sum01 = f64x2.splat(0);
  let sum23 = f64x2.splat(0);
  let square01 = f64x2.splat(0);
  let square23 = f64x2.splat(0);
  let least = f32x4.splat(Infinity);
  let most = f32x4.splat(-Infinity);
  let finite = i32x4.splat(0);
  let zeros = i32x4.splat(0);
  let below = i32x4.splat(0);
  let above = i32x4.splat(0);
  const whole = x + (<usize>(n & ~3) << 2);
  const end = n & 3 ? whole + 16 : whole;
  for (let at = x; at < end; at += 16) {
    let v = at < whole ? v128.load(at) : rest(at, n & 3);
    const kept = f32x4.eq(f32x4.sub(v, v), f32x4.splat(0));
    finite = i32x4.sub(finite, kept);
    let a: v128, b: v128;
    if (!i32x4.all_true(kept)) {
      least = f32x4.pmin(least, v128.bitselect(v, f32x4.splat(Infinity), kept));
      most = f32x4.pmax(most, v128.bitselect(v, f32x4.splat(-Infinity), kept));
      zeros = i32x4.sub(zeros, v128.and(kept, f32x4.eq(v, f32x4.splat(0))));
      below = i32x4.sub(below, v128.and(kept, f32x4.lt(v, low)));
      above = i32x4.sub(above, v128.and(kept, f32x4.gt(v, high)));
      v = v128.and(v, kept);
      a = f64x2.promote_low_f32x4(v);
      b = upper(v);
    } else {
      least = f32x4.pmin(least, v);
      most = f32x4.pmax(most, v);
      zeros = i32x4.sub(zeros, f32x4.eq(v, f32x4.splat(0)));
      below = i32x4.sub(below, f32x4.lt(v, low));
      above = i32x4.sub(above, f32x4.gt(v, high));
      a = pair(at);
      b = pair(at + 8);
    }
    sum01 = f64x2.add(sum01, a);
    sum23 = f64x2.add(sum23, b);
    square01 = f64x2.add(square01, f64x2.mul(a, a));
    square23 = f64x2.add(square23, f64x2.mul(b, b));
  }
  const kept = lanes(finite);
  const mean = total(sum01, sum23) / <f64>kept;
  const square = total(square01, square23);
  const lo = min(
    min(f32x4.extract_lane(least, 0), f32x4.extract_lane(least, 1)),
    min(f32x4.extract_lane(least, 2), f32x4.extract_lane(least, 3)),
  );
  const hi = max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
  store<f32>(out, <f32>mean);
  store<f32>(out, <f32>sqrt<f64>(max<f64>(0, square / <f64>kept - mean * mean)), 4);
  // Of two zeros, whichever it was, +0.
  store<f32>(out, lo + 0, 8);
  store<f32>(out, hi + 0, 12);
  store<i32>(counts, lanes(zeros));
  store<i32>(counts, <i32>n - kept, 4);
  store<i32>(counts, lanes(below), 8);
  store<i32>(counts, lanes(above), 12);
  if (bins > 0) histogram(counts + 16, x, n, bins, lo, hi, workspace);
}

/**
 * Four histograms, one for each lane, side by side in the workspace, so that equal elements in a
 * row do not wait for one another; then their sum.
 */
function histogram(
  counts: usize, x: usize, n: u32, bins: u32, lo: f32, hi: f32, workspace: usize,
): void {
  const scale: f32 = <f32>bins / (hi - lo);
  const span: usize = <usize>(bins + 1) << 2;
  memory.fill(workspace, 0, span << 2);
  const whole = x + (<usize>(n & ~3) << 2);
  for (let at = x; at < whole; at += 16) scatter(v128.load(at), lo, scale, bins, workspace, span);
  if (n & 3) scatter(rest(whole, n & 3), lo, scale, bins, workspace, span);
  for (let k: usize = 0; k < <usize>bins; k++) {
    const at = workspace + (k << 2);
    store<i32>(
      counts + (k << 2),
      load<i32>(at) + load<i32>(at + span) + load<i32>(at + (span << 1)) + load<i32>(at + 3 * span),
    );
  }
}

/** What is not finite goes to a bin after the last, which nothing reads. */
// @ts-ignore: decorator
@inline
function scatter(v: v128, lo: f32, scale: f32, bins: u32, workspace: usize, span: usize): void {
  const k = f32x4.mul(f32x4.sub(v, f32x4.splat(lo)), f32x4.splat(scale));
  // NaN becomes 0: where all are equal they are in the first bin.
  const bin = i32x4.min_s(i32x4.trunc_sat_f32x4_s(k), i32x4.splat(bins - 1));
  const kept = f32x4.eq(f32x4.sub(v, v), f32x4.splat(0));
  const at = i32x4.shl(v128.bitselect(bin, i32x4.splat(bins), kept), 2);
  count(workspace + <usize>i32x4.extract_lane(at, 0));
  count(workspace + span + <usize>i32x4.extract_lane(at, 1));
  count(workspace + (span << 1) + <usize>i32x4.extract_lane(at, 2));
  count(workspace + 3 * span + <usize>i32x4.extract_lane(at, 3));
}

// @ts-ignore: decorator
@inline
function count(at: usize): void {
  store<i32>(at, load<i32>(at) + 1);
}
