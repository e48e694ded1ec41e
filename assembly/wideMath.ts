/**
 * Functions of four f32 computed in f64, two lanes at a time: the intermediate error is below
 * 2⁻³³ of the result, so that rounding to f32 once is all the error there is, and no argument
 * needs double-word arithmetic. From `+ - * /`, square roots and integer bits only; JavaScript's
 * numbers are f64, so that `src/ts/wideMath.ts` gives the same bits. No multiply-add is fused.
 *
 * The polynomials are minimax ones, found by Remez's exchange (E. Remez 1934) in 60 digits. The
 * errors stated are the greatest over every 61st pattern of f32 and all those around the places
 * that `test/kernels/ulp.ts` lists; it measures them.
 */
import { all, copySign, high, horner, join, low, MAGIC } from "./wideLanes";

/** ln 2 in two parts; the first has 32 bits: times an exponent it is exact. */
const LN2_HI: f64 = 0.6931471803691238;
const LN2_LO: f64 = 1.9082149292705877e-10;
const LOG2E: f64 = 1.4426950408889634;

/** Far outside the range of f32: the result overflows, or vanishes, when it is rounded. */
// @ts-ignore: decorator
@inline
function clamp(x: v128): v128 {
  return f64x2.pmax(f64x2.pmin(x, all(200)), all(-200));
}

/** n + MAGIC, n the integer nearest to x / ln 2. */
// @ts-ignore: decorator
@inline
function exponentOf(x: v128): v128 {
  return f64x2.add(f64x2.mul(x, all(LOG2E)), all(MAGIC));
}

/** eʳ − 1, r = x − n·ln 2, |r| ≤ ln 2 / 2; relative error 2⁻⁴³. */
// @ts-ignore: decorator
@inline
function expm1Reduced(x: v128, n: v128): v128 {
  const r = f64x2.sub(f64x2.sub(x, f64x2.mul(n, all(LN2_HI))), f64x2.mul(n, all(LN2_LO)));
  let p = horner(all(2.7557432171377895e-6), r, 2.4876099496478995e-5);
  p = horner(p, r, 1.9841371297351127e-4);
  p = horner(p, r, 1.3888821816691794e-3);
  p = horner(p, r, 8.333333231730612e-3);
  p = horner(p, r, 4.1666666890095044e-2);
  p = horner(p, r, 0.16666666666941188);
  p = horner(p, r, 0.49999999999799266);
  p = horner(p, r, 0.999999999999989);
  return f64x2.mul(p, r);
}

/** 2ⁿ of n + MAGIC. */
// @ts-ignore: decorator
@inline
function power2(n: v128): v128 {
  return i64x2.shl(i64x2.add(n, i64x2.splat(1023)), 52);
}

/** eˣ = 2ⁿ · eʳ */
function expCall(x: v128): v128 {
  const clamped = clamp(x);
  const rounded = exponentOf(clamped);
  const s = power2(rounded);
  const q = expm1Reduced(clamped, f64x2.sub(rounded, all(MAGIC)));
  return f64x2.add(f64x2.mul(s, q), s);
}

/** The same, for other files: an export that is not inlined would be an export of the module. */
// @ts-ignore: decorator
@inline
export function expWide(x: v128): v128 {
  return expCall(x);
}

/** eˣ − 1 = 2ⁿ · (eʳ − 1) − (1 − 2ⁿ): near 0 it is the first term alone, −0 included. */
// @ts-ignore: decorator
@inline
function expm1Wide(x: v128): v128 {
  const clamped = clamp(x);
  const rounded = exponentOf(clamped);
  const s = power2(rounded);
  const q = expm1Reduced(clamped, f64x2.sub(rounded, all(MAGIC)));
  return f64x2.sub(f64x2.mul(s, q), f64x2.sub(all(1), s));
}

/**
 * ln x; relative error 2⁻⁴⁴, near 1 too. x = 2ᵉ · m, √½ ≤ m < √2, and with f = m − 1,
 * s = f / (2 + f): ln m = 2 artanh s. Adding the bits of 1 less those of √½ to x's makes the
 * exponent step at √½; e becomes a float by its place in the low bits of 2⁵².
 */
// @ts-ignore: decorator
@inline
function logWide(x: v128): v128 {
  const bits = i64x2.add(x, i64x2.splat(0x0009_5f62_0000_0000));
  const e = f64x2.sub(
    v128.or(i64x2.shr_u(bits, 52), i64x2.splat(0x4330_0000_0000_0000)),
    all(4503599627371519),
  );
  const m = i64x2.add(
    v128.and(bits, i64x2.splat(0x000f_ffff_ffff_ffff)),
    i64x2.splat(0x3fe6_a09e_0000_0000),
  );
  const f = f64x2.sub(m, all(1));
  const s = f64x2.div(f, f64x2.add(all(2), f));
  const z = f64x2.mul(s, s);
  let p = horner(all(0.19584105632946383), z, 0.22176194764150925);
  p = horner(p, z, 0.2857210892882923);
  p = horner(p, z, 0.39999995624887524);
  p = horner(p, z, 0.6666666667579015);
  const logM = f64x2.add(f64x2.mul(f64x2.mul(s, z), p), f64x2.mul(all(2), s));
  const finite = f64x2.add(
    f64x2.mul(e, all(LN2_HI)),
    f64x2.add(f64x2.mul(e, all(LN2_LO)), logM),
  );
  const passed = v128.bitselect(finite, x, f64x2.lt(x, all(Infinity)));
  const refused = v128.bitselect(all(-Infinity), all(NaN), f64x2.eq(x, all(0)));
  return v128.bitselect(passed, refused, f64x2.gt(x, all(0)));
}

/** eˣ − 1; error 0.5 ULP, as accurate near 0. */
// @ts-ignore: decorator
@inline
export function expm1Of(x: v128): v128 {
  return join(expm1Wide(low(x)), expm1Wide(high(x)));
}

/** ln (1 + x) from u = 1 + x, rounded, and what the rounding lost. */
// @ts-ignore: decorator
@inline
function log1pWide(x: v128): v128 {
  const u = f64x2.add(all(1), x);
  const lost = f64x2.sub(x, f64x2.sub(u, all(1)));
  const log = logWide(u);
  const sum = v128.bitselect(f64x2.add(log, lost), log, f64x2.lt(u, all(Infinity)));
  return v128.bitselect(x, sum, f64x2.eq(x, all(0)));
}

/** ln (1 + x); error 0.5 ULP, as accurate near 0. */
// @ts-ignore: decorator
@inline
export function log1pOf(x: v128): v128 {
  return join(log1pWide(low(x)), log1pWide(high(x)));
}

/** sinh a of a ≥ 0, with e = eᵃ − 1: (e + e / (e + 1)) / 2. */
// @ts-ignore: decorator
@inline
function sinhWide(a: v128): v128 {
  const e = expm1Wide(a);
  return f64x2.mul(all(0.5), f64x2.add(e, f64x2.div(e, f64x2.add(e, all(1)))));
}

/** sinh x; error 0.5 ULP, as accurate near 0. */
// @ts-ignore: decorator
@inline
export function sinhOf(x: v128): v128 {
  const a = f32x4.abs(x);
  return copySign(join(sinhWide(low(a)), sinhWide(high(a))), x);
}

// @ts-ignore: decorator
@inline
function coshWide(a: v128): v128 {
  const e = expWide(a);
  return f64x2.mul(all(0.5), f64x2.add(e, f64x2.div(all(1), e)));
}

/** cosh x; error 0.5 ULP. */
// @ts-ignore: decorator
@inline
export function coshOf(x: v128): v128 {
  const a = f32x4.abs(x);
  return join(coshWide(low(a)), coshWide(high(a)));
}

/**
 * erf a of a ≥ 0: a · p(a²) below 1, relative error 2⁻⁴⁰; else 1 − e^−p(a), where p is −ln erfc,
 * error 2⁻³⁷. From 4 on it is 1.
 */
// @ts-ignore: decorator
@inline
function erfWide(x: v128): v128 {
  const z = f64x2.mul(x, x);
  let near = horner(all(1.0562983526764963e-6), z, -1.3898719921879057e-5);
  near = horner(near, z, 1.1954825222909071e-4);
  near = horner(near, z, -8.542489836821071e-4);
  near = horner(near, z, 5.2237764674958765e-3);
  near = horner(near, z, -2.6866131430770376e-2);
  near = horner(near, z, 0.11283791285738848);
  near = horner(near, z, -0.3761263888852748);
  near = f64x2.mul(horner(near, z, 1.1283791670945882), x);
  const a = f64x2.pmin(x, all(4));
  let far = horner(all(-7.845132349207439e-7), a, 1.2452661068119154e-5);
  far = horner(far, a, -6.434055622618609e-5);
  far = horner(far, a, -1.0176410736716928e-4);
  far = horner(far, a, 3.3602809587977216e-3);
  far = horner(far, a, -2.3836529227021293e-2);
  far = horner(far, a, 0.10696152146040817);
  far = horner(far, a, 0.6341961067429802);
  far = horner(far, a, 1.1292038613068593);
  far = horner(far, a, -1.25294790069365e-4);
  far = f64x2.sub(all(1), expWide(f64x2.neg(far)));
  return v128.bitselect(near, far, f64x2.lt(x, all(1)));
}

/** erf x = 2/√π ∫₀ˣ e^−t² dt; error 0.51 ULP. */
// @ts-ignore: decorator
@inline
export function erfOf(x: v128): v128 {
  const a = f32x4.abs(x);
  return copySign(join(erfWide(low(a)), erfWide(high(a))), x);
}

// @ts-ignore: decorator
@inline
function length(a: v128, b: v128): v128 {
  return f64x2.sqrt(f64x2.add(f64x2.mul(a, a), f64x2.mul(b, b)));
}

/** √(a² + b²), which in f64 neither overflows nor vanishes; Infinity wins over NaN, as in C99. */
// @ts-ignore: decorator
@inline
export function hypotOf(a: v128, b: v128): v128 {
  const infinite = f32x4.splat(Infinity);
  const either = v128.or(f32x4.eq(f32x4.abs(a), infinite), f32x4.eq(f32x4.abs(b), infinite));
  const finite = join(length(low(a), low(b)), length(high(a), high(b)));
  return v128.bitselect(infinite, finite, either);
}

function powLanes(x: v128, y: v128): v128 {
  const a = f32x4.abs(x);
  const infinite = f32x4.splat(Infinity);
  const one = f32x4.splat(1);
  let size = join(
    expWide(f64x2.mul(low(y), logWide(low(a)))),
    expWide(f64x2.mul(high(y), logWide(high(a)))),
  );
  size = v128.bitselect(f32x4.sqrt(a), size, f32x4.eq(y, f32x4.splat(0.5)));
  size = v128.bitselect(f32x4.mul(x, x), size, f32x4.eq(y, f32x4.splat(2)));
  const whole = f32x4.eq(f32x4.trunc(y), y);
  const half = f32x4.mul(y, f32x4.splat(0.5));
  const odd = v128.and(whole, f32x4.ne(f32x4.trunc(half), half));
  size = v128.xor(size, v128.and(v128.and(odd, x), i32x4.splat(0x80000000)));
  const below = v128.and(f32x4.lt(x, f32x4.splat(0)), f32x4.lt(a, infinite));
  size = v128.bitselect(f32x4.splat(NaN), size, v128.andnot(below, whole));
  const unit = v128.and(f32x4.eq(a, one), f32x4.eq(f32x4.abs(y), infinite));
  const trivial = v128.or(f32x4.eq(y, f32x4.splat(0)), v128.or(f32x4.eq(x, one), unit));
  return v128.bitselect(one, size, trivial);
}

/**
 * xʸ = e^(y · ln |x|), negative where x is and y is odd; NaN where x < 0 and y is no integer; 1
 * where y = 0, x = 1, or |x| = 1 and |y| = Infinity (C99). The exponent is right to 2⁻³⁷, so the
 * error is 0.51 ULP however large the result; x² and √x are x · x and the square root, to the bit.
 */
// @ts-ignore: decorator
@inline
export function powOf(x: v128, y: v128): v128 {
  return powLanes(x, y);
}
