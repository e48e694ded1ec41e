import { Geometry, endInside, firstInside } from "./geometry";
import { gather, loadLanes, storeLanes } from "./lanes";

/**
 * Windows over the planes of images. Where the windows of neighbouring positions lie wholly between
 * the sides of a row, four are reduced at once, one in each lane; the last four of a row overlap
 * those before them. Windows that stick out are reduced alone, over what they have.
 *
 *     x     ┌─0─0─1─1─2─2─3─3─┐        lanes 0 … 3, a step of the kernel: elements `stride` apart
 *     y     └──0───1───2───3──┘
 */

/** Whether windows are 2 × 2 without gaps, and lie side by side along a row. */
function isSquare(g: Geometry): bool {
  return g.kernelHeight == 2 && g.kernelWidth == 2 && g.strideX == 2 && g.dilationY == 1 &&
    g.dilationX == 1;
}

/** Whether those of a plane do too, at least four in a row, and none sticks out. */
function isFlush(g: Geometry): bool {
  return isSquare(g) && (g.paddingY | g.paddingX) == 0 && g.strideY == 2 && g.outWidth >= 4 &&
    g.outHeight << 1 <= g.height && g.outWidth << 1 <= g.width;
}

/** The first position of a row whose window does not stick out on the left. */
// @ts-ignore: decorator
@inline
function firstWhole(g: Geometry): u32 {
  return min((g.paddingX + g.strideX - 1) / g.strideX, g.outWidth);
}

/** One past the last whose window does not stick out on the right, at least the first. */
// @ts-ignore: decorator
@inline
function endWhole(g: Geometry): u32 {
  const reach = <i32>((g.kernelWidth - 1) * g.dilationX) - <i32>g.paddingX;
  return max(endInside(reach, g.strideX, g.width, g.outWidth), firstWhole(g));
}

/**
 * What four windows hold at step kx: elements `stride` apart from x. Two loads of the four elements
 * between and around them take in nothing outside the windows.
 */
// @ts-ignore: decorator
@inline
function loadSteps(x: usize, stride: u32, kx: u32, kernel: u32): v128 {
  if (stride == 1) return v128.load(x);
  if (stride == 2) {
    if (kx > 0) return v128.shuffle<f32>(v128.load(x - 4), v128.load(x + 12), 1, 3, 5, 7);
    if (kernel > 1) return v128.shuffle<f32>(v128.load(x), v128.load(x, 16), 0, 2, 4, 6);
  }
  return gather(x, <usize>stride << 2, 4);
}

/** Whether a lane of b is taken after one of a: it is greater, or NaN. */
// @ts-ignore: decorator
@inline
function isTaken(a: v128, b: v128): v128 {
  return v128.or(f32x4.gt(b, a), f32x4.ne(b, b));
}

export function maxPool(y: usize, indices: usize, x: usize, geometry: usize): void {
  const g = changetype<Geometry>(geometry);
  const first = firstWhole(g);
  const end = endWhole(g);
  const area = g.outHeight * g.outWidth;
  const squares = isSquare(g);
  const flush = isFlush(g);
  for (let plane = g.batch * g.channels; plane > 0; plane--) {
    if (flush && maxSquares(y, indices, x, g, 0, 0, end, g.outHeight)) {
      y += <usize>area << 2;
      indices += <usize>area << 2;
    } else {
      for (let oy: u32 = 0; oy < g.outHeight; oy++) {
        const startY = <i32>(oy * g.strideY) - <i32>g.paddingY;
        const top = firstInside(startY, g.dilationY, g.kernelHeight);
        const bottom = endInside(startY, g.dilationY, g.height, g.kernelHeight);
        const whole = top < bottom && first + 4 <= end;
        const start = startY * <i32>g.width - <i32>g.paddingX;
        if (
          whole &&
          !(squares && bottom - top == 2 && maxSquares(y, indices, x, g, start, first, end, 1))
        ) maxRow(y, indices, x, g, startY, top, bottom, first, end);
        for (let ox: u32 = 0; ox < g.outWidth; ox++) {
          if (whole && ox == first) ox = end;
          if (ox >= g.outWidth) break;
          const at = <usize>ox << 2;
          maxWindow(y + at, indices + at, x, g, startY, top, bottom, ox);
        }
        y += <usize>g.outWidth << 2;
        indices += <usize>g.outWidth << 2;
      }
    }
    x += <usize>(g.height * g.width) << 2;
  }
}

/** The windows first ≤ ox < end of a row, four at a time, from the first element of each on. */
function maxRow(
  y: usize, indices: usize, x: usize, g: Geometry, startY: i32, top: u32, bottom: u32,
  first: u32, end: u32,
): void {
  const stride = g.strideX;
  const kernel = g.kernelWidth;
  const row = (startY + <i32>(top * g.dilationY)) * <i32>g.width - <i32>g.paddingX;
  const lanes = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(stride));
  for (let ox = first; ; ox = min(ox + 4, end - 4)) {
    let start = row + <i32>(ox * stride);
    let best = loadSteps(x + (<usize>start << 2), stride, 0, kernel);
    let place = i32x4.splat(start);
    let at = start;
    let kx: u32 = 1;
    for (let ky = top; ; ) {
      for (; kx < kernel; kx++) {
        at += g.dilationX;
        const v = loadSteps(x + (<usize>at << 2), stride, kx, kernel);
        const take = isTaken(best, v);
        best = v128.bitselect(v, best, take);
        place = v128.bitselect(i32x4.splat(at), place, take);
      }
      if (++ky == bottom) break;
      start += g.dilationY * g.width;
      at = start - g.dilationX;
      kx = 0;
    }
    v128.store(y + (<usize>ox << 2), best);
    v128.store(indices + (<usize>ox << 2), i32x4.add(place, lanes));
    if (ox + 4 >= end) break;
  }
}

/**
 * The same for `rows` rows of squares, of which position 0 of the first looks at `corner`; several
 * rows are whole ones. To take one after another is associative, so the halves of a window are
 * reduced first. A NaN is only noticed: then the result is false, and what is written is not valid.
 *
 * The inner loop ends at its end: V8 computes what stays the same before a loop only if it knows
 * that the loop comes to it.
 */
function maxSquares(
  y: usize, indices: usize, x: usize, g: Geometry, corner: i32, first: u32, end: u32, rows: u32,
): bool {
  const width = i32x4.splat(g.width);
  const below = <usize>g.width << 2;
  // NaN when an element is, but for the first of a window, which stays if it is NaN.
  let sum = f32x4.splat(0);
  for (; rows > 0; rows--, corner += 2 * g.width) {
    for (let ox = first; ; ox = min(ox + 4, end - 4)) {
      const from = <usize>ox << 2;
      const start = corner + 2 * ox;
      const above = x + (<usize>start << 2);
      const v0 = v128.load(above);
      const v1 = v128.load(above, 16);
      const v2 = v128.load(above + below);
      const v3 = v128.load(above + below, 16);
      const a = v128.shuffle<f32>(v0, v1, 0, 2, 4, 6);
      const b = v128.shuffle<f32>(v0, v1, 1, 3, 5, 7);
      const c = v128.shuffle<f32>(v2, v3, 0, 2, 4, 6);
      const d = v128.shuffle<f32>(v2, v3, 1, 3, 5, 7);
      const upper = f32x4.pmax(a, b);
      const lower = f32x4.pmax(c, d);
      const takeLower = f32x4.lt(upper, lower);
      const column = v128.bitselect(f32x4.lt(c, d), f32x4.lt(a, b), takeLower);
      const corners = i32x4.add(i32x4.splat(start), i32x4(0, 2, 4, 6));
      const place = i32x4.add(i32x4.sub(corners, column), v128.and(takeLower, width));
      sum = f32x4.add(sum, f32x4.add(f32x4.add(b, d), c));
      v128.store(y + from, f32x4.pmax(upper, lower));
      v128.store(indices + from, place);
      if (ox + 4 >= end) break;
    }
    y += <usize>end << 2;
    indices += <usize>end << 2;
  }
  return !v128.any_true(f32x4.ne(sum, sum));
}

function maxWindow(
  y: usize, indices: usize, x: usize, g: Geometry, startY: i32, top: u32, bottom: u32, ox: u32,
): void {
  const startX = <i32>(ox * g.strideX) - <i32>g.paddingX;
  const left = firstInside(startX, g.dilationX, g.kernelWidth);
  const right = endInside(startX, g.dilationX, g.width, g.kernelWidth);
  let best: f32 = -Infinity;
  let place: i32 = -1;
  for (let ky = top; ky < bottom; ky++) {
    const row = (startY + <i32>(ky * g.dilationY)) * <i32>g.width + startX;
    for (let kx = left; kx < right; kx++) {
      const at = row + <i32>(kx * g.dilationX);
      const v = load<f32>(x + (<usize>at << 2));
      if (v > best || v != v || place < 0) {
        best = v;
        place = at;
      }
    }
  }
  store<f32>(y, best);
  store<i32>(indices, place);
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

export function poolScatter(out: usize, x: usize, indices: usize, geometry: usize): void {
  const g = changetype<Geometry>(geometry);
  const size = <usize>(g.height * g.width) << 2;
  const count = <usize>(g.outHeight * g.outWidth) << 2;
  const flush = isFlush(g);
  for (let plane = g.batch * g.channels; plane > 0; plane--) {
    if (flush) scatterSquares(out, x, indices, g);
    else {
      memory.fill(out, 0, size);
      for (let i: usize = 0; i < count; i += 4) {
        const at = load<i32>(indices + i);
        if (at < 0) continue;
        const to = out + (<usize>at << 2);
        store<f32>(to, load<f32>(to) + load<f32>(x + i));
      }
    }
    out += size;
    x += count;
    indices += count;
  }
}

/**
 * A plane of windows of 2 × 2 that lie side by side: of each, one pixel gets what is x there, and
 * the others 0, so that nothing is read and added to.
 */
function scatterSquares(out: usize, x: usize, indices: usize, g: Geometry): void {
  const width = g.width;
  const row = <usize>width << 2;
  const right = <usize>(width - (g.outWidth << 1)) << 2;
  const below = <usize>(g.height - (g.outHeight << 1)) * row;
  const end = g.outWidth;
  const p = i32x4(0, 1, 2, 3);
  const p4 = i32x4(4, 5, 6, 7);
  const q = i32x4.add(p, i32x4.splat(width));
  const q4 = i32x4.add(p4, i32x4.splat(width));
  let corner: u32 = 0;
  for (let oy = g.outHeight; oy > 0; oy--, corner += 2 * width) {
    for (let ox: u32 = 0; ; ox = min(ox + 4, end - 4)) {
      const from = <usize>ox << 2;
      const to = out + (from << 1);
      const at = i32x4.sub(v128.load(indices + from), i32x4.splat(corner + 2 * ox));
      // From +0 on, as a sum: −0 becomes +0.
      const v = f32x4.add(f32x4.splat(0), v128.load(x + from));
      const at01 = v128.shuffle<i32>(at, at, 0, 0, 1, 1);
      const at23 = v128.shuffle<i32>(at, at, 2, 2, 3, 3);
      const v01 = v128.shuffle<f32>(v, v, 0, 0, 1, 1);
      const v23 = v128.shuffle<f32>(v, v, 2, 2, 3, 3);
      v128.store(to, v128.and(v01, i32x4.eq(at01, p)));
      v128.store(to, v128.and(v23, i32x4.eq(at23, p4)), 16);
      v128.store(to + row, v128.and(v01, i32x4.eq(at01, q)));
      v128.store(to + row, v128.and(v23, i32x4.eq(at23, q4)), 16);
      if (ox + 4 >= end) break;
    }
    if (right) {
      memory.fill(out + row - right, 0, right);
      memory.fill(out + 2 * row - right, 0, right);
    }
    out += 2 * row;
    x += <usize>end << 2;
    indices += <usize>end << 2;
  }
  if (below) memory.fill(out, 0, below);
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
  const first = firstWhole(g);
  const end = endWhole(g);
  const stride = g.strideX;
  const kernel = g.kernelWidth;
  for (let plane = g.batch * g.channels; plane > 0; plane--) {
    for (let oy: u32 = 0; oy < g.outHeight; oy++) {
      const startY = <i32>(oy * g.strideY) - <i32>g.paddingY;
      const top = firstInside(startY, 1, g.kernelHeight);
      const bottom = endInside(startY, 1, g.height, g.kernelHeight);
      const whole = first + 4 <= end;
      const inRow = divisorOf(g, startY, 0, (bottom - top) * kernel, countIncludePad, divisor);
      for (let ox: u32 = 0; ox < g.outWidth; ) {
        const four = whole && ox >= first && ox < end;
        if (four) ox = min(ox, end - 4);
        const startX = <i32>(ox * stride) - <i32>g.paddingX;
        const left = four ? <u32>0 : firstInside(startX, 1, kernel);
        const right = four ? kernel : endInside(startX, 1, g.width, kernel);
        let sum = f32x4.splat(0);
        for (let ky = top; ky < bottom; ky++) {
          const row = (startY + <i32>ky) * <i32>g.width + startX;
          for (let kx = left; kx < right; kx++) {
            const at = x + (<usize>(row + <i32>kx) << 2);
            sum = f32x4.add(sum, four ? loadSteps(at, stride, kx, kernel) : gather(at, 0, 1));
          }
        }
        const inside = (bottom - top) * (right - left);
        const by = four ? inRow : divisorOf(g, startY, startX, inside, countIncludePad, divisor);
        const mean = f32x4.div(sum, f32x4.splat(by));
        if (four) v128.store(y + (<usize>ox << 2), mean);
        else storeLanes(y + (<usize>ox << 2), mean, 1);
        ox += four ? 4 : 1;
      }
      y += <usize>g.outWidth << 2;
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
  const kernel = g.kernelWidth;
  const first = firstWhole(g);
  // Four windows in the lanes meet no pixel twice in a step only where they lie side by side.
  const end = g.strideX == 1 ? endWhole(g) : first;
  memory.fill(dx, 0, <usize>planes * size);
  for (let plane: u32 = 0; plane < planes; plane++, dx += size) {
    for (let oy: u32 = 0; oy < g.outHeight; oy++) {
      const startY = <i32>(oy * g.strideY) - <i32>g.paddingY;
      const top = firstInside(startY, 1, g.kernelHeight);
      const bottom = endInside(startY, 1, g.height, g.kernelHeight);
      for (let ox: u32 = 0; ox < g.outWidth; ) {
        const count: u32 = ox >= first && ox + 4 <= end ? 4 : 1;
        const startX = <i32>(ox * g.strideX) - <i32>g.paddingX;
        const left = firstInside(startX, 1, kernel);
        const right = count == 4 ? kernel : endInside(startX, 1, g.width, kernel);
        const inside = (bottom - top) * (right - left);
        const by = divisorOf(g, startY, startX, inside, countIncludePad, divisor);
        const share = f32x4.div(loadLanes(dy, count), f32x4.splat(by));
        for (let ky = top; ky < bottom; ky++) {
          const row = (startY + <i32>ky) * <i32>g.width + startX;
          // From the right, so that a pixel meets the windows of the lanes in ascending order.
          for (let kx = <i32>right - 1; kx >= <i32>left; kx--) {
            const to = dx + (<usize>(row + kx) << 2);
            storeLanes(to, f32x4.add(loadLanes(to, count), share), count);
          }
        }
        ox += count;
        dy += <usize>count << 2;
      }
    }
  }
}
