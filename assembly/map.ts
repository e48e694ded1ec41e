/**
 * The loops of the elementwise kernels. What to compute is a type argument: a class with one
 * inlined method `of` on four lanes. The last elements run through the same method in a partly
 * filled vector, so that body and tail cannot disagree.
 */
import { loadLanes, loadLeft, storeLanes, storeLeft } from "./lanes";

/**
 * out[i] = f(x[i]). Two vectors are computed before either is stored, so that the second need not
 * wait for the first.
 */
export function map1<F>(out: usize, x: usize, n: usize, self: usize = 0): void {
  const f = changetype<F>(self);
  const end = out + (n << 2);
  for (; out + 32 <= end; out += 32, x += 32) {
    const first = f.of(v128.load(x));
    const second = f.of(v128.load(x, 16));
    v128.store(out, first);
    v128.store(out, second, 16);
  }
  for (; out < end; out += 16, x += 16) {
    const left = (end - out) >> 2;
    storeLeft(out, f.of(loadLeft(x, left)), left);
  }
}

/**
 * The same for what costs less than the loads and stores: whole cache lines of four vectors reach
 * their bandwidth, where two give 60 to 85 % of it. Functions of up to about forty operations gain
 * a tenth on two, longer ones lose: what four of them need at once leaves the registers.
 */
export function stream1<F>(out: usize, x: usize, n: usize): void {
  const f = changetype<F>(0);
  const end = out + (n << 2);
  for (; out + 64 <= end; out += 64, x += 64) {
    const first = f.of(v128.load(x));
    const second = f.of(v128.load(x, 16));
    const third = f.of(v128.load(x, 32));
    const fourth = f.of(v128.load(x, 48));
    v128.store(out, first);
    v128.store(out, second, 16);
    v128.store(out, third, 32);
    v128.store(out, fourth, 48);
  }
  for (let left = <isize>((end - out) >> 2); left > 0; left -= 4, out += 16, x += 16) {
    storeLeft(out, f.of(loadLeft(x, left)), left);
  }
}

/** The same for a single operation: in L1, steps from line to line count as well. */
export function light1<F>(out: usize, x: usize, n: usize): void {
  const f = changetype<F>(0);
  const end = out + (n << 2);
  for (; out + 128 <= end; out += 128, x += 128) {
    v128.store(out, f.of(v128.load(x)));
    v128.store(out, f.of(v128.load(x, 16)), 16);
    v128.store(out, f.of(v128.load(x, 32)), 32);
    v128.store(out, f.of(v128.load(x, 48)), 48);
    v128.store(out, f.of(v128.load(x, 64)), 64);
    v128.store(out, f.of(v128.load(x, 80)), 80);
    v128.store(out, f.of(v128.load(x, 96)), 96);
    v128.store(out, f.of(v128.load(x, 112)), 112);
  }
  for (; out + 16 <= end; out += 16, x += 16) v128.store(out, f.of(v128.load(x)));
  if (out < end) {
    const left = (end - out) >> 2;
    storeLeft(out, f.of(loadLeft(x, left)), left);
  }
}

/**
 * The same for a very long f: it is in the loop once, body and tail alike, with its constants
 * outside.
 */
export function deep1<F>(out: usize, x: usize, n: usize): void {
  const f = changetype<F>(0);
  for (; n >= 4; n -= 4, out += 16, x += 16) v128.store(out, f.of(v128.load(x)));
  if (n > 0) storeLanes(out, f.of(loadLanes(x, n)), n);
}

/** out[i] = f(a[i], b[i]), two vectors at a time. */
export function zip<F>(out: usize, a: usize, b: usize, n: usize): void {
  const f = changetype<F>(0);
  const end = out + (n << 2);
  for (; out + 32 <= end; out += 32, a += 32, b += 32) {
    const first = f.of(v128.load(a), v128.load(b));
    const second = f.of(v128.load(a, 16), v128.load(b, 16));
    v128.store(out, first);
    v128.store(out, second, 16);
  }
  for (; out < end; out += 16, a += 16, b += 16) {
    const left = (end - out) >> 2;
    storeLeft(out, f.of(loadLeft(a, left), loadLeft(b, left)), left);
  }
}

/** The same for a long f: it is in the loop once. */
export function deepZip<F>(out: usize, a: usize, b: usize, n: usize): void {
  const f = changetype<F>(0);
  const end = out + (n << 2);
  for (; out < end; out += 16, a += 16, b += 16) {
    const rest = (end - out) >> 2;
    storeLanes(out, f.of(loadLanes(a, rest), loadLanes(b, rest)), rest);
  }
}

/** The same for what costs less than the loads and stores. */
export function streamZip<F>(out: usize, a: usize, b: usize, n: usize): void {
  streamRow<F>(out, a, b, n, true, true);
}

/**
 * One row of f(a, b) whose operands walk along it or repeat one element. `walkA` and `walkB` are
 * literals at every call, so that each call becomes a loop of its own.
 */
// @ts-ignore: decorator
@inline
function streamRow<F>(
  out: usize, a: usize, b: usize, cols: usize, walkA: bool, walkB: bool,
): void {
  const f = changetype<F>(0);
  const end = out + (cols << 2);
  const splatA = walkA ? i32x4.splat(0) : v128.load32_splat(a);
  const splatB = walkB ? i32x4.splat(0) : v128.load32_splat(b);
  for (; out + 128 <= end; out += 128, a += 128, b += 128) {
    const v0 = f.of(walkA ? v128.load(a) : splatA, walkB ? v128.load(b) : splatB);
    const v1 = f.of(walkA ? v128.load(a, 16) : splatA, walkB ? v128.load(b, 16) : splatB);
    const v2 = f.of(walkA ? v128.load(a, 32) : splatA, walkB ? v128.load(b, 32) : splatB);
    const v3 = f.of(walkA ? v128.load(a, 48) : splatA, walkB ? v128.load(b, 48) : splatB);
    v128.store(out, v0);
    v128.store(out, v1, 16);
    v128.store(out, v2, 32);
    v128.store(out, v3, 48);
    const v4 = f.of(walkA ? v128.load(a, 64) : splatA, walkB ? v128.load(b, 64) : splatB);
    const v5 = f.of(walkA ? v128.load(a, 80) : splatA, walkB ? v128.load(b, 80) : splatB);
    const v6 = f.of(walkA ? v128.load(a, 96) : splatA, walkB ? v128.load(b, 96) : splatB);
    const v7 = f.of(walkA ? v128.load(a, 112) : splatA, walkB ? v128.load(b, 112) : splatB);
    v128.store(out, v4, 64);
    v128.store(out, v5, 80);
    v128.store(out, v6, 96);
    v128.store(out, v7, 112);
  }
  if (out + 64 <= end) {
    const v0 = f.of(walkA ? v128.load(a) : splatA, walkB ? v128.load(b) : splatB);
    const v1 = f.of(walkA ? v128.load(a, 16) : splatA, walkB ? v128.load(b, 16) : splatB);
    const v2 = f.of(walkA ? v128.load(a, 32) : splatA, walkB ? v128.load(b, 32) : splatB);
    const v3 = f.of(walkA ? v128.load(a, 48) : splatA, walkB ? v128.load(b, 48) : splatB);
    v128.store(out, v0);
    v128.store(out, v1, 16);
    v128.store(out, v2, 32);
    v128.store(out, v3, 48);
    out += 64;
    a += 64;
    b += 64;
  }
  for (; out + 16 <= end; out += 16, a += 16, b += 16) {
    v128.store(out, f.of(walkA ? v128.load(a) : splatA, walkB ? v128.load(b) : splatB));
  }
  if (out < end) {
    const left = (end - out) >> 2;
    const x = walkA ? loadLeft(a, left) : splatA;
    const y = walkB ? loadLeft(b, left) : splatB;
    storeLeft(out, f.of(x, y), left);
  }
}

/**
 * out[r, c] = f(a[r·rsA + c·csA], b[r·rsB + c·csB]) with column strides of 0 or 1, for what costs
 * less than the loads and stores. F has an inlined `commutes()` beside `of`: then a loop less is
 * needed.
 */
export function stream2<F>(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  if (isRow(rows, cols, rsA, csA, rsB, csB)) {
    if (cols == 1) {
      csA = rsA;
      csB = rsB;
    }
    cols *= rows;
    rows = 1;
  }
  if (cols == 0) return;
  if (changetype<F>(0).commutes() && !csA) {
    const other = a;
    a = b;
    b = other;
    const step = rsA;
    rsA = rsB;
    rsB = step;
    csA = csB;
    csB = 0;
  }
  const f = changetype<F>(0);
  for (; rows > 0; rows--, a += rsA << 2, b += rsB << 2, out += cols << 2) {
    if (csB) {
      if (csA || f.commutes()) streamRow<F>(out, a, b, cols, true, true);
      else streamRow<F>(out, a, b, cols, false, true);
    } else if (csA) {
      streamRow<F>(out, a, b, cols, true, false);
    } else {
      const v = f.of(v128.load32_splat(a), v128.load32_splat(b));
      for (let c: usize = 0; c < cols; c++) v128.store32_lane(out + (c << 2), v, 0);
    }
  }
}

/** Whether all is one row: of a column the strides are those of the rows. */
function isRow(
  rows: usize, cols: usize, rsA: usize, csA: usize, rsB: usize, csB: usize,
): bool {
  return (
    (cols == 1 && rsA <= 1 && rsB <= 1) || (rsA == cols * csA && rsB == cols * csB)
  );
}

/**
 * The same for what costs more: whether an operand walks is asked for every pair of vectors. An f
 * of several operations finds which of them is meant in its own address, `self`.
 */
export function map2<F>(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize, self: usize = 0,
): void {
  const f = changetype<F>(self);
  if (isRow(rows, cols, rsA, csA, rsB, csB)) {
    if (cols == 1) {
      csA = rsA;
      csB = rsB;
    }
    cols *= rows;
    rows = 1;
  }
  if (cols == 0) return;
  for (; rows > 0; rows--, a += rsA << 2, b += rsB << 2) {
    const splatA = v128.load32_splat(a);
    const splatB = v128.load32_splat(b);
    let p = a;
    let q = b;
    let left = <isize>cols;
    for (; left >= 8; left -= 8, out += 32, p += 32, q += 32) {
      let a0 = splatA;
      let a1 = splatA;
      let b0 = splatB;
      let b1 = splatB;
      if (csA) {
        a0 = v128.load(p);
        a1 = v128.load(p, 16);
      }
      if (csB) {
        b0 = v128.load(q);
        b1 = v128.load(q, 16);
      }
      const first = f.of(a0, b0);
      const second = f.of(a1, b1);
      v128.store(out, first);
      v128.store(out, second, 16);
    }
    for (; left > 0; left -= 4, p += 16, q += 16) {
      const x = csA ? loadLeft(p, left) : splatA;
      const y = csB ? loadLeft(q, left) : splatB;
      storeLeft(out, f.of(x, y), left);
      out += min<usize>(left, 4) << 2;
    }
  }
}

/** The same for a very long f: it is in the loop once. */
export function deep2<F>(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  const f = changetype<F>(0);
  for (; rows > 0; rows--, a += rsA << 2, b += rsB << 2) {
    let p = a;
    let q = b;
    for (let left = <isize>cols; left > 0; left -= 4, p += 16, q += 16) {
      const x = csA ? loadLeft(p, left) : v128.load32_splat(a);
      const y = csB ? loadLeft(q, left) : v128.load32_splat(b);
      storeLeft(out, f.of(x, y), left);
      out += min<usize>(left, 4) << 2;
    }
  }
}
