/**
 * gelu(x) = x·Φ(x), Φ the normal distribution (Hendrycks & Gimpel 2016), its approximation by tanh,
 * and the derivatives of both: four f32 computed in f64, as in `wideMath.ts`. Neither cancels below
 * 0, as ½x(1 + erf(x / √2)) and ½x(1 + tanh u) do: with h = |x|·Φ(−|x|) it is −h below 0 and x − h
 * above, and the derivatives at −|x| and |x| add up to 1. Everything is a quotient of polynomials,
 * so that one division serves both Φ and the exponential in it. Error of each function 0.51 ULP, of
 * the derivatives 0.51 ULP of them or of the larger term: the greatest over every 61st pattern of
 * f32; `test/kernels/ulp.ts` and `math.test.ts` measure them.
 */
import { all, high, horner, join, low, MAGIC } from "./wideLanes";

/** Beyond it Φ(−x)·x is below half of the least f32. */
const FAR: f32 = 15;
/** 1 / √2π */
const DENSITY: f64 = 0.3989422804014327;
const LOG2E: f64 = 1.4426950408889634;

/** min(|x|, far); NaN passes. */
// @ts-ignore: decorator
@inline
function sizeOf(x: v128, far: f32): v128 {
  return f32x4.pmin(f32x4.abs(x), f32x4.splat(far));
}

/** x above 0, else 0 with the sign of x; NaN of NaN and of −Infinity, where x·Φ(x) is NaN. */
// @ts-ignore: decorator
@inline
function rampOf(x: v128): v128 {
  return f32x4.pmax(f32x4.mul(f32x4.pmin(x, f32x4.splat(1)), f32x4.splat(0)), x);
}

/** n + MAGIC, n the integer nearest to y. */
// @ts-ignore: decorator
@inline
function nearest(y: v128): v128 {
  return f64x2.add(y, all(MAGIC));
}

/** r = y − n, |r| ≤ ½; exact. */
// @ts-ignore: decorator
@inline
function leftOf(y: v128, rounded: v128): v128 {
  return f64x2.sub(y, f64x2.sub(rounded, all(MAGIC)));
}

/**
 * 2ʳ = (a + b) / (a − b), a even and b odd in r, of |r| ≤ ½: b / a is tanh(r·ln 2 / 2), a minimax
 * quotient (E. Remez 1934) by which 2ʳ has the relative error 2⁻³³. This is a(r²).
 */
// @ts-ignore: decorator
@inline
function even(square: v128): v128 {
  return horner(all(17.334004951068565), square, 360.8753281142682);
}

/** b(r) */
// @ts-ignore: decorator
@inline
function odd(r: v128, square: v128): v128 {
  return f64x2.mul(f64x2.add(square, all(125.06985787301174)), r);
}

/** 2ⁿ·p of n + MAGIC and normal p > 0: n is added to its exponent. */
// @ts-ignore: decorator
@inline
function lifted(p: v128, rounded: v128): v128 {
  return i64x2.add(p, i64x2.shl(rounded, 52));
}

/**
 * e^(t²/2)·Φ(−t) of 0 ≤ t ≤ FAR is a quotient too, of relative error 2⁻³² (beyond 14.2, where
 * results are subnormal, 2⁻³⁰). All its coefficients are positive, so that nothing cancels. This is
 * the numerator.
 */
// @ts-ignore: decorator
@inline
function tailOver(t: v128): v128 {
  let p = horner(all(0.39894158261521884), t, 5.328717732192572);
  p = horner(p, t, 33.104225686165044);
  p = horner(p, t, 117.69296079050005);
  p = horner(p, t, 240.85145228458472);
  return horner(p, t, 240.17688828248734);
}

/** The denominator. */
// @ts-ignore: decorator
@inline
function tailUnder(t: v128): v128 {
  let q = f64x2.add(t, all(13.357001133768028));
  q = horner(q, t, 83.98326160681883);
  q = horner(q, t, 308.3132985947399);
  q = horner(q, t, 685.3550681609329);
  q = horner(q, t, 864.9697662842647);
  return horner(q, t, 480.35377656275705);
}

/** The exponent to base 2 of e^(−t²/2). */
// @ts-ignore: decorator
@inline
function bell(t: v128): v128 {
  return f64x2.mul(f64x2.mul(t, t), all(-0.5 * LOG2E));
}

/** t·Φ(−t) */
// @ts-ignore: decorator
@inline
function part(t: v128): v128 {
  const y = bell(t);
  const n = nearest(y);
  const r = leftOf(y, n);
  const square = f64x2.mul(r, r);
  const a = even(square);
  const b = odd(r, square);
  const over = f64x2.mul(f64x2.mul(lifted(f64x2.add(a, b), n), t), tailOver(t));
  return f64x2.div(over, f64x2.mul(f64x2.sub(a, b), tailUnder(t)));
}

/** x·Φ(x) */
// @ts-ignore: decorator
@inline
export function gelu4(x: v128): v128 {
  const t = sizeOf(x, FAR);
  const ramp = rampOf(x);
  return join(f64x2.sub(low(ramp), part(low(t))), f64x2.sub(high(ramp), part(high(t))));
}

/** The slope at −t, or where `above` that at t, which is the rest of 1. */
// @ts-ignore: decorator
@inline
function eitherSide(slope: v128, above: v128): v128 {
  return v128.bitselect(f64x2.sub(all(1), slope), slope, above);
}

/** The first two lanes of a mask of four as a mask of two. */
// @ts-ignore: decorator
@inline
function lowMask(mask: v128): v128 {
  return v128.shuffle<i32>(mask, mask, 0, 0, 1, 1);
}

/** The last two. */
// @ts-ignore: decorator
@inline
function highMask(mask: v128): v128 {
  return v128.shuffle<i32>(mask, mask, 2, 2, 3, 3);
}

/** Φ(−t) − t·e^(−t²/2) / √2π */
// @ts-ignore: decorator
@inline
function slope(t: v128): v128 {
  const y = bell(t);
  const n = nearest(y);
  const r = leftOf(y, n);
  const square = f64x2.mul(r, r);
  const a = even(square);
  const b = odd(r, square);
  const q = tailUnder(t);
  const terms = f64x2.sub(tailOver(t), f64x2.mul(f64x2.mul(t, all(DENSITY)), q));
  return f64x2.div(
    f64x2.mul(lifted(f64x2.add(a, b), n), terms),
    f64x2.mul(f64x2.sub(a, b), q),
  );
}

/** Φ(x) + x·e^(−x²/2) / √2π */
// @ts-ignore: decorator
@inline
export function geluSlope4(x: v128): v128 {
  const t = sizeOf(x, FAR);
  const above = f32x4.gt(x, f32x4.splat(0));
  return join(
    eitherSide(slope(low(t)), lowMask(above)),
    eitherSide(slope(high(t)), highMask(above)),
  );
}

/** Beyond it the tanh form of Φ(−x)·x is below half of the least f32. */
const FAR_TANH: f32 = 11;
/** 2√(2/π) */
const LINEAR: f64 = 1.5957691216057308;
const CUBIC: f64 = 0.044715 * LINEAR;

/** The exponent to base 2 of e^−2u, 2u = LINEAR·t + CUBIC·t³. */
// @ts-ignore: decorator
@inline
function fall(t: v128, square: v128): v128 {
  return f64x2.mul(t, horner(all(-CUBIC * LOG2E), square, -LINEAR * LOG2E));
}

/**
 * t·(1 − s) with s = ½(1 + tanh u) = 1 / (1 + e^−2u). Where e^−2u = over / under, s is
 * under / (over + under) and 1 − s is over / (over + under).
 */
// @ts-ignore: decorator
@inline
function tanhPart(t: v128): v128 {
  const y = fall(t, f64x2.mul(t, t));
  const n = nearest(y);
  const r = leftOf(y, n);
  const square = f64x2.mul(r, r);
  const a = even(square);
  const b = odd(r, square);
  const over = lifted(f64x2.add(a, b), n);
  return f64x2.div(f64x2.mul(over, t), f64x2.add(f64x2.sub(a, b), over));
}

/** ½x(1 + tanh u) */
// @ts-ignore: decorator
@inline
export function geluTanh4(x: v128): v128 {
  const t = sizeOf(x, FAR_TANH);
  const ramp = rampOf(x);
  return join(f64x2.sub(low(ramp), tanhPart(low(t))), f64x2.sub(high(ramp), tanhPart(high(t))));
}

/** (1 − s)·(1 − t·s·2u′) */
// @ts-ignore: decorator
@inline
function tanhSlope(t: v128): v128 {
  const squareOfT = f64x2.mul(t, t);
  const y = fall(t, squareOfT);
  const n = nearest(y);
  const r = leftOf(y, n);
  const square = f64x2.mul(r, r);
  const a = even(square);
  const b = odd(r, square);
  const over = lifted(f64x2.add(a, b), n);
  const under = f64x2.sub(a, b);
  const sum = f64x2.add(under, over);
  const rise = f64x2.mul(t, horner(all(3 * CUBIC), squareOfT, LINEAR));
  return f64x2.div(
    f64x2.mul(over, f64x2.sub(sum, f64x2.mul(rise, under))),
    f64x2.mul(sum, sum),
  );
}

/** s·(1 + x·(1 − s)·2u′) */
// @ts-ignore: decorator
@inline
export function geluTanhSlope4(x: v128): v128 {
  const t = sizeOf(x, FAR_TANH);
  const above = f32x4.gt(x, f32x4.splat(0));
  return join(
    eitherSide(tanhSlope(low(t)), lowMask(above)),
    eitherSide(tanhSlope(high(t)), highMask(above)),
  );
}
