import { positionTile } from "./convTile.js";
import type { Heap } from "./float.js";
import { KC } from "./gemm.js";
import type { Geometry } from "./geometry.js";
import { padPlanes, pitchOf } from "./padding.js";

const F = Math.fround;

/**
 * The weight gradient in the order of `assembly/positionSums.ts`: tiles of four filters and four
 * elements of them. Addresses are indices of floats.
 */

const reached = (n: number, length: number): number =>
  n === 0 ? 0 : Math.floor((n + length - 2) / length) + 1;

/** dw [filters, channels, kH, kW] of one group; `scratch` holds padded planes. */
export function positionSums(
  f: Heap["f"],
  dw: number,
  scratch: number,
  x: number,
  dy: number,
  g: Geometry,
  channels: number,
  filters: number,
  span: number,
): void {
  const window = g.kernelHeight * g.kernelWidth;
  const depth = channels * window;
  const area = g.outHeight * g.outWidth;
  const total = g.batch * area;
  const high = (g.kernelHeight - 1) * g.dilationY + 1;
  const long = (g.kernelWidth - 1) * g.dilationX + 1;
  const across = Math.min(g.outWidth, KC);
  const pitch = pitchOf((across - 1) * g.strideX + long, g.strideX);
  const most = Math.min(KC, total);
  const runs = reached(most, g.outWidth > KC ? g.outWidth : area);
  const rows = reached(most, g.outWidth) * g.strideY + runs * Math.max(0, high - g.strideY);
  const positions = new Int32Array(KC);
  const maps = new Int32Array(KC);
  const sums = new Float64Array(16);
  /** Where element e of the filters looks from the position at 0. */
  const base = (e: number): number => {
    const inside = e % window;
    const kx = inside % g.kernelWidth;
    const column = kx * g.dilationX;
    const phase = column % g.strideX;
    const row = ((e - inside) / window) * rows + ((inside - kx) / g.kernelWidth) * g.dilationY;
    return scratch + row * pitch + (phase * pitch + column - phase) / g.strideX;
  };
  for (let c = 0; c < channels; c += span) {
    const count = Math.min(span, channels - c);
    const elements = count * window;
    let p = 0;
    do {
      const k = Math.min(KC, total - p);
      padRuns(f, scratch, positions, maps, x, g, c, count, p, k, pitch, high, rows * pitch);
      for (let e = 0; e < elements; e += 4) {
        const right = Math.min(3, elements - 1 - e);
        const [x0, x1, x2, x3] = [0, 1, 2, 3].map((i) => base(e + Math.min(i, right))) as Four;
        for (let o = 0; o < filters; o += 4) {
          const below = Math.min(3, filters - 1 - o);
          const [d0, d1, d2, d3] = [0, 1, 2, 3].map(
            (i) => dy + (o + Math.min(i, below)) * area,
          ) as Four;
          positionTile(sums, f, x0, x1, x2, x3, positions, d0, d1, d2, d3, maps, k);
          for (let row = 0; row <= below; row++) {
            for (let i = 0; i <= right; i++) {
              const at = dw + (o + row) * depth + c * window + e + i;
              const s = sums[4 * row + i] as number;
              f[at] = p > 0 ? F((f[at] as number) + s) : s;
            }
          }
        }
      }
      p += KC;
    } while (p < total);
  }
}

type Four = [number, number, number, number];

/** Pads what the positions p … p + k see of channels from c on; notes where they and dy lie. */
function padRuns(
  f: Heap["f"],
  out: number,
  positions: Int32Array,
  maps: Int32Array,
  x: number,
  g: Geometry,
  c: number,
  channels: number,
  p: number,
  k: number,
  pitch: number,
  high: number,
  planeSize: number,
): void {
  const area = g.outHeight * g.outWidth;
  let at = 0;
  for (let done = 0; done < k; ) {
    const l = (p + done) % area;
    const n = (p + done - l) / area;
    const column = l % g.outWidth;
    const narrow = g.outWidth > KC;
    const run = Math.min(narrow ? g.outWidth - column : area - l, k - done);
    const top = (l - column) / g.outWidth;
    const left = narrow ? column : 0;
    const rows = (Math.floor((l + run - 1) / g.outWidth) - top) * g.strideY + high;
    padPlanes(
      f,
      ...([out + at, planeSize, x + (n * g.channels + c) * g.height * g.width, channels] as const),
      ...([g.height, g.width, top * g.strideY - g.paddingY] as const),
      ...([left * g.strideX - g.paddingX, rows, pitch, g.strideX] as const),
    );
    for (let i = l; i < l + run; i++, done++) {
      const ox = i % g.outWidth;
      positions[done] = at + ((i - ox) / g.outWidth - top) * g.strideY * pitch + ox - left;
      maps[done] = n * g.filters * area + i;
    }
    at += rows * pitch;
  }
}
