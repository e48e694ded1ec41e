/**
 * gelu(x) = x·Φ(x), Φ the normal distribution (Hendrycks & Gimpel 2016), its approximation by tanh,
 * and the derivatives of both, four f32 at a time. Neither cancels below 0, as ½x(1 + erf(x / √2))
 * and ½x(1 + tanh u) do: with h = |x|·Φ(−|x|) it is −h below 0 and x − h above, and the derivatives
 * at −|x| and |x| add up to 1. The errors stated bound those of every 61st pattern of f32, of the
 * derivatives every 4,099th; `test/kernels/ulp.ts` measures them. No multiply-add is fused.
 */
import { all, down, downFactor, exponentOf, expm1Near, horner, reduced, roundedExponent } from "./math";
import { all as wide, high, join, low, MAGIC } from "./wideLanes";

/** Beyond it Φ(−x)·x is below half of the least f32. */
const FAR: f32 = 15;
/** 1 / √2π */
const DENSITY: f32 = 0.3989422804014327; // 0x3ecc422a

/** min(|x|, far); NaN passes. */
// @ts-ignore: decorator
@inline
function sizeOf(x: v128, far: f32): v128 {
  return f32x4.pmin(f32x4.abs(x), all(far));
}

/**
 * e^(t²/2)·Φ(−t) of 0 ≤ t ≤ FAR: a minimax quotient of relative error 2⁻²⁷ (E. Remez 1934). All its
 * coefficients are positive, so that nothing cancels.
 */
// @ts-ignore: decorator
@inline
function scaledTail(t: v128): v128 {
  let p = horner(all(4.152587149292231e-3), t, 4.0877122431993484e-2); // 0x3b88126d 0x3d276ec5
  p = horner(p, t, 0.1839577704668045); // 0x3e3c5f6d
  p = horner(p, t, 0.43926915526390076); // 0x3ee0e7e3
  p = horner(p, t, 0.5); // 0x3f000000
  let q = horner(all(1.0408882051706314e-2), t, 0.10246984660625458); // 0x3c2a8a04 0x3dd1dbb6
  q = horner(q, t, 0.47137871384620667); // 0x3ef1588d
  q = horner(q, t, 1.2055023908615112); // 0x3f9a4de7
  q = horner(q, t, 1.6764236688613892); // 0x3fd6950d
  q = horner(q, t, 1); // 0x3f800000
  return f32x4.div(p, q);
}

/**
 * p·e^(−t²/2), |p| < 8. The square is split: that of t's first twelve bits is exact, and the rest of
 * it joins what the reduction leaves of the exponent.
 */
// @ts-ignore: decorator
@inline
function bell(p: v128, t: v128): v128 {
  const first = v128.and(t, i32x4.splat(0xfffff000));
  const rest = f32x4.mul(f32x4.mul(f32x4.sub(t, first), f32x4.add(t, first)), all(0.5));
  const x = f32x4.mul(f32x4.mul(first, first), all(-0.5));
  const rounded = roundedExponent(x);
  const m = expm1Near(f32x4.sub(reduced(x, rounded), rest));
  return down(f32x4.add(f32x4.mul(p, m), p), downFactor(exponentOf(rounded), -154));
}

/** The part itself up to 0, what it leaves of the whole above. */
// @ts-ignore: decorator
@inline
function partBelow(x: v128, part: v128, whole: v128): v128 {
  return v128.bitselect(f32x4.sub(whole, part), part, f32x4.gt(x, all(0)));
}

/** x·Φ(x); error 5.4 ULP. */
// @ts-ignore: decorator
@inline
export function gelu4(x: v128): v128 {
  const t = sizeOf(x, FAR);
  // Infinity must not meet a factor of 0; −Infinity does, and gives NaN.
  const h = bell(f32x4.mul(f32x4.pmin(x, all(FAR)), scaledTail(t)), t);
  return partBelow(x, h, x);
}

/** Φ(x) + x·e^(−x²/2) / √2π; error 4.2 ULP of the larger term. */
// @ts-ignore: decorator
@inline
export function geluSlope4(x: v128): v128 {
  const t = sizeOf(x, FAR);
  const w = bell(f32x4.sub(scaledTail(t), f32x4.mul(t, all(DENSITY))), t);
  return partBelow(x, w, all(1));
}

/** Beyond it the tanh form of Φ(−x)·x is below half of the least f32. */
const FAR_TANH: f32 = 11;
/** 2√(2/π) */
const LINEAR: f64 = 1.5957691216057308;
const CUBIC: f64 = 0.044715 * LINEAR;
const LOG2E: f64 = 1.4426950408889634;
const LN2: f64 = 0.6931471805599453;

/** −2u = −(LINEAR·t + CUBIC·t³) in f64: rounded to f32 it would be off by as much as it is large. */
// @ts-ignore: decorator
@inline
function twice(t: v128): v128 {
  const rise = f64x2.add(f64x2.mul(f64x2.mul(t, t), wide(-CUBIC)), wide(-LINEAR));
  return f64x2.mul(t, rise);
}

/** n + MAGIC, n the integer nearest to x / ln 2. */
// @ts-ignore: decorator
@inline
function nearest(x: v128): v128 {
  return f64x2.add(f64x2.mul(x, wide(LOG2E)), wide(MAGIC));
}

/** x − n·ln 2 */
// @ts-ignore: decorator
@inline
function leftOf(x: v128, rounded: v128): v128 {
  return f64x2.sub(x, f64x2.mul(f64x2.sub(rounded, wide(MAGIC)), wide(LN2)));
}

/** n of two pairs, as integers. */
// @ts-ignore: decorator
@inline
function exponents(first: v128, second: v128): v128 {
  return v128.shuffle<i32>(first, second, 0, 2, 4, 6);
}

/** With e^−2u = 2ⁿ·m: s = ½(1 + tanh u) = 1 / (1 + e^−2u) of u ≥ 0, and 1 − s = e^−2u·s. */
// @ts-ignore: decorator
@inline
function gate(m: v128, factor: v128): v128 {
  return f32x4.div(all(1), f32x4.add(down(m, factor), all(1)));
}

/** ½x(1 + tanh u); error 3.3 ULP. */
// @ts-ignore: decorator
@inline
export function geluTanh4(x: v128): v128 {
  const t = sizeOf(x, FAR_TANH);
  const first = twice(low(t));
  const second = twice(high(t));
  const n1 = nearest(first);
  const n2 = nearest(second);
  const m = f32x4.add(expm1Near(join(leftOf(first, n1), leftOf(second, n2))), all(1));
  const factor = downFactor(exponents(n1, n2), -160);
  const s = gate(m, factor);
  const h = down(f32x4.mul(f32x4.pmin(x, all(FAR_TANH)), f32x4.mul(m, s)), factor);
  return partBelow(x, h, x);
}

/** s·(1 + x·(1 − s)·2u′), s = ½(1 + tanh u); error 4.6 ULP of the larger term. */
// @ts-ignore: decorator
@inline
export function geluTanhSlope4(x: v128): v128 {
  const t = sizeOf(x, FAR_TANH);
  const first = twice(low(t));
  const second = twice(high(t));
  const n1 = nearest(first);
  const n2 = nearest(second);
  const m = f32x4.add(expm1Near(join(leftOf(first, n1), leftOf(second, n2))), all(1));
  const factor = downFactor(exponents(n1, n2), -160);
  const s = gate(m, factor);
  const rise = horner(f32x4.mul(t, t), all(3 * <f32>CUBIC), <f32>LINEAR);
  const p = f32x4.sub(all(1), f32x4.mul(f32x4.mul(t, s), rise));
  const w = down(f32x4.mul(f32x4.mul(m, s), p), factor);
  return partBelow(x, w, all(1));
}
