import { expm1Near, exponentOf, reduced, scaled } from "./math.js";
import { nearest } from "./wideLanes.js";

const F = Math.fround;

/** The scalar twins of `assembly/gelu.ts`, which holds the derivations and the sources. */

/** One word of memory seen as a float and as its bits. */
const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

const FAR = 15;
const DENSITY = F(0.3989422804014327); // 0x3ecc422a

const P0 = F(4.152587149292231e-3); // 0x3b881298
const P1 = F(4.0877122431993484e-2); // 0x3d276ec5
const P2 = F(0.1839577704668045);
const P3 = F(0.43926915526390076);
const Q0 = F(1.0408882051706314e-2);
const Q1 = F(0.10246984660625458);
const Q2 = F(0.47137871384620667);
const Q3 = F(1.2055023908615112);
const Q4 = F(1.6764236688613892);

/** e^(t²/2)·Φ(−t) */
function scaledTail(t: number): number {
  let p = F(F(P0 * t) + P1);
  p = F(F(p * t) + P2);
  p = F(F(p * t) + P3);
  p = F(F(p * t) + 0.5);
  let q = F(F(Q0 * t) + Q1);
  q = F(F(q * t) + Q2);
  q = F(F(q * t) + Q3);
  q = F(F(q * t) + Q4);
  q = F(F(q * t) + 1);
  return F(p / q);
}

/** p·e^(−t²/2) */
function bell(p: number, t: number): number {
  float[0] = t;
  bits[0] = (bits[0] as number) & 0xfffff000;
  const first = float[0] as number;
  const rest = F(F(F(t - first) * F(t + first)) * 0.5);
  const x = F(F(first * first) * -0.5);
  const n = exponentOf(x);
  const m = expm1Near(F(reduced(x, n) - rest));
  return scaled(F(F(p * m) + p), n, -154);
}

/** x·Φ(x) */
export function geluOf(x: number): number {
  const t = Math.min(Math.abs(x), FAR);
  const h = bell(F(Math.min(x, FAR) * scaledTail(t)), t);
  return x > 0 ? F(x - h) : h;
}

/** Φ(x) + x·e^(−x²/2) / √2π */
export function geluSlopeOf(x: number): number {
  const t = Math.min(Math.abs(x), FAR);
  const w = bell(F(scaledTail(t) - F(t * DENSITY)), t);
  return x > 0 ? F(1 - w) : w;
}

const FAR_TANH = 11;
const LINEAR = 1.5957691216057308;
const CUBIC = 0.044715 * LINEAR;
const LINEAR_SINGLE = F(LINEAR);
const CUBIC_SINGLE = F(3 * F(CUBIC));

/** −2u, in f64 */
const twice = (t: number): number => t * (t * t * -CUBIC + -LINEAR);

/** m of e^−2u = 2ⁿ·m */
function mantissa(x: number, n: number): number {
  return F(expm1Near(F(x - n * Math.LN2)) + 1);
}

/** ½(1 + tanh u) of u ≥ 0 */
function gate(m: number, n: number): number {
  return F(1 / F(scaled(m, n, -160) + 1));
}

/** ½x(1 + tanh u) */
export function geluTanhOf(x: number): number {
  const z = twice(Math.min(Math.abs(x), FAR_TANH));
  const n = nearest(z * Math.LOG2E);
  const m = mantissa(z, n);
  const h = scaled(F(Math.min(x, FAR_TANH) * F(m * gate(m, n))), n, -160);
  return x > 0 ? F(x - h) : h;
}

/** s·(1 + x·(1 − s)·2u′), s = ½(1 + tanh u) */
export function geluTanhSlopeOf(x: number): number {
  const t = Math.min(Math.abs(x), FAR_TANH);
  const z = twice(t);
  const n = nearest(z * Math.LOG2E);
  const m = mantissa(z, n);
  const s = gate(m, n);
  const rise = F(F(F(t * t) * CUBIC_SINGLE) + LINEAR_SINGLE);
  const w = scaled(F(F(m * s) * F(1 - F(F(t * s) * rise))), n, -160);
  return x > 0 ? F(1 - w) : w;
}
