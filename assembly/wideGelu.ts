/**
 * gelu(x) = x·Φ(x), Φ the normal distribution (Hendrycks & Gimpel 2016), its approximation by tanh,
 * and the derivatives of both: four f32 computed in f64, as in `wideMath.ts`. Neither cancels below
 * 0, as ½x(1 + erf(x / √2)) and ½x(1 + tanh u) do. Error of each function 0.51 ULP.
 */
import { all, high, horner, join, low } from "./wideLanes";
import { expWide } from "./wideMath";

/** Beyond it Φ(−x)·x is below half of the least f32, and the tanh form's too. */
const FAR: f64 = 15;
/** 1 / √2π */
const DENSITY: f64 = 0.3989422804014327;

/** x within ±FAR; NaN passes. */
// @ts-ignore: decorator
@inline
function near(x: v128): v128 {
  return f64x2.pmax(f64x2.pmin(x, all(FAR)), all(-FAR));
}

/** e^(−x²/2), and 0 far out, so that −Infinity gives NaN and not −Infinity. */
function bell(x: v128): v128 {
  const e = expWide(f64x2.mul(f64x2.mul(x, x), all(-0.5)));
  return v128.andnot(e, f64x2.gt(f64x2.abs(x), all(FAR)));
}

/**
 * Φ(−t) = e^(−t²/2)·p((t − 4) / (t + 4)) of t ≥ 0, p a minimax polynomial of relative error 2⁻³¹
 * up to FAR (E. Remez 1934); Φ(t) is the rest of 1.
 */
function distribution(x: v128, bellOfX: v128): v128 {
  const t = f64x2.pmin(f64x2.abs(x), all(FAR));
  const u = f64x2.div(f64x2.sub(t, all(4)), f64x2.add(t, all(4)));
  let p = horner(all(7.639223982857253e-6), u, 2.546923802360026e-5);
  p = horner(p, u, -4.9222637787225164e-5);
  p = horner(p, u, -1.8640083057653117e-4);
  p = horner(p, u, 6.403417994735246e-4);
  p = horner(p, u, 5.074997248611882e-4);
  p = horner(p, u, -8.492381039515178e-3);
  p = horner(p, u, 3.0864806110716462e-2);
  p = horner(p, u, -7.17073849183211e-2);
  p = horner(p, u, 0.12437925499364086);
  p = horner(p, u, -0.17039772203991232);
  p = horner(p, u, 9.441064130992234e-2);
  const tail = f64x2.mul(p, bellOfX);
  return v128.bitselect(tail, f64x2.sub(all(1), tail), f64x2.lt(x, all(0)));
}

function geluWide(x: v128): v128 {
  return f64x2.mul(x, distribution(x, bell(x)));
}

/** x·Φ(x) */
// @ts-ignore: decorator
@inline
export function geluOf(x: v128): v128 {
  return join(geluWide(low(x)), geluWide(high(x)));
}

function slopeWide(x: v128): v128 {
  const e = bell(x);
  return f64x2.add(distribution(x, e), f64x2.mul(f64x2.mul(near(x), e), all(DENSITY)));
}

/** Φ(x) + x·e^(−x²/2) / √2π */
// @ts-ignore: decorator
@inline
export function geluSlopeOf(x: v128): v128 {
  return join(slopeWide(low(x)), slopeWide(high(x)));
}

/** 2√(2/π) */
const LINEAR: f64 = 1.5957691216057308;
const CUBIC: f64 = 0.044715 * LINEAR;

/** ½(1 + tanh u) = 1 / (1 + e^−2u), 2u = LINEAR·x + CUBIC·x³; 0 far below. */
function gate(x: v128, square: v128): v128 {
  const twice = f64x2.mul(x, f64x2.add(f64x2.mul(square, all(CUBIC)), all(LINEAR)));
  const s = f64x2.div(all(1), f64x2.add(all(1), expWide(f64x2.neg(twice))));
  return v128.andnot(s, f64x2.lt(x, all(-FAR)));
}

function geluTanhWide(x: v128): v128 {
  return f64x2.mul(x, gate(x, f64x2.mul(x, x)));
}

/** ½x(1 + tanh u) */
// @ts-ignore: decorator
@inline
export function geluTanhOf(x: v128): v128 {
  return join(geluTanhWide(low(x)), geluTanhWide(high(x)));
}

function tanhSlopeWide(x: v128): v128 {
  const c = near(x);
  const square = f64x2.mul(c, c);
  const s = gate(c, square);
  const rise = f64x2.add(f64x2.mul(square, all(3 * CUBIC)), all(LINEAR));
  const rest = f64x2.mul(f64x2.mul(c, f64x2.sub(all(1), s)), rise);
  return f64x2.mul(s, f64x2.add(all(1), rest));
}

/** s·(1 + x·(1 − s)·2u′), s = ½(1 + tanh u) */
// @ts-ignore: decorator
@inline
export function geluTanhSlopeOf(x: v128): v128 {
  return join(tanhSlopeWide(low(x)), tanhSlopeWide(high(x)));
}
