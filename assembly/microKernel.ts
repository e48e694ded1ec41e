/**
 * The innermost part of GEMM: one register tile of C from one micro-panel of A and one of B.
 *
 *                             b0 b1 b2 b3   b4 b5 b6 b7
 *                           ┌─────────────┬─────────────┐
 *     a0 in all four lanes  │     s00     │     s01     │   one step of k: two vectors of B, four
 *     a1                    │     s10     │     s11     │   elements of A, eight multiply-adds
 *     a2                    │     s20     │     s21     │
 *     a3                    │     s30     │     s31     │
 *                           └─────────────┴─────────────┘
 *
 * Eight sums, two vectors of B, four of A and a product take the fifteen registers that V8 has on
 * x64; a taller or wider tile spills. Where multiply-adds are fused (the relaxed build) a tile has
 * two more rows: twelve sums, two vectors of B and one of A.
 */

/** Rows of a tile: with a fused multiply-add the product needs no register. */
export const MR: u32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;
/** Columns of a tile. */
export const NR: u32 = 8;
/** Bytes of one step of k in a micro-panel of A. */
export const STEP: usize = MR * 4;

/** a · b + c, rounded twice: fused in the relaxed build only. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** relu's derivative: dy where y is not ≤ 0. */
// @ts-ignore: decorator
@inline
function passed(y: usize, dy: v128): v128 {
  return v128.andnot(dy, f32x4.le(v128.load(y), f32x4.splat(0)));
}

/**
 * One tile: C [MR, NR] = alpha·s, or beta·C + alpha·s when beta is not 0, then the bias, then relu,
 * then its derivative; s is the product of a micro-panel of A and one of B, k long, from +0.
 * `stride` is that of C and y, `stepB` that of B's rows, in bytes; `bias` 0, `y` 0: none.
 */
export function microKernel(
  c: usize, a: usize, b: usize, k: u32, stride: usize, stepB: usize,
  alpha: f32, beta: f32, bias: usize, relu: bool, y: usize,
): void {
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0);
  let s31 = f32x4.splat(0);
  let s40 = f32x4.splat(0);
  let s41 = f32x4.splat(0);
  let s50 = f32x4.splat(0);
  let s51 = f32x4.splat(0);
  let b0: v128, b1: v128, row: v128;
  const c1 = c + stride;
  const c2 = c1 + stride;
  const c3 = c2 + stride;
  const c4 = c3 + stride;
  const c5 = c4 + stride;
  const end = a + <usize>k * STEP;
  // V8 up to 12 loads all that a basic block needs before it computes, which would spill. The branch
  // between two steps ends the block: on Zen 3 the loop runs at 40 Gflop/s with it and at 27 without.
  // Six rows leave no register to spare, so there a branch that is never taken, as no panel lies in
  // C, ends it after each row: on Sapphire Rapids 48 Gflop/s with them and 32 without.
  const lastStep = end - STEP;
  while (a < end) {
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    row = v128.load32_splat(a);
    s00 = madd(row, b0, s00);
    s01 = madd(row, b1, s01);
    if (MR == 6 && a == c) break;
    row = v128.load32_splat(a, 4);
    s10 = madd(row, b0, s10);
    s11 = madd(row, b1, s11);
    if (MR == 6 && a == c1) break;
    row = v128.load32_splat(a, 8);
    s20 = madd(row, b0, s20);
    s21 = madd(row, b1, s21);
    if (MR == 6 && a == c2) break;
    row = v128.load32_splat(a, 12);
    s30 = madd(row, b0, s30);
    s31 = madd(row, b1, s31);
    if (MR == 6 && a == c3) break;
    if (MR == 6) {
      row = v128.load32_splat(a, 16);
      s40 = madd(row, b0, s40);
      s41 = madd(row, b1, s41);
      if (a == c4) break;
      row = v128.load32_splat(a, 20);
      s50 = madd(row, b0, s50);
      s51 = madd(row, b1, s51);
    }
    if (a == lastStep) break;
    b += stepB;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    row = v128.load32_splat(a, STEP);
    s00 = madd(row, b0, s00);
    s01 = madd(row, b1, s01);
    if (MR == 6 && b == c) break;
    row = v128.load32_splat(a, STEP + 4);
    s10 = madd(row, b0, s10);
    s11 = madd(row, b1, s11);
    if (MR == 6 && b == c1) break;
    row = v128.load32_splat(a, STEP + 8);
    s20 = madd(row, b0, s20);
    s21 = madd(row, b1, s21);
    if (MR == 6 && b == c2) break;
    row = v128.load32_splat(a, STEP + 12);
    s30 = madd(row, b0, s30);
    s31 = madd(row, b1, s31);
    if (MR == 6 && b == c3) break;
    if (MR == 6) {
      row = v128.load32_splat(a, STEP + 16);
      s40 = madd(row, b0, s40);
      s41 = madd(row, b1, s41);
      if (b == c4) break;
      row = v128.load32_splat(a, STEP + 20);
      s50 = madd(row, b0, s50);
      s51 = madd(row, b1, s51);
    }
    a += 2 * STEP;
    b += stepB;
  }
  const scale = f32x4.splat(alpha);
  s00 = f32x4.mul(scale, s00);
  s01 = f32x4.mul(scale, s01);
  s10 = f32x4.mul(scale, s10);
  s11 = f32x4.mul(scale, s11);
  s20 = f32x4.mul(scale, s20);
  s21 = f32x4.mul(scale, s21);
  s30 = f32x4.mul(scale, s30);
  s31 = f32x4.mul(scale, s31);
  if (MR == 6) {
    s40 = f32x4.mul(scale, s40);
    s41 = f32x4.mul(scale, s41);
    s50 = f32x4.mul(scale, s50);
    s51 = f32x4.mul(scale, s51);
  }
  if (beta != 0) {
    const keep = f32x4.splat(beta);
    s00 = f32x4.add(f32x4.mul(keep, v128.load(c)), s00);
    s01 = f32x4.add(f32x4.mul(keep, v128.load(c, 16)), s01);
    s10 = f32x4.add(f32x4.mul(keep, v128.load(c1)), s10);
    s11 = f32x4.add(f32x4.mul(keep, v128.load(c1, 16)), s11);
    s20 = f32x4.add(f32x4.mul(keep, v128.load(c2)), s20);
    s21 = f32x4.add(f32x4.mul(keep, v128.load(c2, 16)), s21);
    s30 = f32x4.add(f32x4.mul(keep, v128.load(c3)), s30);
    s31 = f32x4.add(f32x4.mul(keep, v128.load(c3, 16)), s31);
    if (MR == 6) {
      s40 = f32x4.add(f32x4.mul(keep, v128.load(c4)), s40);
      s41 = f32x4.add(f32x4.mul(keep, v128.load(c4, 16)), s41);
      s50 = f32x4.add(f32x4.mul(keep, v128.load(c5)), s50);
      s51 = f32x4.add(f32x4.mul(keep, v128.load(c5, 16)), s51);
    }
  }
  if (bias) {
    const left = v128.load(bias);
    const right = v128.load(bias, 16);
    s00 = f32x4.add(s00, left);
    s01 = f32x4.add(s01, right);
    s10 = f32x4.add(s10, left);
    s11 = f32x4.add(s11, right);
    s20 = f32x4.add(s20, left);
    s21 = f32x4.add(s21, right);
    s30 = f32x4.add(s30, left);
    s31 = f32x4.add(s31, right);
    if (MR == 6) {
      s40 = f32x4.add(s40, left);
      s41 = f32x4.add(s41, right);
      s50 = f32x4.add(s50, left);
      s51 = f32x4.add(s51, right);
    }
  }
  if (relu) {
    const zero = f32x4.splat(0);
    s00 = f32x4.pmax(s00, zero);
    s01 = f32x4.pmax(s01, zero);
    s10 = f32x4.pmax(s10, zero);
    s11 = f32x4.pmax(s11, zero);
    s20 = f32x4.pmax(s20, zero);
    s21 = f32x4.pmax(s21, zero);
    s30 = f32x4.pmax(s30, zero);
    s31 = f32x4.pmax(s31, zero);
    if (MR == 6) {
      s40 = f32x4.pmax(s40, zero);
      s41 = f32x4.pmax(s41, zero);
      s50 = f32x4.pmax(s50, zero);
      s51 = f32x4.pmax(s51, zero);
    }
  }
  if (y) {
    s00 = passed(y, s00);
    s01 = passed(y + 16, s01);
    y += stride;
    s10 = passed(y, s10);
    s11 = passed(y + 16, s11);
    y += stride;
    s20 = passed(y, s20);
    s21 = passed(y + 16, s21);
    y += stride;
    s30 = passed(y, s30);
    s31 = passed(y + 16, s31);
    if (MR == 6) {
      y += stride;
      s40 = passed(y, s40);
      s41 = passed(y + 16, s41);
      y += stride;
      s50 = passed(y, s50);
      s51 = passed(y + 16, s51);
    }
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
  if (MR == 6) {
    v128.store(c4, s40);
    v128.store(c4, s41, 16);
    v128.store(c5, s50);
    v128.store(c5, s51, 16);
  }
}
