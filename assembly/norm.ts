import { channelSum, columnSums, rstdOf } from "./channelSums";
import { cotangentSums, isOneBlock } from "./cotangentSums";
import { loadLanes, storeLanes } from "./lanes";
import {
  Gradient,
  Output,
  Passed,
  PassedTimesXhat,
  ReluOutput,
  SquaredDeviation,
  Value,
  limitAt,
} from "./normTerms";
import { Activation } from "./opcodes";

/** Batch normalisation: its sums and its maps with constants per channel. */

/**
 * Rows of a tile of a map, over which strips of four channels pass: eight cache lines stay in an
 * eight-way L1 from one strip to the next even where rows lie a power of two apart.
 */
const TILE: usize = 8;

/** values[c] /= n */
function divide(values: usize, channels: usize, n: f32): void {
  for (let at: usize = 0; at < channels << 2; at += 4)
    store<f32>(values + at, load<f32>(values + at) / n);
}

/** Maps `steps` groups of `count` elements, `stride` bytes apart, all with the same constants. */
// @ts-ignore: decorator
@inline
function mapGroups<F>(
  out: usize, x: usize, dy: usize, steps: usize, stride: usize, count: usize,
  mean: v128, rstd: v128, gamma: v128, beta: v128, shift: v128, slope: v128,
): void {
  do {
    const v = changetype<F>(0).at(x, dy, count, mean, rstd, gamma, beta, shift, slope);
    storeLanes(out, v, count);
    out += stride;
    x += stride;
    dy += stride;
  } while (--steps > 0);
}

/**
 * inner = 1: constants in the lanes, a strip of channels of a tile of rows at a time. `shifts` and
 * `slopes`, sums over n, may be any address if F does not use them.
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
      const offset = changetype<F>(0).offset(beta, o, count);
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
  const rest = inner & 3;
  const step = stride - ((inner - rest) << 2);
  for (let row: usize = 0; row < outer; row++) {
    for (let i = inner >> 2; i > 0; i--, out += 16, x += 16, dy += 16) {
      v128.store(out, changetype<F>(0).at(x, dy, 4, m, r, scale, offset, s, t));
    }
    if (rest) {
      storeLanes(out, changetype<F>(0).at(x, dy, rest, m, r, scale, offset, s, t), rest);
    }
    out += step;
    x += step;
    dy += step;
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
  outer: usize, channels: usize, inner: usize, pitch: usize, eps: usize, activation: u32,
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
  const stride = pitch * inner << 2;
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
  dy: usize, outer: usize, channels: usize, inner: usize, pitch: usize, eps: usize, beta: usize,
): void {
  if (inner == 1) {
    if (beta)
      columnSums<Passed>(dBeta, x, dy, mean, variance, gamma, beta, outer, channels, eps);
    else columnSums<Value>(dBeta, dy, dy, 0, 0, 0, 0, outer, channels, eps);
    columnSums<PassedTimesXhat>(dGamma, x, dy, mean, variance, gamma, beta, outer, channels, eps);
    mapColumns<Gradient>(
      dx, x, dy, mean, variance, gamma, beta, dBeta, dGamma, outer, channels, eps,
    );
    return;
  }
  const stride = pitch * inner << 2;
  const n = <f32>(outer * inner);
  for (let c: usize = 0; c < channels << 2; c += 4) {
    const m = load<f32>(mean + c);
    const r = rstdOfOne(load<f32>(variance + c), eps);
    const g = load<f32>(gamma + c);
    const limit = f32x4.extract_lane(limitAt(beta, c, 1), 0);
    if (isOneBlock(inner)) {
      cotangentSums(dBeta + c, dGamma + c, x, dy, m, r, g, limit, outer, stride, inner);
    } else {
      store<f32>(dBeta + c, channelSum<Passed>(x, dy, m, r, g, limit, outer, stride, inner));
      store<f32>(
        dGamma + c, channelSum<PassedTimesXhat>(x, dy, m, r, g, limit, outer, stride, inner),
      );
    }
    const shift = load<f32>(dBeta + c) / n;
    const slope = load<f32>(dGamma + c) / n;
    mapChannel<Gradient>(dx, x, dy, m, r, g, limit, shift, slope, outer, stride, inner);
    x += inner << 2;
    dy += inner << 2;
    dx += inner << 2;
  }
}
