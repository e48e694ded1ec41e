import { gather } from "./lanes";
import { MR, NR } from "./microKernel";

/**
 * Packing: layouts die here. Whatever the strides of A and B, the micro-kernel walks its
 * micro-panels from end to end, one step of k after another.
 *
 *     A: panels of MR rows                    B: panels of NR columns
 *     ┌─────────┬─────────┬─────────┬──       ┌─────────────┬─────────────┬──
 *     │ p = 0   │ p = 1   │ p = 2   │         │ p = 0       │ p = 1       │
 *     │ rows    │ rows    │ rows    │ …       │ columns     │ columns     │ …
 *     │ 0 1 2 3 │ 0 1 2 3 │ 0 1 2 3 │         │ 0 1 2 … 6 7 │ 0 1 2 … 6 7 │
 *     └─────────┴─────────┴─────────┴──       └─────────────┴─────────────┴──
 *     then rows 4 … 7, and so on              then columns 8 … 15, and so on
 *
 * Rows and columns that A and B do not have are some number or other: nothing that is computed with
 * them is stored. Strides are in bytes.
 */

/** Four steps of k of four rows: r0: p0 p1 p2 p3, … become p0: r0 r1 r2 r3, … */
// @ts-ignore: decorator
@inline
function turn(out: usize, step: usize, x0: usize, x1: usize, x2: usize, x3: usize): void {
  const v0 = v128.load(x0);
  const v1 = v128.load(x1);
  const v2 = v128.load(x2);
  const v3 = v128.load(x3);
  const low01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<f64>(low01, low23, 0, 2));
  v128.store(out + step, v128.shuffle<f64>(low01, low23, 1, 3));
  v128.store(out + 2 * step, v128.shuffle<f64>(high01, high23, 0, 2));
  v128.store(out + 3 * step, v128.shuffle<f64>(high01, high23, 1, 3));
}

/**
 * Packs a strip of four rows of A, or of four columns of B: element (r, p) of x, at r·rs + p·cs,
 * goes to out + p·step + 4·r, for r < `count`. Four steps of k at a time:
 *
 *     rs = 4 (Aᵀ, B)                   cs = 4 (A, Bᵀ)
 *     p0: r0 r1 r2 r3   as it is       r0: p0 p1 p2 p3         p0: r0 r1 r2 r3
 *     p1: r0 r1 r2 r3                  r1: p0 p1 p2 p3    →    p1: r0 r1 r2 r3
 *     …                                …                       …
 */
// @ts-ignore: decorator
@inline
function packStrip(
  out: usize, x: usize, count: u32, k: u32, rs: usize, cs: usize, step: usize,
): void {
  const end = out + <usize>k * step;
  if (cs == 4 && k >= 4) {
    // A row that is not there is the last one once more.
    const x1 = count > 1 ? rs : 0;
    const x2 = count > 2 ? x1 + rs : x1;
    const x3 = count > 3 ? x2 + rs : x2;
    // The last four steps come first, so that no step is left over: some may be turned twice.
    const last = end - (step << 2);
    let to = last;
    let from = x + (<usize>(k - 4) << 2);
    while (true) {
      turn(to, step, from, from + x1, from + x2, from + x3);
      if (out >= last) return;
      to = out;
      from = x;
      out += step << 2;
      x += 16;
    }
  }
  if (rs == 4 && count >= 4) {
    for (; out < end; out += step, x += cs) v128.store(out, v128.load(x));
    return;
  }
  for (; out < end; out += step, x += cs) v128.store(out, gather(x, rs, count));
}

/** Two rows of A in the same way, two steps of k at a time. */
function packPair(
  out: usize, x: usize, count: u32, k: u32, rs: usize, cs: usize, step: usize,
): void {
  const end = out + <usize>k * step;
  if (count == 2 && cs == 4) {
    const whole = out + <usize>(k & ~1) * step;
    for (; out < whole; out += step << 1, x += 8) {
      const both = v128.load64_lane(x + rs, v128.load64_zero(x), 1);
      const pairs = v128.shuffle<f32>(both, both, 0, 2, 1, 3);
      v128.store64_lane(out, pairs, 0);
      v128.store64_lane(out + step, pairs, 1);
    }
  }
  for (; out < end; out += step, x += cs) v128.store64_lane(out, gather(x, rs, count), 0);
}

/**
 * Packs the panels of sixteen or of six rows of Aᵀ (rs = 4) at once, so that the cache lines of a
 * step of k are visited once: MR = 4 makes four panels, `size` bytes apart, MR = 6 one.
 */
function packLines(out: usize, a: usize, cs: usize, size: usize): void {
  const end = out + size;
  for (; out < end; out += MR * 4, a += cs) {
    v128.store(out, v128.load(a));
    if (MR == 6) {
      v128.store64_lane(out, v128.load64_zero(a, 16), 0, 16);
    } else {
      v128.store(out + size, v128.load(a, 16));
      v128.store(out + 2 * size, v128.load(a, 32));
      v128.store(out + 3 * size, v128.load(a, 48));
    }
  }
}

/** Packs `rows` rows of A, k long, into micro-panels. */
export function packA(out: usize, a: usize, rows: u32, k: u32, rs: usize, cs: usize): void {
  const size = <usize>k * MR * 4;
  const lines: u32 = MR == 6 ? 6 : 16;
  let i: u32 = 0;
  if (rs == 4) {
    for (; rows - i >= lines; i += lines, out += size * (lines / MR), a += lines << 2) {
      packLines(out, a, cs, size);
    }
  }
  for (; i < rows; i += MR, out += size, a += rs * MR) {
    packStrip(out, a, rows - i, k, rs, cs, MR * 4);
    if (MR == 4) continue;
    if (rows - i > 4) packPair(out + 16, a + (rs << 2), min(rows - i - 4, 2), k, rs, cs, MR * 4);
    else for (let to = out; to < out + size; to += MR * 4) store<u64>(to, 0, 16);
  }
}

/** Packs `cols` columns of B, k long, into micro-panels: two strips each. */
export function packB(out: usize, b: usize, cols: u32, k: u32, rs: usize, cs: usize): void {
  const size = <usize>k * NR * 4;
  for (let j: u32 = 0; j < cols; j += NR, out += size, b += cs * NR) {
    if (cs == 4 && cols - j >= NR) {
      // Both strips at once, so that each row's cache line is visited once.
      let x = b;
      for (let to = out; to < out + size; to += NR * 4, x += rs) {
        v128.store(to, v128.load(x));
        v128.store(to, v128.load(x, 16), 16);
      }
    } else {
      // A strip that is not there is the first one once more.
      let x = b;
      let count = cols - j;
      for (let to = out; to < out + 32; to += 16) {
        packStrip(to, x, count, k, cs, rs, NR * 4);
        if (count > 4) {
          count -= 4;
          x += cs << 2;
        }
      }
    }
  }
}

/** What `readAhead` has read, kept so that it is not left out. */
let seen: u32 = 0;

/**
 * Brings a block of C that is added to into L2, line after line. A tile takes its rows from as many
 * pages, where the hardware reads nothing ahead: that was 2 % of 1,024³.
 */
export function readAhead(c: usize, rows: u32, cols: u32, stride: usize): void {
  let bits: u32 = 0;
  for (; rows > 0; rows--, c += stride) {
    const end = c + (<usize>cols << 2);
    for (let at = c; at < end; at += 64) bits |= load<u32>(at);
  }
  seen = bits;
}
