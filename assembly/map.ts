/**
 * The loops of the elementwise kernels. What to compute is a type argument: a class with one
 * inlined method `of` on four lanes. The last one to three elements run through the same method in
 * a partly filled vector, so that body and tail cannot disagree.
 */
import { loadLanes, storeLanes } from "./lanes";

/**
 * out[i] = f(x[i]). Two vectors are computed before either is stored, so that the second need not
 * wait for the first.
 */
export function map1<F>(out: usize, x: usize, n: usize): void {
  const f = changetype<F>(0);
  const end = out + (n << 2);
  for (; out + 32 <= end; out += 32, x += 32) {
    const first = f.of(v128.load(x));
    const second = f.of(v128.load(x, 16));
    v128.store(out, first);
    v128.store(out, second, 16);
  }
  if (out + 16 <= end) {
    v128.store(out, f.of(v128.load(x)));
    out += 16;
    x += 16;
  }
  const rest = (end - out) >> 2;
  if (rest > 0) storeLanes(out, f.of(loadLanes(x, rest)), rest);
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
  for (; out < end; out += 16, x += 16) {
    const rest = (end - out) >> 2;
    storeLanes(out, f.of(loadLanes(x, rest)), rest);
  }
}

/**
 * The same for a long f: it is in the loop once, body and tail alike, with its constants outside.
 */
export function deep1<F>(out: usize, x: usize, n: usize): void {
  const f = changetype<F>(0);
  for (; n >= 4; n -= 4, out += 16, x += 16) v128.store(out, f.of(v128.load(x)));
  if (n > 0) storeLanes(out, f.of(loadLanes(x, n)), n);
}

/**
 * Rows of f(a, b) whose operands walk along the row or repeat one element. `walkA` and `walkB` are
 * literals at every call, so that each call becomes a loop of its own; so is `light`, of an f that
 * costs less than its loads and stores.
 */
// @ts-ignore: decorator
@inline
function rows2<F>(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, walkA: bool, rsB: usize, walkB: bool, light: bool,
): void {
  const f = changetype<F>(0);
  for (; rows > 0; rows--, a += rsA << 2, b += rsB << 2) {
    const end = out + (cols << 2);
    const splatA = v128.load32_splat(a);
    const splatB = v128.load32_splat(b);
    let p = a;
    let q = b;
    for (; light && out + 64 <= end; out += 64, p += 64, q += 64) {
      const first = f.of(walkA ? v128.load(p) : splatA, walkB ? v128.load(q) : splatB);
      const second = f.of(walkA ? v128.load(p, 16) : splatA, walkB ? v128.load(q, 16) : splatB);
      const third = f.of(walkA ? v128.load(p, 32) : splatA, walkB ? v128.load(q, 32) : splatB);
      const fourth = f.of(walkA ? v128.load(p, 48) : splatA, walkB ? v128.load(q, 48) : splatB);
      v128.store(out, first);
      v128.store(out, second, 16);
      v128.store(out, third, 32);
      v128.store(out, fourth, 48);
    }
    for (; out + 32 <= end; out += 32, p += 32, q += 32) {
      const first = f.of(walkA ? v128.load(p) : splatA, walkB ? v128.load(q) : splatB);
      const second = f.of(walkA ? v128.load(p, 16) : splatA, walkB ? v128.load(q, 16) : splatB);
      v128.store(out, first);
      v128.store(out, second, 16);
    }
    if (out + 16 <= end) {
      v128.store(out, f.of(walkA ? v128.load(p) : splatA, walkB ? v128.load(q) : splatB));
      out += 16;
      p += 16;
      q += 16;
    }
    const rest = (end - out) >> 2;
    if (rest > 0) {
      const lanesA = walkA ? loadLanes(p, rest) : splatA;
      const lanesB = walkB ? loadLanes(q, rest) : splatB;
      storeLanes(out, f.of(lanesA, lanesB), rest);
      out = end;
    }
  }
}

/** out[r, c] = f(a[r·rsA + c·csA], b[r·rsB + c·csB]) with column strides of 0 or 1. */
// @ts-ignore: decorator
@inline
function anyRows2<F>(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize, light: bool,
): void {
  if (rows == 0 || cols == 0) return;
  if (cols == 1 && rsA <= 1 && rsB <= 1) {
    // A column is a row whose column strides are its row strides.
    cols = rows;
    rows = 1;
    csA = rsA;
    csB = rsB;
  } else if (rsA == cols * csA && rsB == cols * csB) {
    // Every row goes on where the one before it ended.
    cols *= rows;
    rows = 1;
  }
  if (csA != 0) {
    if (csB != 0) rows2<F>(out, a, b, rows, cols, rsA, true, rsB, true, light);
    else rows2<F>(out, a, b, rows, cols, rsA, true, rsB, false, light);
  } else {
    if (csB != 0) rows2<F>(out, a, b, rows, cols, rsA, false, rsB, true, light);
    else rows2<F>(out, a, b, rows, cols, rsA, false, rsB, false, light);
  }
}

/** The same, each call a loop of its own. */
export function map2<F>(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  anyRows2<F>(out, a, b, rows, cols, rsA, csA, rsB, csB, false);
}

/** The same for what costs less than the loads and stores. */
export function stream2<F>(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  anyRows2<F>(out, a, b, rows, cols, rsA, csA, rsB, csB, true);
}

/** out[i] = f(a[i], b[i]) */
export function zip<F>(out: usize, a: usize, b: usize, n: usize): void {
  rows2<F>(out, a, b, 1, n, n, true, n, true, false);
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
  rows2<F>(out, a, b, 1, n, n, true, n, true, true);
}
