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

let strictModule: WebAssembly.Module | undefined;
let relaxedModule: WebAssembly.Module | undefined;

export function kernelModules(fused: boolean): KernelModules {
  strictModule ??= new WebAssembly.Module(decode(simd));
  if (!fused) return { simd: strictModule };
  relaxedModule ??= new WebAssembly.Module(decode(relaxed));
  return { simd: strictModule, relaxed: relaxedModule };
}

/** The same over shared memory, for several threads. */
export function sharedModules(fused: boolean): KernelModules {
  const compile = (hex: string) => new WebAssembly.Module(toShared(decode(hex)));
  return { simd: compile(simd), ...(fused && { relaxed: compile(relaxed) }) };
}

/** The strict build never calls it unless it is told to. */
function noProduct(): void {}

/** The kernels over a memory; `barrier` is called by programs for several threads only. */
export function instantiateKernels(
  modules: KernelModules,
  memory: WebAssembly.Memory,
  barrier: () => number = () => 0,
): KernelExports {
  const make = <E>(module: WebAssembly.Module, env: Record<string, WebAssembly.ImportValue>): E =>
    instantiateSync(module, { env: { memory, ...env }, threads: { barrier } }).instance
      .exports as E;
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
