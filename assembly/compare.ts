/**
 * Comparisons, whole-number arithmetic, selection and conversion (contract: `src/kernels.ts`). What
 * is true is the word 1.
 */
import { loadLeft, storeLeft } from "./lanes";
import { map1, map2, stream1 } from "./map";
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

/** Its address says which comparison. */
@unmanaged
class CompareIntegers {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    switch (changetype<usize>(this)) {
      case Comparison.Equal:
        return truth(i32x4.eq(a, b));
      case Comparison.NotEqual:
        return truth(i32x4.ne(a, b));
      case Comparison.Less:
        return truth(i32x4.lt_s(a, b));
      default:
        return truth(i32x4.le_s(a, b));
    }
  }
}
export function compareIntegers(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize, comparison: u32,
): void {
  map2<CompareIntegers>(out, a, b, rows, cols, rsA, csA, rsB, csB, comparison);
}

/** Its address says which operation. */
@unmanaged
class Integers {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    switch (changetype<usize>(this)) {
      case IntegerOperation.Add:
        return i32x4.add(a, b);
      case IntegerOperation.Sub:
        return i32x4.sub(a, b);
      case IntegerOperation.Mul:
        return i32x4.mul(a, b);
      case IntegerOperation.Maximum:
        return i32x4.max_s(a, b);
      default:
        return i32x4.min_s(a, b);
    }
  }
}
export function integers(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize, operation: u32,
): void {
  map2<Integers>(out, a, b, rows, cols, rsA, csA, rsB, csB, operation);
}

/** Four lanes of a or b by the words of `condition`. */
// @ts-ignore: decorator
@inline
function choose(condition: v128, a: v128, b: v128): v128 {
  return v128.bitselect(b, a, i32x4.eq(condition, i32x4.splat(0)));
}

export function select(
  out: usize, condition: usize, a: usize, b: usize, n: usize, sA: usize, sB: usize,
): void {
  if (n == 0) return;
  const splatA = v128.load32_splat(a);
  const splatB = v128.load32_splat(b);
  let left = <isize>n;
  for (; left >= 8; left -= 8, out += 32, condition += 32, a += 32, b += 32) {
    let a0 = splatA;
    let a1 = splatA;
    let b0 = splatB;
    let b1 = splatB;
    if (sA) {
      a0 = v128.load(a);
      a1 = v128.load(a, 16);
    }
    if (sB) {
      b0 = v128.load(b);
      b1 = v128.load(b, 16);
    }
    const first = choose(v128.load(condition), a0, b0);
    const second = choose(v128.load(condition, 16), a1, b1);
    v128.store(out, first);
    v128.store(out, second, 16);
  }
  for (; left > 0; left -= 4, out += 16, condition += 16, a += 16, b += 16) {
    const x = sA ? loadLeft(a, left) : splatA;
    const y = sB ? loadLeft(b, left) : splatB;
    storeLeft(out, choose(loadLeft(condition, left), x, y), left);
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

const SIGN: usize = 0;
const FLOOR: usize = 1;
const CEIL: usize = 2;
const ROUND: usize = 3;

/** What few programs compute; its address says which. */
@unmanaged
class Rare {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    const zero = f32x4.splat(0);
    const one = f32x4.splat(1);
    switch (changetype<usize>(this)) {
      case SIGN:
        return f32x4.sub(v128.and(f32x4.gt(x, zero), one), v128.and(f32x4.lt(x, zero), one));
      case FLOOR:
        return f32x4.floor(x);
      case CEIL:
        return f32x4.ceil(x);
      default:
        return f32x4.nearest(x);
    }
  }
}

export function sign(out: usize, x: usize, n: usize): void {
  map1<Rare>(out, x, n, SIGN);
}

export function floor(out: usize, x: usize, n: usize): void {
  map1<Rare>(out, x, n, FLOOR);
}

export function ceil(out: usize, x: usize, n: usize): void {
  map1<Rare>(out, x, n, CEIL);
}

export function round(out: usize, x: usize, n: usize): void {
  map1<Rare>(out, x, n, ROUND);
}
