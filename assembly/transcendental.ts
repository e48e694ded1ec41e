/**
 * The kernels of `wideMath.ts` and `wideTrig.ts` (contract: `src/kernels.ts`): what each computes on
 * four lanes; `map.ts` has the loops.
 */
import { deep1, deep2, stream1 } from "./map";
import { coshOf, erfOf, expm1Of, hypotOf, log1pOf, powOf, sinhOf } from "./wideMath";
import { atan2Of, atanOf, cosOf, sinOf, tanOf } from "./wideTrig";

@unmanaged
class Log1p {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return log1pOf(x);
  }
}
export function log1p(out: usize, x: usize, n: usize): void {
  deep1<Log1p>(out, x, n);
}

@unmanaged
class Expm1 {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return expm1Of(x);
  }
}
export function expm1(out: usize, x: usize, n: usize): void {
  stream1<Expm1>(out, x, n);
}

@unmanaged
class Sin {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return sinOf(x);
  }
}
export function sin(out: usize, x: usize, n: usize): void {
  deep1<Sin>(out, x, n);
}

@unmanaged
class Cos {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return cosOf(x);
  }
}
export function cos(out: usize, x: usize, n: usize): void {
  deep1<Cos>(out, x, n);
}

@unmanaged
class Tan {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return tanOf(x);
  }
}
export function tan(out: usize, x: usize, n: usize): void {
  deep1<Tan>(out, x, n);
}

@unmanaged
class Sinh {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return sinhOf(x);
  }
}
export function sinh(out: usize, x: usize, n: usize): void {
  deep1<Sinh>(out, x, n);
}

@unmanaged
class Cosh {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return coshOf(x);
  }
}
export function cosh(out: usize, x: usize, n: usize): void {
  deep1<Cosh>(out, x, n);
}

@unmanaged
class Atan {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return atanOf(x);
  }
}
export function atan(out: usize, x: usize, n: usize): void {
  deep1<Atan>(out, x, n);
}

@unmanaged
class Erf {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return erfOf(x);
  }
}
export function erf(out: usize, x: usize, n: usize): void {
  deep1<Erf>(out, x, n);
}

@unmanaged
class Pow {
  // @ts-ignore: decorator
  @inline
  of(x: v128, y: v128): v128 {
    return powOf(x, y);
  }
}
export function pow(
  out: usize, x: usize, y: usize, rows: usize, cols: usize,
  rsX: usize, csX: usize, rsY: usize, csY: usize,
): void {
  deep2<Pow>(out, x, y, rows, cols, rsX, csX, rsY, csY);
}

@unmanaged
class Atan2 {
  // @ts-ignore: decorator
  @inline
  of(y: v128, x: v128): v128 {
    return atan2Of(y, x);
  }
}
export function atan2(
  out: usize, y: usize, x: usize, rows: usize, cols: usize,
  rsY: usize, csY: usize, rsX: usize, csX: usize,
): void {
  deep2<Atan2>(out, y, x, rows, cols, rsY, csY, rsX, csX);
}

@unmanaged
class Hypot {
  // @ts-ignore: decorator
  @inline
  of(a: v128, b: v128): v128 {
    return hypotOf(a, b);
  }
}
export function hypot(
  out: usize, a: usize, b: usize, rows: usize, cols: usize,
  rsA: usize, csA: usize, rsB: usize, csB: usize,
): void {
  deep2<Hypot>(out, a, b, rows, cols, rsA, csA, rsB, csB);
}
