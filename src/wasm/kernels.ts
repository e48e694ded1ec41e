/**
 * The kernels over a memory: the strict build, and over the same memory the relaxed one, which holds
 * the innermost parts of products and convolutions only.
 */
import {
  compile,
  instantiate,
  kernelBytes,
  kernelModule,
  offers,
  type Variant,
} from "./modules.js";

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

/**
 * Turns the imported memory of a module into a shared one: of the import section's entries [module,
 * name, kind, …], that of kind 2 has limits whose flag 1 (a maximum) becomes 3 (shared as well).
 */
export function toShared(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = module.slice();
  let at = 8;
  const integer = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  };
  const skipName = (): void => {
    const length = integer();
    at += length;
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const end = integer() + at;
    for (let entries = section === 2 ? integer() : 0; entries > 0; entries--) {
      skipName();
      skipName();
      const kind = bytes[at++];
      if (kind === 0) integer();
      else if (kind === 2 && bytes[at] === 1) {
        bytes[at] = 3;
        return bytes;
      } else break;
    }
    at = end;
  }
  throw new Error("threads: the module imports no memory with a maximum: expected one");
}

export function kernelModules(fused: boolean): KernelModules {
  const simd = kernelModule("simd");
  return fused ? { simd, relaxed: kernelModule("relaxed") } : { simd };
}

/** The same over shared memory, for several threads. It takes bytes to make them. */
export function sharedModules(fused: boolean): KernelModules {
  const shared = (variant: Variant): WebAssembly.Module => {
    const bytes = kernelBytes(variant);
    if (!bytes)
      throw new Error(
        "threads: the kernels are known as a module only: expected their bytes, as embedded in the package",
      );
    return compile(toShared(bytes));
  };
  return { simd: shared("simd"), ...(fused && { relaxed: shared("relaxed") }) };
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
