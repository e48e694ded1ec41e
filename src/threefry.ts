/**
 * Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3", 2011): a keyed bijection of two 32-bit words. It has no state, so that any word of
 * any stream is found directly, and it uses integers only, so that every engine gives the same
 * bits.
 */

const PARITY = 0x1bd11bda;
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/**
 * out [2] = the two words that the key (k0, k1) makes of the counter (c0, c1); all of them are u32.
 */
export function threefry(out: Uint32Array, k0: number, k1: number, c0: number, c1: number): void {
  let [next, afterNext, last] = [k1, PARITY ^ k0 ^ k1, k0];
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  for (let group = 1; group <= 5; group++) {
    const first = group % 2 === 1 ? 0 : 4;
    for (let round = first; round < first + 4; round++) {
      const turn = ROTATIONS[round] as number;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << turn) | (x1 >>> (32 - turn))) ^ x0;
    }
    x0 = (x0 + next) | 0;
    x1 = (x1 + afterNext + group) | 0;
    const used = next;
    next = afterNext;
    afterNext = last;
    last = used;
  }
  out[0] = x0;
  out[1] = x1;
}

/** The words as a pair. */
export function threefry2x32(k0: number, k1: number, c0: number, c1: number): [number, number] {
  const out = new Uint32Array(2);
  threefry(out, k0, k1, c0, c1);
  return [out[0] as number, out[1] as number];
}

/** The key of an independent stream, `index` (u32), of a key. */
export function foldIn(key: readonly [number, number], index: number): [number, number] {
  return threefry2x32(key[0], key[1], 0, index);
}
