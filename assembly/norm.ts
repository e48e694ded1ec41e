import { channelSum, columnSums, rstdOf } from "./channelSums";
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

/**
 * inner > 1: one channel at a time, its constants in every lane; x, dy and out begin with its first
 * row, `stride` bytes from one to the next.
 */
function mapChannel<F>(
  out: usize, x: usize, dy: usize, mean: v128, rstd: v128, gamma: v128, beta: v128, slopes: v128,
  outer: usize, stride: usize, inner: usize,
): void {
  const n = f32x4.splat(<f32>(outer * inner));
  const scale = changetype<F>(0).scale(gamma, rstd);
  const shift = changetype<F>(0).perElement(beta, n);
  const slope = changetype<F>(0).perElement(slopes, n);
  const body = (inner << 2) & ~15;
  for (let row: usize = 0; row < outer; row++) {
    mapGroups<F>(out, x, dy, inner >> 2, 16, 4, mean, rstd, scale, shift, slope);
    if (inner & 3)
      mapGroups<F>(
        out + body, x + body, dy + body, 1, 16, inner & 3, mean, rstd, scale, shift, slope,
      );
    out += stride;
    x += stride;
    dy += stride;
  }
}

export function batchNormForward(
  y: usize, mean: usize, variance: usize, x: usize, gamma: usize, beta: usize,
  outer: usize, channels: usize, inner: usize, eps: usize,
): void {
  const n = <f32>(outer * inner);
  if (inner == 1) {
    columnSums<Value>(mean, x, x, 0, 0, outer, channels, eps);
    divide(mean, channels, n);
    columnSums<SquaredDeviation>(variance, x, x, mean, 0, outer, channels, eps);
    divide(variance, channels, n);
    batchNormEval(y, x, mean, variance, gamma, beta, outer, channels, inner, eps);
    return;
  }
  // A channel is read three times while it is in cache.
  const stride = channels * inner << 2;
  for (let c: usize = 0; c < channels << 2; c += 4) {
    const m = channelSum<Value>(x, x, 0, 0, outer, stride, inner) / n;
    const v = channelSum<SquaredDeviation>(x, x, m, 0, outer, stride, inner) / n;
    store<f32>(mean + c, m);
    store<f32>(variance + c, v);
    const shift = v128.load32_splat(beta + c);
    mapChannel<Output>(
      y, x, x, f32x4.splat(m), rstdOf(f32x4.splat(v), eps), v128.load32_splat(gamma + c), shift,
      shift, outer, stride, inner,
    );
    x += inner << 2;
    y += inner << 2;
  }
}

export function batchNormEval(
  y: usize, x: usize, mean: usize, variance: usize, gamma: usize, beta: usize,
  outer: usize, channels: usize, inner: usize, eps: usize,
): void {
  if (inner == 1) {
    mapColumns<Output>(y, x, x, mean, variance, gamma, beta, beta, outer, channels, eps);
    return;
  }
  for (let c: usize = 0; c < channels << 2; c += 4) {
    const shift = v128.load32_splat(beta + c);
    mapChannel<Output>(
      y, x, x, v128.load32_splat(mean + c), rstdOf(v128.load32_splat(variance + c), eps),
      v128.load32_splat(gamma + c), shift, shift, outer, channels * inner << 2, inner,
    );
    x += inner << 2;
    y += inner << 2;
  }
}

export function batchNormBackward(
  dx: usize, dGamma: usize, dBeta: usize, x: usize, mean: usize, variance: usize, gamma: usize,
  dy: usize, outer: usize, channels: usize, inner: usize, eps: usize,
): void {
  if (inner == 1) {
    columnSums<Value>(dBeta, dy, dy, 0, 0, outer, channels, eps);
    columnSums<GradientTimesXhat>(dGamma, x, dy, mean, variance, outer, channels, eps);
    mapColumns<Gradient>(
      dx, x, dy, mean, variance, gamma, dBeta, dGamma, outer, channels, eps,
    );
    return;
  }
  const stride = channels * inner << 2;
  for (let c: usize = 0; c < channels << 2; c += 4) {
    const m = load<f32>(mean + c);
    const rstd = rstdOf(v128.load32_splat(variance + c), eps);
    const r = f32x4.extract_lane(rstd, 0);
    const sum = channelSum<Value>(dy, dy, m, r, outer, stride, inner);
    const product = channelSum<GradientTimesXhat>(x, dy, m, r, outer, stride, inner);
    store<f32>(dBeta + c, sum);
    store<f32>(dGamma + c, product);
    mapChannel<Gradient>(
      dx, x, dy, f32x4.splat(m), rstd, v128.load32_splat(gamma + c), f32x4.splat(sum),
      f32x4.splat(product), outer, stride, inner,
    );
    x += inner << 2;
    dy += inner << 2;
    dx += inner << 2;
  }
}
