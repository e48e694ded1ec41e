export { run } from "./run";
export { fuseProducts } from "./fused";
export { workspaceBytes } from "./gemm";

/** The first byte that the kernels do not use themselves. */
export function heapBase(): usize {
  return __heap_base;
}
