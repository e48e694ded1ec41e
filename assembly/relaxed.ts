/**
 * The relaxed build: GEMM's products with fused multiply-adds, over the memory of the strict build,
 * which calls it for each product when told to (`fuseProducts`).
 */
export { product, workspaceBytes } from "./gemm";
