import { threefry } from "../threefry.js";
import type { Heap } from "./float.js";
import { SHIFT } from "./float.js";
import { erfinv1 } from "./math.js";

const F = Math.fround;

/** Counter-based random numbers: element i depends on the key and i alone. */

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
