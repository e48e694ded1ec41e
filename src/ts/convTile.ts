import type { Heap } from "./float.js";

const F = Math.fround;

/**
 * The register tiles of `assembly/convKernel.ts`, 4 × 4 here: as many sums as stay in registers.
 * Indices are those of floats; tables say where a step of k finds its factors. `sums` gets the
 * sixteen sums, row by row.
 */

/**
 * Filters w, w + size, … (`rest` after the first) at the positions x0 … x3; step p reads a filter
 * at weights[p] and a position at offsets[p].
 */
export function filterTile(
  sums: Float64Array,
  f: Heap["f"],
  w: number,
  size: number,
  rest: number,
  weights: Int32Array,
  x0: number,
  x1: number,
  x2: number,
  x3: number,
  offsets: Int32Array,
  k: number,
): void {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  const w1 = w + Math.min(1, rest) * size;
  const w2 = w + Math.min(2, rest) * size;
  const w3 = w + rest * size;
  for (let p = 0; p < k; p++) {
    const at = offsets[p] as number;
    const weight = weights[p] as number;
    const b0 = f[x0 + at] as number;
    const b1 = f[x1 + at] as number;
    const b2 = f[x2 + at] as number;
    const b3 = f[x3 + at] as number;
    let v = f[w + weight] as number;
    s00 = F(s00 + F(v * b0));
    s01 = F(s01 + F(v * b1));
    s02 = F(s02 + F(v * b2));
    s03 = F(s03 + F(v * b3));
    v = f[w1 + weight] as number;
    s10 = F(s10 + F(v * b0));
    s11 = F(s11 + F(v * b1));
    s12 = F(s12 + F(v * b2));
    s13 = F(s13 + F(v * b3));
    v = f[w2 + weight] as number;
    s20 = F(s20 + F(v * b0));
    s21 = F(s21 + F(v * b1));
    s22 = F(s22 + F(v * b2));
    s23 = F(s23 + F(v * b3));
    v = f[w3 + weight] as number;
    s30 = F(s30 + F(v * b0));
    s31 = F(s31 + F(v * b1));
    s32 = F(s32 + F(v * b2));
    s33 = F(s33 + F(v * b3));
  }
  sums[0] = s00;
  sums[1] = s01;
  sums[2] = s02;
  sums[3] = s03;
  sums[4] = s10;
  sums[5] = s11;
  sums[6] = s12;
  sums[7] = s13;
  sums[8] = s20;
  sums[9] = s21;
  sums[10] = s22;
  sums[11] = s23;
  sums[12] = s30;
  sums[13] = s31;
  sums[14] = s32;
  sums[15] = s33;
}

/**
 * Elements x0 … x3 of the image with dy of filters d0 … d3; step p reads the image at positions[p]
 * and dy at maps[p].
 */
export function positionTile(
  sums: Float64Array,
  f: Heap["f"],
  x0: number,
  x1: number,
  x2: number,
  x3: number,
  positions: Int32Array,
  d0: number,
  d1: number,
  d2: number,
  d3: number,
  maps: Int32Array,
  k: number,
): void {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  for (let p = 0; p < k; p++) {
    const at = positions[p] as number;
    const map = maps[p] as number;
    const b0 = f[x0 + at] as number;
    const b1 = f[x1 + at] as number;
    const b2 = f[x2 + at] as number;
    const b3 = f[x3 + at] as number;
    let v = f[d0 + map] as number;
    s00 = F(s00 + F(v * b0));
    s01 = F(s01 + F(v * b1));
    s02 = F(s02 + F(v * b2));
    s03 = F(s03 + F(v * b3));
    v = f[d1 + map] as number;
    s10 = F(s10 + F(v * b0));
    s11 = F(s11 + F(v * b1));
    s12 = F(s12 + F(v * b2));
    s13 = F(s13 + F(v * b3));
    v = f[d2 + map] as number;
    s20 = F(s20 + F(v * b0));
    s21 = F(s21 + F(v * b1));
    s22 = F(s22 + F(v * b2));
    s23 = F(s23 + F(v * b3));
    v = f[d3 + map] as number;
    s30 = F(s30 + F(v * b0));
    s31 = F(s31 + F(v * b1));
    s32 = F(s32 + F(v * b2));
    s33 = F(s33 + F(v * b3));
  }
  sums[0] = s00;
  sums[1] = s01;
  sums[2] = s02;
  sums[3] = s03;
  sums[4] = s10;
  sums[5] = s11;
  sums[6] = s12;
  sums[7] = s13;
  sums[8] = s20;
  sums[9] = s21;
  sums[10] = s22;
  sums[11] = s23;
  sums[12] = s30;
  sums[13] = s31;
  sums[14] = s32;
  sums[15] = s33;
}
