import { expWide } from "./wideMath.js";

const F = Math.fround;

/**
 * The scalar twins of `assembly/wideGelu.ts`, which holds the derivations and the sources: f32 in
 * and out, f64 in between.
 */

const FAR = 15;
const DENSITY = 0.3989422804014327;

const near = (x: number): number => Math.max(-FAR, Math.min(x, FAR));

/** e^(−x²/2) */
const bell = (x: number): number => (Math.abs(x) > FAR ? 0 : expWide(x * x * -0.5));

/** Φ(x) */
function distribution(x: number, bellOfX: number): number {
  const t = Math.min(Math.abs(x), FAR);
  const u = (t - 4) / (t + 4);
  let p = 7.639223982857253e-6 * u + 2.546923802360026e-5;
  p = p * u - 4.9222637787225164e-5;
  p = p * u - 1.8640083057653117e-4;
  p = p * u + 6.403417994735246e-4;
  p = p * u + 5.074997248611882e-4;
  p = p * u - 8.492381039515178e-3;
  p = p * u + 3.0864806110716462e-2;
  p = p * u - 7.17073849183211e-2;
  p = p * u + 0.12437925499364086;
  p = p * u - 0.17039772203991232;
  p = p * u + 9.441064130992234e-2;
  const tail = p * bellOfX;
  return x < 0 ? tail : 1 - tail;
}

/** x·Φ(x) */
export function geluOf(x: number): number {
  return F(x * distribution(x, bell(x)));
}

/** Φ(x) + x·e^(−x²/2) / √2π */
export function geluSlopeOf(x: number): number {
  const e = bell(x);
  return F(distribution(x, e) + near(x) * e * DENSITY);
}

const LINEAR = 1.5957691216057308;
const CUBIC = 0.044715 * LINEAR;

/** ½(1 + tanh u) */
function gate(x: number, square: number): number {
  if (x < -FAR) return 0;
  return 1 / (1 + expWide(-(x * (square * CUBIC + LINEAR))));
}

/** ½x(1 + tanh u) */
export function geluTanhOf(x: number): number {
  return F(x * gate(x, x * x));
}

/** s·(1 + x·(1 − s)·2u′), s = ½(1 + tanh u) */
export function geluTanhSlopeOf(x: number): number {
  const c = near(x);
  const square = c * c;
  const s = gate(c, square);
  return F(s * (1 + c * (1 - s) * (square * (3 * CUBIC) + LINEAR)));
}
