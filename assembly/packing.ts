import { loadLanes } from "./lanes";
import { MR, NR } from "./microKernel";

/**
 * Packing: layouts die here. Whatever the strides of A and B, the micro-kernel walks its micro-panels from end to
 * end, one step of k after another.
 *
 *     A: panels of MR rows                      B: panels of NR columns
 *     ┌─────────┬─────────┬─────────┬──         ┌─────────────┬─────────────┬─────────────┬──
 *     │ p = 0   │ p = 1   │ p = 2   │           │ p = 0       │ p = 1       │ p = 2       │
 *     │ rows    │ rows    │ rows    │ …         │ columns     │ columns     │ columns     │ …
 *     │ 0 1 2 3 │ 0 1 2 3 │ 0 1 2 3 │           │ 0 1 2 … 6 7 │ 0 1 2 … 6 7 │ 0 1 2 … 6 7 │
 *     └─────────┴─────────┴─────────┴──         └─────────────┴─────────────┴─────────────┴──
 *     then rows 4 … 7, and so on                then columns 8 … 15, and so on
 *
 * Rows and columns that A and B do not have are zeros.
 */

/** Four elements `step` bytes apart, of which only the first `count` are read; the others are 0. */
// @ts-ignore: decorator
@inline
function gather(x: usize, step: usize, count: u32): v128 {
  let v = v128.load32_zero(x);
  if (count > 1) v = v128.load_lane<f32>(x + step, v, 1);
  if (count > 2) v = v128.load_lane<f32>(x + (step << 1), v, 2);
  if (count > 3) v = v128.load_lane<f32>(x + (step << 1) + step, v, 3);
  return v;
}

/**
 * Packs a strip of four rows of A, or of four columns of B: element (r, p) of x, at r·rs + p·cs bytes, goes to
 * out + p·step + 4·r; rows from `count` on are 0.
 *
 *     rs = 4: four neighbours are one vector        cs = 4: four vectors along p, transposed
 *     (Aᵀ, B)                                        (A, Bᵀ)       r0: p0 p1 p2 p3      p0: r0 r1 r2 r3
 *                                                                  r1: p0 p1 p2 p3  →   p1: r0 r1 r2 r3
 *                                                                  …                    …
 */
function packStrip(
  out: usize, x: usize, count: u32, k: u32, rs: usize, cs: usize, step: usize,
): void {
  const end = out + <usize>k * step;
  if (rs == 4) {
    for (; out < end; out += step, x += cs) v128.store(out, loadLanes(x, count));
    return;
  }
  if (cs == 4 && count >= 4) {
    const x1 = rs;
    const x2 = rs << 1;
    const x3 = x2 + rs;
    const whole = out + <usize>(k & ~3) * step;
    for (; out < whole; x += 16) {
      const r0 = v128.load(x);
      const r1 = v128.load(x + x1);
      const r2 = v128.load(x + x2);
      const r3 = v128.load(x + x3);
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(out, v128.shuffle<f64>(low01, low23, 0, 2));
      out += step;
      v128.store(out, v128.shuffle<f64>(low01, low23, 1, 3));
      out += step;
      v128.store(out, v128.shuffle<f64>(high01, high23, 0, 2));
      out += step;
      v128.store(out, v128.shuffle<f64>(high01, high23, 1, 3));
      out += step;
    }
  }
  for (; out < end; out += step, x += cs) v128.store(out, gather(x, rs, count));
}

/** Packs `rows` rows of A, k long, into micro-panels. */
export function packA(out: usize, a: usize, rows: u32, k: u32, rs: usize, cs: usize): void {
  for (let i: u32 = 0; i < rows; i += MR) {
    packStrip(out, a, rows - i, k, rs, cs, MR * 4);
    out += <usize>k * MR * 4;
    a += rs * MR;
  }
}

/** Packs `cols` columns of B, k long, into micro-panels: two strips each. */
export function packB(out: usize, b: usize, cols: u32, k: u32, rs: usize, cs: usize): void {
  const size = <usize>k * NR * 4;
  for (let j: u32 = 0; j < cols; j += NR, out += size, b += cs * NR) {
    if (cs == 4 && cols - j >= NR) {
      let x = b;
      for (let to = out; to < out + size; to += NR * 4, x += rs) {
        v128.store(to, v128.load(x));
        v128.store(to, v128.load(x, 16), 16);
      }
      continue;
    }
    packStrip(out, b, cols - j, k, cs, rs, NR * 4);
    if (cols - j > 4) packStrip(out + 16, b + 4 * cs, cols - j - 4, k, cs, rs, NR * 4);
    else for (let to = out + 16; to < out + size; to += NR * 4) v128.store(to, f32x4.splat(0));
  }
}
