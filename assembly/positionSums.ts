import { positionKernel } from "./convKernel";
import { KC } from "./gemm";
import { Geometry } from "./geometry";
import { loadLanes, storeLanes } from "./lanes";
import { packB } from "./packing";
import { padPlanes, pitchOf } from "./padding";

/**
 * The weight gradient: for each element of each filter the sum over all positions of all images, in
 * blocks of KC. A block takes a run of each image that it reaches into; what the kernel sees of
 * these runs is padded, one under another in a plane for each channel, and dy packed.
 *
 *     jc   channels, `span` at a time
 *     pc   positions, KC at a time: the image is padded and a table says where a position lies
 *     ic   filters, MC at a time: dy is packed
 *     ir   micro-panels of dy, eight filters wide
 *     jr   four elements of a filter
 */

/** dy of as many filters is packed at a time, 128 KiB. */
const MC: u32 = 128;

/** Bytes of scratch before what is padded: a tile, a table of positions, packed dy. */
const POSITIONS: usize = 128;
const PACKED: usize = POSITIONS + <usize>KC * 8;
const BASES: usize = PACKED + <usize>KC * MC * 4;

/** Bytes of n elements. */
// @ts-ignore: decorator
@inline
function bytes(n: u32): usize {
  return <usize>n << 2;
}

/** Into how many stretches of `length` a run of n positions can reach. */
// @ts-ignore: decorator
@inline
function reached(n: u32, length: u32): u32 {
  return n ? (n + length - 2) / length + 1 : 0;
}

/** Positions that follow position l in its image, and in its row where rows are longer than KC. */
// @ts-ignore: decorator
@inline
function runFrom(g: Geometry, l: u32): u32 {
  return g.outWidth > KC ? g.outWidth - l % g.outWidth : g.outHeight * g.outWidth - l;
}

/** dw [filters, channels, kH, kW] of one group. */
export function positionSums(
  dw: usize, scratch: usize, x: usize, dy: usize, g: Geometry, channels: u32, filters: u32,
  span: u32,
): void {
  const window = g.kernelHeight * g.kernelWidth;
  const total = g.batch * g.outHeight * g.outWidth;
  const high = (g.kernelHeight - 1) * g.dilationY + 1;
  const across = min(g.outWidth, KC);
  const pitch = pitchOf((across - 1) * g.strideX + (g.kernelWidth - 1) * g.dilationX + 1, g.strideX);
  const most = min(KC, total);
  const runs = reached(most, g.outWidth > KC ? g.outWidth : g.outHeight * g.outWidth);
  const rows = reached(most, g.outWidth) * g.strideY + runs * (max(high, g.strideY) - g.strideY);
  const planeBytes = bytes(rows * pitch);
  const stride = bytes(channels * window);
  const bases = scratch + BASES;
  const padded = bases + bytes(min(span, channels) * window + 3);
  for (let c: u32 = 0; c < channels; c += span) {
    const count = min(span, channels - c);
    const elements = count * window;
    // Elements that are not there are the first once more.
    for (let i: u32 = 0; i < elements + 3; i++) {
      const e = i < elements ? i : 0;
      const inside = e % window;
      const column = inside % g.kernelWidth * g.dilationX;
      const at = inside / g.kernelWidth * g.dilationY * pitch +
        column % g.strideX * (pitch / g.strideX) + column / g.strideX;
      store<u32>(bases + bytes(i), <u32>(padded + <usize>(e / window) * planeBytes) + (at << 2));
    }
    const image = x + bytes(c * g.height * g.width);
    let p: u32 = 0;
    do {
      const k = min(KC, total - p);
      padRuns(padded, scratch + POSITIONS, image, g, count, p, k, pitch, high, planeBytes);
      for (let f: u32 = 0; f < filters; f += MC) {
        const part = min(MC, filters - f);
        packRuns(scratch + PACKED, dy, g, f, part, p, k);
        multiplyBlock(
          dw + <usize>f * stride + bytes(c * window), scratch, bases, elements, part, k, stride, p > 0,
        );
      }
      p += KC;
    } while (p < total);
  }
}

/** Pads what the positions p … p + k see, and notes where they lie there, in bytes. */
function padRuns(
  out: usize, positions: usize, x: usize, g: Geometry, channels: u32, p: u32, k: u32, pitch: u32,
  high: u32, planeBytes: usize,
): void {
  const area = g.outHeight * g.outWidth;
  let n = k ? p / area : 0;
  let l = k ? p % area : 0;
  let at: usize = 0;
  memory.fill(out, 0, <usize>channels * planeBytes);
  for (let done: u32 = 0; done < k; ) {
    const run = min(runFrom(g, l), k - done);
    const top = l / g.outWidth;
    const left = g.outWidth > KC ? l % g.outWidth : 0;
    const rows = ((l + run - 1) / g.outWidth - top) * g.strideY + high;
    padPlanes(
      out + at, planeBytes, x + <usize>n * bytes(g.channels * g.height * g.width), channels,
      g.height, g.width, <i32>(top * g.strideY) - <i32>g.paddingY,
      <i32>(left * g.strideX) - <i32>g.paddingX, rows, pitch, g.strideX,
    );
    let column = l % g.outWidth;
    let row = at;
    for (let i: u32 = 0; i < run; positions += 8) {
      const paired = i + 1 < run && column + 1 < g.outWidth;
      store<u32>(positions, <u32>row + ((column - left) << 2));
      store<u32>(positions, paired, 4);
      i += 1 + <u32>paired;
      column += 1 + <u32>paired;
      if (column == g.outWidth) {
        column = 0;
        row += bytes(g.strideY * pitch);
      }
    }
    at += bytes(rows * pitch);
    done += run;
    l += run;
    if (l == area) {
      l = 0;
      n++;
    }
  }
}

/** Packs dy of the positions p … p + k and of `filters` filters from f on: panels of eight. */
function packRuns(
  out: usize, dy: usize, g: Geometry, f: u32, filters: u32, p: u32, k: u32,
): void {
  const area = g.outHeight * g.outWidth;
  for (let j: u32 = 0; j < filters; j += 8) {
    let n = k ? p / area : 0;
    let l = k ? p % area : 0;
    for (let done: u32 = 0; done < k; l = 0, n++) {
      const run = min(area - l, k - done);
      packB(
        out, dy + bytes((n * g.filters + f + j) * area + l), min(8, filters - j), run, 4,
        bytes(area),
      );
      out += <usize>run << 5;
      done += run;
    }
  }
}

/** The loops ir and jr. Tiles at the edges are computed whole in scratch and copied. */
function multiplyBlock(
  dw: usize, scratch: usize, bases: usize, elements: u32, filters: u32, k: u32, stride: usize,
  keep: bool,
): void {
  const positions = scratch + POSITIONS;
  let b = scratch + PACKED;
  for (let i: u32 = 0; i < filters; i += 8, b += <usize>k << 5, dw += stride << 3) {
    const rows = min<u32>(filters - i, 8);
    for (let e: u32 = 0; e < elements; e += 4) {
      const at = bases + bytes(e);
      const count = min<u32>(elements - e, 4);
      const x0: usize = load<u32>(at);
      const x1: usize = load<u32>(at, 4);
      const x2: usize = load<u32>(at, 8);
      const x3: usize = load<u32>(at, 12);
      const to = dw + bytes(e);
      if (rows == 8 && count == 4) {
        positionKernel(to, x0, x1, x2, x3, positions, b, k, stride, keep);
        continue;
      }
      if (keep) copyRows(scratch, 16, to, stride, rows, count);
      positionKernel(scratch, x0, x1, x2, x3, positions, b, k, 16, keep);
      copyRows(to, stride, scratch, 16, rows, count);
    }
  }
}

/** `rows` rows of `count` ≤ 4 elements; strides in bytes. */
function copyRows(
  to: usize, toStride: usize, from: usize, fromStride: usize, rows: u32, count: u32,
): void {
  for (; rows > 0; rows--, to += toStride, from += fromStride) {
    storeLanes(to, loadLanes(from, count), count);
  }
}
