import { MR, STEP, madd } from "./microKernel";

/**
 * Remainders of rows and columns that would fill less than half of a micro-kernel's tile: the same
 * number of sums in another shape. They leave the plain sums; what becomes of them is `gemm.ts`'s
 * business. No micro-panel lies in `out`.
 */

/**
 * The sums of two micro-panels of A with four columns of B: `out` [2·MR, 4]. As many sums as in a
 * tile, so that a remainder of columns costs half a tile and not a whole one.
 */
export function narrowKernel(
  out: usize, a: usize, a2: usize, b: usize, k: u32, stepB: usize,
): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let s4 = f32x4.splat(0);
  let s5 = f32x4.splat(0);
  let t0 = f32x4.splat(0);
  let t1 = f32x4.splat(0);
  let t2 = f32x4.splat(0);
  let t3 = f32x4.splat(0);
  let t4 = f32x4.splat(0);
  let t5 = f32x4.splat(0);
  const end = a + <usize>k * STEP;
  for (; a < end; a += STEP, a2 += STEP, b += stepB) {
    const column = v128.load(b);
    s0 = madd(v128.load32_splat(a), column, s0);
    s1 = madd(v128.load32_splat(a, 4), column, s1);
    s2 = madd(v128.load32_splat(a, 8), column, s2);
    s3 = madd(v128.load32_splat(a, 12), column, s3);
    if (MR == 6) {
      s4 = madd(v128.load32_splat(a, 16), column, s4);
      s5 = madd(v128.load32_splat(a, 20), column, s5);
    }
    // Ends the basic block, as in the micro-kernel.
    if (a == out) break;
    t0 = madd(v128.load32_splat(a2), column, t0);
    t1 = madd(v128.load32_splat(a2, 4), column, t1);
    t2 = madd(v128.load32_splat(a2, 8), column, t2);
    t3 = madd(v128.load32_splat(a2, 12), column, t3);
    if (MR == 6) {
      t4 = madd(v128.load32_splat(a2, 16), column, t4);
      t5 = madd(v128.load32_splat(a2, 20), column, t5);
    }
  }
  v128.store(out, s0);
  v128.store(out, s1, 16);
  v128.store(out, s2, 32);
  v128.store(out, s3, 48);
  if (MR == 6) {
    v128.store(out, s4, 64);
    v128.store(out, s5, 80);
  }
  v128.store(out, t0, 4 * STEP);
  v128.store(out, t1, 4 * STEP + 16);
  v128.store(out, t2, 4 * STEP + 32);
  v128.store(out, t3, 4 * STEP + 48);
  if (MR == 6) {
    v128.store(out, t4, 4 * STEP + 64);
    v128.store(out, t5, 4 * STEP + 80);
  }
}

/**
 * The sums of two rows of a micro-panel of A with sixteen columns of B: `out` [2, 16]. As many sums
 * as in a tile, so that a remainder of one or two rows costs half of what tiles would.
 */
export function shortKernel(
  out: usize, a: usize, b: usize, b2: usize, k: u32, stepB: usize,
): void {
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s02 = f32x4.splat(0);
  let s03 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s12 = f32x4.splat(0);
  let s13 = f32x4.splat(0);
  const end = a + <usize>k * STEP;
  for (; a < end; a += STEP, b += stepB, b2 += stepB) {
    const row0 = v128.load32_splat(a);
    const row1 = v128.load32_splat(a, 4);
    const x = v128.load(b);
    s00 = madd(row0, x, s00);
    s10 = madd(row1, x, s10);
    const y = v128.load(b, 16);
    s01 = madd(row0, y, s01);
    s11 = madd(row1, y, s11);
    const z = v128.load(b2);
    s02 = madd(row0, z, s02);
    s12 = madd(row1, z, s12);
    const w = v128.load(b2, 16);
    s03 = madd(row0, w, s03);
    s13 = madd(row1, w, s13);
  }
  v128.store(out, s00);
  v128.store(out, s01, 16);
  v128.store(out, s02, 32);
  v128.store(out, s03, 48);
  v128.store(out, s10, 64);
  v128.store(out, s11, 80);
  v128.store(out, s12, 96);
  v128.store(out, s13, 112);
}

/**
 * Four more steps of k of four sums: v0 … v3 are four steps of a column of B each, x0 … x3 the
 * elements of A, each in all lanes.
 */
// @ts-ignore: decorator
@inline
function fourSteps(
  sums: v128, v0: v128, v1: v128, v2: v128, v3: v128, x0: v128, x1: v128, x2: v128, x3: v128,
): v128 {
  const low01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
  sums = madd(x0, v128.shuffle<f64>(low01, low23, 0, 2), sums);
  sums = madd(x1, v128.shuffle<f64>(low01, low23, 1, 3), sums);
  sums = madd(x2, v128.shuffle<f64>(high01, high23, 0, 2), sums);
  return madd(x3, v128.shuffle<f64>(high01, high23, 1, 3), sums);
}

/** The next column of B, `step` bytes on, or the last one again. */
// @ts-ignore: decorator
@inline
function next(column: usize, step: usize, last: usize): usize {
  return column == last ? last : column + step;
}

/** An element of each of four columns of B. */
// @ts-ignore: decorator
@inline
function gather4(c0: usize, c1: usize, c2: usize, c3: usize): v128 {
  let v = v128.load32_zero(c0);
  v = v128.load32_lane(c1, v, 1);
  v = v128.load32_lane(c2, v, 2);
  return v128.load32_lane(c3, v, 3);
}

/**
 * The sums of one row of A, its elements `stepA` bytes apart, with sixteen columns of B that lie one
 * after the other, `step` bytes apart and up to the one at `last`: `out` [16]. B is read where it
 * lies and turned in registers, as one row uses it only once.
 */
export function rowKernel(
  out: usize, a: usize, stepA: usize, b: usize, step: usize, last: usize, k: u32,
): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let c0 = b;
  let c1 = next(c0, step, last);
  let c2 = next(c1, step, last);
  let c3 = next(c2, step, last);
  let c4 = next(c3, step, last);
  let c5 = next(c4, step, last);
  let c6 = next(c5, step, last);
  let c7 = next(c6, step, last);
  let c8 = next(c7, step, last);
  let c9 = next(c8, step, last);
  let c10 = next(c9, step, last);
  let c11 = next(c10, step, last);
  let c12 = next(c11, step, last);
  let c13 = next(c12, step, last);
  let c14 = next(c13, step, last);
  let c15 = next(c14, step, last);
  const whole = <usize>(k & ~3) << 2;
  const end = <usize>k << 2;
  let at: usize = 0;
  for (; at < whole; at += 16, a += stepA << 2) {
    const x0 = v128.load32_splat(a);
    const x1 = v128.load32_splat(a + stepA);
    const x2 = v128.load32_splat(a + 2 * stepA);
    const x3 = v128.load32_splat(a + 3 * stepA);
    s0 = fourSteps(
      s0, v128.load(c0 + at), v128.load(c1 + at), v128.load(c2 + at), v128.load(c3 + at),
      x0, x1, x2, x3,
    );
    s1 = fourSteps(
      s1, v128.load(c4 + at), v128.load(c5 + at), v128.load(c6 + at), v128.load(c7 + at),
      x0, x1, x2, x3,
    );
    s2 = fourSteps(
      s2, v128.load(c8 + at), v128.load(c9 + at), v128.load(c10 + at), v128.load(c11 + at),
      x0, x1, x2, x3,
    );
    s3 = fourSteps(
      s3, v128.load(c12 + at), v128.load(c13 + at), v128.load(c14 + at), v128.load(c15 + at),
      x0, x1, x2, x3,
    );
  }
  for (; at < end; at += 4, a += stepA) {
    const x = v128.load32_splat(a);
    s0 = madd(x, gather4(c0 + at, c1 + at, c2 + at, c3 + at), s0);
    s1 = madd(x, gather4(c4 + at, c5 + at, c6 + at, c7 + at), s1);
    s2 = madd(x, gather4(c8 + at, c9 + at, c10 + at, c11 + at), s2);
    s3 = madd(x, gather4(c12 + at, c13 + at, c14 + at, c15 + at), s3);
  }
  v128.store(out, s0);
  v128.store(out, s1, 16);
  v128.store(out, s2, 32);
  v128.store(out, s3, 48);
}
