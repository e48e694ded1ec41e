import { narrowKernel, rowKernel, shortKernel } from "./edgeKernels";
import { ReluBackward, SigmoidBackward, TanhBackward } from "./elementwise";
import { fusedProduct, isFused } from "./fused";
import { loadLanes, storeLanes } from "./lanes";
import { sigmoid4, tanh4 } from "./math";
import { MR, NR, microKernel } from "./microKernel";
import { Activation } from "./opcodes";
import { packA, packB, readAhead } from "./packing";
import { columnSums } from "./reduce";

/**
 * Matrix multiplication by BLIS's five loops (Van Zee & van de Geijn 2015) around one micro-kernel.
 * Operands come by row and column strides and are packed into micro-panels first, so A·B, Aᵀ·B and
 * A·Bᵀ differ only there.
 *
 *     jc   columns of C and B, NC at a time
 *     pc   k, KC at a time: a KC × NC block of B is packed, or a part of it at a time
 *     ic   rows of C and A, MC at a time: an MC × KC block of A is packed
 *     jr   micro-panels of B, NR wide
 *     ir   micro-panels of A, MR high: the micro-kernel adds their product to a tile of C
 */

/**
 * Contract: it fixes the order of additions. A micro-panel of B is then 8 KiB and stays in L1 while
 * A's pass by.
 */
export const KC: u32 = 256;
/**
 * The packed block of A, 128 KiB, stays in L2 while B's micro-panels pass by; a multiple of MR. MC
 * from 64 to 256 and NC from 256 to 1,024 differ by 3 %, at 1,024³ by 7 %: `bench/blocks.mjs`
 * compares them, and the constants below.
 */
const MC: u32 = ASC_FEATURE_RELAXED_SIMD ? 120 : 128;
/** The packed block of B, 512 KiB, is read once per block of A; wider only costs memory. */
const NC: u32 = 512;
/**
 * Columns of B that are packed at a time where one block of A holds all of its rows: two
 * micro-panels are in L1 still when they are multiplied, and the next ones take their place.
 */
const WIDTH: u32 = 2 * NR;

const B_AT: usize = <usize>MC * KC * 4;
const TILE_AT: usize = B_AT + <usize>KC * NC * 4;
const TILE_BYTES: usize = <usize>MR * NR * 4;
/**
 * Up to this many rows of A, B is read where it lies if its rows are contiguous: to pack it would cost
 * more than it saves. 5 % of the time at 32 rows, 3 % at 64, 1 % at 128.
 */
const UNPACKED: u32 = 64;
/**
 * The same of a B whose rows, multiples of 2 KiB apart, share few sets of L1, or whose block has more
 * than 64 pages, a TLB's: at 64 rows, to pack it saves 5 % of the time for 512 or 784 columns, 20 %
 * for 1,024 or 2,048.
 */
const UNPACKED_SCATTERED: u32 = ASC_FEATURE_RELAXED_SIMD ? 32 : 24;

/** Packed A, packed B and the sums of one tile for the edges. */
export function workspaceBytes(): u32 {
  return <u32>(TILE_AT + TILE_BYTES);
}

/** An activation of x, or the derivative of one at y times x; out of line, for its size. */
function curve(x: v128, activation: u32, y: usize, count: u32): v128 {
  switch (activation) {
    case Activation.None: return x;
    case Activation.Relu: return f32x4.pmax(x, f32x4.splat(0));
    case Activation.Sigmoid: return sigmoid4(x);
    case Activation.Tanh: return tanh4(x);
    case Activation.ReluBackward: return changetype<ReluBackward>(0).of(loadLanes(y, count), x);
    case Activation.SigmoidBackward:
      return changetype<SigmoidBackward>(0).of(loadLanes(y, count), x);
    default: return changetype<TanhBackward>(0).of(loadLanes(y, count), x);
  }
}

/** Applies a smooth activation, or the derivative of one, to a finished tile of C. */
function activate(c: usize, stride: usize, activation: u32, toY: usize): void {
  for (let row: u32 = 0; row < MR; row++, c += stride) {
    v128.store(c, curve(v128.load(c), activation, c + toY, 4));
    v128.store(c, curve(v128.load(c, 16), activation, c + toY + 16, 4), 16);
  }
}

/** From the sums of a tile to the part of C that it fills; the strides of both are in bytes. */
function finish(
  c: usize, stride: usize, sums: usize, step: usize, rows: u32, cols: u32,
  alpha: f32, beta: f32, bias: usize, activation: u32, toY: usize,
): void {
  for (; rows; rows--, c += stride, sums += step) {
    for (let col: u32 = 0; col < cols; col += 4) {
      const at = <usize>col << 2;
      const count = cols - col;
      let v = f32x4.mul(f32x4.splat(alpha), v128.load(sums + at));
      if (beta != 0) v = f32x4.add(f32x4.mul(f32x4.splat(beta), loadLanes(c + at, count)), v);
      if (bias) v = f32x4.add(v, loadLanes(bias + at, count));
      if (activation) v = curve(v, activation, c + at + toY, count);
      storeLanes(c + at, v, count);
    }
  }
}

// @ts-ignore: decorator
@inline
function least(a: u32, b: u32): u32 {
  return a < b ? a : b;
}

export function gemm(
  c: usize, a: usize, b: usize, bias: usize, m: u32, n: u32, k: u32,
  rsC: u32, rsA: u32, csA: u32, rsB: u32, csB: u32,
  alpha: usize, beta: usize, activation: u32, workspace: usize,
): void {
  product(
    c, a, b, bias, m, n, k, rsC, rsA, csA, rsB, csB,
    alpha ? load<f32>(alpha) : 1, beta ? load<f32>(beta) : 0, activation, workspace,
  );
}

export function gemmBackward(
  c: usize, a: usize, b: usize, y: usize, m: u32, n: u32, k: u32,
  rsC: u32, rsA: u32, csA: u32, rsB: u32, csB: u32,
  alpha: usize, beta: usize, activation: u32, workspace: usize,
): void {
  gemm(c, a, b, y, m, n, k, rsC, rsA, csA, rsB, csB, alpha, beta, activation, workspace);
}

export function gemmSums(
  c: usize, sums: usize, a: usize, b: usize, m: u32, n: u32, k: u32,
  rsC: u32, csA: u32, rsB: u32, csB: u32, workspace: usize,
): void {
  columnSums(sums, a, k, m, <usize>csA << 2, workspace);
  product(c, a, b, 0, m, n, k, rsC, 1, csA, rsB, csB, 1, 0, Activation.None, workspace);
}

/**
 * `gemm` with its scalars as numbers, for kernels that are made of products. With an activation's
 * derivative, `bias` is y.
 */
export function product(
  c: usize, a: usize, b: usize, bias: usize, m: u32, n: u32, k: u32,
  rsC: u32, rsA: u32, csA: u32, rsB: u32, csB: u32,
  scale: f32, keep: f32, activation: u32, workspace: usize,
): void {
  if (isFused()) {
    fusedProduct(
      c, a, b, bias, m, n, k, rsC, rsA, csA, rsB, csB, scale, keep, activation, workspace,
    );
    return;
  }
  const backward = activation >= <u32>Activation.ReluBackward;
  if (n == 1 && m > 1 && rsC == 1 && (backward || !bias)) {
    // One column: the row Cᵀ = Bᵀ·Aᵀ, the same sums side by side.
    product(c, b, a, bias, 1, m, k, m, 0, rsB, csA, rsA, scale, keep, activation, workspace);
    return;
  }
  const stride = <usize>rsC << 2;
  if (k == 1 && csB == 1 && keep == 0 && !bias && activation == Activation.None) {
    outer(c, a, b, m, n, stride, <usize>rsA << 2, scale);
    return;
  }
  // An empty product must leave beta·C as it is, −0 included: to add −0 does.
  const factor: f32 = k ? scale : keep == 0 ? 1 : -1;
  if (m == 1 && rsB == 1) {
    multiplyRow(
      c, a, b, n, k, <usize>csA << 2, <usize>csB << 2, factor, keep, backward ? 0 : bias, activation,
      bias - c, workspace,
    );
    return;
  }
  const scattered = rsB % 512 == 0 || least(k, KC) * rsB > 1 << 16;
  const direct = csB == 1 && n >= NR && m <= (scattered ? UNPACKED_SCATTERED : UNPACKED);
  for (let jc: u32 = 0; jc < n; jc += NC) {
    const nc = least(n - jc, NC);
    let pc: u32 = 0;
    do {
      const kc = least(k - pc, KC);
      const last = pc + kc == k;
      const block = b + ((<usize>pc * rsB + <usize>jc * csB) << 2);
      const whole = direct || m > MC;
      const width = whole ? nc : WIDTH;
      if (whole && !direct) {
        packB(workspace + B_AT, block, nc, kc, <usize>rsB << 2, <usize>csB << 2);
      }
      for (let ic: u32 = 0; ic < m; ic += MC) {
        const mc = least(m - ic, MC);
        const from = a + ((<usize>ic * rsA + <usize>pc * csA) << 2);
        packA(workspace, from, mc, kc, <usize>rsA << 2, <usize>csA << 2);
        const to = c + <usize>ic * stride + (<usize>jc << 2);
        if (pc > 0 || keep != 0) readAhead(to, mc, nc, stride);
        for (let jr: u32 = 0; jr < nc; jr += width) {
          const cols = least(nc - jr, width);
          let part = block + ((<usize>jr * csB) << 2);
          if (!direct) {
            if (!whole) {
              packB(workspace + B_AT, part, cols, kc, <usize>rsB << 2, <usize>csB << 2);
            }
            part = workspace + B_AT;
          }
          multiplyBlock(
            to + (<usize>jr << 2), workspace, part, mc, cols, kc, stride,
            direct, direct ? <usize>rsB << 2 : NR * 4, factor, pc == 0 ? keep : 1,
            last && bias && !backward ? bias + (<usize>(jc + jr) << 2) : 0,
            last ? activation : Activation.None, bias - c,
          );
        }
      }
      pc += KC;
    } while (pc < k);
  }
}

/** alpha · (0 + x·b): a sum begins with 0, which leaves no −0. */
// @ts-ignore: decorator
@inline
function term(alpha: v128, x: v128, b: v128): v128 {
  return f32x4.mul(alpha, f32x4.add(f32x4.splat(0), f32x4.mul(x, b)));
}

/** Of one term: rows of C are multiples of the one of B, and nothing is packed. */
function outer(
  c: usize, a: usize, b: usize, m: u32, n: u32, stride: usize, stepA: usize, scale: f32,
): void {
  const alpha = f32x4.splat(scale);
  for (; m > 0; m--, c += stride, a += stepA) {
    const x = v128.load32_splat(a);
    const end = c + (<usize>n << 2);
    let to = c;
    let from = b;
    for (; to + 32 <= end; to += 32, from += 32) {
      v128.store(to, term(alpha, x, v128.load(from)));
      v128.store(to, term(alpha, x, v128.load(from, 16)), 16);
    }
    for (; to < end; to += 16, from += 16) {
      const count = (end - to) >> 2;
      storeLanes(to, term(alpha, x, loadLanes(from, count)), count);
    }
  }
}

/**
 * The loops jr and ir over a packed block of A and one of B, packed or (`direct`) where it lies:
 * then the last columns are read from the last whole tile or half tile of B, as nothing is after
 * them. Sums at the edges are made in the workspace, for whole tiles, and finished there.
 */
function multiplyBlock(
  c: usize, workspace: usize, b: usize, m: u32, n: u32, k: u32, stride: usize,
  direct: bool, stepB: usize,
  alpha: f32, beta: f32, bias: usize, activation: u32, toY: usize,
): void {
  const relu = activation == Activation.Relu;
  const reluBackward = activation == Activation.ReluBackward;
  const curved = activation > <u32>Activation.Relu && !reluBackward;
  const sums = workspace + TILE_AT;
  const bytesA = <usize>k * MR * 4;
  const bytesB = direct ? <usize>NR * 4 : <usize>k * NR * 4;
  const over = m % MR;
  if (over == 1 || over == 2) {
    m -= over;
    multiplyRows(
      c + <usize>m * stride, workspace, workspace + <usize>(m / MR) * bytesA, b, over, n, k, stride,
      bytesB, direct, stepB, alpha, beta, bias, activation, toY,
    );
  }
  for (let jr: u32 = 0; jr < n; jr += NR, b += bytesB, c += NR * 4) {
    const cols = least(n - jr, NR);
    const shift = bias ? bias + (<usize>jr << 2) : 0;
    let a = workspace;
    let to = c;
    if (cols <= NR / 2) {
      const skip = direct ? (NR / 2 - cols) << 2 : 0;
      for (let ir: u32 = 0; ir < m; ir += 2 * MR, a += 2 * bytesA, to += stride * 2 * MR) {
        narrowKernel(sums, a, m - ir > MR ? a + bytesA : a, b - skip, k, stepB);
        finish(
          to, stride, sums + skip, NR * 2, least(m - ir, 2 * MR), cols,
          alpha, beta, shift, activation, toY,
        );
      }
      return;
    }
    const skip = direct ? (NR - cols) << 2 : 0;
    for (let ir: u32 = 0; ir < m; ir += MR, a += bytesA, to += stride * MR) {
      if (cols == NR && m - ir >= MR) {
        microKernel(
          to, a, b, k, stride, stepB, alpha, beta, shift, relu, reluBackward ? to + toY : 0,
        );
        if (curved) activate(to, stride, activation, toY);
      } else {
        microKernel(sums, a, b - skip, k, NR * 4, stepB, 1, 0, 0, false, 0);
        finish(
          to, stride, sums + skip, NR * 4, least(m - ir, MR), cols,
          alpha, beta, shift, activation, toY,
        );
      }
    }
  }
}

/** One or two rows of a block, the first ones of a micro-panel, sixteen columns at a time. */
function multiplyRows(
  c: usize, workspace: usize, a: usize, b: usize, rows: u32, n: u32, k: u32, stride: usize,
  bytesB: usize, direct: bool, stepB: usize,
  alpha: f32, beta: f32, bias: usize, activation: u32, toY: usize,
): void {
  const sums = workspace + TILE_AT;
  const width: u32 = direct && n < 2 * NR ? NR : 2 * NR;
  for (let jr: u32 = 0; jr < n; jr += width) {
    const cols = least(n - jr, width);
    const skip = direct ? (width - cols) << 2 : 0;
    const from = b + <usize>(jr / NR) * bytesB - skip;
    const wide = cols + (skip >> 2) > NR;
    shortKernel(sums, a, from, wide ? from + bytesB : from, k, stepB);
    finish(
      c + (<usize>jr << 2), stride, sums + skip, NR * 8, rows, cols,
      alpha, beta, bias ? bias + (<usize>jr << 2) : 0, activation, toY,
    );
  }
}

/**
 * One row of A with B stored transposed, as a layer's weight is: nothing is packed, since to pack B
 * takes longer than to multiply it by one row (at 784 × 256 both together take 1.7 times as long).
 */
function multiplyRow(
  c: usize, a: usize, b: usize, n: u32, k: u32, stepA: usize, stepB: usize,
  alpha: f32, beta: f32, bias: usize, activation: u32, toY: usize, workspace: usize,
): void {
  const sums = workspace + TILE_AT;
  const end = b + <usize>(n - 1) * stepB;
  for (let jr: u32 = 0; jr < n; jr += 2 * NR) {
    const to = c + (<usize>jr << 2);
    const from = b + <usize>jr * stepB;
    let pc: u32 = 0;
    do {
      const kc = least(k - pc, KC);
      const last = pc + kc == k;
      const begin = <usize>pc << 2;
      rowKernel(sums, a + <usize>pc * stepA, stepA, from + begin, stepB, end + begin, kc);
      finish(
        to, 0, sums, 0, 1, least(n - jr, 2 * NR), alpha, pc == 0 ? beta : 1,
        last && bias ? bias + (<usize>jr << 2) : 0, last ? activation : Activation.None, toY,
      );
      pc += KC;
    } while (pc < k);
  }
}

export function gemmBatched(
  c: usize, a: usize, b: usize, batch: u32, strideA: usize, strideB: usize,
  m: u32, n: u32, k: u32, rsA: u32, csA: u32, rsB: u32, csB: u32, workspace: usize,
): void {
  const strideC = <usize>m * n;
  for (let i: u32 = 0; i < batch; i++) {
    product(c, a, b, 0, m, n, k, n, rsA, csA, rsB, csB, 1, 0, Activation.None, workspace);
    c += strideC << 2;
    a += strideA << 2;
    b += strideB << 2;
  }
}
