/**
 * Counter-based random numbers (contract: `src/kernels.ts`): element i depends on the key and i
 * alone, so that any part of a result can be drawn by itself. Four counters are drawn at once, one
 * in each lane.
 */
import { loadLanes, storeLanes } from "./lanes";
import { erfinv4 } from "./math";

// @ts-ignore: decorator
@inline
function rotate(x: v128, by: i32): v128 {
  return v128.or(i32x4.shl(x, by), i32x4.shr_u(x, 32 - by));
}

const XOR: i32 = 0;
const BOTH: i32 = 1;

/**
 * Threefry-2x32 of 20 rounds (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1,
 * 2, 3", 2011, table 2 for the rotations) of the counters (0, low) under the key (k0, k1).
 * `result`, a literal at every call, asks for XOR: x0 ^ x1 of each lane, or BOTH: x0 and x1 of lane
 * 0 in the first two lanes.
 */
// @ts-ignore: decorator
@inline
function threefry(k0: v128, k1: v128, low: v128, result: i32): v128 {
  const k2 = v128.xor(v128.xor(k0, k1), i32x4.splat(0x1bd11bda));
  let x0 = k0;
  let x1 = i32x4.add(low, k1);

  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 13), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 15), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 26), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 6), x0);
  x0 = i32x4.add(x0, k1);
  x1 = i32x4.add(x1, i32x4.add(k2, i32x4.splat(1)));

  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 17), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 29), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 16), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 24), x0);
  x0 = i32x4.add(x0, k2);
  x1 = i32x4.add(x1, i32x4.add(k0, i32x4.splat(2)));

  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 13), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 15), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 26), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 6), x0);
  x0 = i32x4.add(x0, k0);
  x1 = i32x4.add(x1, i32x4.add(k1, i32x4.splat(3)));

  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 17), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 29), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 16), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 24), x0);
  x0 = i32x4.add(x0, k1);
  x1 = i32x4.add(x1, i32x4.add(k2, i32x4.splat(4)));

  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 13), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 15), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 26), x0);
  x0 = i32x4.add(x0, x1);
  x1 = v128.xor(rotate(x1, 6), x0);
  x0 = i32x4.add(x0, k2);
  x1 = i32x4.add(x1, i32x4.add(k0, i32x4.splat(5)));

  return result == BOTH ? v128.shuffle<i32>(x0, x1, 0, 4, 1, 5) : v128.xor(x0, x1);
}

/** One word of a key in every lane. */
// @ts-ignore: decorator
@inline
function splatWord(key: v128, second: bool): v128 {
  return second ? v128.shuffle<i32>(key, key, 1, 1, 1, 1) : v128.shuffle<i32>(key, key, 0, 0, 0, 0);
}

/** foldIn(key, data); a key is two words in the first two lanes. */
function foldIn(key: v128, data: u32): v128 {
  return threefry(splatWord(key, false), splatWord(key, true), i32x4.splat(data), BOTH);
}

/** The key of a draw: foldIn(foldIn([seedHi, seedLo], run), ordinal). */
// @ts-ignore: decorator
@inline
function drawKey(state: usize, ordinal: u32): v128 {
  return foldIn(foldIn(v128.load64_zero(state), load<u32>(state, 8)), ordinal);
}

/** What a draw makes of four words. */
@unmanaged
class RandomBits {
  // @ts-ignore: decorator
  @inline
  of(bits: v128): v128 {
    return bits;
  }
}

/** The 23 upper bits as a fraction in [0, 1): exact. */
@unmanaged
class Uniform {
  // @ts-ignore: decorator
  @inline
  of(bits: v128): v128 {
    const fraction = f32x4.convert_i32x4_s(i32x4.shr_u(bits, 9));
    return f32x4.mul(fraction, f32x4.splat(1.1920928955078125e-7)); // 0x34000000
  }
}

@unmanaged
class Normal {
  // @ts-ignore: decorator
  @inline
  of(bits: v128): v128 {
    const least = f32x4.splat(-0.9999999403953552); // 0xbf7fffff
    const uniform = changetype<Uniform>(0).of(bits);
    const u = f32x4.add(f32x4.mul(uniform, f32x4.splat(2)), least);
    return f32x4.mul(f32x4.splat(1.4142135623730951), erfinv4(f32x4.max(least, u))); // 0x3fb504f3
  }
}

/** Words i to i + 3 of a draw. */
// @ts-ignore: decorator
@inline
function words(k0: v128, k1: v128, i: u32): v128 {
  return threefry(k0, k1, i32x4.add(i32x4.splat(i), i32x4(0, 1, 2, 3)), XOR);
}

/** out[i] = f(word i of the draw) */
// @ts-ignore: decorator
@inline
function draw<F>(out: usize, n: u32, state: usize, ordinal: u32): void {
  const f = changetype<F>(0);
  const key = drawKey(state, ordinal);
  const k0 = splatWord(key, false);
  const k1 = splatWord(key, true);
  for (let i: u32 = 0; i < n; i += 4) {
    storeLanes(out + (<usize>i << 2), f.of(words(k0, k1, i)), n - i);
  }
}

export function randomBits(out: usize, n: u32, state: usize, ordinal: u32): void {
  draw<RandomBits>(out, n, state, ordinal);
}

export function uniform(out: usize, n: u32, state: usize, ordinal: u32): void {
  draw<Uniform>(out, n, state, ordinal);
}

export function normal(out: usize, n: u32, state: usize, ordinal: u32): void {
  draw<Normal>(out, n, state, ordinal);
}

export function dropout(
  out: usize, x: usize, n: u32, state: usize, ordinal: u32, hyper: usize,
): void {
  const p = v128.load32_splat(hyper);
  const scale = v128.load32_splat(hyper, 4);
  const key = drawKey(state, ordinal);
  const k0 = splatWord(key, false);
  const k1 = splatWord(key, true);
  for (let i: u32 = 0; i < n; i += 4) {
    const at: usize = i << 2;
    const dropped = f32x4.lt(changetype<Uniform>(0).of(words(k0, k1, i)), p);
    const scaled = f32x4.mul(loadLanes(x + at, n - i), scale);
    storeLanes(out + at, v128.andnot(scaled, dropped), n - i);
  }
}
