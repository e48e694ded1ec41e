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
 * V8 loads all of a step before it computes, so that eight sums, two vectors of B, four of A and a
 * product take the fifteen registers that it has on x64; a taller or wider tile spills.
 */

/** Rows of a tile. */
export const MR: u32 = 4;
/** Columns of a tile. */
export const NR: u32 = 8;

/** a · b + c, rounded twice: never fused. */
// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}

/**
 * One tile: C [MR, NR] = alpha·s, or beta·C + alpha·s when beta is not 0, then the bias, then relu;
 * s is the product of a micro-panel of A and one of B, k long, from +0. `stride` is C's, in bytes;
 * `bias` 0: none.
 */
export function microKernel(
  c: usize, a: usize, b: usize, k: u32, stride: usize,
  alpha: f32, beta: f32, bias: usize, relu: bool,
): void {
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0);
  let s31 = f32x4.splat(0);
  let b0: v128, b1: v128, row: v128;
  const end = a + (<usize>k << 4);
  // The branch between two steps keeps V8 from hoisting the loads of both above them, which would
  // spill: on Zen 3 the loop runs at 40 Gflop/s with it and at 27 without.
  const lastStep = end - 16;
  while (a < end) {
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    row = v128.load32_splat(a);
    s00 = madd(row, b0, s00);
    s01 = madd(row, b1, s01);
    row = v128.load32_splat(a, 4);
    s10 = madd(row, b0, s10);
    s11 = madd(row, b1, s11);
    row = v128.load32_splat(a, 8);
    s20 = madd(row, b0, s20);
    s21 = madd(row, b1, s21);
    row = v128.load32_splat(a, 12);
    s30 = madd(row, b0, s30);
    s31 = madd(row, b1, s31);
    if (a == lastStep) break;
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    row = v128.load32_splat(a, 16);
    s00 = madd(row, b0, s00);
    s01 = madd(row, b1, s01);
    row = v128.load32_splat(a, 20);
    s10 = madd(row, b0, s10);
    s11 = madd(row, b1, s11);
    row = v128.load32_splat(a, 24);
    s20 = madd(row, b0, s20);
    s21 = madd(row, b1, s21);
    row = v128.load32_splat(a, 28);
    s30 = madd(row, b0, s30);
    s31 = madd(row, b1, s31);
    a += 32;
    b += 64;
  }
  const c1 = c + stride;
  const c2 = c1 + stride;
  const c3 = c2 + stride;
  const scale = f32x4.splat(alpha);
  s00 = f32x4.mul(scale, s00);
  s01 = f32x4.mul(scale, s01);
  s10 = f32x4.mul(scale, s10);
  s11 = f32x4.mul(scale, s11);
  s20 = f32x4.mul(scale, s20);
  s21 = f32x4.mul(scale, s21);
  s30 = f32x4.mul(scale, s30);
  s31 = f32x4.mul(scale, s31);
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
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}
