/**
 * Elementwise kernels (contract: `src/kernels.ts`): what each computes on four lanes; `map.ts` has
 * the loops.
 */
import { deep1, light1, map2, stream1, stream2, streamZip } from "./map";
import { exp4, log4, sigmoid4, tanh4 } from "./math";

@unmanaged
class Neg {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    // V8 makes the sign bits of f32x4.neg anew each time.
    return v128.xor(x, i32x4.splat(0x80000000));
  }
}
export function neg(out: usize, x: usize, n: usize): void {
  light1<Neg>(out, x, n);
}

@unmanaged
class Exp {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return exp4(x);
  }
}
export function exp(out: usize, x: usize, n: usize): void {
  stream1<Exp>(out, x, n);
}

@unmanaged
class Log {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return log4(x);
  }
}
export function log(out: usize, x: usize, n: usize): void {
  deep1<Log>(out, x, n);
}

@unmanaged
class Sqrt {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return f32x4.sqrt(x);
  }
}
export function sqrt(out: usize, x: usize, n: usize): void {
  stream1<Sqrt>(out, x, n);
}

@unmanaged
class Sigmoid {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return sigmoid4(x);
  }
}
export function sigmoid(out: usize, x: usize, n: usize): void {
  stream1<Sigmoid>(out, x, n);
}

@unmanaged
class Tanh {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return tanh4(x);
  }
}
export function tanh(out: usize, x: usize, n: usize): void {
  stream1<Tanh>(out, x, n);
}

@unmanaged
class Relu {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return f32x4.pmax(x, f32x4.splat(0));
  }
}
export function relu(out: usize, x: usize, n: usize): void {
  light1<Relu>(out, x, n);
}

@unmanaged
class Add {
  // @ts-ignore: decorator
  @inline
  commutes(): bool {
    return true;
  }
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}
export function add(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  stream2<Add>(out, a, b, rows, cols, rsA, csA, rsB, csB);
}

@unmanaged
class Sub {
  // @ts-ignore: decorator
  @inline
  commutes(): bool {
    return false;
  }
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.sub(a, b);
  }
}
export function sub(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  stream2<Sub>(out, a, b, rows, cols, rsA, csA, rsB, csB);
}

@unmanaged
class Mul {
  // @ts-ignore: decorator
  @inline
  commutes(): bool {
    return true;
  }
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}
export function mul(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  stream2<Mul>(out, a, b, rows, cols, rsA, csA, rsB, csB);
}

@unmanaged
class Div {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return f32x4.div(a, b);
  }
}
export function div(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  map2<Div>(out, a, b, rows, cols, rsA, csA, rsB, csB);
}

/**
 * `f32x4.max` of V8 is eight instructions. These are five: comparisons in both orders differ where a
 * lane is NaN, which becomes NaN, and in the signs of two zeros, whose bits are met.
 */
@unmanaged
class Maximum {
  // @ts-ignore: decorator
  @inline
  commutes(): bool {
    return true;
  }
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    const one = f32x4.pmax(a, b);
    const other = f32x4.pmax(b, a);
    return v128.or(v128.and(one, other), f32x4.ne(one, other));
  }
}
export function maximum(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  stream2<Maximum>(out, a, b, rows, cols, rsA, csA, rsB, csB);
}

@unmanaged
class Minimum {
  // @ts-ignore: decorator
  @inline
  commutes(): bool {
    return true;
  }
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return v128.or(f32x4.pmin(a, b), f32x4.pmin(b, a));
  }
}
export function minimum(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  stream2<Minimum>(out, a, b, rows, cols, rsA, csA, rsB, csB);
}

@unmanaged
class Equal {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return v128.and(f32x4.eq(a, b), f32x4.splat(1));
  }
}
export function equal(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  map2<Equal>(out, a, b, rows, cols, rsA, csA, rsB, csB);
}

@unmanaged
class MaximumShare {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return v128.bitselect(
      f32x4.splat(0.5),
      v128.andnot(f32x4.splat(1), f32x4.lt(a, b)),
      f32x4.eq(a, b),
    );
  }
}
export function maximumShare(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  map2<MaximumShare>(out, a, b, rows, cols, rsA, csA, rsB, csB);
}

@unmanaged
export class SigmoidBackward {
  // @ts-ignore: decorator
  @inline
  of(y: v128, dy: v128): v128 {
    return f32x4.mul(f32x4.mul(dy, f32x4.sub(f32x4.splat(1), y)), y);
  }
}
export function sigmoidBackward(out: usize, y: usize, dy: usize, n: usize): void {
  streamZip<SigmoidBackward>(out, y, dy, n);
}

@unmanaged
export class TanhBackward {
  // @ts-ignore: decorator
  @inline
  of(y: v128, dy: v128): v128 {
    return f32x4.mul(dy, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y)));
  }
}
export function tanhBackward(out: usize, y: usize, dy: usize, n: usize): void {
  streamZip<TanhBackward>(out, y, dy, n);
}

@unmanaged
export class ReluBackward {
  // @ts-ignore: decorator
  @inline
  of(y: v128, dy: v128): v128 {
    return v128.andnot(dy, f32x4.le(y, f32x4.splat(0)));
  }
}
export function reluBackward(out: usize, y: usize, dy: usize, n: usize): void {
  streamZip<ReluBackward>(out, y, dy, n);
}
