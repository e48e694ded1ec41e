/**
 * The WebAssembly kernels, embedded in the package and compiled on first use: the strict build, and
 * the relaxed one, which holds products only and lies over the same memory.
 */
import { instantiateSync } from "@assemblyscript/loader";
import { relaxed, simd } from "../generated/kernels.js";

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

export interface KernelModules {
  readonly simd: WebAssembly.Module;
  /** Products with fused multiply-adds, where they are wanted and the engine has them. */
  readonly relaxed?: WebAssembly.Module;
}

function decode(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2);
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16);
  return bytes;
}

/** A module of one function, i8x16.relaxed_swizzle of two splats. */
const RELAXED_PROBE = "0061736d010000000105016000017b030201000a0f010d004101fd0f4102fd0ffd80020b";

/** Whether the engine has relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(decode(RELAXED_PROBE));
}

let strictModule: WebAssembly.Module | undefined;
let relaxedModule: WebAssembly.Module | undefined;

export function kernelModules(fused: boolean): KernelModules {
  strictModule ??= new WebAssembly.Module(decode(simd));
  if (!fused) return { simd: strictModule };
  relaxedModule ??= new WebAssembly.Module(decode(relaxed));
  return { simd: strictModule, relaxed: relaxedModule };
}

/** The strict build never calls it unless it is told to. */
function noProduct(): void {}

/** The kernels over a memory. */
export function instantiateKernels(
  modules: KernelModules,
  memory: WebAssembly.Memory,
): KernelExports {
  const make = <E>(module: WebAssembly.Module, env: Record<string, WebAssembly.ImportValue>): E =>
    instantiateSync(module, { env: { memory, ...env } }).instance.exports as E;
  const products = modules.relaxed && make<RelaxedExports>(modules.relaxed, {});
  const strict = make<StrictExports>(modules.simd, {
    fusedProduct: products?.product ?? noProduct,
  });
  if (!products) return strict;
  strict.fuseProducts(true);
  const workspace = Math.max(strict.workspaceBytes(), products.workspaceBytes());
  const { run, heapBase } = strict;
  return { run, heapBase, workspaceBytes: () => workspace };
}
