/**
 * The kernels over a memory: the strict build, and over the same memory the relaxed one, which holds
 * the innermost parts of products and convolutions only.
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

const none = (): void => {};
/** What the strict build imports of the relaxed one (`assembly/fused.ts`) where there is none. */
export const notFused = {
  product: none,
  filterKernel: none,
  singleFilterKernel: none,
  positionKernel: none,
};

type RelaxedExports = typeof notFused & { workspaceBytes(): number };

export interface KernelModules {
  readonly simd: WebAssembly.Module;
  /** Products with fused multiply-adds, where they are wanted and the engine has them. */
  readonly relaxed?: WebAssembly.Module;
}

/** A module of one function, i8x16.relaxed_swizzle of two splats. */
const RELAXED_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
);

/** Whether there are products with fused multiply-adds, and an engine that runs them. */
export const hasRelaxedSimd = (): boolean =>
  offers("relaxed") && typeof WebAssembly === "object" && WebAssembly.validate(RELAXED_PROBE);

export function kernelModules(fused: boolean): KernelModules {
  const simd = kernelModule("simd");
  return fused ? { simd, relaxed: kernelModule("relaxed") } : { simd };
}

/** The kernels over a memory; `barrier` is called by programs for several threads only. */
export function instantiateKernels(
  modules: KernelModules,
  memory: WebAssembly.Memory,
  barrier: () => number = () => 0,
): KernelExports {
  const make = <E>(module: WebAssembly.Module, fused: WebAssembly.ModuleImports): E =>
    instantiate(module, { env: { memory }, threads: { barrier }, fused }).exports as E;
  const relaxed = modules.relaxed && make<RelaxedExports>(modules.relaxed, {});
  const strict = make<StrictExports>(modules.simd, relaxed ?? notFused);
  if (!relaxed) return strict;
  strict.fuseProducts(true);
  const workspace = Math.max(strict.workspaceBytes(), relaxed.workspaceBytes());
  const { run, heapBase } = strict;
  return { run, heapBase, workspaceBytes: () => workspace };
}
