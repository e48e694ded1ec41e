/** Root-mean-square normalisation of rows (contract: `src/kernels.ts`). */
import { loadLanes, storeLanes } from "./lanes";
import { Itself, rowSum } from "./reduce";

@unmanaged
class Square {
  // @ts-ignore: decorator
  @inline
  long(): bool {
    return false;
  }
  // @ts-ignore: decorator
  @inline
  at(x: v128, _c: v128): v128 {
    return f32x4.mul(x, x);
  }
}

/** 1 / sqrt(Σ x² / n + eps) of one row. */
function rstdOf(x: usize, n: usize, eps: f32): f32 {
  const squares = rowSum<Square>(x, <i32>n, f32x4.splat(0));
  return <f32>1 / sqrt<f32>(squares / <f32>n + eps);
}

export function rmsNorm(y: usize, x: usize, rows: usize, n: usize, eps: usize): void {
  const width = n << 2;
  for (; rows > 0; rows--) {
    const rstd = f32x4.splat(rstdOf(x, n, load<f32>(eps)));
    const end = y + width;
    for (; y + 16 <= end; y += 16, x += 16) v128.store(y, f32x4.mul(v128.load(x), rstd));
    const rest = (end - y) >> 2;
    if (rest > 0) storeLanes(y, f32x4.mul(loadLanes(x, rest), rstd), rest);
    y += rest << 2;
    x += rest << 2;
  }
}

export function rmsNormBackward(
  dx: usize, scratch: usize, x: usize, dy: usize, rows: usize, n: usize, eps: usize,
): void {
  for (; rows > 0; rows--) {
    const rstd = rstdOf(x, n, load<f32>(eps));
    for (let i: usize = 0; i < n << 2; i += 4) {
      store<f32>(scratch + i, load<f32>(dy + i) * (load<f32>(x + i) * rstd));
    }
    const share = rowSum<Itself>(scratch, <i32>n, f32x4.splat(0)) / <f32>n;
    for (let i: usize = 0; i < n << 2; i += 4) {
      const xHat = load<f32>(x + i) * rstd;
      store<f32>(dx + i, rstd * (load<f32>(dy + i) - xHat * share));
    }
    const width = n << 2;
    dx += width;
    x += width;
    dy += width;
  }
}
