import type { Heap } from "./float.js";

/** The sixteen words at `geometry` (see `assembly/geometry.ts`). */
export interface Geometry {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly filters: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly paddingY: number;
  readonly paddingX: number;
  readonly dilationY: number;
  readonly dilationX: number;
  readonly groups: number;
}

export function geometryAt(m: Heap, geometry: number): Geometry {
  const word = (index: number): number => m.u[(geometry >>> 2) + index] as number;
  return {
    batch: word(0),
    channels: word(1),
    height: word(2),
    width: word(3),
    filters: word(4),
    kernelHeight: word(5),
    kernelWidth: word(6),
    outHeight: word(7),
    outWidth: word(8),
    strideY: word(9),
    strideX: word(10),
    paddingY: word(11),
    paddingX: word(12),
    dilationY: word(13),
    dilationX: word(14),
    groups: word(15),
  };
}

/** The first of `count` steps, `stride` apart from `offset`, that is ≥ 0. */
export function firstInside(offset: number, stride: number, count: number): number {
  return offset >= 0 ? 0 : Math.min(Math.ceil(-offset / stride), count);
}

/** One past the last of `count` steps, `stride` apart from `offset`, that is < `size`. */
export function endInside(offset: number, stride: number, size: number, count: number): number {
  return offset >= size ? 0 : Math.min(Math.ceil((size - offset) / stride), count);
}
