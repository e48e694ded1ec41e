import { type Heap, SHIFT } from "./float.js";
import { endInside, firstInside, type Geometry, geometryAt } from "./geometry.js";

const F = Math.fround;

/** Windows over the planes of images, one position after the other (see `assembly/pool.ts`). */

/** Where a window begins, and what of the kernel lies inside the plane. */
interface Window {
  readonly y: number;
  readonly x: number;
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** The window at position l of a plane. */
function windowAt(g: Geometry, l: number): Window {
  const ox = l % g.outWidth;
  const y = ((l - ox) / g.outWidth) * g.strideY - g.paddingY;
  const x = ox * g.strideX - g.paddingX;
  return {
    y,
    x,
    top: firstInside(y, g.dilationY, g.kernelHeight),
    bottom: endInside(y, g.dilationY, g.height, g.kernelHeight),
    left: firstInside(x, g.dilationX, g.kernelWidth),
    right: endInside(x, g.dilationX, g.width, g.kernelWidth),
  };
}

export function maxPool(m: Heap, y: number, indices: number, x: number, geometry: number): void {
  const f = m.f;
  const g = geometryAt(m, geometry);
  const area = g.outHeight * g.outWidth;
  const plane = g.height * g.width;
  const windows = Array.from({ length: area }, (_, l) => windowAt(g, l));
  for (let p = 0; p < g.batch * g.channels; p++) {
    const from = (x >>> SHIFT) + p * plane;
    for (const [l, w] of windows.entries()) {
      let best = Number.NEGATIVE_INFINITY;
      let place = -1;
      for (let ky = w.top; ky < w.bottom; ky++) {
        for (let kx = w.left; kx < w.right; kx++) {
          const at = (w.y + ky * g.dilationY) * g.width + w.x + kx * g.dilationX;
          const v = f[from + at] as number;
          if (place < 0 || v > best || Number.isNaN(v)) {
            best = v;
            place = at;
          }
        }
      }
      f[(y >>> SHIFT) + p * area + l] = best;
      m.i[(indices >>> 2) + p * area + l] = place;
    }
  }
}

export function poolGather(
  m: Heap,
  out: number,
  x: number,
  indices: number,
  planes: number,
  size: number,
  count: number,
): void {
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  for (let p = 0; p < planes; p++) {
    for (let i = p * count; i < (p + 1) * count; i++) {
      const at = m.i[(indices >>> 2) + i] as number;
      m.f[o + i] = at < 0 ? 0 : (m.f[a + p * size + at] as number);
    }
  }
}

export function poolScatter(
  m: Heap,
  out: number,
  x: number,
  indices: number,
  geometry: number,
): void {
  const g = geometryAt(m, geometry);
  const planes = g.batch * g.channels;
  const size = g.height * g.width;
  const count = g.outHeight * g.outWidth;
  const o = out >>> SHIFT;
  const a = x >>> SHIFT;
  m.f.fill(0, o, o + planes * size);
  for (let p = 0; p < planes; p++) {
    for (let i = p * count; i < (p + 1) * count; i++) {
      const at = m.i[(indices >>> 2) + i] as number;
      if (at < 0) continue;
      const to = o + p * size + at;
      m.f[to] = F((m.f[to] as number) + (m.f[a + i] as number));
    }
  }
}

/** What the sum of a window is divided by. */
function divisorOf(
  m: Heap,
  g: Geometry,
  w: Window,
  countIncludePad: number,
  divisor: number,
): number {
  if (divisor !== 0) return m.f[divisor >>> SHIFT] as number;
  if (countIncludePad === 0) return Math.max(1, (w.bottom - w.top) * (w.right - w.left));
  const rows = Math.min(w.y + g.kernelHeight, g.height + g.paddingY) - w.y;
  const cols = Math.min(w.x + g.kernelWidth, g.width + g.paddingX) - w.x;
  return rows * cols;
}

export function avgPool(
  m: Heap,
  y: number,
  x: number,
  geometry: number,
  countIncludePad: number,
  divisor: number,
): void {
  const f = m.f;
  const g = geometryAt(m, geometry);
  const area = g.outHeight * g.outWidth;
  const plane = g.height * g.width;
  const windows = Array.from({ length: area }, (_, l) => windowAt(g, l));
  const divisors = windows.map((w) => divisorOf(m, g, w, countIncludePad, divisor));
  for (let p = 0; p < g.batch * g.channels; p++) {
    const from = (x >>> SHIFT) + p * plane;
    for (const [l, w] of windows.entries()) {
      let sum = 0;
      for (let ky = w.top; ky < w.bottom; ky++) {
        const row = from + (w.y + ky) * g.width + w.x;
        for (let kx = w.left; kx < w.right; kx++) sum = F(sum + (f[row + kx] as number));
      }
      f[(y >>> SHIFT) + p * area + l] = F(sum / (divisors[l] as number));
    }
  }
}

export function avgPoolBackward(
  m: Heap,
  dx: number,
  dy: number,
  geometry: number,
  countIncludePad: number,
  divisor: number,
): void {
  const f = m.f;
  const g = geometryAt(m, geometry);
  const area = g.outHeight * g.outWidth;
  const plane = g.height * g.width;
  const planes = g.batch * g.channels;
  const windows = Array.from({ length: area }, (_, l) => windowAt(g, l));
  const divisors = windows.map((w) => divisorOf(m, g, w, countIncludePad, divisor));
  f.fill(0, dx >>> SHIFT, (dx >>> SHIFT) + planes * plane);
  for (let p = 0; p < planes; p++) {
    const to = (dx >>> SHIFT) + p * plane;
    for (const [l, w] of windows.entries()) {
      const share = F((f[(dy >>> SHIFT) + p * area + l] as number) / (divisors[l] as number));
      for (let ky = w.top; ky < w.bottom; ky++) {
        const row = to + (w.y + ky) * g.width + w.x;
        for (let kx = w.left; kx < w.right; kx++) {
          f[row + kx] = F((f[row + kx] as number) + share);
        }
      }
    }
  }
}
