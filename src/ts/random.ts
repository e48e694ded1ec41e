import type { Heap } from "./float.js";
import { F, SHIFT } from "./float.js";
import { erfinv1 } from "./math.js";

/** Counter-based random numbers: element i depends on the key and i alone. */

/**
 * Threefry-2x32 of 20 rounds: out [2] = the block of the counter (c0, c1) under the key (k0, k1).
 * Its source is named at the vector twin in `assembly/random.ts`.
 */
export function threefry(out: Uint32Array, k0: number, k1: number, c0: number, c1: number): void {
  const k2 = k0 ^ k1 ^ 0x1bd11bda;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + k1) | 0;
  x1 = (x1 + k2 + 1) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + k2) | 0;
  x1 = (x1 + k0 + 2) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + k0) | 0;
  x1 = (x1 + k1 + 3) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
  x0 = (x0 + k1) | 0;
  x1 = (x1 + k2 + 4) | 0;

  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
  x0 = (x0 + k2) | 0;
  x1 = (x1 + k0 + 5) | 0;

  out[0] = x0;
  out[1] = x1;
}

/** The key of the draw at hand, and the block of its counter at hand. */
const key = new Uint32Array(2);
const block = new Uint32Array(2);

/** Makes `key` that of a draw: foldIn(foldIn([seedHi, seedLo], run), ordinal). */
function begin(m: Heap, state: number, ordinal: number): void {
  const s = state >>> 2;
  threefry(key, m.u[s] as number, m.u[s + 1] as number, 0, m.u[s + 2] as number);
  threefry(key, key[0] as number, key[1] as number, 0, ordinal);
}

/** Word i of the draw, as an i32. */
function word(i: number): number {
  threefry(block, key[0] as number, key[1] as number, 0, i);
  return (block[0] as number) ^ (block[1] as number);
}

export function randomBits(m: Heap, out: number, n: number, state: number, ordinal: number): void {
  const u = m.u;
  const o = out >>> 2;
  begin(m, state, ordinal);
  for (let i = 0; i < n; i++) u[o + i] = word(i);
}

/** 2⁻²³ */
const ULP = 1.1920928955078125e-7;

export function uniform(m: Heap, out: number, n: number, state: number, ordinal: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  begin(m, state, ordinal);
  for (let i = 0; i < n; i++) f[o + i] = F((word(i) >>> 9) * ULP);
}

const LEAST = F(-0.9999999403953552); // 0xbf7fffff
const SQRT2 = F(Math.SQRT2); // 0x3fb504f3

export function normal(m: Heap, out: number, n: number, state: number, ordinal: number): void {
  const f = m.f;
  const o = out >>> SHIFT;
  begin(m, state, ordinal);
  for (let i = 0; i < n; i++) {
    const u = F(F(F((word(i) >>> 9) * ULP) * 2) + LEAST);
    f[o + i] = F(SQRT2 * erfinv1(Math.max(LEAST, u)));
  }
}

export function dropout(
  m: Heap,
  out: number,
  x: number,
  n: number,
  state: number,
  ordinal: number,
  hyper: number,
): void {
  const f = m.f;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  const p = f[hyper >>> SHIFT] as number;
  const scale = f[(hyper >>> SHIFT) + 1] as number;
  begin(m, state, ordinal);
  for (let i = 0; i < n; i++) {
    f[o + i] = F((word(i) >>> 9) * ULP) < p ? 0 : F((f[a + i] as number) * scale);
  }
}
