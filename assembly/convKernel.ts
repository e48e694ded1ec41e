/**
 * The innermost parts of convolution: register tiles as in `microKernel.ts`, but what GEMM packs is
 * read where it lies in padded planes of the image, at the address of a position plus the offset of
 * an element of the kernel.
 *
 *     convolution and input gradient           weight gradient
 *     lanes: two vectors of four positions     lanes: eight filters
 *     rows: four filters                       rows: four elements of a filter
 *     a step: an element of a filter           a step: a position
 */
import {
  fusedFilterKernel, fusedPositionKernel, fusedSingleFilterKernel, isFused,
} from "./fused";
import { madd } from "./microKernel";

/** A sum on its way to `c`: what is there already, then the bias, then relu. */
// @ts-ignore: decorator
@inline
function finish(c: usize, s: v128, keep: bool, bias: usize, relu: bool): void {
  if (keep) s = f32x4.add(v128.load(c), s);
  if (bias) s = f32x4.add(s, v128.load32_splat(bias));
  if (relu) s = f32x4.pmax(s, f32x4.splat(0));
  v128.store(c, s);
}

/**
 * Four filters at two vectors of positions: sums of k steps from +0, which go to `c0` and `c1` and
 * to rows `stride` bytes below. `a` is a micro-panel of weights [k, 4]; step p reads the vectors at
 * x0 + offsets[p] and x1 + offsets[p]. `bias`: four floats, or 0: none.
 */
export function filterKernel(
  c0: usize, c1: usize, a: usize, x0: usize, x1: usize, offsets: usize, k: u32, stride: usize,
  keep: bool, bias: usize, relu: bool,
): void {
  if (isFused()) {
    fusedFilterKernel(c0, c1, a, x0, x1, offsets, k, stride, keep, bias, relu);
    return;
  }
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0);
  let s31 = f32x4.splat(0);
  let b0: v128, b1: v128, row: v128;
  let at: usize;
  const end = a + (<usize>k << 4);
  // The branch between two steps keeps their loads apart, as in `microKernel`.
  const lastStep = end - 16;
  while (a < end) {
    at = load<u32>(offsets);
    b0 = v128.load(x0 + at);
    b1 = v128.load(x1 + at);
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
    at = load<u32>(offsets, 4);
    b0 = v128.load(x0 + at);
    b1 = v128.load(x1 + at);
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
    offsets += 8;
  }
  const bias1 = bias ? bias + 4 : 0;
  const bias2 = bias ? bias + 8 : 0;
  const bias3 = bias ? bias + 12 : 0;
  finish(c0, s00, keep, bias, relu);
  finish(c1, s01, keep, bias, relu);
  finish(c0 + stride, s10, keep, bias1, relu);
  finish(c1 + stride, s11, keep, bias1, relu);
  finish(c0 + (stride << 1), s20, keep, bias2, relu);
  finish(c1 + (stride << 1), s21, keep, bias2, relu);
  finish(c0 + (stride << 1) + stride, s30, keep, bias3, relu);
  finish(c1 + (stride << 1) + stride, s31, keep, bias3, relu);
}

/** The same for the first filter of a micro-panel alone. */
export function singleFilterKernel(
  c0: usize, c1: usize, a: usize, x0: usize, x1: usize, offsets: usize, k: u32,
  keep: bool, bias: usize, relu: bool,
): void {
  if (isFused()) {
    fusedSingleFilterKernel(c0, c1, a, x0, x1, offsets, k, keep, bias, relu);
    return;
  }
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  for (const end = a + (<usize>k << 4); a < end; a += 16, offsets += 4) {
    const at: usize = load<u32>(offsets);
    const row = v128.load32_splat(a);
    s0 = madd(row, v128.load(x0 + at), s0);
    s1 = madd(row, v128.load(x1 + at), s1);
  }
  finish(c0, s0, keep, bias, relu);
  finish(c1, s1, keep, bias, relu);
}

/** c0 … c3 (+)= the columns of four rows. */
// @ts-ignore: decorator
@inline
function finishTransposed(
  c: usize, stride: usize, r0: v128, r1: v128, r2: v128, r3: v128, keep: bool,
): void {
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  finish(c, v128.shuffle<f64>(low01, low23, 0, 2), keep, 0, false);
  finish(c + stride, v128.shuffle<f64>(low01, low23, 1, 3), keep, 0, false);
  finish(c + (stride << 1), v128.shuffle<f64>(high01, high23, 0, 2), keep, 0, false);
  finish(c + (stride << 1) + stride, v128.shuffle<f64>(high01, high23, 1, 3), keep, 0, false);
}

/**
 * Four neighbouring elements of eight filters of dw at `c`, filters `stride` bytes apart: sums over
 * k positions from +0. Position p has element i of the image at xi + positions[p], and dy of the
 * filters at b + 32·p.
 */
export function positionKernel(
  c: usize, x0: usize, x1: usize, x2: usize, x3: usize, positions: usize, b: usize, k: u32,
  stride: usize, keep: bool,
): void {
  if (isFused()) {
    fusedPositionKernel(c, x0, x1, x2, x3, positions, b, k, stride, keep);
    return;
  }
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0);
  let s31 = f32x4.splat(0);
  let b0: v128, b1: v128, row: v128;
  let at: usize;
  const end = b + (<usize>k << 5);
  const lastStep = end - 32;
  while (b < end) {
    at = load<u32>(positions);
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    row = v128.load32_splat(x0 + at);
    s00 = madd(row, b0, s00);
    s01 = madd(row, b1, s01);
    row = v128.load32_splat(x1 + at);
    s10 = madd(row, b0, s10);
    s11 = madd(row, b1, s11);
    row = v128.load32_splat(x2 + at);
    s20 = madd(row, b0, s20);
    s21 = madd(row, b1, s21);
    row = v128.load32_splat(x3 + at);
    s30 = madd(row, b0, s30);
    s31 = madd(row, b1, s31);
    if (b == lastStep) break;
    at = load<u32>(positions, 4);
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    row = v128.load32_splat(x0 + at);
    s00 = madd(row, b0, s00);
    s01 = madd(row, b1, s01);
    row = v128.load32_splat(x1 + at);
    s10 = madd(row, b0, s10);
    s11 = madd(row, b1, s11);
    row = v128.load32_splat(x2 + at);
    s20 = madd(row, b0, s20);
    s21 = madd(row, b1, s21);
    row = v128.load32_splat(x3 + at);
    s30 = madd(row, b0, s30);
    s31 = madd(row, b1, s31);
    b += 64;
    positions += 8;
  }
  finishTransposed(c, stride, s00, s10, s20, s30, keep);
  finishTransposed(c + (stride << 2), stride, s01, s11, s21, s31, keep);
}
