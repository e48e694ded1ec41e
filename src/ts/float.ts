/**
 * What the kernels of this folder mean by "float": binary32. In them `F` is Math.fround, a constant
 * of each file, and every operation is rounded by it. The double-precision twin of every kernel
 * file is made at build time by replacing this file with `double.ts` and dropping `F(…)`; one
 * source with a rounding parameter would cost V8 a factor of 15.
 */
/** An address in bytes, shifted right by this, indexes `Heap.f`. */
export const SHIFT = 2;

/**
 * Views over one linear memory: floats, i32 and u32. Re-made by the backend whenever the memory
 * grows.
 */
export interface Heap {
  readonly f: Float32Array;
  readonly i: Int32Array;
  readonly u: Uint32Array;
}
