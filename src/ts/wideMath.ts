const F = Math.fround;

/**
 * The scalar twins of `assembly/wideMath.ts`, which holds the derivations and the sources: f32 in
 * and out, f64 in between. A number is an f64, so `F` rounds the result and nothing else; the same
 * operations in the same order give the same bits.
 */

/** One double seen as its words, the low one first; one float seen as its bits. */
const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

const MAGIC = 6755399441055744;
const nearest = (x: number): number => x + MAGIC - MAGIC;

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
function power2(n: number): number {
  words[0] = 0;
  words[1] = (n + 1023) << 20;
  return double[0] as number;
}

function expWide(x: number): number {
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
  return x < 0 || Object.is(x, -0) ? -size : size;
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

/** Which function of an angle; cos x is sin of a quarter turn more. */
const SIN = 0;
const COS = 1;
const TAN = 2;
type Wave = typeof SIN | typeof COS | typeof TAN;

/** The function at n quarter turns and r, |r| ≤ π/4. */
function wave(which: Wave, n: number, r: number): number {
  const z = r * r;
  let s = 2.7180838616346306e-6 * z - 1.9839308356914894e-4;
  s = s * z + 8.333329292879813e-3;
  s = s * z - 0.1666666664069542;
  const sine = r * (s * z + 1);
  let c = -2.717442322163886e-7 * z + 2.479895577147629e-5;
  c = c * z - 1.3888880636571e-3;
  c = c * z + 4.166666655301788e-2;
  c = c * z - 0.49999999999487116;
  const cosine = c * z + 1;
  if (which === TAN) return F((n & 1) !== 0 ? -cosine / sine : sine / cosine);
  const quarter = n + which;
  const size = (quarter & 1) !== 0 ? cosine : sine;
  return F((quarter & 2) !== 0 ? -size : size);
}

/** Beyond, three doubles of π/2 no longer reduce the argument. */
const FAR = 1048576;

function waveOf(which: Wave, x: number): number {
  if (Math.abs(x) > FAR) return waveFar(which, x);
  const n = nearest(x * 0.6366197723675814);
  return wave(which, n, x - n * 1.5707963267341256 - n * 6.077100506506192e-11);
}

/** 2/π, 24 bits each, after 24 zeros. */
const TWO_OVER_PI = [
  0x000000, 0xa2f983, 0x6e4e44, 0x1529fc, 0x2757d1, 0xf534dd, 0xc0db62, 0x95993c, 0x439041,
  0xfe5163,
] as const;

/** The 24 bits of that, from `start` on. */
function digit(start: number): number {
  const at = (start / 24) | 0;
  const shift = start - at * 24;
  const high = TWO_OVER_PI[at] as number;
  const low = TWO_OVER_PI[at + 1] as number;
  return ((high << shift) | (low >> (24 - shift))) & 0xffffff;
}

const DIGIT = 16777216;
const PER_DIGIT = 1 / DIGIT;
const FIRST = 1 / 4194304;
const SECOND = FIRST * PER_DIGIT;
const THIRD = SECOND * PER_DIGIT;

function waveFar(which: Wave, x: number): number {
  float[0] = Math.abs(x);
  const word = bits[0] as number;
  if (word >= 0x7f800000) return Number.NaN;
  const m = (word & 0x007fffff) | 0x00800000;
  const start = (word >> 23) - 128;
  let carry = Math.floor(m * digit(start + 72) * PER_DIGIT);
  let t = m * digit(start + 48) + carry;
  carry = Math.floor(t * PER_DIGIT);
  const third = t - carry * DIGIT;
  t = m * digit(start + 24) + carry;
  carry = Math.floor(t * PER_DIGIT);
  const second = t - carry * DIGIT;
  t = m * digit(start) + carry;
  const turns = (t - Math.floor(t * PER_DIGIT) * DIGIT) * FIRST;
  const n = Math.floor(turns + 0.5);
  const turn = turns - n + second * SECOND + third * THIRD;
  const r = turn * 1.5707963267948966;
  return x < 0 ? wave(which, -n, -r) : wave(which, n, r);
}

/** sin x */
export function sinOf(x: number): number {
  return waveOf(SIN, x);
}

/** cos x */
export function cosOf(x: number): number {
  return waveOf(COS, x);
}

/** tan x */
export function tanOf(x: number): number {
  return waveOf(TAN, x);
}

/** The angle of the point (x, y), both at least 0, above the first axis. */
function angle(y: number, x: number): number {
  if (x + y === 0) return 0;
  const low = y <= x * 0.41421356237309503;
  const high = y > x * 2.414213562373095;
  const t = (low ? y : high ? -x : y - x) / (low ? x : high ? y : y + x);
  const z = t * t;
  let p = -3.792529525568078e-2 * z + 6.991307684863718e-2;
  p = p * z - 8.996868721810816e-2;
  p = p * z + 0.11104007991873854;
  p = p * z - 0.14285423903911693;
  p = p * z + 0.19999994334672927;
  p = p * z - 0.33333333295803413;
  return (low ? 0 : high ? 1.5707963267948966 : 0.7853981633974483) + t * (p * z + 1);
}

const negative = (x: number): boolean => x < 0 || Object.is(x, -0);

/** arctan x */
export function atanOf(x: number): number {
  const size = F(angle(Math.abs(x), 1));
  return negative(x) ? -size : size;
}

/** The angle of the point (x, y), −π … π. */
export function atan2Of(y: number, x: number): number {
  const diagonal = Math.min(Math.abs(x), Math.abs(y)) === Number.POSITIVE_INFINITY;
  const above = diagonal ? angle(1, 1) : angle(Math.abs(y), Math.abs(x));
  const size = F(negative(x) ? Math.PI - above : above);
  return negative(y) ? -size : size;
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
  return whole && Math.trunc(half) !== half && negative(x) ? -size : size;
}
