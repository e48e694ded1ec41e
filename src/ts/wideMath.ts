import { isNegative, nearest } from "./wideLanes.js";

const F = Math.fround;

/**
 * The scalar twins of `assembly/wideMath.ts`, which holds the derivations and the sources: f32 in
 * and out, f64 in between. A number is an f64, so `F` rounds the result and nothing else; the same
 * operations in the same order give the same bits.
 */

/** One double seen as its words, the low one first. */
const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

const clamp = (x: number): number => Math.max(-200, Math.min(x, 200));
const exponentOf = (x: number): number => nearest(x * Math.LOG2E);

/** eʳ − 1 with r = x − n·ln 2 */
function expm1Reduced(x: number, n: number): number {
  const r = x - n * 0.6931471803691238 - n * 1.9082149292705877e-10;
  let p = 2.7557432171377895e-6 * r + 2.4876099496478995e-5;
  p = p * r + 1.9841371297351127e-4;
  p = p * r + 1.3888821816691794e-3;
  p = p * r + 8.333333231730612e-3;
  p = p * r + 4.1666666890095044e-2;
  p = p * r + 0.16666666666941188;
  p = p * r + 0.49999999999799266;
  p = p * r + 0.999999999999989;
  return p * r;
}

/** 2ⁿ from its bits, |n| ≤ 1022. */
export function power2(n: number): number {
  words[0] = 0;
  words[1] = (n + 1023) << 20;
  return double[0] as number;
}

export function expWide(x: number): number {
  const clamped = clamp(x);
  const n = exponentOf(clamped);
  const s = power2(n);
  return s * expm1Reduced(clamped, n) + s;
}

function expm1Wide(x: number): number {
  const clamped = clamp(x);
  const n = exponentOf(clamped);
  const s = power2(n);
  return s * expm1Reduced(clamped, n) - (1 - s);
}

function logWide(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  double[0] = x;
  const word = (words[1] as number) + (0x3ff00000 - 0x3fe6a09e);
  const e = (word >>> 20) - 1023;
  words[1] = (word & 0x000fffff) + 0x3fe6a09e;
  const f = (double[0] as number) - 1;
  const s = f / (2 + f);
  const z = s * s;
  let p = 0.19584105632946383 * z + 0.22176194764150925;
  p = p * z + 0.2857210892882923;
  p = p * z + 0.39999995624887524;
  p = p * z + 0.6666666667579015;
  return e * 0.6931471803691238 + (e * 1.9082149292705877e-10 + (s * z * p + 2 * s));
}

/** eˣ − 1 */
export function expm1Of(x: number): number {
  return F(expm1Wide(x));
}

/** ln(1 + x) */
export function log1pOf(x: number): number {
  if (x === 0) return x;
  const u = 1 + x;
  const lost = x - (u - 1);
  const log = logWide(u);
  return F(u < Number.POSITIVE_INFINITY ? log + lost : log);
}

/** sinh x */
export function sinhOf(x: number): number {
  const e = expm1Wide(Math.abs(x));
  const size = F(0.5 * (e + e / (e + 1)));
  return isNegative(x) ? -size : size;
}

/** cosh x */
export function coshOf(x: number): number {
  const e = expWide(Math.abs(x));
  return F(0.5 * (e + 1 / e));
}

/** erf x */
export function erfOf(x: number): number {
  const a = Math.min(Math.abs(x), 4);
  if (a < 1) {
    const z = x * x;
    let p = 1.0562983526764963e-6 * z - 1.3898719921879057e-5;
    p = p * z + 1.1954825222909071e-4;
    p = p * z - 8.542489836821071e-4;
    p = p * z + 5.2237764674958765e-3;
    p = p * z - 2.6866131430770376e-2;
    p = p * z + 0.11283791285738848;
    p = p * z - 0.3761263888852748;
    p = p * z + 1.1283791670945882;
    return F(p * x);
  }
  let p = -7.845132349207439e-7 * a + 1.2452661068119154e-5;
  p = p * a - 6.434055622618609e-5;
  p = p * a - 1.0176410736716928e-4;
  p = p * a + 3.3602809587977216e-3;
  p = p * a - 2.3836529227021293e-2;
  p = p * a + 0.10696152146040817;
  p = p * a + 0.6341961067429802;
  p = p * a + 1.1292038613068593;
  p = p * a - 1.25294790069365e-4;
  const size = F(1 - expWide(-p));
  return x < 0 ? -size : size;
}

/** √(a² + b²) */
export function hypotOf(a: number, b: number): number {
  if (Math.abs(a) === Number.POSITIVE_INFINITY || Math.abs(b) === Number.POSITIVE_INFINITY)
    return Number.POSITIVE_INFINITY;
  return F(Math.sqrt(a * a + b * b));
}

/** xʸ */
export function powOf(x: number, y: number): number {
  const a = Math.abs(x);
  if (y === 0 || x === 1 || (a === 1 && Math.abs(y) === Number.POSITIVE_INFINITY)) return 1;
  if (y === 2) return F(x * x);
  const whole = Math.trunc(y) === y;
  if (x < 0 && !whole && a < Number.POSITIVE_INFINITY) return Number.NaN;
  const size = F(y === 0.5 ? Math.sqrt(a) : expWide(y * logWide(a)));
  const half = y * 0.5;
  return whole && Math.trunc(half) !== half && isNegative(x) ? -size : size;
}
