import { loadLeft, storeLeft } from "./lanes";
import { expDown4, log4 } from "./math";
import { rowSum } from "./reduce";

/**
 * Softmax cross-entropy, a row at a time. Two floats a row are kept for the backward pass, which
 * computes the exponentials again; the probabilities take no memory between the two.
 */

/** exp(logit − rowMax): what a row's sum adds up. */
@unmanaged
export class ShiftedExp {
  // @ts-ignore: decorator
  @inline
  long(): bool {
    return true;
  }
  // @ts-ignore: decorator
  @inline
  at(logits: v128, rowMax: v128): v128 {
    return expDown4(f32x4.sub(logits, rowMax));
  }
}

/**
 * The greatest of a row; any NaN wins, and no order of comparison changes the result. `f32x4.max`
 * takes eight instructions in a chain where `pmax` is one, which misses NaNs and takes either zero:
 * then, and only then, the row is gone over again.
 */
export function greatest(row: usize, cols: usize): f32 {
  const end = row + (cols << 2);
  let even = f32x4.splat(f32.NEGATIVE_INFINITY);
  let odd = even;
  let nan = f32x4.ne(even, odd);
  let at = row;
  for (; at + 32 <= end; at += 32) {
    const first = v128.load(at);
    const second = v128.load(at, 16);
    even = f32x4.pmax(even, first);
    odd = f32x4.pmax(odd, second);
    nan = v128.or(nan, v128.or(f32x4.ne(first, first), f32x4.ne(second, second)));
  }
  for (; at + 16 <= end; at += 16) {
    const x = v128.load(at);
    even = f32x4.pmax(even, x);
    nan = v128.or(nan, f32x4.ne(x, x));
  }
  for (; at < end; at += 4) {
    const x = v128.load32_splat(at);
    odd = f32x4.pmax(odd, x);
    nan = v128.or(nan, f32x4.ne(x, x));
  }
  const best = f32x4.pmax(even, odd);
  const pair = f32x4.pmax(best, v128.shuffle<f32>(best, best, 2, 3, 0, 1));
  const one = f32x4.pmax(pair, v128.shuffle<f32>(pair, pair, 1, 0, 3, 2));
  const found = f32x4.extract_lane(one, 0);
  return found == 0 || v128.any_true(nan) ? greatestOfAll(row, end) : found;
}

function greatestOfAll(at: usize, end: usize): f32 {
  let best = f32.NEGATIVE_INFINITY;
  for (; at < end; at += 4) best = max<f32>(best, load<f32>(at));
  return best;
}

export function softmaxCrossEntropyForward(
  losses: usize, rowMax: usize, logSum: usize, logits: usize, labels: usize, rows: usize,
  cols: usize,
): i32 {
  for (let r: usize = 0; r < rows; r++)
    if (load<u32>(labels + (r << 2)) >= <u32>cols) return <i32>r;
  for (let r: usize = 0; r < rows; r++) {
    const row = logits + ((r * cols) << 2);
    const shift = greatest(row, cols);
    const total = rowSum<ShiftedExp>(row, <i32>cols, f32x4.splat(shift));
    const log = f32x4.extract_lane(log4(f32x4.splat(total)), 0);
    const chosen = load<f32>(row + (<usize>load<u32>(labels + (r << 2)) << 2));
    store<f32>(rowMax + (r << 2), shift);
    store<f32>(logSum + (r << 2), log);
    store<f32>(losses + (r << 2), log - (chosen - shift));
  }
  return -1;
}

export function softmaxCrossEntropyBackward(
  dLogits: usize, logits: usize, labels: usize, rowMax: usize, logSum: usize, dLosses: usize,
  rows: usize, cols: usize, dStride: usize,
): void {
  const step = cols << 2;
  for (let r: usize = 0; r < rows; r++) {
    const shift = v128.load32_splat(rowMax + (r << 2));
    const log = v128.load32_splat(logSum + (r << 2));
    const dLoss = v128.load32_splat(dLosses + ((r * dStride) << 2));
    // The label, counted from the columns at hand.
    let label = i32x4.sub(v128.load32_splat(labels + (r << 2)), i32x4(0, 1, 2, 3));
    let row = logits + r * step;
    let out = dLogits + r * step;
    const end = out + step;
    for (; out < end; out += 16, row += 16) {
      const left = (end - out) >> 2;
      const p = expDown4(f32x4.sub(f32x4.sub(loadLeft(row, left), shift), log));
      const chosen = v128.and(i32x4.eq(label, i32x4.splat(0)), f32x4.splat(1));
      storeLeft(out, f32x4.mul(f32x4.sub(p, chosen), dLoss), left);
      label = i32x4.sub(label, i32x4.splat(4));
    }
  }
}
