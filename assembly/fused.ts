/**
 * What the relaxed build (`assembly/relaxed.ts`) computes for the strict one, which calls it over the
 * memory of both when told to: the innermost parts of products and convolutions.
 */

let fused = false;

/** Whether this instance leaves its products to the relaxed build from now on. */
export function fuseProducts(on: bool): void {
  fused = on;
}

/** Whether to call what follows. The relaxed build itself never does. */
// @ts-ignore: decorator
@inline
export function isFused(): bool {
  return !ASC_FEATURE_RELAXED_SIMD && fused;
}

/** `product` of gemm.ts. */
// @ts-ignore: decorator
@external("fused", "product")
export declare function fusedProduct(
  c: usize, a: usize, b: usize, bias: usize, m: u32, n: u32, k: u32,
  rsC: u32, rsA: u32, csA: u32, rsB: u32, csB: u32,
  scale: f32, keep: f32, activation: u32, workspace: usize,
): void;

/** `filterKernel` of convKernel.ts. */
// @ts-ignore: decorator
@external("fused", "filterKernel")
export declare function fusedFilterKernel(
  c0: usize, c1: usize, a: usize, x0: usize, x1: usize, offsets: usize, k: u32, stride: usize,
  keep: bool, bias: usize, relu: bool, panels: u32,
): void;

/** `singleFilterKernel` of convKernel.ts. */
// @ts-ignore: decorator
@external("fused", "singleFilterKernel")
export declare function fusedSingleFilterKernel(
  c0: usize, c1: usize, a: usize, x0: usize, x1: usize, offsets: usize, k: u32,
  keep: bool, bias: usize, relu: bool,
): void;

/** `positionKernel` of convKernel.ts. */
// @ts-ignore: decorator
@external("fused", "positionKernel")
export declare function fusedPositionKernel(
  c: usize, x0: usize, x1: usize, x2: usize, x3: usize, positions: usize, b: usize, k: u32,
  stride: usize, keep: bool,
): void;
