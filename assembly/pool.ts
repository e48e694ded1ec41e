import { Geometry, endInside, firstInside } from "./geometry";
import { gather, storeLanes } from "./lanes";

/**
 * Windows over the planes of images. Where the windows of neighbouring positions lie wholly between
 * the sides of a row, up to four are reduced at once, one in each lane; those that stick out alone,
 * over what they have.
 *
 *     x     ┌─0─0─1─1─2─2─3─3─┐        lanes 0 … 3, a step of the kernel: elements `stride` apart
 *     y     └──0───1───2───3──┘
 */

/** Positions in a row of windows that are reduced together from `ox` on. */
// @ts-ignore: decorator
@inline
function together(g: Geometry, ox: u32): u32 {
  const reach = <i32>((g.kernelWidth - 1) * g.dilationX) - <i32>g.paddingX;
  const end = endInside(reach, g.strideX, g.width, g.outWidth);
  return ox * g.strideX >= g.paddingX && ox < end ? min(end - ox, 4) : 1;
}

export function maxPool(y: usize, indices: usize, x: usize, geometry: usize): void {
  const g = changetype<Geometry>(geometry);
  const step = <usize>g.strideX << 2;
  const lanes = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(g.strideX));
  for (let plane = g.batch * g.channels; plane > 0; plane--) {
    for (let oy: u32 = 0; oy < g.outHeight; oy++) {
      const startY = <i32>(oy * g.strideY) - <i32>g.paddingY;
      const top = firstInside(startY, g.dilationY, g.kernelHeight);
      const bottom = endInside(startY, g.dilationY, g.height, g.kernelHeight);
      for (let ox: u32 = 0; ox < g.outWidth; ) {
        const count = together(g, ox);
        const startX = <i32>(ox * g.strideX) - <i32>g.paddingX;
        const left = firstInside(startX, g.dilationX, g.kernelWidth);
        const right = endInside(startX, g.dilationX, g.width, g.kernelWidth);
        let best = f32x4.splat(-Infinity);
        let place = i32x4.splat(-1);
        for (let ky = top; ky < bottom; ky++) {
          const row = (startY + <i32>(ky * g.dilationY)) * <i32>g.width + startX;
          for (let kx = left; kx < right; kx++) {
            const at = row + <i32>(kx * g.dilationX);
            const v = gather(x + (<usize>at << 2), step, count);
            const better = v128.or(f32x4.gt(v, best), f32x4.ne(v, v));
            const take = v128.or(better, i32x4.lt_s(place, i32x4.splat(0)));
            best = v128.bitselect(v, best, take);
            place = v128.bitselect(i32x4.add(i32x4.splat(at), lanes), place, take);
          }
        }
        storeLanes(y, best, count);
        storeLanes(indices, place, count);
        y += <usize>count << 2;
        indices += <usize>count << 2;
        ox += count;
      }
    }
    x += <usize>(g.height * g.width) << 2;
  }
}

export function poolGather(
  out: usize, x: usize, indices: usize, planes: usize, size: usize, count: usize,
): void {
  for (; planes > 0; planes--, x += size << 2) {
    for (const end = out + (count << 2); out < end; out += 4, indices += 4) {
      const at = load<i32>(indices);
      store<f32>(out, at < 0 ? 0 : load<f32>(x + (<usize>at << 2)));
    }
  }
}

export function poolScatter(
  out: usize, x: usize, indices: usize, planes: usize, size: usize, count: usize,
): void {
  memory.fill(out, 0, (planes * size) << 2);
  for (; planes > 0; planes--, out += size << 2) {
    for (const end = x + (count << 2); x < end; x += 4, indices += 4) {
      const at = load<i32>(indices);
      if (at < 0) continue;
      const to = out + (<usize>at << 2);
      store<f32>(to, load<f32>(to) + load<f32>(x));
    }
  }
}

/** Positions of a window from `start` along an axis, padding included. */
// @ts-ignore: decorator
@inline
function padded(start: i32, kernel: u32, size: u32, padding: u32): i32 {
  return min(start + <i32>kernel, <i32>(size + padding)) - start;
}

/** What the sum of a window is divided by; `inside` are the elements that it has. */
// @ts-ignore: decorator
@inline
function divisorOf(
  g: Geometry, startY: i32, startX: i32, inside: u32, countIncludePad: u32, divisor: usize,
): f32 {
  if (divisor) return load<f32>(divisor);
  if (!countIncludePad) return inside ? <f32>inside : 1;
  return <f32>(
    padded(startY, g.kernelHeight, g.height, g.paddingY) *
    padded(startX, g.kernelWidth, g.width, g.paddingX)
  );
}

export function avgPool(
  y: usize, x: usize, geometry: usize, countIncludePad: u32, divisor: usize,
): void {
  const g = changetype<Geometry>(geometry);
  const step = <usize>g.strideX << 2;
  for (let plane = g.batch * g.channels; plane > 0; plane--) {
    for (let oy: u32 = 0; oy < g.outHeight; oy++) {
      const startY = <i32>(oy * g.strideY) - <i32>g.paddingY;
      const top = firstInside(startY, 1, g.kernelHeight);
      const bottom = endInside(startY, 1, g.height, g.kernelHeight);
      for (let ox: u32 = 0; ox < g.outWidth; ) {
        const count = together(g, ox);
        const startX = <i32>(ox * g.strideX) - <i32>g.paddingX;
        const left = firstInside(startX, 1, g.kernelWidth);
        const right = endInside(startX, 1, g.width, g.kernelWidth);
        let sum = f32x4.splat(0);
        for (let ky = top; ky < bottom; ky++) {
          const row = (startY + <i32>ky) * <i32>g.width + startX;
          for (let kx = left; kx < right; kx++) {
            sum = f32x4.add(sum, gather(x + (<usize>(row + <i32>kx) << 2), step, count));
          }
        }
        const inside = (bottom - top) * (right - left);
        const by = divisorOf(g, startY, startX, inside, countIncludePad, divisor);
        storeLanes(y, f32x4.div(sum, f32x4.splat(by)), count);
        y += <usize>count << 2;
        ox += count;
      }
    }
    x += <usize>(g.height * g.width) << 2;
  }
}

export function avgPoolBackward(
  dx: usize, dy: usize, geometry: usize, countIncludePad: u32, divisor: usize,
): void {
  const g = changetype<Geometry>(geometry);
  const size = <usize>(g.height * g.width) << 2;
  const planes = g.batch * g.channels;
  memory.fill(dx, 0, <usize>planes * size);
  for (let plane: u32 = 0; plane < planes; plane++, dx += size) {
    for (let oy: u32 = 0; oy < g.outHeight; oy++) {
      const startY = <i32>(oy * g.strideY) - <i32>g.paddingY;
      const top = firstInside(startY, 1, g.kernelHeight);
      const bottom = endInside(startY, 1, g.height, g.kernelHeight);
      for (let ox: u32 = 0; ox < g.outWidth; ox++, dy += 4) {
        const startX = <i32>(ox * g.strideX) - <i32>g.paddingX;
        const left = firstInside(startX, 1, g.kernelWidth);
        const right = endInside(startX, 1, g.width, g.kernelWidth);
        const inside = (bottom - top) * (right - left);
        const by = divisorOf(g, startY, startX, inside, countIncludePad, divisor);
        const share = load<f32>(dy) / by;
        for (let ky = top; ky < bottom; ky++) {
          const row = (startY + <i32>ky) * <i32>g.width + startX;
          for (let kx = left; kx < right; kx++) {
            const to = dx + (<usize>(row + <i32>kx) << 2);
            store<f32>(to, load<f32>(to) + share);
          }
        }
      }
    }
  }
}
