/**
 * The sixteen words that say how a kernel slides over images (contract: `src/kernels.ts`), read
 * where they lie in the program.
 */
@unmanaged
export class Geometry {
  batch: u32;
  channels: u32;
  height: u32;
  width: u32;
  filters: u32;
  kernelHeight: u32;
  kernelWidth: u32;
  outHeight: u32;
  outWidth: u32;
  strideY: u32;
  strideX: u32;
  paddingY: u32;
  paddingX: u32;
  dilationY: u32;
  dilationX: u32;
  groups: u32;
}

/** The first of `count` steps, `stride` apart from `offset`, that is ≥ 0. */
export function firstInside(offset: i32, stride: u32, count: u32): u32 {
  return endInside(offset, stride, 0, count);
}

/** One past the last of `count` steps, `stride` apart from `offset`, that is < `size`. */
export function endInside(offset: i32, stride: u32, size: u32, count: u32): u32 {
  const room = <i32>size - offset;
  if (room <= 0) return 0;
  return min(stride == 1 ? <u32>room : (<u32>room + stride - 1) / stride, count);
}
