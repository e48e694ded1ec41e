import { Activation } from "../../assembly/opcodes.js";
import { type Heap, SHIFT } from "./float.js";

const F = Math.fround;

/** Batch normalisation: the twins of `assembly/norm.ts` and `assembly/channelSums.ts`. */

/** Rows of one block: GEMM's KC. */
const KC = 256;
/** A block of a row sum has 2^BLOCK_SHIFT elements. */
const BLOCK_SHIFT = 12;

/** What a channel's sum adds, of one element of x and of dy. */
type Term = (x: number, dy: number) => number;

function rstdOf(variance: number, eps: number): number {
  return F(1 / F(Math.sqrt(F(variance + eps))));
}

/**
 * Σ of the terms of n elements in the order of rows. The partials q, q + step, q + 2·step, … < 16
 * over parts of 2^shift elements are halved as a tree over the distances 8, 4, 2, 1 entered from
 * its root (q = 0, step = 1); a part of more than one element is such a sum itself.
 */
function rowSum(
  f: Heap["f"],
  x: number,
  dy: number,
  n: number,
  term: Term,
  shift: number,
  q: number,
  step: number,
): number {
  if (step < 16) {
    const lower = rowSum(f, x, dy, n, term, shift, q, step * 2);
    return F(lower + rowSum(f, x, dy, n, term, shift, q + step, step * 2));
  }
  let s = 0;
  if (shift === 0) {
    for (let i = q; i < n; i += 16) s = F(s + term(f[x + i] as number, f[dy + i] as number));
    return s;
  }
  for (let i = q << shift; i < n; i += 16 << shift) {
    const length = Math.min(n - i, 1 << shift);
    const below = shift - BLOCK_SHIFT;
    s = F(s + rowSum(f, x + i, dy + i, length, term, below, 0, 1));
  }
  return s;
}

/** Σ of the terms of channel c of [outer, pitch, inner]: rows first, then blocks of KC rows. */
function channelSum(
  f: Heap["f"],
  x: number,
  dy: number,
  c: number,
  outer: number,
  pitch: number,
  inner: number,
  term: Term,
): number {
  const shift = inner <= 1 << BLOCK_SHIFT ? 0 : inner <= 1 << 24 ? BLOCK_SHIFT : 2 * BLOCK_SHIFT;
  let total = 0;
  for (let from = 0; from < outer; from += KC) {
    const end = Math.min(from + KC, outer);
    let s = 0;
    for (let r = from; r < end; r++) {
      const at = (r * pitch + c) * inner;
      const row =
        inner === 1
          ? term(f[x + at] as number, f[dy + at] as number)
          : rowSum(f, x + at, dy + at, inner, term, shift, 0, 1);
      s = F(s + row);
    }
    total = F(total + s);
  }
  return total;
}

export function batchNormForward(
  m: Heap,
  y: number,
  mean: number,
  variance: number,
  x: number,
  gamma: number,
  beta: number,
  outer: number,
  channels: number,
  inner: number,
  pitch: number,
  eps: number,
  activation: number,
): void {
  const f = m.f;
  const xs = x >>> SHIFT;
  const n = F(outer * inner);
  for (let c = 0; c < channels; c++) {
    const sum = channelSum(f, xs, xs, c, outer, pitch, inner, (v) => v);
    const centre = F(sum / n);
    const squares = channelSum(f, xs, xs, c, outer, pitch, inner, (v) => {
      const d = F(v - centre);
      return F(d * d);
    });
    f[(mean >>> SHIFT) + c] = centre;
    f[(variance >>> SHIFT) + c] = F(squares / n);
  }
  batchNormEval(
    m,
    y,
    x,
    mean,
    variance,
    gamma,
    beta,
    outer,
    channels,
    inner,
    eps,
    activation,
    pitch,
  );
}

export function batchNormEval(
  m: Heap,
  y: number,
  x: number,
  mean: number,
  variance: number,
  gamma: number,
  beta: number,
  outer: number,
  channels: number,
  inner: number,
  eps: number,
  activation: number,
  pitch = channels,
): void {
  const f = m.f;
  const ys = y >>> SHIFT;
  const xs = x >>> SHIFT;
  for (let c = 0; c < channels; c++) {
    const centre = f[(mean >>> SHIFT) + c] as number;
    const rstd = rstdOf(f[(variance >>> SHIFT) + c] as number, f[eps >>> SHIFT] as number);
    const scale = f[(gamma >>> SHIFT) + c] as number;
    const shift = f[(beta >>> SHIFT) + c] as number;
    for (let r = 0; r < outer; r++) {
      const start = (r * pitch + c) * inner;
      for (let i = start; i < start + inner; i++) {
        const xhat = F(F((f[xs + i] as number) - centre) * rstd);
        const v = F(F(xhat * scale) + shift);
        // Not Math.max, which would make −0 into 0.
        f[ys + i] = activation === Activation.Relu && v < 0 ? 0 : v;
      }
    }
  }
}

export function batchNormBackward(
  m: Heap,
  dx: number,
  dGamma: number,
  dBeta: number,
  x: number,
  mean: number,
  variance: number,
  gamma: number,
  dy: number,
  outer: number,
  channels: number,
  inner: number,
  pitch: number,
  eps: number,
  beta: number,
): void {
  const f = m.f;
  const out = dx >>> SHIFT;
  const xs = x >>> SHIFT;
  const dys = dy >>> SHIFT;
  const n = F(outer * inner);
  for (let c = 0; c < channels; c++) {
    const centre = f[(mean >>> SHIFT) + c] as number;
    const rstd = rstdOf(f[(variance >>> SHIFT) + c] as number, f[eps >>> SHIFT] as number);
    const weight = f[(gamma >>> SHIFT) + c] as number;
    const offset = f[(beta >>> SHIFT) + c] as number;
    const xhatOf = (v: number): number => F(F(v - centre) * rstd);
    // What a relu after the norm lets through.
    const passed: Term = (v, d) => (beta !== 0 && F(F(xhatOf(v) * weight) + offset) <= 0 ? 0 : d);
    const sum = channelSum(f, xs, dys, c, outer, pitch, inner, passed);
    const product = channelSum(f, xs, dys, c, outer, pitch, inner, (v, d) =>
      F(passed(v, d) * xhatOf(v)),
    );
    f[(dBeta >>> SHIFT) + c] = sum;
    f[(dGamma >>> SHIFT) + c] = product;
    const scale = F(weight * rstd);
    const shift = F(sum / n);
    const slope = F(product / n);
    for (let r = 0; r < outer; r++) {
      const start = (r * pitch + c) * inner;
      for (let i = start; i < start + inner; i++) {
        const v = f[xs + i] as number;
        const centred = F(passed(v, f[dys + i] as number) - shift);
        f[out + i] = F(scale * F(centred - F(xhatOf(v) * slope)));
      }
    }
  }
}
