import { Geometry, endInside, firstInside } from "./geometry";
import { loadLanes, storeLanes } from "./lanes";

/**
 * Images as columns ("im2col", Chellapilla et al. 2006): what lies under each element of the kernel
 * is a row, and each position of the kernel a column, so that a convolution is a product.
 *
 *                     positions of the kernel: (oy, ox)
 *                   ┌──────────────────────────────────┐
 *     (c, ky, kx)   │ x[c, oy·sy + ky·dy − py, ox·sx + │   0 where that is outside the image
 *                   │      kx·dx − px]                 │
 *                   └──────────────────────────────────┘
 */

function fillZero(out: usize, n: u32): void {
  memory.fill(out, 0, <usize>n << 2);
}

/** out[i] = x[i · stride] */
function copySteps(out: usize, x: usize, n: u32, stride: u32): void {
  if (stride == 1) {
    const end = out + (<usize>n << 2);
    for (; out + 16 <= end; out += 16, x += 16) v128.store(out, v128.load(x));
    const rest = (end - out) >> 2;
    if (rest > 0) storeLanes(out, loadLanes(x, rest), rest);
    return;
  }
  const step = <usize>stride << 2;
  for (; n > 0; n--, out += 4, x += step) store<f32>(out, load<f32>(x));
}

/** out[i · stride] += x[i] */
function addSteps(out: usize, x: usize, n: u32, stride: u32): void {
  if (stride == 1) {
    const end = out + (<usize>n << 2);
    for (; out + 16 <= end; out += 16, x += 16) {
      v128.store(out, f32x4.add(v128.load(out), v128.load(x)));
    }
    const rest = (end - out) >> 2;
    if (rest > 0) storeLanes(out, f32x4.add(loadLanes(out, rest), loadLanes(x, rest)), rest);
    return;
  }
  const step = <usize>stride << 2;
  for (; n > 0; n--, out += step, x += 4) store<f32>(out, load<f32>(out) + load<f32>(x));
}

/**
 * The rows k0 ≤ k < k1 and positions l0 ≤ l < l1 of the columns of x, whose planes begin with the
 * first channel of a group; `ld` elements between the rows of `out`.
 */
export function columns(
  out: usize, ld: u32, x: usize, g: Geometry, k0: u32, k1: u32, l0: u32, l1: u32,
): void {
  const window = g.kernelHeight * g.kernelWidth;
  const plane = <usize>(g.height * g.width) << 2;
  for (let k = k0; k < k1; k++, out += <usize>ld << 2) {
    const inside = k % window;
    const from = x + <usize>(k / window) * plane;
    const offsetY = <i32>(inside / g.kernelWidth * g.dilationY) - <i32>g.paddingY;
    const offsetX = <i32>(inside % g.kernelWidth * g.dilationX) - <i32>g.paddingX;
    const first = firstInside(offsetX, g.strideX, g.outWidth);
    const end = endInside(offsetX, g.strideX, g.width, g.outWidth);
    let to = out;
    for (let l = l0; l < l1; ) {
      const x0 = l % g.outWidth;
      const x1 = min(x0 + l1 - l, g.outWidth);
      const row = <i32>(l / g.outWidth * g.strideY) + offsetY;
      const count = x1 - x0;
      // The part of this row of positions that lies inside the image.
      const a = max(x0, first);
      const b = min(x1, end);
      if (row < 0 || row >= <i32>g.height || a >= b) fillZero(to, count);
      else {
        fillZero(to, a - x0);
        const at = <u32>row * g.width + <u32>(<i32>(a * g.strideX) + offsetX);
        copySteps(to + (<usize>(a - x0) << 2), from + (<usize>at << 2), b - a, g.strideX);
        fillZero(to + (<usize>(b - x0) << 2), x1 - b);
      }
      to += <usize>count << 2;
      l += count;
    }
  }
}

/**
 * The transpose of `columns` for `channels` whole channels: each pixel of `out` starts at 0 and
 * adds what the columns hold of it, (ky, kx) ascending.
 */
export function addColumns(out: usize, columns: usize, g: Geometry, channels: u32): void {
  const plane = g.height * g.width;
  fillZero(out, channels * plane);
  for (; channels > 0; channels--, out += <usize>plane << 2) {
    for (let ky: u32 = 0; ky < g.kernelHeight; ky++) {
      const offsetY = <i32>(ky * g.dilationY) - <i32>g.paddingY;
      const top = firstInside(offsetY, g.strideY, g.outHeight);
      const bottom = endInside(offsetY, g.strideY, g.height, g.outHeight);
      for (let kx: u32 = 0; kx < g.kernelWidth; kx++) {
        const offsetX = <i32>(kx * g.dilationX) - <i32>g.paddingX;
        const first = firstInside(offsetX, g.strideX, g.outWidth);
        const end = endInside(offsetX, g.strideX, g.width, g.outWidth);
        for (let oy = top; oy < bottom && first < end; oy++) {
          const row = <u32>(<i32>(oy * g.strideY) + offsetY) * g.width;
          const at = row + <u32>(<i32>(first * g.strideX) + offsetX);
          const from = columns + (<usize>(oy * g.outWidth + first) << 2);
          addSteps(out + (<usize>at << 2), from, end - first, g.strideX);
        }
        columns += <usize>(g.outHeight * g.outWidth) << 2;
      }
    }
  }
}

export function unfold(out: usize, x: usize, geometry: usize): void {
  const g = changetype<Geometry>(geometry);
  const rows = g.channels * g.kernelHeight * g.kernelWidth;
  const area = g.outHeight * g.outWidth;
  for (let n = g.batch; n > 0; n--) {
    columns(out, area, x, g, 0, rows, 0, area);
    out += <usize>(rows * area) << 2;
    x += <usize>(g.channels * g.height * g.width) << 2;
  }
}

export function fold(out: usize, x: usize, geometry: usize): void {
  const g = changetype<Geometry>(geometry);
  const rows = g.channels * g.kernelHeight * g.kernelWidth;
  for (let n = g.batch; n > 0; n--) {
    addColumns(out, x, g, g.channels);
    out += <usize>(g.channels * g.height * g.width) << 2;
    x += <usize>(rows * g.outHeight * g.outWidth) << 2;
  }
}
