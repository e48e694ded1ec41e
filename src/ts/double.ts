/** The double-precision twin's `float.ts`. */
export const SHIFT = 3;

/**
 * Views over one linear memory: floats, i32 and u32. Re-made by the backend whenever the memory
 * grows.
 */
export interface Heap {
  readonly f: Float64Array;
  readonly i: Int32Array;
  readonly u: Uint32Array;
}
