import { type Heap, SHIFT } from "./float.js";
import { endInside, firstInside, type Geometry, geometryAt } from "./geometry.js";

const F = Math.fround;

/**
 * Images as columns, a part of them (see `assembly/columns.ts`): rows k0 ≤ k < k1, positions l0 ≤ l
 * < l1, `ld` elements between the rows of `out`. Addresses are indices of floats.
 */
export function columns(
  f: Heap["f"],
  out: number,
  ld: number,
  x: number,
  g: Geometry,
  k0: number,
  k1: number,
  l0: number,
  l1: number,
): void {
  const window = g.kernelHeight * g.kernelWidth;
  for (let k = k0; k < k1; k++) {
    const inside = k % window;
    const kx = inside % g.kernelWidth;
    const ky = (inside - kx) / g.kernelWidth;
    const plane = x + ((k - inside) / window) * g.height * g.width;
    const offsetY = ky * g.dilationY - g.paddingY;
    const offsetX = kx * g.dilationX - g.paddingX;
    let to = out + (k - k0) * ld;
    let ox = l0 % g.outWidth;
    let row = ((l0 - ox) / g.outWidth) * g.strideY + offsetY;
    for (let l = l0; l < l1; l++) {
      const column = ox * g.strideX + offsetX;
      const within = row >= 0 && row < g.height && column >= 0 && column < g.width;
      f[to++] = within ? (f[plane + row * g.width + column] as number) : 0;
      if (++ox === g.outWidth) {
        ox = 0;
        row += g.strideY;
      }
    }
  }
}

/** The transpose of `columns` for whole channels, in the order of its twin. */
export function addColumns(
  f: Heap["f"],
  out: number,
  x: number,
  g: Geometry,
  channels: number,
): void {
  const plane = g.height * g.width;
  f.fill(0, out, out + channels * plane);
  let from = x;
  for (let c = 0; c < channels; c++) {
    for (let ky = 0; ky < g.kernelHeight; ky++) {
      const offsetY = ky * g.dilationY - g.paddingY;
      const top = firstInside(offsetY, g.strideY, g.outHeight);
      const bottom = endInside(offsetY, g.strideY, g.height, g.outHeight);
      for (let kx = 0; kx < g.kernelWidth; kx++) {
        const offsetX = kx * g.dilationX - g.paddingX;
        const first = firstInside(offsetX, g.strideX, g.outWidth);
        const end = endInside(offsetX, g.strideX, g.width, g.outWidth);
        for (let oy = top; oy < bottom; oy++) {
          const row = out + c * plane + (oy * g.strideY + offsetY) * g.width + offsetX;
          for (let ox = first; ox < end; ox++) {
            const at = row + ox * g.strideX;
            f[at] = F((f[at] as number) + (f[from + oy * g.outWidth + ox] as number));
          }
        }
        from += g.outHeight * g.outWidth;
      }
    }
  }
}

export function unfold(m: Heap, out: number, x: number, geometry: number): void {
  const g = geometryAt(m, geometry);
  const rows = g.channels * g.kernelHeight * g.kernelWidth;
  const area = g.outHeight * g.outWidth;
  for (let n = 0; n < g.batch; n++) {
    const image = (x >>> SHIFT) + n * g.channels * g.height * g.width;
    columns(m.f, (out >>> SHIFT) + n * rows * area, area, image, g, 0, rows, 0, area);
  }
}

export function fold(m: Heap, out: number, x: number, geometry: number): void {
  const g = geometryAt(m, geometry);
  const rows = g.channels * g.kernelHeight * g.kernelWidth;
  for (let n = 0; n < g.batch; n++) {
    const image = (out >>> SHIFT) + n * g.channels * g.height * g.width;
    const from = (x >>> SHIFT) + n * rows * g.outHeight * g.outWidth;
    addColumns(m.f, image, from, g, g.channels);
  }
}
