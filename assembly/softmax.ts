/** Softmax and its logarithm, a row at a time (contract: `src/kernels.ts`). */
import { loadLanes, storeLanes } from "./lanes";
import { greatest, ShiftedExp } from "./loss";
import { zip } from "./map";
import { exp4, expDown4, log4 } from "./math";
import { rowSum } from "./reduce";

@unmanaged
class Shifted {
  // @ts-ignore: decorator
  @inline
  of(x: v128, shift: v128, _d: v128): v128 {
    return expDown4(f32x4.sub(x, shift));
  }
}

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
class SoftmaxBackward {
  // @ts-ignore: decorator
  @inline
  of(y: v128, dy: v128, total: v128): v128 {
    return f32x4.mul(f32x4.sub(dy, total), y);
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
  for (; out + 16 <= end; out += 16, x += 16, y += 16) {
    v128.store(out, f.of(v128.load(x), walks ? v128.load(y) : c, d));
  }
  const rest = (end - out) >> 2;
  if (rest > 0) {
    storeLanes(out, f.of(loadLanes(x, rest), walks ? loadLanes(y, rest) : c, d), rest);
  }
}

export function softmax(y: usize, x: usize, rows: usize, n: usize, logarithm: u32): void {
  const width = n << 2;
  for (; rows > 0; rows--, y += width, x += width) {
    const shift = f32x4.splat(greatest(x, n));
    if (logarithm) {
      const total = f32x4.splat(rowSum<ShiftedExp>(x, <i32>n, shift));
      row<LogSoftmax>(y, x, x, false, shift, log4(total), n);
    } else {
      // Each exponential is computed once and waits in y for their sum.
      row<Shifted>(y, x, x, false, shift, shift, n);
      const total = f32x4.splat(rowSum<Itself>(y, <i32>n, shift));
      row<Share>(y, y, y, false, total, total, n);
    }
  }
}

@unmanaged
class Product {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}

@unmanaged
class Itself {
  // @ts-ignore: decorator
  @inline
  at(x: v128, _c: v128): v128 {
    return x;
  }
}

export function softmaxBackward(
  dx: usize, scratch: usize, y: usize, dy: usize, rows: usize, n: usize, logarithm: u32,
): void {
  const width = n << 2;
  const zero = f32x4.splat(0);
  for (; rows > 0; rows--, dx += width, y += width, dy += width) {
    if (logarithm) {
      const total = f32x4.splat(rowSum<Itself>(dy, <i32>n, zero));
      row<LogSoftmaxBackward>(dx, y, dy, true, zero, total, n);
    } else {
      zip<Product>(scratch, dy, y, n);
      const total = f32x4.splat(rowSum<Itself>(scratch, <i32>n, zero));
      row<SoftmaxBackward>(dx, y, dy, true, zero, total, n);
    }
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

@unmanaged
class Scaled {
  // @ts-ignore: decorator
  @inline
  of(x: v128, scale: v128, _d: v128): v128 {
    return f32x4.mul(x, scale);
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
  const factor = load<f32>(scale);
  const all = f32x4.splat(factor);
  let seen: usize = 0;
  for (; rows > 0; rows--, y += width, x += width) {
    seen = nextSeen(seen, queries);
    const count = min<usize>(seen, n);
    const shift = f32x4.splat(greatest(x, count) * factor);
    row<ShiftedScaled>(y, x, x, false, shift, all, count);
    const total = f32x4.splat(rowSum<Itself>(y, <i32>count, shift));
    row<Share>(y, y, y, false, total, total, count);
    clear(y + (count << 2), n - count);
  }
}

export function causalSoftmaxBackward(
  dx: usize, scratch: usize, y: usize, dy: usize, rows: usize, n: usize, queries: usize,
  scale: usize,
): void {
  const width = n << 2;
  const zero = f32x4.splat(0);
  const all = v128.load32_splat(scale);
  let seen: usize = 0;
  for (; rows > 0; rows--, dx += width, y += width, dy += width) {
    seen = nextSeen(seen, queries);
    const count = min<usize>(seen, n);
    zip<Product>(scratch, dy, y, count);
    const total = f32x4.splat(rowSum<Itself>(scratch, <i32>count, zero));
    row<SoftmaxBackward>(dx, y, dy, true, zero, total, count);
    row<Scaled>(dx, dx, dx, false, all, all, count);
    clear(dx + (count << 2), n - count);
  }
}
