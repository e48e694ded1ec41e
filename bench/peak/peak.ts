import { MR, madd, microKernel, NR } from "../../assembly/microKernel";

export {
  copy4,
  copy8,
  divide2,
  greater2,
  greatest8,
  multiply1,
  read4,
  read8,
  sum4,
  sum8,
} from "./bandwidth";

/**
 * The peak that GEMM is measured against: the best rate at which this engine and CPU multiply and
 * add four lanes, without memory (`registers8`, `registers10`, `registers12`: that many independent
 * accumulators) and with operands in L1 (`panel`). A flop is one multiplication or one addition of
 * one lane, so that
 *
 *     registersN(iterations)          2 · 4 · N · iterations flops
 *     panel(…, k, iterations)         2 · MR · NR · k · iterations flops
 *
 * The accumulators step s = s · factor + term, with ½ and 1.25 towards 2.5: ordinary numbers, never
 * subnormal and never overflowing, and no two of them the same, so that nothing can be merged.
 * Engines do not know the factor and the term: they make known ones anew in each step.
 */

export function registers8(iterations: i32, factor: f32, term: f32): f32 {
  const half = f32x4.splat(factor);
  const x = f32x4.splat(term);
  let s0 = f32x4.splat(1);
  let s1 = f32x4.splat(2);
  let s2 = f32x4.splat(3);
  let s3 = f32x4.splat(4);
  let s4 = f32x4.splat(5);
  let s5 = f32x4.splat(6);
  let s6 = f32x4.splat(7);
  let s7 = f32x4.splat(8);
  for (let i = 0; i < iterations; i++) {
    s0 = madd(s0, half, x);
    s1 = madd(s1, half, x);
    s2 = madd(s2, half, x);
    s3 = madd(s3, half, x);
    s4 = madd(s4, half, x);
    s5 = madd(s5, half, x);
    s6 = madd(s6, half, x);
    s7 = madd(s7, half, x);
  }
  s0 = f32x4.add(s0, s1);
  s0 = f32x4.add(s0, s2);
  s0 = f32x4.add(s0, s3);
  s0 = f32x4.add(s0, s4);
  s0 = f32x4.add(s0, s5);
  s0 = f32x4.add(s0, s6);
  s0 = f32x4.add(s0, s7);
  return f32x4.extract_lane(s0, 0);
}

export function registers10(iterations: i32, factor: f32, term: f32): f32 {
  const half = f32x4.splat(factor);
  const x = f32x4.splat(term);
  let s0 = f32x4.splat(1);
  let s1 = f32x4.splat(2);
  let s2 = f32x4.splat(3);
  let s3 = f32x4.splat(4);
  let s4 = f32x4.splat(5);
  let s5 = f32x4.splat(6);
  let s6 = f32x4.splat(7);
  let s7 = f32x4.splat(8);
  let s8 = f32x4.splat(9);
  let s9 = f32x4.splat(10);
  for (let i = 0; i < iterations; i++) {
    s0 = madd(s0, half, x);
    s1 = madd(s1, half, x);
    s2 = madd(s2, half, x);
    s3 = madd(s3, half, x);
    s4 = madd(s4, half, x);
    s5 = madd(s5, half, x);
    s6 = madd(s6, half, x);
    s7 = madd(s7, half, x);
    s8 = madd(s8, half, x);
    s9 = madd(s9, half, x);
  }
  s0 = f32x4.add(s0, s1);
  s0 = f32x4.add(s0, s2);
  s0 = f32x4.add(s0, s3);
  s0 = f32x4.add(s0, s4);
  s0 = f32x4.add(s0, s5);
  s0 = f32x4.add(s0, s6);
  s0 = f32x4.add(s0, s7);
  s0 = f32x4.add(s0, s8);
  s0 = f32x4.add(s0, s9);
  return f32x4.extract_lane(s0, 0);
}

export function registers12(iterations: i32, factor: f32, term: f32): f32 {
  const half = f32x4.splat(factor);
  const x = f32x4.splat(term);
  let s0 = f32x4.splat(1);
  let s1 = f32x4.splat(2);
  let s2 = f32x4.splat(3);
  let s3 = f32x4.splat(4);
  let s4 = f32x4.splat(5);
  let s5 = f32x4.splat(6);
  let s6 = f32x4.splat(7);
  let s7 = f32x4.splat(8);
  let s8 = f32x4.splat(9);
  let s9 = f32x4.splat(10);
  let s10 = f32x4.splat(11);
  let s11 = f32x4.splat(12);
  for (let i = 0; i < iterations; i++) {
    s0 = madd(s0, half, x);
    s1 = madd(s1, half, x);
    s2 = madd(s2, half, x);
    s3 = madd(s3, half, x);
    s4 = madd(s4, half, x);
    s5 = madd(s5, half, x);
    s6 = madd(s6, half, x);
    s7 = madd(s7, half, x);
    s8 = madd(s8, half, x);
    s9 = madd(s9, half, x);
    s10 = madd(s10, half, x);
    s11 = madd(s11, half, x);
  }
  s0 = f32x4.add(s0, s1);
  s0 = f32x4.add(s0, s2);
  s0 = f32x4.add(s0, s3);
  s0 = f32x4.add(s0, s4);
  s0 = f32x4.add(s0, s5);
  s0 = f32x4.add(s0, s6);
  s0 = f32x4.add(s0, s7);
  s0 = f32x4.add(s0, s8);
  s0 = f32x4.add(s0, s9);
  s0 = f32x4.add(s0, s10);
  s0 = f32x4.add(s0, s11);
  return f32x4.extract_lane(s0, 0);
}

/** The rows of a tile: four, or six where multiply-adds are fused. */
export function tileRows(): u32 {
  return MR;
}

/**
 * The micro-kernel on one micro-panel of A (k · MR floats), one of B (k · NR) and one tile of C (MR
 * × NR).
 */
export function panel(c: usize, a: usize, b: usize, k: i32, iterations: i32): void {
  for (let i = 0; i < iterations; i++) microKernel(c, a, b, k, NR * 4, NR * 4, 1, 0, 0, false, 0);
}
