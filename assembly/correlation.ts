import { sigmoid, tanh } from "./elementwise";
import { KC } from "./gemm";
import { gather } from "./lanes";
import { Activation } from "./opcodes";
import { padPlanes, pitchOf } from "./padding";
import { Sweep, sweep } from "./sweep";

/**
 * The product of filters with the columns of images, without columns: tiles of four filters and
 * eight positions read a block of padded planes where it lies.
 *
 *     k     KC elements of the filters at a time: they are packed, once for all images
 *     n     images
 *     part  positions, `span` at a time: the planes that the block sees are padded
 *     jr    two vectors of positions
 *     ir    micro-panels of filters
 */

/** How positions along one axis of the result look at the source. */
@unmanaged
export class Axis {
  /** Elements of the source, and of the result. */
  source: u32;
  result: u32;
  /** Positions: where the first lies in the result, and how far apart they are there. */
  positions: u32;
  origin: u32;
  spacing: u32;
  /** How far apart they are in the source. */
  stride: u32;
  /** Elements of the kernel that count: the first, and how far apart they are in the kernel. */
  taps: u32;
  first: u32;
  step: u32;
  /** Where in the source the first of them looks from the first position; and the next, further. */
  start: i32;
  reach: i32;

  /** Where the lowest of them looks. */
  // @ts-ignore: decorator
  @inline
  low(): i32 {
    return this.start + min<i32>(0, (<i32>this.taps - 1) * this.reach);
  }

  /** Elements of the source under n ≥ 1 positions. */
  // @ts-ignore: decorator
  @inline
  covered(n: u32): u32 {
    const reach = this.reach < 0 ? -this.reach : this.reach;
    return this.taps ? (n - 1) * this.stride + (this.taps - 1) * <u32>reach + 1 : 0;
  }
}

/** Words of scratch before what is packed: axes, a sweep, a tile, its lanes; three tables of KC. */
const AXES: usize = 0;
const SWEEP: usize = 128;
const TILE: usize = 256;
const LANES: usize = 384;
const OFFSETS: usize = 512;
const WEIGHTS: usize = OFFSETS + <usize>KC * 4;
const PACKED_OFFSETS: usize = WEIGHTS + <usize>KC * 4;
const PACKED: usize = PACKED_OFFSETS + <usize>KC * 4;
const PANELS: usize = PACKED + <usize>KC * 32;

/** The axis y or x that describes a correlation to come. */
export function axisAt(scratch: usize, index: usize): Axis {
  return changetype<Axis>(scratch + AXES + index * 64);
}

/** Bytes of n elements. */
// @ts-ignore: decorator
@inline
function bytes(n: u32): usize {
  return <usize>n << 2;
}

/**
 * out [batch, filters, result] (+ bias, activation) from x [batch, planes, source] of one group,
 * whose images are `outImage` and `xImage` bytes apart, by the axes in `scratch`. The element
 * (plane, ky, kx) of a filter lies at w + filter · rowBytes + plane · planeBytes + 4 · (ky ·
 * kernelWidth + kx).
 */
export function correlate(
  scratch: usize, out: usize, outImage: usize, x: usize, xImage: usize, w: usize, rowBytes: usize,
  planeBytes: usize, kernelWidth: u32, bias: usize, batch: u32, planes: u32, filters: u32,
  span: u32, activation: u32,
): void {
  const y = axisAt(scratch, 0);
  const h = axisAt(scratch, 1);
  const s = changetype<Sweep>(scratch + SWEEP);
  const window = y.taps * h.taps;
  const depth = planes * window;
  const plane = bytes(y.result * h.result);
  const panels = (filters + 3) >> 2;
  const shifts = scratch + PANELS + bytes(4 * panels * min(KC, depth));
  const source = shifts + bytes(4 * panels);
  for (let i: u32 = 0; i < 4 * panels && bias; i++) {
    store<f32>(shifts + bytes(i), i < filters ? load<f32>(bias + bytes(i)) : 0);
  }
  for (let p: u32 = 0; p < KC; p++) store<u32>(scratch + PACKED_OFFSETS + bytes(p), p << 5);
  const tall = max<u32>(1, h.positions ? span / h.positions : 1);
  const wide = min(span, h.positions);
  s.panels = scratch + PANELS;
  s.filters = filters;
  s.offsets = scratch + OFFSETS;
  s.packedOffsets = scratch + PACKED_OFFSETS;
  s.packed = scratch + PACKED;
  s.tile = scratch + TILE;
  s.lanes = scratch + LANES;
  s.stride = plane;
  s.rowBytes = bytes(y.spacing * h.result);
  s.columnBytes = bytes(h.spacing);
  s.source = source;
  let k0: u32 = 0;
  do {
    const k = min(KC, depth - k0);
    const last = k0 + k == depth;
    const from = k ? k0 / window : 0;
    const count = k ? (k0 + k - 1) / window + 1 - from : 0;
    const rows = y.covered(min(tall, y.positions));
    const pitch = pitchOf(h.covered(wide), h.stride);
    const padded = bytes(rows * pitch);
    s.k = k;
    s.keep = k0 > 0;
    s.bias = last && bias ? shifts : 0;
    s.relu = last && activation == Activation.Relu;
    s.sourceRowBytes = bytes(y.stride * pitch);
    tabulate(scratch, k0, k, padded, pitch, planeBytes, kernelWidth);
    packFilters(s.panels, w, scratch + WEIGHTS, filters, k, rowBytes);
    for (let n: u32 = 0; n < batch; n++) {
      const image = x + <usize>n * xImage + bytes(from * y.source * h.source);
      const result = out + <usize>n * outImage;
      for (let i: u32 = 0; i < y.positions; i += tall) {
        const height = min(tall, y.positions - i);
        for (let j: u32 = 0; j < h.positions; j += wide) {
          s.columns = min(wide, h.positions - j);
          s.out = result +
            bytes((y.origin + i * y.spacing) * h.result + h.origin + j * h.spacing);
          // The margins of one part that is all positions are the same in all images.
          if (n == 0 || s.columns * height < y.positions * h.positions) {
            memory.fill(source, 0, <usize>count * padded);
          }
          padPlanes(
            source, padded, image, count, y.source, h.source,
            y.low() + <i32>(i * y.stride), h.low() + <i32>(j * h.stride),
            rows, pitch, h.stride,
          );
          sweep(s, height);
        }
      }
      if (!last) continue;
      if (activation == Activation.Sigmoid) sigmoid(result, result, filters * y.result * h.result);
      else if (activation == Activation.Tanh) tanh(result, result, filters * y.result * h.result);
    }
    k0 += KC;
  } while (k0 < depth);
}

/** Where the elements k0 … k0 + k of a filter lie in the padded planes, and in w. */
function tabulate(
  scratch: usize, k0: u32, k: u32, padded: usize, pitch: u32, planeBytes: usize, kernelWidth: u32,
): void {
  const y = axisAt(scratch, 0);
  const h = axisAt(scratch, 1);
  const window = y.taps * h.taps;
  const first = k ? k0 / window : 0;
  for (let p: u32 = 0; p < k; p++) {
    const plane = (k0 + p) / window;
    const inside = (k0 + p) % window;
    const ky = inside / h.taps;
    const kx = inside % h.taps;
    const row = y.start + <i32>ky * y.reach - y.low();
    const column = <u32>(h.start + <i32>kx * h.reach - h.low());
    const at = <u32>row * pitch + column % h.stride * (pitch / h.stride) + column / h.stride;
    store<u32>(scratch + OFFSETS + bytes(p), (plane - first) * <u32>padded + (at << 2));
    const tap = (y.first + ky * y.step) * kernelWidth + h.first + kx * h.step;
    store<u32>(scratch + WEIGHTS + bytes(p), plane * <u32>planeBytes + (tap << 2));
  }
}

/** Micro-panels of four filters; filters that are not there are zeros. */
function packFilters(
  out: usize, w: usize, offsets: usize, filters: u32, k: u32, rowBytes: usize,
): void {
  for (let r: u32 = 0; r < filters; r += 4, w += rowBytes << 2) {
    for (let p: u32 = 0; p < k; p++, out += 16) {
      v128.store(out, gather(w + load<u32>(offsets + bytes(p)), rowBytes, filters - r));
    }
  }
}
