import { isNegative, nearest } from "./wideLanes.js";

const F = Math.fround;

/** The scalar twins of `assembly/wideTrig.ts`; `wideMath.ts` says how. */

/** One float seen as its bits. */
const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

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

/** arctan x */
export function atanOf(x: number): number {
  const size = F(angle(Math.abs(x), 1));
  return isNegative(x) ? -size : size;
}

/** The angle of the point (x, y), −π … π. */
export function atan2Of(y: number, x: number): number {
  const diagonal = Math.min(Math.abs(x), Math.abs(y)) === Number.POSITIVE_INFINITY;
  const above = diagonal ? angle(1, 1) : angle(Math.abs(y), Math.abs(x));
  const size = F(isNegative(x) ? Math.PI - above : above);
  return isNegative(y) ? -size : size;
}
