/** Softmax and its logarithm, a row at a time (contract: `src/kernels.ts`). */
import { loadLeft, storeLanes, storeLeft } from "./lanes";
import { greatest, ShiftedExp } from "./loss";
import { streamZip } from "./map";
import { exp4, expDown4, log4 } from "./math";
import { Itself, rowSum } from "./reduce";

@unmanaged
class Share {
  // @ts-ignore: decorator
  @inline
  of(x: v128, total: v128, _d: v128): v128 {
    return f32x4.div(x, total);
  }
}

@unmanaged
class LogSoftmax {
  // @ts-ignore: decorator
  @inline
  of(x: v128, shift: v128, total: v128): v128 {
    return f32x4.sub(f32x4.sub(x, shift), total);
  }
}

@unmanaged
class LogSoftmaxBackward {
  // @ts-ignore: decorator
  @inline
  of(y: v128, dy: v128, total: v128): v128 {
    return f32x4.sub(dy, f32x4.mul(exp4(y), total));
  }
}

/** out = f(x, c, d) or f(x, y, d) along one row: the second operand walks or is `c`. */
// @ts-ignore: decorator
@inline
function row<F>(out: usize, x: usize, y: usize, walks: bool, c: v128, d: v128, n: usize): void {
  const f = changetype<F>(0);
  const end = out + (n << 2);
  for (; out + 32 <= end; out += 32, x += 32, y += 32) {
    const first = f.of(v128.load(x), walks ? v128.load(y) : c, d);
    const second = f.of(v128.load(x, 16), walks ? v128.load(y, 16) : c, d);
    v128.store(out, first);
    v128.store(out, second, 16);
  }
  for (; out < end; out += 16, x += 16, y += 16) {
    const left = (end - out) >> 2;
    storeLeft(out, f.of(loadLeft(x, left), walks ? loadLeft(y, left) : c, d), left);
  }
}

/** exp(x·scale − shift) */
@unmanaged
class ShiftedScaled {
  // @ts-ignore: decorator
  @inline
  of(x: v128, shift: v128, scale: v128): v128 {
    return expDown4(f32x4.sub(f32x4.mul(x, scale), shift));
  }
}

/** One row of x·scale; each exponential is computed once and waits in y for their sum. */
function softmaxRow(y: usize, x: usize, n: usize, scale: f32): void {
  const shift = f32x4.splat(greatest(x, n) * scale);
  row<ShiftedScaled>(y, x, x, false, shift, f32x4.splat(scale), n);
  const total = f32x4.splat(rowSum<Itself>(y, <i32>n, shift));
  row<Share>(y, y, y, false, total, total, n);
}

@unmanaged
class Product {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}

/** dx = ((dy − Σ dy·y)·y)·scale of one row. */
function softmaxRowBackward(
  dx: usize, scratch: usize, y: usize, dy: usize, n: usize, scale: f32,
): void {
  streamZip<Product>(scratch, dy, y, n);
  const total = f32x4.splat(rowSum<Itself>(scratch, <i32>n, f32x4.splat(0)));
  const all = f32x4.splat(scale);
  for (let left = <isize>n; left > 0; left -= 4, dx += 16, y += 16, dy += 16) {
    const share = f32x4.mul(f32x4.sub(loadLeft(dy, left), total), loadLeft(y, left));
    storeLeft(dx, f32x4.mul(share, all), left);
  }
}

/** The logarithm of one row. */
function logSoftmaxRow(y: usize, x: usize, n: usize): void {
  const shift = f32x4.splat(greatest(x, n));
  const total = f32x4.splat(rowSum<ShiftedExp>(x, <i32>n, shift));
  row<LogSoftmax>(y, x, x, false, shift, log4(total), n);
}

function logSoftmaxRowBackward(dx: usize, y: usize, dy: usize, n: usize): void {
  const zero = f32x4.splat(0);
  row<LogSoftmaxBackward>(dx, y, dy, true, zero, f32x4.splat(rowSum<Itself>(dy, <i32>n, zero)), n);
}

export function softmax(y: usize, x: usize, rows: usize, n: usize, logarithm: u32): void {
  const width = n << 2;
  for (; rows > 0; rows--, y += width, x += width) {
    if (logarithm) logSoftmaxRow(y, x, n);
    else softmaxRow(y, x, n, 1);
  }
}

export function softmaxBackward(
  dx: usize, scratch: usize, y: usize, dy: usize, rows: usize, n: usize, logarithm: u32,
): void {
  const width = n << 2;
  for (; rows > 0; rows--, dx += width, y += width, dy += width) {
    if (logarithm) logSoftmaxRowBackward(dx, y, dy, n);
    else softmaxRowBackward(dx, scratch, y, dy, n, 1);
  }
}

/** Zeros; a call of `memory.fill` leaves WebAssembly, which takes longer than a short row. */
// @ts-ignore: decorator
@inline
function clear(out: usize, n: usize): void {
  const end = out + (n << 2);
  const zero = f32x4.splat(0);
  for (; out + 16 <= end; out += 16) v128.store(out, zero);
  if (out < end) storeLanes(out, zero, (end - out) >> 2);
}

/** How many keys the query after one that sees `seen` may see, of which there are `queries`. */
// @ts-ignore: decorator
@inline
function nextSeen(seen: usize, queries: usize): usize {
  return seen == queries ? 1 : seen + 1;
}

export function causalSoftmax(
  y: usize, x: usize, rows: usize, n: usize, queries: usize, scale: usize,
): void {
  const width = n << 2;
  let seen: usize = 0;
  for (; rows > 0; rows--, y += width, x += width) {
    seen = nextSeen(seen, queries);
    const count = min<usize>(seen, n);
    softmaxRow(y, x, count, load<f32>(scale));
    clear(y + (count << 2), n - count);
  }
}

export function causalSoftmaxBackward(
  dx: usize, scratch: usize, y: usize, dy: usize, rows: usize, n: usize, queries: usize,
  scale: usize,
): void {
  const width = n << 2;
  let seen: usize = 0;
  for (; rows > 0; rows--, dx += width, y += width, dy += width) {
    seen = nextSeen(seen, queries);
    const count = min<usize>(seen, n);
    softmaxRowBackward(dx, scratch, y, dy, count, load<f32>(scale));
    clear(dx + (count << 2), n - count);
  }
}
