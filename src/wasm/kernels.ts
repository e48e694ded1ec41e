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

/**
 * The bytes that hexadecimal text stands for, four digits at a time: it is part of the first use.
 * The low four bits of a digit's code are its value, less 9 for a letter, whose bit 6 is set.
 */
function decode(hex: string): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(hex.length / 4));
  new TextEncoder().encodeInto(hex, new Uint8Array(words.buffer));
  const pairs = new Uint16Array(words.length);
  for (let index = 0; index < words.length; index++) {
    const four = words[index] as number;
    const digits = (four & 0x0f0f0f0f) + 9 * ((four >>> 6) & 0x01010101);
    pairs[index] =
      ((digits & 15) << 4) |
      ((digits >>> 8) & 15) |
      (((digits >>> 16) & 15) << 12) |
      ((digits >>> 24) << 8);
  }
  return new Uint8Array(pairs.buffer, 0, hex.length / 2);
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
