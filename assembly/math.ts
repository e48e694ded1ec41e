/**
 * Four-lane exp, log, sigmoid, tanh and erfinv, from `+ - * /`, square roots and integer bits only,
 * so that every engine and the scalar twin in `src/ts/math.ts` give the same bits. No multiply-add
 * is fused. The errors stated are the greatest over every 7th pattern of f32;
 * `test/kernels/math.test.ts` measures them over every 4,099th.
 */

// @ts-ignore: decorator
@inline
export function all(value: f32): v128 {
  return f32x4.splat(value);
}

/** One step of Horner's rule: p · x + c. */
// @ts-ignore: decorator
@inline
export function horner(p: v128, x: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(p, x), all(c));
}

const LOG2E: f32 = 1.4426950408889634; // 0x3fb8aa3b
/** ln 2 in two parts; the first has nine significant bits: times an exponent it is exact. */
const LN2_HI: f32 = 0.693359375; // 0x3f318000
const LN2_LO: f32 = -2.1219444e-4; // 0xb95e8083
/** eˣ is 0 from here down. */
const LEAST: f32 = -105;
/** 1.5 · 2²³: added to a small number, it leaves the nearest integer in the low bits. */
const ROUND: f32 = 12582912; // 0x4b400000

/**
 * eˣ for every x, NaN and infinities included; error 0.98 ULP.
 * x = n·ln 2 + r, |r| ≤ ln 2 / 2; eʳ − 1 by the polynomial of Cephes `expf` (S. L. Moshier 1989).
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  // Outside these bounds the result is 0 or Infinity. pmin(x, b) is b < x ? b : x, so NaN passes.
  const clamped = f32x4.pmax(f32x4.pmin(x, all(89)), all(LEAST));
  const rounded = roundedExponent(clamped, 254);
  const p = f32x4.add(expm1Near(reduced(clamped, rounded, 254)), all(1));
  // Two factors, the first of them exact: a subnormal result is rounded only once more. Half of
  // n + 254 is half of n with the bias of a float, and so is the other half.
  const half = i32x4.shr_s(rounded, 1);
  const rest = v128.and(power2(i32x4.sub(rounded, half)), stays(rounded, 254 - 151));
  return f32x4.mul(f32x4.mul(p, power2(half)), rest);
}

/**
 * n + ROUND + bias, n the integer nearest to x / ln 2. The bias saves an addition where the float 2ⁿ
 * is built; an even one leaves ties as they are.
 */
// @ts-ignore: decorator
@inline
function roundedExponent(x: v128, bias: f32): v128 {
  return f32x4.add(f32x4.mul(x, all(LOG2E)), all(ROUND + bias));
}

/** r */
// @ts-ignore: decorator
@inline
function reduced(x: v128, rounded: v128, bias: f32): v128 {
  const n = f32x4.sub(rounded, all(ROUND + bias));
  return f32x4.sub(f32x4.sub(x, f32x4.mul(n, all(LN2_HI))), f32x4.mul(n, all(LN2_LO)));
}

/** eʳ − 1, |r| ≤ ½ */
// @ts-ignore: decorator
@inline
function expm1Near(r: v128): v128 {
  let p = all(1.98756915e-4); // 0x39506967
  p = horner(p, r, 1.3981999507e-3); // 0x3ab743ce
  p = horner(p, r, 8.3334519073e-3); // 0x3c088908
  p = horner(p, r, 4.1665795894e-2); // 0x3d2aa9c1
  p = horner(p, r, 1.6666665459e-1); // 0x3e2aaaaa
  p = horner(p, r, 5.0000001201e-1); // 0x3f000000
  return f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r);
}

/**
 * Ones where n + bias > least, given n + ROUND + bias. What rounds to 0 is multiplied by 0: it takes
 * a processor some 150 cycles to find that a product vanishes, and half of a causal attention is
 * such products.
 */
// @ts-ignore: decorator
@inline
function stays(rounded: v128, least: i32): v128 {
  return i32x4.gt_s(rounded, i32x4.splat(0x4b400000 + least));
}

/** eˣ of x ≤ 0 or NaN, the same bits for less: nothing overflows. */
// @ts-ignore: decorator
@inline
export function expDown4(x: v128): v128 {
  const clamped = f32x4.pmax(x, all(LEAST));
  const rounded = roundedExponent(clamped, 192);
  const p = f32x4.add(expm1Near(reduced(clamped, rounded, 192)), all(1));
  // 2ⁿ⁺⁶⁵ and 2⁻⁶⁵: the first product is exact.
  const factor = v128.and(power2(rounded), stays(rounded, 192 - 151));
  return f32x4.mul(f32x4.mul(p, factor), all(2.710505431213761e-20)); // 0x1f000000
}

/** 2ⁿ⁻¹²⁷ from its bits, those of n the low ones of an integer, 1 ≤ n ≤ 254. */
// @ts-ignore: decorator
@inline
function power2(n: v128): v128 {
  return i32x4.shl(n, 23);
}

/**
 * ln x for every x; error 0.82 ULP, subnormals included; −Infinity at ±0, NaN below.
 * x = 2ᵉ · m with √½ ≤ m < √2; ln m by the polynomial of Cephes `logf` (S. L. Moshier 1989). Four
 * normal numbers take a third less time than four of any kind.
 */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  const fromLeast = i32x4.sub(x, i32x4.splat(0x00800000));
  if (v128.any_true(i32x4.ge_u(fromLeast, i32x4.splat(0x7f000000)))) return logOfAny(x);
  return logOfNormal(x, i32x4.splat(127));
}

/** ln (x · 2¹²⁷⁻ᵇ), b the bias. */
// @ts-ignore: decorator
@inline
function logOfNormal(x: v128, bias: v128): v128 {
  // As in musl's `logf`, the bits of 1 less those of √½ are added: the exponent then steps at √½.
  const bits = i32x4.add(x, i32x4.splat(0x3f800000 - 0x3f3504f3));
  const e = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_s(bits, 23), bias));
  const m = i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3));
  const f = f32x4.sub(m, all(1));
  const z = f32x4.mul(f, f);
  let p = all(7.0376836292e-2); // 0x3d9021bb
  p = horner(p, f, -1.151461031e-1); // 0xbdebd1b8
  p = horner(p, f, 1.167699874e-1); // 0x3def251a
  p = horner(p, f, -1.2420140846e-1); // 0xbdfe5d4f
  p = horner(p, f, 1.4249322787e-1); // 0x3e11e9bf
  p = horner(p, f, -1.6668057665e-1); // 0xbe2aae50
  p = horner(p, f, 2.0000714765e-1); // 0x3e4cceac
  p = horner(p, f, -2.4999993993e-1); // 0xbe7ffffc
  p = horner(p, f, 3.3333331174e-1); // 0x3eaaaaaa
  p = f32x4.mul(f32x4.mul(p, f), z);
  p = f32x4.add(p, f32x4.mul(e, all(LN2_LO)));
  p = f32x4.sub(p, f32x4.mul(z, all(0.5)));
  return f32x4.add(f32x4.add(f, p), f32x4.mul(e, all(LN2_HI)));
}

/** Subnormal lanes are scaled by 2²³ first, the others as above. */
function logOfAny(x: v128): v128 {
  const subnormal = f32x4.lt(x, all(1.1754943508222875e-38)); // 0x00800000
  const scaled = v128.bitselect(f32x4.mul(x, all(8388608)), x, subnormal);
  const bias = i32x4.add(i32x4.splat(127), v128.and(subnormal, i32x4.splat(23)));
  const finite = logOfNormal(scaled, bias);
  const passed = v128.bitselect(finite, x, f32x4.lt(x, all(f32.POSITIVE_INFINITY)));
  const refused = v128.bitselect(
    all(f32.NEGATIVE_INFINITY),
    all(f32.NaN),
    f32x4.eq(x, all(0)),
  );
  return v128.bitselect(passed, refused, f32x4.gt(x, all(0)));
}

/** 2⁻³³ */
const UNIT: f32 = 1.1641532182693481e-10; // 0x2f000000

/**
 * 1 / (1 + e⁻ˣ) for every x; error 1.41 ULP. With −x = n·ln 2 + r the denominator is the sum of
 * 1, 2ⁿ and 2ⁿ(eʳ − 1), all times 2⁻³³, so that it neither overflows nor makes a subnormal quotient.
 * What the sum loses is known exactly, and nearly its share of the quotient. eʳ − 1 is a minimax
 * polynomial (E. Remez 1934) of relative error 2⁻²⁸ beside eʳ, in pairs: a shorter wait than Horner's.
 */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  // Above 17 the result is 1; from −104 down it is 0, whatever comes out of here.
  const clamped = f32x4.pmin(x, all(40));
  const rounded = f32x4.add(f32x4.mul(clamped, all(-LOG2E)), all(ROUND + 94));
  const n = f32x4.sub(rounded, all(ROUND + 94));
  const minusR = f32x4.add(
    f32x4.add(clamped, f32x4.mul(n, all(LN2_HI))),
    f32x4.mul(n, all(LN2_LO)),
  );
  const s = power2(rounded);
  const t = f32x4.mul(s, expm1Minus(minusR));
  const sum = f32x4.add(f32x4.add(s, all(UNIT)), t);
  const lost = f32x4.sub(t, f32x4.sub(f32x4.sub(sum, s), all(UNIT)));
  const q = f32x4.div(all(1), sum);
  const y = f32x4.sub(q, f32x4.mul(f32x4.mul(lost, q), q));
  return v128.andnot(f32x4.mul(y, all(UNIT)), f32x4.le(x, all(-104)));
}

/** e⁻ʳ − 1, |r| ≤ ln 2 / 2 */
// @ts-ignore: decorator
@inline
function expm1Minus(r: v128): v128 {
  const z = f32x4.mul(r, r);
  const first = horner(all(-0.1666652113199234), r, 0.4999999403953552); // 0xbe2aaa49 0x3efffffe
  const second = horner(all(-8.368726819753647e-3), r, 4.166838899254799e-2); // 0xbc091cfc 0x3d2aac79
  const third = f32x4.mul(z, all(1.3814576668664813e-3)); // 0x3ab51207
  const p = f32x4.add(first, f32x4.mul(z, f32x4.add(second, third)));
  return f32x4.sub(f32x4.mul(p, z), r);
}

/**
 * tanh x for every x; error 1.33 ULP; tanh(−0) = −0.
 * Cephes `tanhf` (S. L. Moshier 1989): an odd polynomial below 0.625, else 1 − 2 / (e^2|x| + 1).
 */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const a = f32x4.abs(x);
  const z = f32x4.mul(a, a);
  let p = all(-5.70498872745e-3); // 0xbbbaf0ea
  p = horner(p, z, 2.06390887954e-2); // 0x3ca9134e
  p = horner(p, z, -5.37397155531e-2); // 0xbd5c1e2d
  p = horner(p, z, 1.33314422036e-1); // 0x3e088393
  p = horner(p, z, -3.33332819422e-1); // 0xbeaaaa99
  const near = f32x4.add(f32x4.mul(f32x4.mul(p, z), a), a);
  // From 20 on e^2a leaves 1; below, 2ⁿ is one factor. Half of e^2a and of 1 take an even bias.
  const twice = f32x4.pmin(f32x4.add(a, a), all(20));
  const rounded = roundedExponent(twice, 126);
  const half = f32x4.mul(
    f32x4.add(expm1Near(reduced(twice, rounded, 126)), all(1)),
    power2(rounded),
  );
  const far = f32x4.sub(all(1), f32x4.div(all(1), f32x4.add(half, all(0.5))));
  const size = v128.bitselect(near, far, f32x4.lt(a, all(0.625)));
  return v128.or(size, v128.and(x, i32x4.splat(0x80000000)));
}

/**
 * The inverse of erf for |x| < 1, relative error 3e-7: M. Giles, "Approximating the erfinv
 * function", GPU Computing Gems (2011), single precision. With w = −ln(1 − x²) it is x times a
 * polynomial in w − 2.5 where w < 5, else in √w − 3: one Horner walk that chooses its coefficients.
 */
// @ts-ignore: decorator
@inline
export function erfinv4(x: v128): v128 {
  const w = f32x4.neg(log4(f32x4.mul(f32x4.sub(all(1), x), f32x4.add(all(1), x))));
  const central = f32x4.lt(w, all(5));
  const v = v128.bitselect(
    f32x4.sub(w, all(2.5)),
    f32x4.sub(f32x4.sqrt(w), all(3)),
    central,
  );
  let p = v128.bitselect(all(2.81022636e-8), all(-2.00214257e-4), central); // 0x32f16588 0xb951f09b
  p = horner2(p, v, 3.43273939e-7, 1.00950558e-4, central); // 0x34b84b36 0x38d3b56b
  p = horner2(p, v, -3.5233877e-6, 1.34934322e-3, central); // 0xb66c7357 0x3ab0dc72
  p = horner2(p, v, -4.39150654e-6, -3.67342844e-3, central); // 0xb6935ac1 0xbb70bde7
  p = horner2(p, v, 2.1858087e-4, 5.73950773e-3, central); // 0x396532db 0x3bbc127b
  p = horner2(p, v, -1.25372503e-3, -7.6224613e-3, central); // 0xbaa45408 0xbbf9c5d7
  p = horner2(p, v, -4.17768164e-3, 9.43887047e-3, central); // 0xbb88e4ef 0x3c1aa57e
  p = horner2(p, v, 2.46640727e-1, 1.00167406, central); // 0x3e7c8f63 0x3f8036db
  p = horner2(p, v, 1.50140941, 2.83297682, central); // 0x3fc02e2f 0x40354f7e
  return f32x4.mul(p, x);
}

/** Horner's rule with the coefficient `c` where `chosen`, else `d`. */
// @ts-ignore: decorator
@inline
function horner2(p: v128, x: v128, c: f32, d: f32, chosen: v128): v128 {
  return f32x4.add(f32x4.mul(p, x), v128.bitselect(all(c), all(d), chosen));
}
