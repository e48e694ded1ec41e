import { ReluBackward, SigmoidBackward, TanhBackward } from "./elementwise";
import { loadLanes, storeLanes } from "./lanes";
import { sigmoid4, tanh4 } from "./math";
import { MR, NR, microKernel } from "./microKernel";
import { Activation } from "./opcodes";
import { packA, packB } from "./packing";
import { columnSums } from "./reduce";

/**
 * Matrix multiplication by BLIS's five loops (Van Zee & van de Geijn 2015) around one micro-kernel.
 * Operands come by row and column strides and are packed into micro-panels first, so A·B, Aᵀ·B and
 * A·Bᵀ differ only there.
 *
 *     jc   columns of C and B, NC at a time
 *     pc   k, KC at a time: a KC × NC block of B is packed
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
 * The packed block of A, 128 KiB, stays in L2 while B's micro-panels pass by. MC from 64 to 192 and
 * NC from 256 to 1,024 differ by 3 %, at 1,024³ by 7 %.
 */
const MC: u32 = ASC_FEATURE_RELAXED_SIMD ? 120 : 128;
/** The packed block of B, 512 KiB, is read once per block of A; wider only costs memory. */
const NC: u32 = 512;

const B_AT: usize = <usize>MC * KC * 4;
const TILE_AT: usize = B_AT + <usize>KC * NC * 4;
const TILE_BYTES: usize = <usize>MR * NR * 4;
const BIAS_AT: usize = TILE_AT + TILE_BYTES;

/** Packed A, packed B, one tile of C and one of the bias for the edges. */
export function workspaceBytes(): u32 {
  return <u32>(BIAS_AT + NR * 4);
}

/**
 * Applies an activation other than relu, or a derivative, to the valid part of a finished tile: out
 * of line, since calls would spill the micro-kernel's registers. y lies `toY` bytes after C.
 */
function activate(
  c: usize, stride: usize, rows: u32, cols: u32, activation: u32, toY: usize,
): void {
  for (; rows; rows--, c += stride) {
    for (let col: u32 = 0; col < cols; col += 4) {
      const at = c + (<usize>col << 2);
      const x = loadLanes(at, cols - col);
      let v: v128;
      if (activation == Activation.Sigmoid) v = sigmoid4(x);
      else if (activation == Activation.Tanh) v = tanh4(x);
      else {
        const y = loadLanes(at + toY, cols - col);
        if (activation == Activation.ReluBackward) v = changetype<ReluBackward>(0).of(y, x);
        else if (activation == Activation.TanhBackward) v = changetype<TanhBackward>(0).of(y, x);
        else v = changetype<SigmoidBackward>(0).of(y, x);
      }
      storeLanes(at, v, cols - col);
    }
  }
}

/** Copies the valid part of a tile; row strides in bytes. */
function copyTile(
  to: usize, toStride: usize, from: usize, fromStride: usize, rows: u32, cols: u32,
): void {
  for (; rows; rows--, to += toStride, from += fromStride) {
    storeLanes(to, loadLanes(from, cols), cols);
    if (cols > 4) storeLanes(to + 16, loadLanes(from + 16, cols - 4), cols - 4);
  }
}

// @ts-ignore: decorator
@inline
function least(a: u32, b: u32): u32 {
  return a < b ? a : b;
}

/** `product` of the relaxed build (`assembly/relaxed.ts`). */
// @ts-ignore: decorator
@external("env", "fusedProduct")
declare function fusedProduct(
  c: usize, a: usize, b: usize, bias: usize, m: u32, n: u32, k: u32,
  rsC: u32, rsA: u32, csA: u32, rsB: u32, csB: u32,
  scale: f32, keep: f32, activation: u32, workspace: usize,
): void;

let fused = false;

/** Whether every product of this instance is left to the relaxed build from now on. */
export function fuseProducts(on: bool): void {
  fused = on;
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
  columnSums(sums, a, k, m, <usize>csA << 2);
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
  if (!ASC_FEATURE_RELAXED_SIMD && fused) {
    fusedProduct(
      c, a, b, bias, m, n, k, rsC, rsA, csA, rsB, csB, scale, keep, activation, workspace,
    );
    return;
  }
  const stride = <usize>rsC << 2;
  const backward = activation >= <u32>Activation.ReluBackward;
  // An empty product must leave beta·C as it is, −0 included: to add −0 does.
  const factor: f32 = k ? scale : keep == 0 ? 1 : -1;
  for (let jc: u32 = 0; jc < n; jc += NC) {
    const nc = least(n - jc, NC);
    let pc: u32 = 0;
    do {
      const kc = least(k - pc, KC);
      const last = pc + kc == k;
      packB(
        workspace + B_AT, b + ((<usize>pc * rsB + <usize>jc * csB) << 2), nc, kc,
        <usize>rsB << 2, <usize>csB << 2,
      );
      for (let ic: u32 = 0; ic < m; ic += MC) {
        const mc = least(m - ic, MC);
        packA(
          workspace, a + ((<usize>ic * rsA + <usize>pc * csA) << 2), mc, kc,
          <usize>rsA << 2, <usize>csA << 2,
        );
        multiplyBlock(
          c + <usize>ic * stride + (<usize>jc << 2), workspace, mc, nc, kc, stride,
          factor, pc == 0 ? keep : 1,
          last && bias && !backward ? bias + (<usize>jc << 2) : 0,
          last ? activation : Activation.None, bias - c,
        );
      }
      pc += KC;
    } while (pc < k);
  }
}

/**
 * The loops jr and ir over packed blocks. Tiles at the edges are computed whole in the workspace
 * and copied.
 */
function multiplyBlock(
  c: usize, workspace: usize, m: u32, n: u32, k: u32, stride: usize,
  alpha: f32, beta: f32, bias: usize, activation: u32, toY: usize,
): void {
  const relu = activation == Activation.Relu;
  const reluBackward = activation == Activation.ReluBackward;
  const curved = activation > <u32>Activation.Relu;
  const tile = workspace + TILE_AT;
  const bytesA = <usize>k * MR * 4;
  const bytesB = <usize>k * NR * 4;
  let b = workspace + B_AT;
  for (let jr: u32 = 0; jr < n; jr += NR, b += bytesB) {
    const cols = least(n - jr, NR);
    let shift = bias ? bias + (<usize>jr << 2) : 0;
    if (bias && cols < NR) {
      shift = workspace + BIAS_AT;
      copyTile(shift, 0, bias + (<usize>jr << 2), 0, 1, cols);
    }
    let a = workspace;
    let to = c + (<usize>jr << 2);
    for (let ir: u32 = 0; ir < m; ir += MR, a += bytesA, to += stride * MR) {
      const rows = least(m - ir, MR);
      if (rows == MR && cols == NR) {
        microKernel(to, a, b, k, stride, alpha, beta, shift, relu, reluBackward ? to + toY : 0);
        if (reluBackward) continue;
      } else {
        if (beta != 0) copyTile(tile, NR * 4, to, stride, rows, cols);
        microKernel(tile, a, b, k, NR * 4, alpha, beta, shift, relu, 0);
        copyTile(to, stride, tile, NR * 4, rows, cols);
      }
      if (curved) activate(to, stride, rows, cols, activation, toY);
    }
  }
}

export function gemmBatched(
  c: usize, a: usize, b: usize, batch: u32, strideA: usize, strideB: usize,
  m: u32, n: u32, k: u32, rsA: u32, csA: u32, rsB: u32, csB: u32, workspace: usize,
): void {
  const strideC = <usize>m * n;
  for (let i: u32 = 0; i < batch; i++) {
    gemm(c, a, b, 0, m, n, k, n, rsA, csA, rsB, csB, 0, 0, Activation.None, workspace);
    c += strideC << 2;
    a += strideA << 2;
    b += strideB << 2;
  }
}
