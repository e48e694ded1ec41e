/**
 * Comparisons, whole-number arithmetic, selection and conversion (contract: `src/kernels.ts`). What
 * is true is the word 1.
 */
import { loadLanes, storeLanes } from "./lanes";
import { map2, stream1 } from "./map";
import { Comparison, IntegerOperation } from "./opcodes";

// @ts-ignore: decorator
@inline
function truth(mask: v128): v128 {
  return v128.and(mask, i32x4.splat(1));
}

@unmanaged
class Equal {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(f32x4.eq(a, b));
  }
}
@unmanaged
class NotEqual {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(f32x4.ne(a, b));
  }
}
@unmanaged
class Less {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(f32x4.lt(a, b));
  }
}
@unmanaged
class LessEqual {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(f32x4.le(a, b));
  }
}
export function compare(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize, comparison: u32,
): void {
  switch (comparison) {
    case Comparison.Equal:
      return map2<Equal>(out, a, b, rows, cols, rsA, csA, rsB, csB);
    case Comparison.NotEqual:
      return map2<NotEqual>(out, a, b, rows, cols, rsA, csA, rsB, csB);
    case Comparison.Less:
      return map2<Less>(out, a, b, rows, cols, rsA, csA, rsB, csB);
    default:
      return map2<LessEqual>(out, a, b, rows, cols, rsA, csA, rsB, csB);
  }
}

@unmanaged
class EqualIntegers {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(i32x4.eq(a, b));
  }
}
@unmanaged
class NotEqualIntegers {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(i32x4.ne(a, b));
  }
}
@unmanaged
class LessIntegers {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(i32x4.lt_s(a, b));
  }
}
@unmanaged
class LessEqualIntegers {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return truth(i32x4.le_s(a, b));
  }
}
export function compareIntegers(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize, comparison: u32,
): void {
  switch (comparison) {
    case Comparison.Equal:
      return map2<EqualIntegers>(out, a, b, rows, cols, rsA, csA, rsB, csB);
    case Comparison.NotEqual:
      return map2<NotEqualIntegers>(out, a, b, rows, cols, rsA, csA, rsB, csB);
    case Comparison.Less:
      return map2<LessIntegers>(out, a, b, rows, cols, rsA, csA, rsB, csB);
    default:
      return map2<LessEqualIntegers>(out, a, b, rows, cols, rsA, csA, rsB, csB);
  }
}

@unmanaged
class AddIntegers {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return i32x4.add(a, b);
  }
}
@unmanaged
class SubIntegers {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return i32x4.sub(a, b);
  }
}
@unmanaged
class MulIntegers {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return i32x4.mul(a, b);
  }
}
@unmanaged
class MaximumIntegers {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return i32x4.max_s(a, b);
  }
}
@unmanaged
class MinimumIntegers {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return i32x4.min_s(a, b);
  }
}
export function integers(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize, operation: u32,
): void {
  switch (operation) {
    case IntegerOperation.Add:
      return map2<AddIntegers>(out, a, b, rows, cols, rsA, csA, rsB, csB);
    case IntegerOperation.Sub:
      return map2<SubIntegers>(out, a, b, rows, cols, rsA, csA, rsB, csB);
    case IntegerOperation.Mul:
      return map2<MulIntegers>(out, a, b, rows, cols, rsA, csA, rsB, csB);
    case IntegerOperation.Maximum:
      return map2<MaximumIntegers>(out, a, b, rows, cols, rsA, csA, rsB, csB);
    default:
      return map2<MinimumIntegers>(out, a, b, rows, cols, rsA, csA, rsB, csB);
  }
}

/** Four lanes of a or b by the words of `condition`. */
// @ts-ignore: decorator
@inline
function choose(condition: v128, a: v128, b: v128): v128 {
  return v128.bitselect(b, a, i32x4.eq(condition, i32x4.splat(0)));
}

/** `walkA` and `walkB` are literals, so that each call becomes a loop of its own. */
// @ts-ignore: decorator
@inline
function chooseRow(
  out: usize, condition: usize, a: usize, b: usize, end: usize,
  splatA: v128, walkA: bool, splatB: v128, walkB: bool,
): void {
  for (; out + 32 <= end; out += 32, condition += 32, a += 32, b += 32) {
    const first = choose(
      v128.load(condition), walkA ? v128.load(a) : splatA, walkB ? v128.load(b) : splatB,
    );
    const second = choose(
      v128.load(condition, 16),
      walkA ? v128.load(a, 16) : splatA,
      walkB ? v128.load(b, 16) : splatB,
    );
    v128.store(out, first);
    v128.store(out, second, 16);
  }
  for (let rest = (end - out) >> 2; rest > 0; rest = (end - out) >> 2) {
    const x = walkA ? loadLanes(a, rest) : splatA;
    const y = walkB ? loadLanes(b, rest) : splatB;
    storeLanes(out, choose(loadLanes(condition, rest), x, y), rest);
    if (rest <= 4) return;
    out += 16;
    condition += 16;
    a += 16;
    b += 16;
  }
}

export function select(
  out: usize, condition: usize, a: usize, b: usize, n: usize, sA: usize, sB: usize,
): void {
  const end = out + (n << 2);
  if (out == end) return;
  const splatA = v128.load32_splat(a);
  const splatB = v128.load32_splat(b);
  if (sA) {
    if (sB) chooseRow(out, condition, a, b, end, splatA, true, splatB, true);
    else chooseRow(out, condition, a, b, end, splatA, true, splatB, false);
  } else {
    if (sB) chooseRow(out, condition, a, b, end, splatA, false, splatB, true);
    else chooseRow(out, condition, a, b, end, splatA, false, splatB, false);
  }
}

export function selectWords(
  out: usize, condition: usize, a: usize, b: usize, n: usize, sA: usize, sB: usize,
): void {
  select(out, condition, a, b, n, sA, sB);
}

@unmanaged
class ToFloat {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return f32x4.convert_i32x4_s(x);
  }
}
export function toFloat(out: usize, x: usize, n: usize): void {
  stream1<ToFloat>(out, x, n);
}

@unmanaged
class ToInteger {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return i32x4.trunc_sat_f32x4_s(x);
  }
}
export function toInteger(out: usize, x: usize, n: usize): void {
  stream1<ToInteger>(out, x, n);
}

@unmanaged
class Abs {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return f32x4.abs(x);
  }
}
export function abs(out: usize, x: usize, n: usize): void {
  stream1<Abs>(out, x, n);
}

@unmanaged
class Sign {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    const zero = f32x4.splat(0);
    const one = f32x4.splat(1);
    return f32x4.sub(
      v128.and(f32x4.gt(x, zero), one),
      v128.and(f32x4.lt(x, zero), one),
    );
  }
}
export function sign(out: usize, x: usize, n: usize): void {
  stream1<Sign>(out, x, n);
}

@unmanaged
class Floor {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return f32x4.floor(x);
  }
}
export function floor(out: usize, x: usize, n: usize): void {
  stream1<Floor>(out, x, n);
}

@unmanaged
class Ceil {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return f32x4.ceil(x);
  }
}
export function ceil(out: usize, x: usize, n: usize): void {
  stream1<Ceil>(out, x, n);
}

@unmanaged
class Round {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return f32x4.nearest(x);
  }
}
export function round(out: usize, x: usize, n: usize): void {
  stream1<Round>(out, x, n);
}
