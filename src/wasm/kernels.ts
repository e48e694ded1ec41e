/**
 * The kernels over a memory: the strict build, and over the same memory the relaxed one, which holds
 * products only.
 */
import { instantiate, kernelModule, offers } from "./modules.js";

/** What a backend calls of them. */
export interface KernelExports {
  run(program: number, bytes: number, status: number, workspace: number): number;
  heapBase(): number;
  workspaceBytes(): number;
}

interface StrictExports extends KernelExports {
  fuseProducts(on: boolean): void;
}

interface RelaxedExports {
  readonly product: () => void;
  workspaceBytes(): number;
}

/** A module of one function, i8x16.relaxed_swizzle of two splats. */
const RELAXED_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
);

/** Whether there are products with fused multiply-adds, and an engine that runs them. */
export const hasFusedKernels = (): boolean =>
  offers("relaxed") && typeof WebAssembly === "object" && WebAssembly.validate(RELAXED_PROBE);

/** The strict build never calls it unless it is told to. */
function noProduct(): void {}

/** The kernels over a memory of their own; `fused`: with the relaxed build's products. */
export function instantiateKernels(fused: boolean): {
  readonly exports: KernelExports;
  readonly wasm: WebAssembly.Memory;
} {
  const module = kernelModule("simd");
  const wasm = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const make = <E>(module: WebAssembly.Module, env: Record<string, WebAssembly.ImportValue>): E =>
    instantiate(module, { env: { memory: wasm, ...env } }).exports as E;
  const products = fused ? make<RelaxedExports>(kernelModule("relaxed"), {}) : undefined;
  const strict = make<StrictExports>(module, { fusedProduct: products?.product ?? noProduct });
  if (!products) return { exports: strict, wasm };
  strict.fuseProducts(true);
  const workspace = Math.max(strict.workspaceBytes(), products.workspaceBytes());
  const { run, heapBase } = strict;
  return { exports: { run, heapBase, workspaceBytes: () => workspace }, wasm };
}
