import { nearest } from "./wideLanes.js";
import { power2 } from "./wideMath.js";

const F = Math.fround;

/** The scalar twins of `assembly/gelu.ts`, which holds the derivations and the sources. */

const FAR = 15;
const DENSITY = 0.3989422804014327;

/** x above 0, else 0 with the sign of x. */
const rampOf = (x: number): number => (x > 0 ? x : x * 0);

/** a and b of 2ʳ = (a + b) / (a − b) */
const even = (square: number): number => 17.334004951068565 * square + 360.8753281142682;
const odd = (r: number): number => (r * r + 125.06985787301174) * r;

/** The quotient e^(t²/2)·Φ(−t) */
function tailOver(t: number): number {
  let p = 0.39894158261521884 * t + 5.328717732192572;
  p = p * t + 33.104225686165044;
  p = p * t + 117.69296079050005;
  p = p * t + 240.85145228458472;
  return p * t + 240.17688828248734;
}

function tailUnder(t: number): number {
  let q = t + 13.357001133768028;
  q = q * t + 83.98326160681883;
  q = q * t + 308.3132985947399;
  q = q * t + 685.3550681609329;
  q = q * t + 864.9697662842647;
  return q * t + 480.35377656275705;
}

/** The exponent to base 2 of e^(−t²/2). */
const bell = (t: number): number => t * t * (-0.5 * Math.LOG2E);

/** x·Φ(x) */
export function geluOf(x: number): number {
  const t = Math.min(Math.abs(x), FAR);
  const y = bell(t);
  const n = nearest(y);
  const r = y - n;
  const a = even(r * r);
  const b = odd(r);
  const over = (a + b) * power2(n) * t * tailOver(t);
  return F(rampOf(x) - over / ((a - b) * tailUnder(t)));
}

/** Φ(x) + x·e^(−x²/2) / √2π */
export function geluSlopeOf(x: number): number {
  const t = Math.min(Math.abs(x), FAR);
  const y = bell(t);
  const n = nearest(y);
  const r = y - n;
  const a = even(r * r);
  const b = odd(r);
  const q = tailUnder(t);
  const terms = tailOver(t) - t * DENSITY * q;
  const slope = ((a + b) * power2(n) * terms) / ((a - b) * q);
  return F(x > 0 ? 1 - slope : slope);
}

const FAR_TANH = 11;
const LINEAR = 1.5957691216057308;
const CUBIC = 0.044715 * LINEAR;

/** The exponent to base 2 of e^−2u. */
const fall = (t: number): number => t * (-CUBIC * Math.LOG2E * (t * t) + -LINEAR * Math.LOG2E);

/** ½x(1 + tanh u) */
export function geluTanhOf(x: number): number {
  const t = Math.min(Math.abs(x), FAR_TANH);
  const y = fall(t);
  const n = nearest(y);
  const r = y - n;
  const a = even(r * r);
  const b = odd(r);
  const over = (a + b) * power2(n);
  return F(rampOf(x) - (over * t) / (a - b + over));
}

/** s·(1 + x·(1 − s)·2u′), s = ½(1 + tanh u) */
export function geluTanhSlopeOf(x: number): number {
  const t = Math.min(Math.abs(x), FAR_TANH);
  const y = fall(t);
  const n = nearest(y);
  const r = y - n;
  const a = even(r * r);
  const b = odd(r);
  const over = (a + b) * power2(n);
  const under = a - b;
  const sum = under + over;
  const rise = t * (3 * CUBIC * (t * t) + LINEAR);
  const slope = (over * (sum - rise * under)) / (sum * sum);
  return F(x > 0 ? 1 - slope : slope);
}
