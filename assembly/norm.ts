import { channelSums, rstdOf } from "./channelSums";
import { loadLanes, storeLanes } from "./lanes";

/**
 * Batch normalisation: what its sums per channel add, and its maps with constants per channel.
 * Sums and maps take a class with inlined methods, so that a tail is computed by the expression
 * of the body.
 */

/**
 * Rows of a tile of a map, over which strips of four channels pass: eight cache lines stay in an
 * eight-way L1 from one strip to the next even where rows lie a power of two apart.
 */
const TILE: usize = 8;

/** A term of the mean and of dBeta: x, or dy in its place. */
@unmanaged
class Value {
  // @ts-ignore: decorator
  @inline
  at(x: usize, _dy: usize, count: usize, _mean: v128, _rstd: v128): v128 {
    return loadLanes(x, count);
  }
}

/** A term of the variance: (x − mean)² */
@unmanaged
class SquaredDeviation {
  // @ts-ignore: decorator
  @inline
  at(x: usize, _dy: usize, count: usize, mean: v128, _rstd: v128): v128 {
    const d = f32x4.sub(loadLanes(x, count), mean);
    return f32x4.mul(d, d);
  }
}

/** A term of dGamma: dy · xhat */
@unmanaged
class GradientTimesXhat {
  // @ts-ignore: decorator
  @inline
  at(x: usize, dy: usize, count: usize, mean: v128, rstd: v128): v128 {
    return f32x4.mul(loadLanes(dy, count), normalized(loadLanes(x, count), mean, rstd));
  }
}

/** xhat = (x − mean) · rstd */
// @ts-ignore: decorator
@inline
function normalized(x: v128, mean: v128, rstd: v128): v128 {
  return f32x4.mul(f32x4.sub(x, mean), rstd);
}

/** values[c] /= n */
function divide(values: usize, channels: usize, n: f32): void {
  for (let at: usize = 0; at < channels << 2; at += 4)
    store<f32>(values + at, load<f32>(values + at) / n);
}

/** y = xhat · gamma + beta: the scale is gamma, the shift beta; there is no slope. */
@unmanaged
class Output {
  // @ts-ignore: decorator
  @inline
  scale(gamma: v128, _rstd: v128): v128 {
    return gamma;
  }
  // @ts-ignore: decorator
  @inline
  perElement(value: v128, _n: v128): v128 {
    return value;
  }
  // @ts-ignore: decorator
  @inline
  at(
    x: usize, _dy: usize, count: usize, mean: v128, rstd: v128,
    scale: v128, shift: v128, _slope: v128,
  ): v128 {
    const xhat = normalized(loadLanes(x, count), mean, rstd);
    return f32x4.add(f32x4.mul(xhat, scale), shift);
  }
}

/**
 * dx = scale · ((dy − shift) − xhat · slope),
 * scale = gamma · rstd, shift = dBeta / n, slope = dGamma / n
 */
@unmanaged
class Gradient {
  // @ts-ignore: decorator
  @inline
  scale(gamma: v128, rstd: v128): v128 {
    return f32x4.mul(gamma, rstd);
  }
  // @ts-ignore: decorator
  @inline
  perElement(value: v128, n: v128): v128 {
    return f32x4.div(value, n);
  }
  // @ts-ignore: decorator
  @inline
  at(
    x: usize, dy: usize, count: usize, mean: v128, rstd: v128,
    scale: v128, shift: v128, slope: v128,
  ): v128 {
    const xhat = normalized(loadLanes(x, count), mean, rstd);
    const centred = f32x4.sub(loadLanes(dy, count), shift);
    return f32x4.mul(scale, f32x4.sub(centred, f32x4.mul(xhat, slope)));
  }
}

/** Maps `steps` groups of `count` elements, `stride` bytes apart, all with the same constants. */
// @ts-ignore: decorator
@inline
function mapGroups<F>(
  out: usize, x: usize, dy: usize, steps: usize, stride: usize, count: usize,
  mean: v128, rstd: v128, scale: v128, shift: v128, slope: v128,
): void {
  for (let i: usize = 0; i < steps; i++) {
    storeLanes(out, changetype<F>(0).at(x, dy, count, mean, rstd, scale, shift, slope), count);
    out += stride;
    x += stride;
    dy += stride;
  }
}

/** inner = 1: constants in the lanes, a strip of channels of a tile of rows at a time. */
function mapColumns<F>(
  out: usize, x: usize, dy: usize, mean: usize, variance: usize, gamma: usize, beta: usize,
  slopes: usize, outer: usize, channels: usize, eps: usize,
): void {
  const n = f32x4.splat(<f32>outer);
  const stride = channels << 2;
  for (let from: usize = 0; from < outer; from += TILE) {
    const rows = min<usize>(outer - from, TILE);
    for (let c: usize = 0; c < channels; c += 4) {
      const o = c << 2;
      const count = min<usize>(channels - c, 4);
      const m = loadLanes(mean + o, count);
      const r = rstdOf(loadLanes(variance + o, count), eps);
      const scale = changetype<F>(0).scale(loadLanes(gamma + o, count), r);
      const shift = changetype<F>(0).perElement(loadLanes(beta + o, count), n);
      const slope = changetype<F>(0).perElement(loadLanes(slopes + o, count), n);
      const at = from * stride + o;
      if (count == 4)
        mapGroups<F>(out + at, x + at, dy + at, rows, stride, 4, m, r, scale, shift, slope);
      else mapGroups<F>(out + at, x + at, dy + at, rows, stride, count, m, r, scale, shift, slope);
    }
  }
}

/** inner > 1: one channel at a time, its constants in every lane. */
function mapRows<F>(
  out: usize, x: usize, dy: usize, mean: usize, variance: usize, gamma: usize, beta: usize,
  slopes: usize, outer: usize, channels: usize, inner: usize, eps: usize,
): void {
  const n = f32x4.splat(<f32>(outer * inner));
  const bytes = inner << 2;
  const body = bytes & ~15;
  for (let c: usize = 0; c < channels; c++) {
    const o = c << 2;
    const m = v128.load32_splat(mean + o);
    const r = rstdOf(v128.load32_splat(variance + o), eps);
    const scale = changetype<F>(0).scale(v128.load32_splat(gamma + o), r);
    const shift = changetype<F>(0).perElement(v128.load32_splat(beta + o), n);
    const slope = changetype<F>(0).perElement(v128.load32_splat(slopes + o), n);
    for (let row: usize = 0; row < outer; row++) {
      const at = (row * channels + c) * bytes;
      const end = at + body;
      mapGroups<F>(
        out + at, x + at, dy + at, inner >> 2, 16, 4, m, r, scale, shift, slope,
      );
      if (body < bytes)
        mapGroups<F>(
          out + end, x + end, dy + end, 1, 16, inner & 3, m, r, scale, shift, slope,
        );
    }
  }
}

export function batchNormForward(
  y: usize, mean: usize, variance: usize, x: usize, gamma: usize, beta: usize,
  outer: usize, channels: usize, inner: usize, eps: usize,
): void {
  const n = <f32>(outer * inner);
  channelSums<Value>(mean, x, x, 0, 0, outer, channels, inner, eps);
  divide(mean, channels, n);
  channelSums<SquaredDeviation>(variance, x, x, mean, 0, outer, channels, inner, eps);
  divide(variance, channels, n);
  batchNormEval(y, x, mean, variance, gamma, beta, outer, channels, inner, eps);
}

export function batchNormEval(
  y: usize, x: usize, mean: usize, variance: usize, gamma: usize, beta: usize,
  outer: usize, channels: usize, inner: usize, eps: usize,
): void {
  if (inner == 1)
    mapColumns<Output>(y, x, x, mean, variance, gamma, beta, beta, outer, channels, eps);
  else mapRows<Output>(y, x, x, mean, variance, gamma, beta, beta, outer, channels, inner, eps);
}

export function batchNormBackward(
  dx: usize, dGamma: usize, dBeta: usize, x: usize, mean: usize, variance: usize, gamma: usize,
  dy: usize, outer: usize, channels: usize, inner: usize, eps: usize,
): void {
  channelSums<Value>(dBeta, dy, dy, 0, 0, outer, channels, inner, eps);
  channelSums<GradientTimesXhat>(dGamma, x, dy, mean, variance, outer, channels, inner, eps);
  if (inner == 1)
    mapColumns<Gradient>(
      dx, x, dy, mean, variance, gamma, dBeta, dGamma, outer, channels, eps,
    );
  else
    mapRows<Gradient>(
      dx, x, dy, mean, variance, gamma, dBeta, dGamma, outer, channels, inner, eps,
    );
}
