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

/** Sums on their way to c0 and c1: what is there already, then the bias, then relu. */
// @ts-ignore: decorator
@inline
function finish(
  c0: usize, c1: usize, s0: v128, s1: v128, keep: bool, biased: bool, bias: usize, relu: bool,
): void {
  if (keep) {
    s0 = f32x4.add(v128.load(c0), s0);
    s1 = f32x4.add(v128.load(c1), s1);
  }
  if (biased) {
    const shift = v128.load32_splat(bias);
    s0 = f32x4.add(s0, shift);
    s1 = f32x4.add(s1, shift);
  }
  if (relu) {
    s0 = f32x4.pmax(s0, f32x4.splat(0));
    s1 = f32x4.pmax(s1, f32x4.splat(0));
  }
  v128.store(c0, s0);
  v128.store(c1, s1);
}

/**
 * Four filters at two vectors of positions: sums of k steps from +0, which go to `c0` and `c1` and
 * to rows `stride` bytes below; and the next four, `panels` times. `a` are micro-panels of weights
 * [k, 4]; step p reads the vectors at x0 + offsets[p] and x1 + offsets[p]. `bias`: a float for each
 * filter, or 0: none.
 */
export function filterKernel(
  c0: usize, c1: usize, a: usize, x0: usize, x1: usize, offsets: usize, k: u32, stride: usize,
  keep: bool, bias: usize, relu: bool, panels: u32,
): void {
  if (isFused()) {
    fusedFilterKernel(c0, c1, a, x0, x1, offsets, k, stride, keep, bias, relu, panels);
    return;
  }
  const biased = bias != 0;
  for (; panels > 0; panels--) {
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
    let steps = offsets;
    const end = a + (<usize>k << 4);
    // The branch between two steps keeps their loads apart, as in `microKernel`.
    const lastStep = end - 16;
    while (a < end) {
      at = load<u32>(steps);
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
      if (a == lastStep) {
        a = end;
        break;
      }
      at = load<u32>(steps, 4);
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
      steps += 8;
    }
    finish(c0, c1, s00, s01, keep, biased, bias, relu);
    finish(c0 + stride, c1 + stride, s10, s11, keep, biased, bias + 4, relu);
    c0 += stride << 1;
    c1 += stride << 1;
    finish(c0, c1, s20, s21, keep, biased, bias + 8, relu);
    finish(c0 + stride, c1 + stride, s30, s31, keep, biased, bias + 12, relu);
    c0 += stride << 1;
    c1 += stride << 1;
    bias += 16;
  }
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
  finish(c0, c1, s0, s1, keep, bias != 0, bias, relu);
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
  finish(
    c, c + stride, v128.shuffle<f64>(low01, low23, 0, 2), v128.shuffle<f64>(low01, low23, 1, 3),
    keep, false, 0, false,
  );
  c += stride << 1;
  finish(
    c, c + stride, v128.shuffle<f64>(high01, high23, 0, 2), v128.shuffle<f64>(high01, high23, 1, 3),
    keep, false, 0, false,
  );
}

/**
 * Four neighbouring elements of eight filters of dw at `c`, filters `stride` bytes apart: sums over
 * k positions from +0. `positions` are pairs of words, a place and whether the next position lies
 * beside it: an image's element i of a position is at xi + its place; dy of position p at b + 32·p.
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
  for (const end = b + (<usize>k << 5); b < end; positions += 8) {
    const at: usize = load<u32>(positions);
    const at0 = x0 + at;
    const at1 = x1 + at;
    const at2 = x2 + at;
    const at3 = x3 + at;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    row = v128.load32_splat(at0);
    s00 = madd(row, b0, s00);
    s01 = madd(row, b1, s01);
    row = v128.load32_splat(at1);
    s10 = madd(row, b0, s10);
    s11 = madd(row, b1, s11);
    row = v128.load32_splat(at2);
    s20 = madd(row, b0, s20);
    s21 = madd(row, b1, s21);
    row = v128.load32_splat(at3);
    s30 = madd(row, b0, s30);
    s31 = madd(row, b1, s31);
    b += 32;
    // Also keeps the loads of two steps apart, as in `microKernel`.
    if (!load<u32>(positions, 4)) continue;
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    row = v128.load32_splat(at0, 4);
    s00 = madd(row, b0, s00);
    s01 = madd(row, b1, s01);
    row = v128.load32_splat(at1, 4);
    s10 = madd(row, b0, s10);
    s11 = madd(row, b1, s11);
    row = v128.load32_splat(at2, 4);
    s20 = madd(row, b0, s20);
    s21 = madd(row, b1, s21);
    row = v128.load32_splat(at3, 4);
    s30 = madd(row, b0, s30);
    s31 = madd(row, b1, s31);
    b += 32;
  }
  finishTransposed(c, stride, s00, s10, s20, s30, keep);
  finishTransposed(c + (stride << 2), stride, s01, s11, s21, s31, keep);
}
