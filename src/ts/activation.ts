import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";
import { geluOf, geluSlopeOf, geluTanhOf, geluTanhSlopeOf } from "./gelu.js";
import { sigmoid1 } from "./math.js";

const F = Math.fround;

/** Smooth activations and their derivatives: the twins of `assembly/activation.ts`. */

export function silu(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) {
    const value = f[a + i] as number;
    f[o + i] = F(value * sigmoid1(value));
  }
}

export function siluBackward(m: Heap, out: number, x: number, dy: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  const b = dy >>> SHIFT;
  for (let i = 0; i < n; i++) {
    const c = Math.max(-800, Math.min(f[a + i] as number, 800));
    const s = sigmoid1(c);
    f[o + i] = F((f[b + i] as number) * F(s * F(1 + F(c * F(1 - s)))));
  }
}

export function gelu(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = geluOf(f[a + i] as number);
}

export function geluForward(m: Heap, out: number, slope: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const s = slope >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) {
    const value = f[a + i] as number;
    f[s + i] = geluSlopeOf(value);
    f[o + i] = geluOf(value);
  }
}

export function geluBackward(m: Heap, out: number, x: number, dy: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  const b = dy >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = F((f[b + i] as number) * geluSlopeOf(f[a + i] as number));
}

export function geluTanh(m: Heap, out: number, x: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let i = 0; i < n; i++) f[o + i] = geluTanhOf(f[a + i] as number);
}

export function geluTanhBackward(m: Heap, out: number, x: number, dy: number, n: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  const b = dy >>> SHIFT;
  for (let i = 0; i < n; i++)
    f[o + i] = F((f[b + i] as number) * geluTanhSlopeOf(f[a + i] as number));
}
