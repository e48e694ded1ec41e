import { channelSum, columnSums, rstdOf } from "./channelSums";
import { loadLanes, storeLanes } from "./lanes";
import { Activation } from "./opcodes";

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
  at(
    x: usize, _dy: usize, count: usize, _mean: v128, _rstd: v128, _gamma: v128, _beta: v128,
  ): v128 {
    return loadLanes(x, count);
  }
}

/** A term of the variance: (x − mean)² */
@unmanaged
class SquaredDeviation {
  // @ts-ignore: decorator
  @inline
  at(
    x: usize, _dy: usize, count: usize, mean: v128, _rstd: v128, _gamma: v128, _beta: v128,
  ): v128 {
    const d = f32x4.sub(loadLanes(x, count), mean);
    return f32x4.mul(d, d);
  }
}

/** A term of dGamma: dy · xhat */
@unmanaged
class GradientTimesXhat {
  // @ts-ignore: decorator
  @inline
  at(
    x: usize, dy: usize, count: usize, mean: v128, rstd: v128, _gamma: v128, _beta: v128,
  ): v128 {
    return f32x4.mul(loadLanes(dy, count), normalized(loadLanes(x, count), mean, rstd));
  }
}

/** A term of dBeta after a relu. */
@unmanaged
class PassedValue {
  // @ts-ignore: decorator
  @inline
  at(x: usize, dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, beta: v128): v128 {
    return passed(loadLanes(dy, count), normalized(loadLanes(x, count), mean, rstd), gamma, beta);
  }
}

/** A term of dGamma after a relu. */
@unmanaged
class PassedTimesXhat {
  // @ts-ignore: decorator
  @inline
  at(x: usize, dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, beta: v128): v128 {
    const xhat = normalized(loadLanes(x, count), mean, rstd);
    return f32x4.mul(passed(loadLanes(dy, count), xhat, gamma, beta), xhat);
  }
}

/** xhat = (x − mean) · rstd */
// @ts-ignore: decorator
@inline
function normalized(x: v128, mean: v128, rstd: v128): v128 {
  return f32x4.mul(f32x4.sub(x, mean), rstd);
}

/** What a relu after the norm lets through of dy: 0 where y = xhat · gamma + beta ≤ 0. */
// @ts-ignore: decorator
@inline
function passed(dy: v128, xhat: v128, gamma: v128, beta: v128): v128 {
  const y = f32x4.add(f32x4.mul(xhat, gamma), beta);
  return v128.andnot(dy, f32x4.le(y, f32x4.splat(0)));
}

/** values[c] /= n */
function divide(values: usize, channels: usize, n: f32): void {
  for (let at: usize = 0; at < channels << 2; at += 4)
    store<f32>(values + at, load<f32>(values + at) / n);
}

/** y = xhat · gamma + beta */
@unmanaged
class Output {
  // @ts-ignore: decorator
  @inline
  at(
    x: usize, _dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, beta: v128,
    _shift: v128, _slope: v128,
  ): v128 {
    const xhat = normalized(loadLanes(x, count), mean, rstd);
    return f32x4.add(f32x4.mul(xhat, gamma), beta);
  }
}

/** relu of it */
@unmanaged
class ReluOutput {
  // @ts-ignore: decorator
  @inline
  at(
    x: usize, _dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, beta: v128,
    _shift: v128, _slope: v128,
  ): v128 {
    const xhat = normalized(loadLanes(x, count), mean, rstd);
    return f32x4.pmax(f32x4.add(f32x4.mul(xhat, gamma), beta), f32x4.splat(0));
  }
}

/** dx = (gamma · rstd) · ((dy − shift) − xhat · slope), shift = dBeta / n, slope = dGamma / n */
@unmanaged
class Gradient {
  // @ts-ignore: decorator
  @inline
  at(
    x: usize, dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, _beta: v128,
    shift: v128, slope: v128,
  ): v128 {
    const xhat = normalized(loadLanes(x, count), mean, rstd);
    return gradient(loadLanes(dy, count), xhat, rstd, gamma, shift, slope);
  }
}

/** The same after a relu. */
@unmanaged
class ReluGradient {
  // @ts-ignore: decorator
  @inline
  at(
    x: usize, dy: usize, count: usize, mean: v128, rstd: v128, gamma: v128, beta: v128,
    shift: v128, slope: v128,
  ): v128 {
    const xhat = normalized(loadLanes(x, count), mean, rstd);
    return gradient(
      passed(loadLanes(dy, count), xhat, gamma, beta), xhat, rstd, gamma, shift, slope,
    );
  }
}

// @ts-ignore: decorator
@inline
function gradient(
  dy: v128, xhat: v128, rstd: v128, gamma: v128, shift: v128, slope: v128,
): v128 {
  const centred = f32x4.sub(f32x4.sub(dy, shift), f32x4.mul(xhat, slope));
  return f32x4.mul(f32x4.mul(gamma, rstd), centred);
}

/** Maps `steps` groups of `count` elements, `stride` bytes apart, all with the same constants. */
// @ts-ignore: decorator
@inline
function mapGroups<F>(
  out: usize, x: usize, dy: usize, steps: usize, stride: usize, count: usize,
  mean: v128, rstd: v128, gamma: v128, beta: v128, shift: v128, slope: v128,
): void {
  for (let i: usize = 0; i < steps; i++) {
    const v = changetype<F>(0).at(x, dy, count, mean, rstd, gamma, beta, shift, slope);
    storeLanes(out, v, count);
    out += stride;
    x += stride;
    dy += stride;
  }
}

/**
 * inner = 1: constants in the lanes, a strip of channels of a tile of rows at a time. `beta`,
 * `shifts` and `slopes`, of which the last two are sums over n, may be any address if F does not
 * use them.
 */
function mapColumns<F>(
  out: usize, x: usize, dy: usize, mean: usize, variance: usize, gamma: usize, beta: usize,
  shifts: usize, slopes: usize, outer: usize, channels: usize, eps: usize,
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
      const scale = loadLanes(gamma + o, count);
      const offset = loadLanes(beta + o, count);
      const shift = f32x4.div(loadLanes(shifts + o, count), n);
      const slope = f32x4.div(loadLanes(slopes + o, count), n);
      const at = from * stride + o;
      const to = out + at;
      const fromX = x + at;
      const fromDy = dy + at;
      if (count == 4)
        mapGroups<F>(to, fromX, fromDy, rows, stride, 4, m, r, scale, offset, shift, slope);
      else mapGroups<F>(to, fromX, fromDy, rows, stride, count, m, r, scale, offset, shift, slope);
    }
  }
}

/**
 * inner > 1: one channel at a time, its constants in every lane; x, dy and out begin with its first
 * row, `stride` bytes from one to the next.
 */
function mapChannel<F>(
  out: usize, x: usize, dy: usize, mean: f32, rstd: f32, gamma: f32, beta: f32, shift: f32,
  slope: f32, outer: usize, stride: usize, inner: usize,
): void {
  const m = f32x4.splat(mean);
  const r = f32x4.splat(rstd);
  const scale = f32x4.splat(gamma);
  const offset = f32x4.splat(beta);
  const s = f32x4.splat(shift);
  const t = f32x4.splat(slope);
  const body = (inner << 2) & ~15;
  for (let row: usize = 0; row < outer; row++) {
    mapGroups<F>(out, x, dy, inner >> 2, 16, 4, m, r, scale, offset, s, t);
    if (inner & 3)
      mapGroups<F>(
        out + body, x + body, dy + body, 1, 16, inner & 3, m, r, scale, offset, s, t,
      );
    out += stride;
    x += stride;
    dy += stride;
  }
}

/** `rstdOf` one number. */
// @ts-ignore: decorator
@inline
function rstdOfOne(variance: f32, eps: usize): f32 {
  return f32x4.extract_lane(rstdOf(f32x4.splat(variance), eps), 0);
}

export function batchNormForward(
  y: usize, mean: usize, variance: usize, x: usize, gamma: usize, beta: usize,
  outer: usize, channels: usize, inner: usize, eps: usize, activation: u32,
): void {
  const n = <f32>(outer * inner);
  if (inner == 1) {
    columnSums<Value>(mean, x, x, 0, 0, 0, 0, outer, channels, eps);
    divide(mean, channels, n);
    columnSums<SquaredDeviation>(variance, x, x, mean, 0, 0, 0, outer, channels, eps);
    divide(variance, channels, n);
    batchNormEval(y, x, mean, variance, gamma, beta, outer, channels, inner, eps, activation);
    return;
  }
  // A channel is read three times while it is in cache.
  const stride = channels * inner << 2;
  for (let c: usize = 0; c < channels << 2; c += 4) {
    const m = channelSum<Value>(x, x, 0, 0, 0, 0, outer, stride, inner) / n;
    const v = channelSum<SquaredDeviation>(x, x, m, 0, 0, 0, outer, stride, inner) / n;
    store<f32>(mean + c, m);
    store<f32>(variance + c, v);
    outputChannel(
      y, x, m, rstdOfOne(v, eps), load<f32>(gamma + c), load<f32>(beta + c), outer, stride, inner,
      activation,
    );
    x += inner << 2;
    y += inner << 2;
  }
}

function outputChannel(
  y: usize, x: usize, mean: f32, rstd: f32, gamma: f32, beta: f32, outer: usize, stride: usize,
  inner: usize, activation: u32,
): void {
  if (activation == Activation.Relu)
    mapChannel<ReluOutput>(y, x, x, mean, rstd, gamma, beta, 0, 0, outer, stride, inner);
  else mapChannel<Output>(y, x, x, mean, rstd, gamma, beta, 0, 0, outer, stride, inner);
}

export function batchNormEval(
  y: usize, x: usize, mean: usize, variance: usize, gamma: usize, beta: usize,
  outer: usize, channels: usize, inner: usize, eps: usize, activation: u32,
): void {
  const g = gamma;
  const b = beta;
  if (inner == 1) {
    if (activation == Activation.Relu)
      mapColumns<ReluOutput>(y, x, x, mean, variance, g, b, b, b, outer, channels, eps);
    else mapColumns<Output>(y, x, x, mean, variance, g, b, b, b, outer, channels, eps);
    return;
  }
  for (let c: usize = 0; c < channels << 2; c += 4) {
    const rstd = rstdOfOne(load<f32>(variance + c), eps);
    outputChannel(
      y, x, load<f32>(mean + c), rstd, load<f32>(g + c), load<f32>(b + c), outer,
      channels * inner << 2, inner, activation,
    );
    x += inner << 2;
    y += inner << 2;
  }
}

export function batchNormBackward(
  dx: usize, dGamma: usize, dBeta: usize, x: usize, mean: usize, variance: usize, gamma: usize,
  dy: usize, outer: usize, channels: usize, inner: usize, eps: usize, beta: usize,
): void {
  if (beta)
    backward<PassedValue, PassedTimesXhat, ReluGradient>(
      dx, dGamma, dBeta, x, mean, variance, gamma, dy, outer, channels, inner, eps, beta, x,
    );
  else
    backward<Value, GradientTimesXhat, Gradient>(
      dx, dGamma, dBeta, x, mean, variance, gamma, dy, outer, channels, inner, eps, gamma, dy,
    );
}

/** B: a term of dBeta, which reads `values` as x; G: a term of dGamma; D: dx. */
function backward<B, G, D>(
  dx: usize, dGamma: usize, dBeta: usize, x: usize, mean: usize, variance: usize, gamma: usize,
  dy: usize, outer: usize, channels: usize, inner: usize, eps: usize, beta: usize, values: usize,
): void {
  if (inner == 1) {
    columnSums<B>(dBeta, values, dy, mean, variance, gamma, beta, outer, channels, eps);
    columnSums<G>(dGamma, x, dy, mean, variance, gamma, beta, outer, channels, eps);
    mapColumns<D>(
      dx, x, dy, mean, variance, gamma, beta, dBeta, dGamma, outer, channels, eps,
    );
    return;
  }
  const stride = channels * inner << 2;
  const n = <f32>(outer * inner);
  for (let c: usize = 0; c < channels << 2; c += 4) {
    const m = load<f32>(mean + c);
    const r = rstdOfOne(load<f32>(variance + c), eps);
    const g = load<f32>(gamma + c);
    const b = load<f32>(beta + c);
    const sum = channelSum<B>(values, dy, m, r, g, b, outer, stride, inner);
    const product = channelSum<G>(x, dy, m, r, g, b, outer, stride, inner);
    store<f32>(dBeta + c, sum);
    store<f32>(dGamma + c, product);
    mapChannel<D>(dx, x, dy, m, r, g, b, sum / n, product / n, outer, stride, inner);
    x += inner << 2;
    dy += inner << 2;
    dx += inner << 2;
    values += inner << 2;
  }
}
