const F = Math.fround;

/**
 * The scalar twins of `assembly/math.ts`, which holds the derivations and the sources: the same
 * operations in the same order, each rounded, so that the bits are the same. A branch replaces a
 * selection of lanes.
 */

/** One word of memory seen as a float and as its bits. */
const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

const LOG2E = F(Math.LOG2E); // 0x3fb8aa3b
const LN2_HI = F(0.693359375); // 0x3f318000
const LN2_LO = F(-2.1219444e-4); // 0xb95e8083
const ROUND = F(12582912); // 0x4b400000
const LEAST = -105;

const E0 = F(1.98756915e-4); // 0x39506967
const E1 = F(1.3981999507e-3); // 0x3ab743ce
const E2 = F(8.3334519073e-3); // 0x3c088908
const E3 = F(4.1665795894e-2); // 0x3d2aa9c1
const E4 = F(1.6666665459e-1); // 0x3e2aaaaa
const E5 = F(5.0000001201e-1); // 0x3f000000

/** eˣ */
export function exp1(x: number): number {
  const clamped = Math.max(LEAST, Math.min(x, 89));
  const n = exponentOf(clamped);
  return scaled(F(expm1Near(reduced(clamped, n)) + 1), n);
}

/** The integer nearest to x / ln 2. */
function exponentOf(x: number): number {
  return F(F(F(x * LOG2E) + ROUND) - ROUND);
}

/** r = x − n·ln 2 */
function reduced(x: number, n: number): number {
  return F(F(x - F(n * LN2_HI)) - F(n * LN2_LO));
}

/** eʳ − 1 */
function expm1Near(r: number): number {
  let p = F(F(E0 * r) + E1);
  p = F(F(p * r) + E2);
  p = F(F(p * r) + E3);
  p = F(F(p * r) + E4);
  p = F(F(p * r) + E5);
  return F(F(p * F(r * r)) + r);
}

/** 2ⁿ · p, −152 ≤ n ≤ 254; 0 times p where it rounds to 0. */
function scaled(p: number, n: number): number {
  if (n <= -151) return F(p * 0);
  const exponent = n | 0;
  const half = exponent >> 1;
  return F(F(p * power2(half)) * power2(exponent - half));
}

/** 2ⁿ from its bits, −126 ≤ n ≤ 127. */
function power2(n: number): number {
  bits[0] = (n + 127) << 23;
  return float[0] as number;
}

const L0 = F(7.0376836292e-2); // 0x3d9021bb
const L1 = F(-1.151461031e-1); // 0xbdebd1b8
const L2 = F(1.167699874e-1); // 0x3def251a
const L3 = F(-1.2420140846e-1); // 0xbdfe5d4f
const L4 = F(1.4249322787e-1); // 0x3e11e9bf
const L5 = F(-1.6668057665e-1); // 0xbe2aae50
const L6 = F(2.0000714765e-1); // 0x3e4cceac
const L7 = F(-2.4999993993e-1); // 0xbe7ffffc
const L8 = F(3.3333331174e-1); // 0x3eaaaaaa

/** ln x */
export function log1(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  const subnormal = x < 1.1754943508222875e-38;
  float[0] = subnormal ? F(x * 8388608) : x;
  const word = (bits[0] as number) + (0x3f800000 - 0x3f3504f3);
  const e = (word >> 23) - 127 - (subnormal ? 23 : 0);
  bits[0] = (word & 0x007fffff) + 0x3f3504f3;
  const f = F((float[0] as number) - 1);
  const z = F(f * f);
  let p = F(F(L0 * f) + L1);
  p = F(F(p * f) + L2);
  p = F(F(p * f) + L3);
  p = F(F(p * f) + L4);
  p = F(F(p * f) + L5);
  p = F(F(p * f) + L6);
  p = F(F(p * f) + L7);
  p = F(F(p * f) + L8);
  p = F(F(p * f) * z);
  p = F(p + F(e * LN2_LO));
  p = F(p - F(z * 0.5));
  return F(F(f + p) + F(e * LN2_HI));
}

const S0 = F(1.3814576668664813e-3); // 0x3ab51207
const S1 = F(-8.368726819753647e-3); // 0xbc091cfc
const S2 = F(4.166838899254799e-2); // 0x3d2aac79
const S3 = F(-0.1666652113199234); // 0xbe2aaa49
const S4 = F(0.4999999403953552); // 0x3efffffe

/** e⁻ʳ − 1, |r| ≤ ln 2 / 2 */
function expm1Minus(r: number): number {
  const z = F(r * r);
  const first = F(F(S3 * r) + S4);
  const second = F(F(S1 * r) + S2);
  const p = F(first + F(z * F(second + F(z * S0))));
  return F(F(p * z) - r);
}

const UNIT = F(1.1641532182693481e-10); // 0x2f000000

/** 1 / (1 + e⁻ˣ) */
export function sigmoid1(x: number): number {
  if (x <= -104) return 0;
  const clamped = Math.min(x, 40);
  const n = exponentOf(-clamped);
  const minusR = F(F(clamped + F(n * LN2_HI)) + F(n * LN2_LO));
  const s = power2(n - 33);
  const t = F(s * expm1Minus(minusR));
  const sum = F(F(s + UNIT) + t);
  const lost = F(t - F(F(sum - s) - UNIT));
  const q = F(1 / sum);
  return F(F(q - F(F(lost * q) * q)) * UNIT);
}

const T0 = F(-5.70498872745e-3); // 0xbbbaf0ea
const T1 = F(2.06390887954e-2); // 0x3ca9134e
const T2 = F(-5.37397155531e-2); // 0xbd5c1e2d
const T3 = F(1.33314422036e-1); // 0x3e088393
const T4 = F(-3.33332819422e-1); // 0xbeaaaa99

/** tanh x */
export function tanh1(x: number): number {
  if (x === 0) return x;
  const a = Math.abs(x);
  let size: number;
  if (a < 0.625) {
    const z = F(a * a);
    let p = F(F(T0 * z) + T1);
    p = F(F(p * z) + T2);
    p = F(F(p * z) + T3);
    p = F(F(p * z) + T4);
    size = F(F(F(p * z) * a) + a);
  } else {
    size = F(1 - F(2 / F(exp1(F(a + a)) + 1)));
  }
  return x < 0 ? -size : size;
}

const C0 = F(2.81022636e-8); // 0x32f16588
const C1 = F(3.43273939e-7); // 0x34b84b36
const C2 = F(-3.5233877e-6); // 0xb66c7357
const C3 = F(-4.39150654e-6); // 0xb6935ac1
const C4 = F(2.1858087e-4); // 0x396532db
const C5 = F(-1.25372503e-3); // 0xbaa45408
const C6 = F(-4.17768164e-3); // 0xbb88e4ef
const C7 = F(2.46640727e-1); // 0x3e7c8f63
const C8 = F(1.50140941); // 0x3fc02e2f

const D0 = F(-2.00214257e-4); // 0xb951f09b
const D1 = F(1.00950558e-4); // 0x38d3b56b
const D2 = F(1.34934322e-3); // 0x3ab0dc72
const D3 = F(-3.67342844e-3); // 0xbb70bde7
const D4 = F(5.73950773e-3); // 0x3bbc127b
const D5 = F(-7.6224613e-3); // 0xbbf9c5d7
const D6 = F(9.43887047e-3); // 0x3c1aa57e
const D7 = F(1.00167406); // 0x3f8036db
const D8 = F(2.83297682); // 0x40354f7e

/** The inverse of erf for |x| < 1. */
export function erfinv1(x: number): number {
  const w = -log1(F(F(1 - x) * F(1 + x)));
  let p: number;
  if (w < 5) {
    const v = F(w - 2.5);
    p = F(F(C0 * v) + C1);
    p = F(F(p * v) + C2);
    p = F(F(p * v) + C3);
    p = F(F(p * v) + C4);
    p = F(F(p * v) + C5);
    p = F(F(p * v) + C6);
    p = F(F(p * v) + C7);
    p = F(F(p * v) + C8);
  } else {
    const v = F(F(Math.sqrt(w)) - 3);
    p = F(F(D0 * v) + D1);
    p = F(F(p * v) + D2);
    p = F(F(p * v) + D3);
    p = F(F(p * v) + D4);
    p = F(F(p * v) + D5);
    p = F(F(p * v) + D6);
    p = F(F(p * v) + D7);
    p = F(F(p * v) + D8);
  }
  return F(p * x);
}
