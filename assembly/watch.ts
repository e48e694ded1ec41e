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
  // Squares of floats do not overflow in f64: their sum tells whether all is finite.
  let kept: i32 = -1;
  for (let careful = 0; kept < 0; careful++) kept = moments(out, counts, x, n, careful);
  beyond(counts + 8, x, n, limits);
  if (bins == 0) return;
  const lo = load<f32>(out, 8);
  const scale: f32 = <f32>bins / (load<f32>(out, 12) - lo);
  histogram(counts + 16, x, n, kept, bins, lo, scale, workspace);
}

/** Infinities become NaN, and that is neither zero, least, most nor beyond a limit. */
// @ts-ignore: decorator
@inline
function finiteOrNaN(v: v128): v128 {
  return f32x4.add(v, f32x4.sub(v, v));
}

/** How many are below and above the limits, if there are any. */
function beyond(counts: usize, x: usize, n: u32, limits: usize): void {
  let below = i32x4.splat(0);
  let above = i32x4.splat(0);
  const low = v128.load32_splat(limits);
  const high = v128.load32_splat(limits, 4);
  if (load<f32>(limits) > -Infinity || load<f32>(limits, 4) < Infinity) {
    const whole = x + (<usize>(n & ~3) << 2);
    const end = x + (<usize>n << 2);
    for (; x < end; x += 16) {
      const v = finiteOrNaN(x < whole ? v128.load(x) : rest(x, n & 3));
      below = i32x4.sub(below, f32x4.lt(v, low));
      above = i32x4.sub(above, f32x4.gt(v, high));
    }
  }
  store<i32>(counts, lanes(below));
  store<i32>(counts, lanes(above), 4);
}

/** All but limits and bins; returns how many are finite: −1 if not all are, unless it is careful. */
function moments(out: usize, counts: usize, x: usize, n: u32, careful: i32): i32 {
  let sum01 = f64x2.splat(0);
  let sum23 = f64x2.splat(0);
  let square01 = f64x2.splat(0);
  let square23 = f64x2.splat(0);
  let least = f32x4.splat(Infinity);
  let most = f32x4.splat(-Infinity);
  let finite = i32x4.splat(0);
  let zeros = i32x4.splat(0);
  const whole = x + (<usize>(n & ~3) << 2);
  const end = x + (<usize>n << 2);
  if (!careful)
    for (; x < whole; x += 16) {
      const v = v128.load(x);
      least = f32x4.pmin(least, v);
      most = f32x4.pmax(most, v);
      zeros = i32x4.sub(zeros, f32x4.eq(v, f32x4.splat(0)));
      const a = pair(x);
      const b = pair(x + 8);
      sum01 = f64x2.add(sum01, a);
      sum23 = f64x2.add(sum23, b);
      square01 = f64x2.add(square01, f64x2.mul(a, a));
      square23 = f64x2.add(square23, f64x2.mul(b, b));
    }
  for (; x < end; x += 16) {
    let v = finiteOrNaN(x < whole ? v128.load(x) : rest(x, n & 3));
    least = f32x4.pmin(least, v);
    most = f32x4.pmax(most, v);
    zeros = i32x4.sub(zeros, f32x4.eq(v, f32x4.splat(0)));
    const kept = f32x4.eq(v, v);
    finite = i32x4.sub(finite, kept);
    v = v128.and(v, kept);
    const a = f64x2.promote_low_f32x4(v);
    const b = upper(v);
    sum01 = f64x2.add(sum01, a);
    sum23 = f64x2.add(sum23, b);
    square01 = f64x2.add(square01, f64x2.mul(a, a));
    square23 = f64x2.add(square23, f64x2.mul(b, b));
  }
  const square = total(square01, square23);
  if (square - square != 0) return -1;
  const kept = lanes(finite) + (careful ? 0 : <i32>(n & ~3));
  const mean = total(sum01, sum23) / <f64>kept;
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
  return kept;
}

/**
 * Four histograms, one for each lane, side by side in the workspace, so that equal elements in a
 * row do not wait for one another; then their sum. What is not finite is counted and taken back.
 */
function histogram(
  counts: usize, x: usize, n: u32, kept: u32, bins: u32, lo: f32, scale: f32, workspace: usize,
): void {
  const span: usize = <usize>bins << 2;
  memory.fill(workspace, 0, span << 2);
  // Where each lane's begins: through memory, or the loop computes it every time.
  const lane = workspace + (span << 2);
  for (let q: usize = 0; q < 4; q++) store<u32>(lane + (q << 2), workspace + q * span);
  const begins = v128.load(lane);
  const whole = x + (<usize>(n & ~3) << 2);
  const end = x + (<usize>n << 2);
  for (let at = x; at < whole; at += 16) {
    const bin = i32x4.shl(binsOf(v128.load(at), lo, scale, bins), 2);
    const words = i32x4.add(bin, begins);
    const ab = i64x2.extract_lane(words, 0);
    const cd = i64x2.extract_lane(words, 1);
    change(<usize>ab, 1);
    change(<usize>(ab >>> 32), 1);
    change(<usize>cd, 1);
    change(<usize>(cd >>> 32), 1);
  }
  for (let at = kept == n ? whole : x; at < end; at += 4) {
    const v = load<f32>(at);
    const bin = i32x4.extract_lane(binsOf(f32x4.splat(v), lo, scale, bins), 0);
    change(workspace + (<usize>bin << 2), <i32>(at >= whole) - <i32>(v - v != 0));
  }
  for (const last = workspace + span; workspace < last; workspace += 4, counts += 4)
    store<i32>(
      counts,
      load<i32>(workspace) + load<i32>(workspace + span) + load<i32>(workspace + (span << 1)) +
        load<i32>(workspace + 3 * span),
    );
}

/** NaN becomes 0: where all are equal they are in the first bin. Below 0 is only −Infinity. */
// @ts-ignore: decorator
@inline
function binsOf(v: v128, lo: f32, scale: f32, bins: u32): v128 {
  const k = f32x4.mul(f32x4.sub(v, f32x4.splat(lo)), f32x4.splat(scale));
  return i32x4.min_u(i32x4.trunc_sat_f32x4_s(k), i32x4.splat(bins - 1));
}

// @ts-ignore: decorator
@inline
function change(at: usize, by: i32): void {
  store<i32>(at, load<i32>(at) + by);
}
