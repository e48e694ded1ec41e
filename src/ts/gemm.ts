import { Activation } from "../../assembly/opcodes.js";
import { type Heap, SHIFT } from "./float.js";
import { sigmoid1, tanh1 } from "./math.js";
import { columnSum } from "./reduce.js";

const F = Math.fround;

/**
 * Matrix multiplication in the order of `assembly/gemm.ts`: blocks of KC along k, and in each a 4 ×
 * 4 tile of sums at a time, as many as stay in registers. Operands are read where they lie: to pack
 * them costs more here than it saves.
 */

export const KC = 256;

/** f(v), or f′ at y = f(x) times v. */
function activated(activation: number, v: number, y: number): number {
  switch (activation) {
    case Activation.Relu:
      // Not Math.max, which would make −0 into 0.
      return v < 0 ? 0 : v;
    case Activation.Sigmoid:
      return sigmoid1(v);
    case Activation.Tanh:
      return tanh1(v);
    case Activation.ReluBackward:
      return y <= 0 ? 0 : v;
    case Activation.SigmoidBackward:
      return F(F(v * F(1 - y)) * y);
    case Activation.TanhBackward:
      return F(v * F(1 - F(y * y)));
    default:
      return v;
  }
}

/**
 * What becomes of a sum on its way to f[at]; `shift` is undefined before the last block and without
 * a bias; y lies `toY` elements after C.
 */
function finish(
  f: Heap["f"],
  at: number,
  s: number,
  alpha: number,
  beta: number,
  shift: number | undefined,
  activation: number,
  toY: number,
): void {
  let v = F(alpha * s);
  if (beta !== 0) v = F(F(beta * (f[at] as number)) + v);
  if (shift !== undefined) v = F(v + shift);
  if (activation !== Activation.None) {
    const y = activation >= Activation.ReluBackward ? (f[at + toY] as number) : 0;
    v = activated(activation, v, y);
  }
  f[at] = v;
}

/** Σ over one block of k of a row of A with a column of B, for the entries that fill no tile. */
function dot(f: Heap["f"], a: number, b: number, k: number, csA: number, rsB: number): number {
  let s = 0;
  for (let p = 0; p < k; p++, a += csA, b += rsB) {
    s = F(s + F((f[a] as number) * (f[b] as number)));
  }
  return s;
}

/** The sixteen sums of a tile over one block of k, and their way to C. Strides in elements. */
function tile(
  f: Heap["f"],
  c: number,
  a: number,
  b: number,
  bias: number,
  k: number,
  rsC: number,
  rsA: number,
  csA: number,
  rsB: number,
  csB: number,
  alpha: number,
  beta: number,
  activation: number,
  toY: number,
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
  let at = a;
  let bt = b;
  for (let p = 0; p < k; p++, at += csA, bt += rsB) {
    const b0 = f[bt] as number;
    const b1 = f[bt + csB] as number;
    const b2 = f[bt + 2 * csB] as number;
    const b3 = f[bt + 3 * csB] as number;
    let x = f[at] as number;
    s00 = F(s00 + F(x * b0));
    s01 = F(s01 + F(x * b1));
    s02 = F(s02 + F(x * b2));
    s03 = F(s03 + F(x * b3));
    x = f[at + rsA] as number;
    s10 = F(s10 + F(x * b0));
    s11 = F(s11 + F(x * b1));
    s12 = F(s12 + F(x * b2));
    s13 = F(s13 + F(x * b3));
    x = f[at + 2 * rsA] as number;
    s20 = F(s20 + F(x * b0));
    s21 = F(s21 + F(x * b1));
    s22 = F(s22 + F(x * b2));
    s23 = F(s23 + F(x * b3));
    x = f[at + 3 * rsA] as number;
    s30 = F(s30 + F(x * b0));
    s31 = F(s31 + F(x * b1));
    s32 = F(s32 + F(x * b2));
    s33 = F(s33 + F(x * b3));
  }
  const shift0 = bias < 0 ? undefined : (f[bias] as number);
  const shift1 = bias < 0 ? undefined : (f[bias + 1] as number);
  const shift2 = bias < 0 ? undefined : (f[bias + 2] as number);
  const shift3 = bias < 0 ? undefined : (f[bias + 3] as number);
  finish(f, c, s00, alpha, beta, shift0, activation, toY);
  finish(f, c + 1, s01, alpha, beta, shift1, activation, toY);
  finish(f, c + 2, s02, alpha, beta, shift2, activation, toY);
  finish(f, c + 3, s03, alpha, beta, shift3, activation, toY);
  finish(f, c + rsC, s10, alpha, beta, shift0, activation, toY);
  finish(f, c + rsC + 1, s11, alpha, beta, shift1, activation, toY);
  finish(f, c + rsC + 2, s12, alpha, beta, shift2, activation, toY);
  finish(f, c + rsC + 3, s13, alpha, beta, shift3, activation, toY);
  finish(f, c + 2 * rsC, s20, alpha, beta, shift0, activation, toY);
  finish(f, c + 2 * rsC + 1, s21, alpha, beta, shift1, activation, toY);
  finish(f, c + 2 * rsC + 2, s22, alpha, beta, shift2, activation, toY);
  finish(f, c + 2 * rsC + 3, s23, alpha, beta, shift3, activation, toY);
  finish(f, c + 3 * rsC, s30, alpha, beta, shift0, activation, toY);
  finish(f, c + 3 * rsC + 1, s31, alpha, beta, shift1, activation, toY);
  finish(f, c + 3 * rsC + 2, s32, alpha, beta, shift2, activation, toY);
  finish(f, c + 3 * rsC + 3, s33, alpha, beta, shift3, activation, toY);
}

export function gemm(
  heap: Heap,
  c: number,
  a: number,
  b: number,
  bias: number,
  m: number,
  n: number,
  k: number,
  rsC: number,
  rsA: number,
  csA: number,
  rsB: number,
  csB: number,
  alpha: number,
  beta: number,
  activation: number,
): void {
  const scale = alpha === 0 ? 1 : (heap.f[alpha >>> SHIFT] as number);
  const keep = beta === 0 ? 0 : (heap.f[beta >>> SHIFT] as number);
  product(heap, c, a, b, bias, m, n, k, rsC, rsA, csA, rsB, csB, scale, keep, activation);
}

export function gemmBackward(
  heap: Heap,
  c: number,
  a: number,
  b: number,
  y: number,
  m: number,
  n: number,
  k: number,
  rsC: number,
  rsA: number,
  csA: number,
  rsB: number,
  csB: number,
  alpha: number,
  beta: number,
  activation: number,
): void {
  gemm(heap, c, a, b, y, m, n, k, rsC, rsA, csA, rsB, csB, alpha, beta, activation);
}

export function gemmSums(
  heap: Heap,
  c: number,
  sums: number,
  a: number,
  b: number,
  m: number,
  n: number,
  k: number,
  rsC: number,
  csA: number,
  rsB: number,
  csB: number,
): void {
  const { f } = heap;
  for (let i = 0; i < m; i++) {
    f[(sums >>> SHIFT) + i] = columnSum(f, (a >>> SHIFT) + i, k, csA);
  }
  product(heap, c, a, b, 0, m, n, k, rsC, 1, csA, rsB, csB, 1, 0, Activation.None);
}

/**
 * `gemm` with its scalars as numbers, for kernels that are made of products. With an activation's
 * derivative, `bias` is y.
 */
export function product(
  heap: Heap,
  c: number,
  a: number,
  b: number,
  bias: number,
  m: number,
  n: number,
  k: number,
  rsC: number,
  rsA: number,
  csA: number,
  rsB: number,
  csB: number,
  scale: number,
  keep: number,
  activation: number,
): void {
  const f = heap.f;
  const to = c >>> SHIFT;
  const backward = activation >= Activation.ReluBackward;
  const toY = (bias >>> SHIFT) - to;
  // An empty product must leave beta·C as it is, −0 included: to add −0 does.
  const factor = k > 0 ? scale : keep === 0 ? 1 : -1;
  let pc = 0;
  do {
    const kc = Math.min(k - pc, KC);
    const last = pc + kc === k;
    const shifts = last && bias !== 0 && !backward ? bias >>> SHIFT : -1;
    const curve = last ? activation : Activation.None;
    const rate = pc === 0 ? keep : 1;
    const blockA = (a >>> SHIFT) + pc * csA;
    const blockB = (b >>> SHIFT) + pc * rsB;
    for (let i = 0; i < m; i += 4) {
      const rows = Math.min(m - i, 4);
      for (let j = 0; j < n; j += 4) {
        const cols = Math.min(n - j, 4);
        const shift = shifts < 0 ? -1 : shifts + j;
        const tileC = to + i * rsC + j;
        const tileA = blockA + i * rsA;
        const tileB = blockB + j * csB;
        if (rows === 4 && cols === 4) {
          tile(
            f,
            tileC,
            tileA,
            tileB,
            shift,
            kc,
            rsC,
            rsA,
            csA,
            rsB,
            csB,
            factor,
            rate,
            curve,
            toY,
          );
          continue;
        }
        for (let row = 0; row < rows; row++) {
          for (let col = 0; col < cols; col++) {
            const s = dot(f, tileA + row * rsA, tileB + col * csB, kc, csA, rsB);
            const add = shift < 0 ? undefined : (f[shift + col] as number);
            finish(f, tileC + row * rsC + col, s, factor, rate, add, curve, toY);
          }
        }
      }
    }
    pc += KC;
  } while (pc < k);
}

export function gemmBatched(
  heap: Heap,
  c: number,
  a: number,
  b: number,
  batch: number,
  strideA: number,
  strideB: number,
  m: number,
  n: number,
  k: number,
  rsA: number,
  csA: number,
  rsB: number,
  csB: number,
): void {
  const at = (address: number, elements: number): number => address + elements * (1 << SHIFT);
  for (let i = 0; i < batch; i++)
    gemm(
      heap,
      at(c, i * m * n),
      at(a, i * strideA),
      at(b, i * strideB),
      ...([0, m, n, k, n, rsA, csA, rsB, csB, 0, 0, Activation.None] as const),
    );
}
