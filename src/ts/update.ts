import { type Heap, SHIFT } from "./float.js";

const F = Math.fround;

/** The optimizers' updates: the twins of `assembly/update.ts`. */

export function sgd(m: Heap, pOut: number, p: number, g: number, n: number, hyper: number): void {
  const f = m.f;
  const h = hyper >>> SHIFT;
  const rate = f[h] as number;
  const weightDecay = f[h + 2] as number;
  const decays = weightDecay !== 0;
  const pO = pOut >>> SHIFT;
  const pI = p >>> SHIFT;
  const gI = g >>> SHIFT;
  for (let i = 0; i < n; i++) {
    const value = f[pI + i] as number;
    const gradient = f[gI + i] as number;
    const d = decays ? F(gradient + F(weightDecay * value)) : gradient;
    f[pO + i] = F(value - F(rate * d));
  }
}

export function sgdMomentum(
  m: Heap,
  pOut: number,
  bufferOut: number,
  p: number,
  g: number,
  buffer: number,
  n: number,
  hyper: number,
  nesterov: number,
): void {
  const f = m.f;
  const h = hyper >>> SHIFT;
  const rate = f[h] as number;
  const momentum = f[h + 1] as number;
  const weightDecay = f[h + 2] as number;
  const decays = weightDecay !== 0;
  const pO = pOut >>> SHIFT;
  const bufferO = bufferOut >>> SHIFT;
  const pI = p >>> SHIFT;
  const gI = g >>> SHIFT;
  const bufferI = buffer >>> SHIFT;
  for (let i = 0; i < n; i++) {
    const value = f[pI + i] as number;
    const gradient = f[gI + i] as number;
    const d = decays ? F(gradient + F(weightDecay * value)) : gradient;
    const next = F(F(momentum * (f[bufferI + i] as number)) + d);
    const step = nesterov !== 0 ? F(d + F(momentum * next)) : next;
    f[bufferO + i] = next;
    f[pO + i] = F(value - F(rate * step));
  }
}

export function adam(
  m: Heap,
  pOut: number,
  moment1Out: number,
  moment2Out: number,
  p: number,
  g: number,
  moment1: number,
  moment2: number,
  n: number,
  hyper: number,
  decoupled: number,
): void {
  const f = m.f;
  const h = hyper >>> SHIFT;
  const beta1 = f[h] as number;
  const rest1 = f[h + 1] as number;
  const beta2 = f[h + 2] as number;
  const rest2 = f[h + 3] as number;
  const eps = f[h + 4] as number;
  const stepSize = f[h + 5] as number;
  const correction = f[h + 6] as number;
  const weightDecay = f[h + 7] as number;
  const shrink = f[h + 8] as number;
  const shrinks = weightDecay !== 0 && decoupled !== 0;
  const coupled = weightDecay !== 0 && decoupled === 0;
  const pO = pOut >>> SHIFT;
  const firstO = moment1Out >>> SHIFT;
  const secondO = moment2Out >>> SHIFT;
  const pI = p >>> SHIFT;
  const gI = g >>> SHIFT;
  const firstI = moment1 >>> SHIFT;
  const secondI = moment2 >>> SHIFT;
  for (let i = 0; i < n; i++) {
    const value = f[pI + i] as number;
    const gradient = f[gI + i] as number;
    const d = coupled ? F(gradient + F(weightDecay * value)) : gradient;
    const q = shrinks ? F(value * shrink) : value;
    const first = F(F(beta1 * (f[firstI + i] as number)) + F(rest1 * d));
    const second = F(F(beta2 * (f[secondI + i] as number)) + F(rest2 * F(d * d)));
    const scale = F(F(F(Math.sqrt(second)) / correction) + eps);
    f[firstO + i] = first;
    f[secondO + i] = second;
    f[pO + i] = F(q - F(stepSize * F(first / scale)));
  }
}
