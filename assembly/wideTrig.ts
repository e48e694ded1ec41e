/** Angles, computed in f64 lanes as `wideMath.ts` says. */
import { all, copySign, high, horner, join, low, MAGIC } from "./wideLanes";

/** Which function of an angle; cos x is sin of a quarter turn more. */
const SIN: i32 = 0;
const COS: i32 = 1;
const TAN: i32 = 2;

/** The function at n quarter turns (the low bits of integers) and r, |r| ≤ π/4. */
// @ts-ignore: decorator
@inline
function wave(which: i32, n: v128, r: v128): v128 {
  const z = f64x2.mul(r, r);
  let s = horner(all(2.7180838616346306e-6), z, -1.9839308356914894e-4);
  s = horner(s, z, 8.333329292879813e-3);
  s = horner(s, z, -0.1666666664069542);
  const sine = f64x2.mul(r, horner(s, z, 1));
  let c = horner(all(-2.717442322163886e-7), z, 2.479895577147629e-5);
  c = horner(c, z, -1.3888880636571e-3);
  c = horner(c, z, 4.166666655301788e-2);
  c = horner(c, z, -0.49999999999487116);
  const cosine = horner(c, z, 1);
  const quarter = which == TAN ? n : i64x2.add(n, i64x2.splat(which));
  const odd = i64x2.neg(v128.and(quarter, i64x2.splat(1)));
  if (which == TAN)
    return f64x2.div(
      v128.bitselect(f64x2.neg(cosine), sine, odd),
      v128.bitselect(sine, cosine, odd),
    );
  return v128.xor(
    v128.bitselect(cosine, sine, odd),
    i64x2.shl(v128.and(quarter, i64x2.splat(2)), 62),
  );
}

/** π/2 in two parts; the first has 33 bits: times n below 2²⁰ it is exact. */
const HALF_PI_HI: f64 = 1.5707963267341256;
const HALF_PI_LO: f64 = 6.077100506506192e-11;
/** Beyond, that product is not exact. The remainder of an f32 below is right to 2⁻³⁴ of itself. */
const FAR: f32 = 1048576;

// @ts-ignore: decorator
@inline
function waveNear(which: i32, x: v128): v128 {
  const rounded = f64x2.add(f64x2.mul(x, all(0.6366197723675814)), all(MAGIC));
  const n = f64x2.sub(rounded, all(MAGIC));
  const r = f64x2.sub(
    f64x2.sub(x, f64x2.mul(n, all(HALF_PI_HI))),
    f64x2.mul(n, all(HALF_PI_LO)),
  );
  return wave(which, rounded, r);
}

/** 2/π, 24 bits each, after 24 zeros. */
function twoOverPi(index: i32): i32 {
  switch (index) {
    case 1: return 0xa2f983;
    case 2: return 0x6e4e44;
    case 3: return 0x1529fc;
    case 4: return 0x2757d1;
    case 5: return 0xf534dd;
    case 6: return 0xc0db62;
    case 7: return 0x95993c;
    case 8: return 0x439041;
    case 9: return 0xfe5163;
    default: return 0;
  }
}

/** The 24 bits of that, from `start` on. */
function digit(start: i32): f64 {
  const at = start / 24;
  const shift = start - at * 24;
  return <f64>(((twoOverPi(at) << shift) | (twoOverPi(at + 1) >> (24 - shift))) & 0xffffff);
}

/** 2²⁴ and its inverse, the value of a bit of `first`, of `second` and of `third` in turns. */
const DIGIT: f64 = 16777216;
const PER_DIGIT: f64 = 1 / DIGIT;
const FIRST: f64 = 1 / 4194304;
const SECOND: f64 = FIRST * PER_DIGIT;
const THIRD: f64 = SECOND * PER_DIGIT;

/**
 * The function at |x| > FAR (M. Payne and R. Hanek 1983). |x| = m · 2ᵉ with m of 24 bits: of the
 * bits of 2/π those count whose product with m · 2ᵉ is a fraction of a turn. Four digits of 24 bits
 * from there on, times m, in base 2²⁴ and modulo four quarter turns:
 *
 *     2/π         …xxxxxx | d0 | d1 | d2 | d3 | …      d0's first bit is worth two quarter turns
 *     m · d           first | second | third | carry   first: 2 bits of turns, 22 of their fraction
 *
 * An f32 comes no closer to a multiple of π/2 than about 2⁻³⁰, and `third` ends at 2⁻⁷⁰.
 */
function waveFar(which: i32, x: f32): f32 {
  const word = reinterpret<i32>(abs(x));
  if (word >= 0x7f800000) return NaN;
  const m = <f64>((word & 0x007fffff) | 0x00800000);
  const start = (word >> 23) - 128;
  let carry = floor(m * digit(start + 72) * PER_DIGIT);
  let t = m * digit(start + 48) + carry;
  carry = floor(t * PER_DIGIT);
  const third = t - carry * DIGIT;
  t = m * digit(start + 24) + carry;
  carry = floor(t * PER_DIGIT);
  const second = t - carry * DIGIT;
  t = m * digit(start) + carry;
  const turns = (t - floor(t * PER_DIGIT) * DIGIT) * FIRST;
  const n = floor(turns + 0.5);
  const turn = turns - n + second * SECOND + third * THIRD;
  const r = turn * 1.5707963267948966;
  const positive = x > 0;
  const y = wave(which, i64x2.splat(<i64>(positive ? n : -n)), all(positive ? r : -r));
  return <f32>f64x2.extract_lane(y, 0);
}

// @ts-ignore: decorator
@inline
function waveOf(which: i32, x: v128): v128 {
  const y = join(waveNear(which, low(x)), waveNear(which, high(x)));
  const far = i32x4.bitmask(f32x4.gt(f32x4.abs(x), f32x4.splat(FAR)));
  return far ? wavesFar(which, x, y, far) : y;
}

/** y with the lanes of `far` computed one by one. */
function wavesFar(which: i32, x: v128, y: v128, far: i32): v128 {
  if (far & 1) y = f32x4.replace_lane(y, 0, waveFar(which, f32x4.extract_lane(x, 0)));
  if (far & 2) y = f32x4.replace_lane(y, 1, waveFar(which, f32x4.extract_lane(x, 1)));
  if (far & 4) y = f32x4.replace_lane(y, 2, waveFar(which, f32x4.extract_lane(x, 2)));
  if (far & 8) y = f32x4.replace_lane(y, 3, waveFar(which, f32x4.extract_lane(x, 3)));
  return y;
}

/** sin x; error 0.51 ULP for every x. */
// @ts-ignore: decorator
@inline
export function sinOf(x: v128): v128 {
  return waveOf(SIN, x);
}

/** cos x; error 0.51 ULP for every x. */
// @ts-ignore: decorator
@inline
export function cosOf(x: v128): v128 {
  return waveOf(COS, x);
}

/** tan x; error 0.51 ULP for every x. */
// @ts-ignore: decorator
@inline
export function tanOf(x: v128): v128 {
  return waveOf(TAN, x);
}

/**
 * The angle of the point (x, y), both at least 0, above the first axis: turned back by none, one
 * or two eighths, it is arctan t = t + t³ · p(t²), |t| ≤ tan π/8, relative error 2⁻⁴⁰.
 */
// @ts-ignore: decorator
@inline
function angle(y: v128, x: v128): v128 {
  const flat = f64x2.le(y, f64x2.mul(x, all(0.41421356237309503)));
  const steep = f64x2.gt(y, f64x2.mul(x, all(2.414213562373095)));
  const t = f64x2.div(
    v128.bitselect(y, v128.bitselect(f64x2.neg(x), f64x2.sub(y, x), steep), flat),
    v128.bitselect(x, v128.bitselect(y, f64x2.add(y, x), steep), flat),
  );
  const z = f64x2.mul(t, t);
  let p = horner(all(-3.792529525568078e-2), z, 6.991307684863718e-2);
  p = horner(p, z, -8.996868721810816e-2);
  p = horner(p, z, 0.11104007991873854);
  p = horner(p, z, -0.14285423903911693);
  p = horner(p, z, 0.19999994334672927);
  p = horner(p, z, -0.33333333295803413);
  const turned = v128.bitselect(
    all(0),
    v128.bitselect(all(1.5707963267948966), all(0.7853981633974483), steep),
    flat,
  );
  const result = f64x2.add(turned, f64x2.mul(t, horner(p, z, 1)));
  return v128.andnot(result, f64x2.eq(f64x2.add(x, y), all(0)));
}

/** arctan x; error 0.5 ULP. */
// @ts-ignore: decorator
@inline
export function atanOf(x: v128): v128 {
  const a = f32x4.abs(x);
  return copySign(join(angle(low(a), all(1)), angle(high(a), all(1))), x);
}

/** The angle, or π less it where `left`, two lanes of 64 bits. */
// @ts-ignore: decorator
@inline
function mirrored(above: v128, left: v128): v128 {
  return v128.bitselect(f64x2.sub(all(3.141592653589793), above), above, left);
}

function atan2Lanes(y: v128, x: v128): v128 {
  const infinite = f32x4.splat(Infinity);
  const diagonal = f32x4.eq(f32x4.min(f32x4.abs(x), f32x4.abs(y)), infinite);
  const a = v128.bitselect(f32x4.splat(1), f32x4.abs(y), diagonal);
  const b = v128.bitselect(f32x4.splat(1), f32x4.abs(x), diagonal);
  const left = i32x4.shr_s(x, 31);
  const size = join(
    mirrored(angle(low(a), low(b)), i64x2.extend_low_i32x4_s(left)),
    mirrored(angle(high(a), high(b)), i64x2.extend_high_i32x4_s(left)),
  );
  return copySign(size, y);
}

/** The angle of the point (x, y), −π … π, signed zeros and infinities as in C99; error 0.5 ULP. */
// @ts-ignore: decorator
@inline
export function atan2Of(y: v128, x: v128): v128 {
  return atan2Lanes(y, x);
}
