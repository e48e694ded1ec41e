/**
 * Smooth activations and their derivatives (contract: `src/kernels.ts`): what each computes on four
 * lanes; `map.ts` has the loops.
 */
import { gelu4, geluSlope4, geluTanh4, geluTanhSlope4 } from "./gelu";
import { loadLanes, storeLanes } from "./lanes";
import { deepZip, map1, stream1, zip } from "./map";
import { sigmoid4 } from "./math";

@unmanaged
class Silu {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return f32x4.mul(x, sigmoid4(x));
  }
}
export function silu(out: usize, x: usize, n: usize): void {
  stream1<Silu>(out, x, n);
}

@unmanaged
class SiluBackward {
  // @ts-ignore: decorator
  @inline
  of(x: v128, dy: v128): v128 {
    const one = f32x4.splat(1);
    const c = f32x4.pmax(f32x4.pmin(x, f32x4.splat(800)), f32x4.splat(-800));
    const s = sigmoid4(c);
    const rest = f32x4.mul(c, f32x4.sub(one, s));
    return f32x4.mul(dy, f32x4.mul(s, f32x4.add(one, rest)));
  }
}
export function siluBackward(out: usize, x: usize, dy: usize, n: usize): void {
  zip<SiluBackward>(out, x, dy, n);
}

@unmanaged
class Gelu {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return gelu4(x);
  }
}
export function gelu(out: usize, x: usize, n: usize): void {
  map1<Gelu>(out, x, n);
}

/** Both read x once; an engine computes what they share once. */
export function geluForward(out: usize, slope: usize, x: usize, n: usize): void {
  for (; n > 0; out += 16, slope += 16, x += 16) {
    const count = min(n, 4);
    const v = loadLanes(x, count);
    const y = gelu4(v);
    storeLanes(slope, geluSlope4(v), count);
    storeLanes(out, y, count);
    n -= count;
  }
}

@unmanaged
class GeluBackward {
  // @ts-ignore: decorator
  @inline
  of(x: v128, dy: v128): v128 {
    return f32x4.mul(dy, geluSlope4(x));
  }
}
export function geluBackward(out: usize, x: usize, dy: usize, n: usize): void {
  deepZip<GeluBackward>(out, x, dy, n);
}

@unmanaged
class GeluTanh {
  // @ts-ignore: decorator
  @inline
  of(x: v128): v128 {
    return geluTanh4(x);
  }
}
export function geluTanh(out: usize, x: usize, n: usize): void {
  stream1<GeluTanh>(out, x, n);
}

@unmanaged
class GeluTanhBackward {
  // @ts-ignore: decorator
  @inline
  of(x: v128, dy: v128): v128 {
    return f32x4.mul(dy, geluTanhSlope4(x));
  }
}
export function geluTanhBackward(out: usize, x: usize, dy: usize, n: usize): void {
  deepZip<GeluTanhBackward>(out, x, dy, n);
}
