/**
 * Reads and writes of one to four neighbouring floats, so that a tail is computed by the vector
 * expression of the body and nothing past the end is touched. With a constant `count` of 4 they
 * compile to one load and one store.
 */

/** The `count` floats at `at` in the first lanes; four or more fill them all, else zeros follow. */
// @ts-ignore: decorator
@inline
export function loadLanes(at: usize, count: usize): v128 {
  if (count >= 4) return v128.load(at);
  if (count == 1) return v128.load32_zero(at);
  const pair = v128.load64_zero(at);
  return count == 2 ? pair : v128.load32_lane(at, pair, 2, 8);
}

/** Writes the first `count` lanes of `v`; four or more write them all. */
// @ts-ignore: decorator
@inline
export function storeLanes(at: usize, v: v128, count: usize): void {
  if (count >= 4) {
    v128.store(at, v);
    return;
  }
  if (count == 1) {
    v128.store32_lane(at, v, 0);
    return;
  }
  v128.store64_lane(at, v, 0);
  if (count == 3) v128.store32_lane(at, v, 2, 8);
}

/** Four elements `step` bytes apart, of which only the first `count` are read; the others are 0. */
// @ts-ignore: decorator
@inline
export function gather(x: usize, step: usize, count: u32): v128 {
  let v = v128.load32_zero(x);
  if (count > 1) v = v128.load32_lane(x + step, v, 1);
  if (count > 2) v = v128.load32_lane(x + (step << 1), v, 2);
  if (count > 3) v = v128.load32_lane(x + (step << 1) + step, v, 3);
  return v;
}

/**
 * The same of what is left of a row, which may be four elements or more, fewer, none or less: what
 * is rare is a call, so that a loop may do without a second copy of its work for the tail. Absent
 * elements are zeros.
 */
// @ts-ignore: decorator
@inline
export function loadLeft(at: usize, left: isize): v128 {
  return left >= 4 ? v128.load(at) : loadRest(at, left);
}

function loadRest(at: usize, left: isize): v128 {
  return left > 0 ? loadLanes(at, left) : i32x4.splat(0);
}

/** Writes the first four of what is left, or as many as there are. */
// @ts-ignore: decorator
@inline
export function storeLeft(at: usize, v: v128, left: isize): void {
  if (left >= 4) v128.store(at, v);
  else storeRest(at, v, left);
}

function storeRest(at: usize, v: v128, left: isize): void {
  if (left > 0) storeLanes(at, v, left);
}
