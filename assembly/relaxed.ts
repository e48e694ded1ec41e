/**
 * The relaxed build: what multiplies and adds, with both in one rounding, over the memory of the
 * strict build, which calls it when told to (`fuseProducts`).
 */
export { filterKernel, positionKernel, singleFilterKernel } from "./convKernel";
export { product, workspaceBytes } from "./gemm";
