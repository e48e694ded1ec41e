/** Layer normalisation of rows with a scale and a shift per column (contract: `src/kernels.ts`). */
import { loadLanes, storeLanes } from "./lanes";
import { KC } from "./channelSums";
import { rowSum, sum } from "./reduce";

/** Rows at a time: what they read stays in L1, and TILE divides KC. */
const TILE: usize = 8;

/** A term of the variance: (x − mean)² */
@unmanaged
class SquaredDeviation {
  // @ts-ignore: decorator
  @inline
  long(): bool {
    return false;
  }
  // @ts-ignore: decorator
  @inline
  at(x: v128, mean: v128): v128 {
    const d = f32x4.sub(x, mean);
    return f32x4.mul(d, d);
  }
}

/** values[i] /= n */
// @ts-ignore: decorator
@inline
function divide(values: usize, count: usize, n: f32): void {
  for (const end = values + (count << 2); values < end; values += 4)
    store<f32>(values, load<f32>(values) / n);
}

export function layerNormForward(
  y: usize, mean: usize, rstd: usize, x: usize, gamma: usize, beta: usize,
  rows: usize, n: usize, eps: usize,
): void {
  const width = n << 2;
  const small = load<f32>(eps);
  for (let left = rows; left > 0; ) {
    const count = min<usize>(left, TILE);
    sum(mean, x, <u32>count, <u32>n, 1, 0);
    divide(mean, count, <f32>n);
    for (let r: usize = 0; r < count; r++) {
      const centre = v128.load32_splat(mean + (r << 2));
      store<f32>(rstd + (r << 2), rowSum<SquaredDeviation>(x + r * width, <i32>n, centre));
    }
    for (const end = rstd + (count << 2); rstd < end; rstd += 4, mean += 4) {
      const deviation = sqrt<f32>(load<f32>(rstd) / <f32>n + small);
      store<f32>(rstd, <f32>1 / deviation);
      outputRow(y, x, v128.load32_splat(mean), v128.load32_splat(rstd), gamma, beta, width);
      x += width;
      y += width;
    }
    left -= count;
  }
}

/** y = xhat · gamma + beta of one row of `width` bytes. */
// @ts-ignore: decorator
@inline
function outputRow(
  y: usize, x: usize, mean: v128, rstd: v128, gamma: usize, beta: usize, width: usize,
): void {
  let at: usize = 0;
  for (const whole = width & ~31; at < whole; at += 32) {
    const a = xhatOf(v128.load(x + at), mean, rstd);
    const b = xhatOf(v128.load(x + at, 16), mean, rstd);
    v128.store(y + at, f32x4.add(f32x4.mul(a, v128.load(gamma + at)), v128.load(beta + at)));
    v128.store(
      y + at, f32x4.add(f32x4.mul(b, v128.load(gamma + at, 16)), v128.load(beta + at, 16)), 16,
    );
  }
  for (; at < width; at += 16) {
    const count = (width - at) >> 2;
    const xhat = xhatOf(loadLanes(x + at, count), mean, rstd);
    const scaled = f32x4.mul(xhat, loadLanes(gamma + at, count));
    storeLanes(y + at, f32x4.add(scaled, loadLanes(beta + at, count)), count);
  }
}

// @ts-ignore: decorator
@inline
function xhatOf(x: v128, mean: v128, rstd: v128): v128 {
  return f32x4.mul(f32x4.sub(x, mean), rstd);
}

/**
 * A tile of rows is read twice while it is in L1: by rows for [Σ d / n, Σ d·xhat / n], d = dy·gamma,
 * then by strips of columns, whose share of dBeta and dGamma stays in registers. Those of the first
 * KC rows grow in place, those of the next in the scratch:
 *
 *     partial dBeta n │ partial dGamma n │ d n │ d·xhat n │ [shift, slope] of each row of the tile
 */
export function layerNormBackward(
  dx: usize, dGamma: usize, dBeta: usize, scratch: usize, x: usize, mean: usize, rstd: usize,
  gamma: usize, dy: usize, rows: usize, n: usize,
): void {
  const width = n << 2;
  const products = scratch + 2 * width;
  const constants = products + 2 * width;
  memory.fill(dBeta, 0, width);
  memory.fill(dGamma, 0, width);
  for (let from: usize = 0; from < rows; from += TILE) {
    const count = min<usize>(rows - from, TILE);
    for (let r: usize = 0; r < count; r++) {
      const at = r * width;
      const o = r << 2;
      const to = constants + (r << 3);
      rowProducts(products, x + at, dy + at, gamma, mean + o, rstd + o, width);
      sum(to, products, 2, <u32>n, 1, 0);
      divide(to, 2, <f32>n);
    }
    const first = from < KC;
    const toBeta = first ? dBeta : scratch;
    const toGamma = first ? dGamma : scratch + width;
    if (!first && from % KC == 0) memory.fill(scratch, 0, 2 * width);
    let at: usize = 0;
    for (const whole = width & ~31; at < whole; at += 32) {
      addPairs(
        dx + at, toGamma + at, toBeta + at, x + at, mean, rstd, gamma + at, dy + at, constants,
        count, width,
      );
    }
    for (; at < width; at += 16) {
      addLanes(
        dx + at, toGamma + at, toBeta + at, x + at, mean, rstd, gamma + at, dy + at, constants,
        count, width, (width - at) >> 2,
      );
    }
    if (!first && (from + TILE >= rows || (from + TILE) % KC == 0)) {
      addTo(dBeta, scratch, width);
      addTo(dGamma, scratch + width, width);
    }
    const step = count * width;
    dx += step;
    x += step;
    dy += step;
    mean += count << 2;
    rstd += count << 2;
  }
}

/** d = dy · gamma of one row, and after it d · xhat. */
// @ts-ignore: decorator
@inline
function rowProducts(
  out: usize, x: usize, dy: usize, gamma: usize, mean: usize, rstd: usize, width: usize,
): void {
  const m = v128.load32_splat(mean);
  const r = v128.load32_splat(rstd);
  const whole = width & ~15;
  for (let at: usize = 0; at < whole; at += 16) {
    const d = f32x4.mul(v128.load(dy + at), v128.load(gamma + at));
    v128.store(out + at, d);
    v128.store(out + width + at, f32x4.mul(d, xhatOf(v128.load(x + at), m, r)));
  }
  const count = (width - whole) >> 2;
  if (count > 0) {
    const d = f32x4.mul(loadLanes(dy + whole, count), loadLanes(gamma + whole, count));
    storeLanes(out + whole, d, count);
    const xhat = xhatOf(loadLanes(x + whole, count), m, r);
    storeLanes(out + width + whole, f32x4.mul(d, xhat), count);
  }
}

/** dx = rstd · ((d − shift) − xhat · slope) */
// @ts-ignore: decorator
@inline
function gradient(d: v128, xhat: v128, rstd: v128, shift: v128, slope: v128): v128 {
  return f32x4.mul(rstd, f32x4.sub(f32x4.sub(d, shift), f32x4.mul(xhat, slope)));
}

/** Eight columns of a tile. */
function addPairs(
  dx: usize, dGamma: usize, dBeta: usize, x: usize, mean: usize, rstd: usize, gamma: usize,
  dy: usize, constants: usize, rows: usize, width: usize,
): void {
  const gamma0 = v128.load(gamma);
  const gamma1 = v128.load(gamma, 16);
  let b0 = v128.load(dBeta);
  let b1 = v128.load(dBeta, 16);
  let g0 = v128.load(dGamma);
  let g1 = v128.load(dGamma, 16);
  for (const end = constants + (rows << 3); constants < end; constants += 8) {
    const m = v128.load32_splat(mean);
    const r = v128.load32_splat(rstd);
    const shift = v128.load32_splat(constants);
    const slope = v128.load32_splat(constants, 4);
    const x0 = xhatOf(v128.load(x), m, r);
    const d0 = v128.load(dy);
    b0 = f32x4.add(b0, d0);
    g0 = f32x4.add(g0, f32x4.mul(d0, x0));
    const x1 = xhatOf(v128.load(x, 16), m, r);
    const d1 = v128.load(dy, 16);
    b1 = f32x4.add(b1, d1);
    g1 = f32x4.add(g1, f32x4.mul(d1, x1));
    v128.store(dx, gradient(f32x4.mul(d0, gamma0), x0, r, shift, slope));
    v128.store(dx, gradient(f32x4.mul(d1, gamma1), x1, r, shift, slope), 16);
    dx += width;
    x += width;
    dy += width;
    mean += 4;
    rstd += 4;
  }
  v128.store(dBeta, b0);
  v128.store(dBeta, b1, 16);
  v128.store(dGamma, g0);
  v128.store(dGamma, g1, 16);
}

/** What is left of them, one to four columns at a time. */
function addLanes(
  dx: usize, dGamma: usize, dBeta: usize, x: usize, mean: usize, rstd: usize, gamma: usize,
  dy: usize, constants: usize, rows: usize, width: usize, count: usize,
): void {
  const scale = loadLanes(gamma, count);
  let b = loadLanes(dBeta, count);
  let g = loadLanes(dGamma, count);
  for (const end = constants + (rows << 3); constants < end; constants += 8) {
    const r = v128.load32_splat(rstd);
    const xhat = xhatOf(loadLanes(x, count), v128.load32_splat(mean), r);
    const d = loadLanes(dy, count);
    b = f32x4.add(b, d);
    g = f32x4.add(g, f32x4.mul(d, xhat));
    const shift = v128.load32_splat(constants);
    const slope = v128.load32_splat(constants, 4);
    storeLanes(dx, gradient(f32x4.mul(d, scale), xhat, r, shift, slope), count);
    dx += width;
    x += width;
    dy += width;
    mean += 4;
    rstd += 4;
  }
  storeLanes(dBeta, b, count);
  storeLanes(dGamma, g, count);
}

/** out += values */
function addTo(out: usize, values: usize, width: usize): void {
  for (let at: usize = 0; at < width; at += 16) {
    const count = (width - at) >> 2;
    const total = f32x4.add(loadLanes(out + at, count), loadLanes(values + at, count));
    storeLanes(out + at, total, count);
  }
}
