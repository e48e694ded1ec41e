import { loadLanes, storeLanes } from "./lanes";

/**
 * Reductions of [outer, n, inner] to [outer, inner]. Every sum has one order, the contract's, so
 * that it does not depend on the vector width or on how the work is split.
 *
 * A row (`inner = 1`) is summed in blocks of 4,096 by sixteen partials, four vectors of four lanes:
 *
 *              x[0..3]   x[4..7]   x[8..11]  x[12..15]
 *              x[16..19] x[20..23] x[24..27] x[28..31]
 *              …         …         …         …
 *     partial  0 1 2 3   4 5 6 7   8 9 …     12 … 15
 *
 * which are then halved: the third and fourth vector join the first and second (p[q] += p[q + 8]),
 * the second joins the first (p[q] += p[q + 4]), the upper two lanes join the lower two
 * (p[q] += p[q + 2]) and lane 1 joins lane 0.
 */

const BLOCK: i32 = 4096;
const BLOCK_SHIFT: i32 = 12;
/** A column sum is a product with ones, so it is added in GEMM's blocks. */
const KC: i32 = 256;

/**
 * What a plain sum adds: a class with an inlined method, because an arrow function would be called.
 */
// @ts-ignore: decorator
@unmanaged
export class Itself {
  // @ts-ignore: decorator
  @inline
  long(): bool {
    return false;
  }
  // @ts-ignore: decorator
  @inline
  at(v: v128, _c: v128): v128 {
    return v;
  }
}

/** Ones in the first `count` ≤ 3 lanes' bits, zeros in the others. */
// @ts-ignore: decorator
@inline
function maskOf(count: i32): v128 {
  return i32x4.gt_s(i32x4.splat(count), i32x4(0, 1, 2, 3));
}

/**
 * Σ F.at(x[i], c) over one block, n ≤ 4,096. An absent element adds +0 to a partial that is never
 * −0: no change.
 */
function blockSum<F>(x: usize, n: i32, c: v128): f32 {
  return changetype<F>(0).long() ? longTerms<F>(x, n, c) : shortTerms<F>(x, n, c);
}

/**
 * The term is in the loop once and the partials pass by. They end where they began or one, two or
 * three places further: what is added to what is the same.
 */
// @ts-ignore: decorator
@inline
function longTerms<F>(x: usize, n: i32, c: v128): f32 {
  let p0 = f32x4.splat(0);
  let p4 = f32x4.splat(0);
  let p8 = f32x4.splat(0);
  let p12 = f32x4.splat(0);
  for (; n >= 4; n -= 4, x += 16) {
    const grown = f32x4.add(p0, changetype<F>(0).at(v128.load(x), c));
    p0 = p4;
    p4 = p8;
    p8 = p12;
    p12 = grown;
  }
  if (n) p0 = f32x4.add(p0, v128.and(changetype<F>(0).at(loadLanes(x, n), c), maskOf(n)));
  return halved(p0, p4, p8, p12);
}

// @ts-ignore: decorator
@inline
function shortTerms<F>(x: usize, n: i32, c: v128): f32 {
  let p0 = f32x4.splat(0);
  let p4 = f32x4.splat(0);
  let p8 = f32x4.splat(0);
  let p12 = f32x4.splat(0);
  const whole = x + (<usize>(n & ~15) << 2);
  for (; x < whole; x += 64) {
    p0 = f32x4.add(p0, changetype<F>(0).at(v128.load(x), c));
    p4 = f32x4.add(p4, changetype<F>(0).at(v128.load(x, 16), c));
    p8 = f32x4.add(p8, changetype<F>(0).at(v128.load(x, 32), c));
    p12 = f32x4.add(p12, changetype<F>(0).at(v128.load(x, 48), c));
  }
  return finish<F>(p0, p4, p8, p12, x, n & 15, c);
}

/** The sum of a block from its partials, when the last `n` ≤ 15 elements at x have joined them. */
// @ts-ignore: decorator
@inline
function finish<F>(p0: v128, p4: v128, p8: v128, p12: v128, x: usize, n: i32, c: v128): f32 {
  let part = f32x4.splat(0);
  const count = n & 3;
  const vectors = n >>> 2;
  if (count) {
    const at = x + (<usize>vectors << 4);
    part = v128.and(changetype<F>(0).at(loadLanes(at, count), c), maskOf(count));
  }
  if (vectors == 0) {
    p0 = f32x4.add(p0, part);
  } else {
    p0 = f32x4.add(p0, changetype<F>(0).at(v128.load(x), c));
    if (vectors == 1) {
      p4 = f32x4.add(p4, part);
    } else {
      p4 = f32x4.add(p4, changetype<F>(0).at(v128.load(x, 16), c));
      if (vectors == 2) {
        p8 = f32x4.add(p8, part);
      } else {
        p8 = f32x4.add(p8, changetype<F>(0).at(v128.load(x, 32), c));
        p12 = f32x4.add(p12, part);
      }
    }
  }
  return halved(p0, p4, p8, p12);
}

/** Sixteen partials, halved. */
// @ts-ignore: decorator
@inline
function halved(p0: v128, p4: v128, p8: v128, p12: v128): f32 {
  const p = f32x4.add(f32x4.add(p0, p8), f32x4.add(p4, p12));
  const q = f32x4.add(p, v128.shuffle<f32>(p, p, 2, 3, 2, 3));
  return f32x4.extract_lane(q, 0) + f32x4.extract_lane(q, 1);
}

/**
 * The sums of two blocks of n ≤ 4,096 elements, `step` bytes apart, to out: one alone would wait
 * for its additions.
 */
function twoBlockSums(out: usize, x: usize, n: i32, step: usize): void {
  let p0 = f32x4.splat(0);
  let p4 = f32x4.splat(0);
  let p8 = f32x4.splat(0);
  let p12 = f32x4.splat(0);
  let q0 = f32x4.splat(0);
  let q4 = f32x4.splat(0);
  let q8 = f32x4.splat(0);
  let q12 = f32x4.splat(0);
  let y = x + step;
  const whole = x + (<usize>(n & ~15) << 2);
  for (; x < whole; x += 64, y += 64) {
    p0 = f32x4.add(p0, v128.load(x));
    q0 = f32x4.add(q0, v128.load(y));
    p4 = f32x4.add(p4, v128.load(x, 16));
    q4 = f32x4.add(q4, v128.load(y, 16));
    p8 = f32x4.add(p8, v128.load(x, 32));
    q8 = f32x4.add(q8, v128.load(y, 32));
    p12 = f32x4.add(p12, v128.load(x, 48));
    q12 = f32x4.add(q12, v128.load(y, 48));
  }
  const none = f32x4.splat(0);
  store<f32>(out, finish<Itself>(p0, p4, p8, p12, x, n & 15, none));
  store<f32>(out, finish<Itself>(q0, q4, q8, q12, y, n & 15, none), 4);
}

/**
 * Σ F.at(x[i], c) over the n elements at `x`, in the order of rows. F is an `@unmanaged` class with
 * `@inline at(v: v128, c: v128): v128`, applied to four elements at once (in a tail also to zeros,
 * whose results are dropped), and `@inline long(): bool`, whether that is more work than a loop is.
 * 0 when n = 0.
 */
// @ts-ignore: decorator
@inline
export function rowSum<F>(x: usize, n: i32, c: v128): f32 {
  if (n <= BLOCK) return blockSum<F>(x, n, c);
  return halve<F>(x, n, c, n <= BLOCK << BLOCK_SHIFT ? BLOCK_SHIFT : 2 * BLOCK_SHIFT, 0, 1);
}

/**
 * The sum of the partials q, q + step, q + 2·step, … < 16 over parts of 2^shift elements each,
 * halved as in a block: a tree over the distances 8, 4, 2, 1, entered from its root, q = 0 and
 * step = 1. The partials do not depend on one another, so none has to be kept while others grow.
 */
function halve<F>(x: usize, n: i32, c: v128, shift: i32, q: i32, step: i32): f32 {
  if (step < 16) {
    const next = step << 1;
    return halve<F>(x, n, c, shift, q, next) + halve<F>(x, n, c, shift, q + step, next);
  }
  const size = 1 << shift;
  let s: f32 = 0;
  for (let from = q << shift; from < n; from += size << 4) {
    const at = x + (<usize>from << 2);
    const length = n - from < size ? n - from : size;
    if (shift == BLOCK_SHIFT) s += blockSum<F>(at, length, c);
    else s += halve<F>(at, length, c, BLOCK_SHIFT, 0, 1);
  }
  return s;
}

/** s + x₀ + x₁ + … + x_(rows − 1) of up to four columns; s starts at +0 if `first`. */
// @ts-ignore: decorator
@inline
function addColumns4(
  to: usize, x: usize, step: usize, rows: i32, first: bool, count: usize,
): void {
  let s = first ? f32x4.splat(0) : loadLanes(to, count);
  for (; rows > 0; rows--, x += step) s = f32x4.add(s, loadLanes(x, count));
  storeLanes(to, s, count);
}

/** The same of sixteen columns: four independent chains of additions. */
// @ts-ignore: decorator
@inline
function addColumns16(to: usize, x: usize, step: usize, rows: i32, first: bool): void {
  let s0 = first ? f32x4.splat(0) : v128.load(to);
  let s1 = first ? f32x4.splat(0) : v128.load(to, 16);
  let s2 = first ? f32x4.splat(0) : v128.load(to, 32);
  let s3 = first ? f32x4.splat(0) : v128.load(to, 48);
  for (; rows > 0; rows--, x += step) {
    s0 = f32x4.add(s0, v128.load(x));
    s1 = f32x4.add(s1, v128.load(x, 16));
    s2 = f32x4.add(s2, v128.load(x, 32));
    s3 = f32x4.add(s3, v128.load(x, 48));
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
}

/** The same of `width` columns of rows `step` bytes apart. */
function addRows(
  to: usize, x: usize, step: usize, width: usize, rows: i32, first: bool,
): void {
  const end = to + (width << 2);
  for (; to + 64 <= end; to += 64, x += 64) addColumns16(to, x, step, rows, first);
  for (; to + 16 <= end; to += 16, x += 16) addColumns4(to, x, step, rows, first, 4);
  if (to < end) addColumns4(to, x, step, rows, first, width & 3);
}

/** Rows that are read side by side: few enough for the hardware to read each ahead. */
const ROWS: i32 = 16;

/** Columns whose sums stay in L1 while rows pass by. */
const STRIP: usize = 4096;

/**
 * Σ over n ≥ 1 rows of `width` columns, in GEMM's order: the sums of the first 256 rows grow in
 * `out`, those of the next in the workspace, a few rows at a time, so that memory is read row by
 * row. The total starts at +0, which is never seen: a sum from +0 on is never −0.
 */
function stripSums(
  out: usize, x: usize, n: i32, step: usize, width: usize, workspace: usize,
): void {
  for (let from = 0; from < n; from += KC) {
    const to = from == 0 ? out : workspace;
    const end = n < from + KC ? n : from + KC;
    for (let r = from; r < end; r += ROWS) {
      const rows = end - r < ROWS ? end - r : ROWS;
      addRows(to, x + <usize>r * step, step, width, rows, r == from);
    }
    if (from > 0) addRows(out, workspace, 0, width, 1, false);
  }
}

/**
 * The sums of `inner` columns of n rows, `step` bytes apart. The workspace has room for those of a
 * strip.
 */
export function columnSums(
  out: usize, x: usize, n: i32, inner: usize, step: usize, workspace: usize,
): void {
  if (n == 0) memory.fill(out, 0, inner << 2);
  for (let c: usize = 0; c < inner && n > 0; c += STRIP) {
    const at = c << 2;
    stripSums(out + at, x + at, n, step, min<usize>(inner - c, STRIP), workspace);
  }
}

export function sum(
  out: usize, x: usize, outer: u32, n: u32, inner: u32, workspace: usize,
): void {
  if (inner == 1) {
    sumRows(out, x, outer, n);
    return;
  }
  const step = <usize>inner << 2;
  for (; outer > 0; outer--, out += step, x += <usize>n * step) {
    columnSums(out, x, n, inner, step, workspace);
  }
}

function sumRows(out: usize, x: usize, outer: u32, n: u32): void {
  const step = <usize>n << 2;
  const end = out + (<usize>outer << 2);
  if (n <= <u32>BLOCK) {
    for (; out + 8 <= end; out += 8, x += step << 1) twoBlockSums(out, x, n, step);
  }
  for (; out < end; out += 4, x += step) store<f32>(out, rowSum<Itself>(x, n, f32x4.splat(0)));
}

export function sumBlocks(out: usize, x: usize, n: i32): void {
  for (; n > 0; n -= BLOCK, out += 4, x += <usize>BLOCK << 2) {
    store<f32>(out, blockSum<Itself>(x, n < BLOCK ? n : BLOCK, f32x4.splat(0)));
  }
}

export function mean(
  out: usize, x: usize, outer: u32, n: u32, inner: u32, workspace: usize,
): void {
  sum(out, x, outer, n, inner, workspace);
  const end = out + ((<usize>outer * inner) << 2);
  for (; out + 16 <= end; out += 16) {
    v128.store(out, f32x4.div(v128.load(out), f32x4.splat(<f32>n)));
  }
  for (; out < end; out += 4) store<f32>(out, load<f32>(out) / <f32>n);
}
