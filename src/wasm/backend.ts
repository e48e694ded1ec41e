/**
 * The WebAssembly backend: one memory, and the kernels over it, instantiated on first use.
 */
import { Arena, type Backend, type Home } from "../backend.js";
import { describe } from "../describe.js";
import { makeFinalizer } from "../finalizer.js";
import { LinearMemory } from "../memory.js";
import {
  hasRelaxedSimd,
  instantiateKernels,
  type KernelExports,
  kernelModules,
} from "./kernels.js";
import { compile, kernelBytes, useModule } from "./modules.js";

const PAGE = 65536;
/** One page short of 4 GiB, so that the address after the last byte is still a u32. */
const MOST_PAGES = 65535;

interface Instance {
  readonly memory: LinearMemory;
  readonly arena: Arena;
  readonly exports: KernelExports;
  /** Of each thread, one after the other. */
  readonly workspaces: readonly number[];
}

/** The bytes that a memory may have, from what was asked for. */
export function limitOf(maximumBytes: number = MOST_PAGES * PAGE): number {
  return Math.min(Math.floor(maximumBytes / PAGE), MOST_PAGES) * PAGE;
}

/** Kernels over a memory of at most `limit` bytes, with workspaces for so many threads. */
export function instantiate(
  exports: KernelExports,
  wasm: WebAssembly.Memory,
  limit: number,
  threads: number,
): Instance {
  const memory = new LinearMemory(
    {
      limit,
      buffer: () => wasm.buffer,
      grow(bytes) {
        try {
          wasm.grow(Math.ceil((bytes - wasm.buffer.byteLength) / PAGE));
          return true;
        } catch {
          return false;
        }
      },
    },
    exports.heapBase() >>> 0,
  );
  const workspaces = Array.from({ length: threads }, () =>
    memory.allocate(exports.workspaceBytes()),
  );
  return { memory, arena: new Arena(memory), exports, workspaces };
}

export interface WasmOptions {
  /** Limits the memory; just under 4 GiB by default. */
  readonly maximumBytes?: number;
  /** Products with fused multiply-adds, if the engine has them: see `init`. */
  readonly relaxedSimd?: boolean;
}

/** Anything else, "false" too, would choose silently. */
export function checkRelaxedSimd(op: string, value: unknown): void {
  if (value !== undefined && typeof value !== "boolean")
    throw new TypeError(`${op}: bad relaxedSimd: got ${describe(value)}, expected true or false`);
}

/** A backend of its own, instantiated on first use; its `variant` says whether it fuses. */
export function createWasmBackend(options: WasmOptions = {}): Backend {
  checkRelaxedSimd("createWasmBackend", options.relaxedSimd);
  const limit = limitOf(options.maximumBytes);
  const fused = options.relaxedSimd === true && hasRelaxedSimd();
  let made: Instance | undefined;
  const instance = (): Instance => {
    if (made) return made;
    const modules = kernelModules(fused);
    const wasm = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    made = instantiate(instantiateKernels(modules, wasm), wasm, limit, 1);
    return made;
  };
  let calls = 0;
  return {
    name: "wasm",
    variant: fused ? "relaxed" : "simd",
    floats: ["f32"],
    get memory() {
      return instance().memory;
    },
    get arena() {
      return instance().arena;
    },
    get calls() {
      return calls;
    },
    run(_, program, bytes, status) {
      calls++;
      const { exports, workspaces } = instance();
      return exports.run(program, bytes, status, workspaces[0] as number);
    },
  };
}

/** The WebAssembly backend: the default, and what `init({ backend: wasm })` goes back to. */
export const wasm: Backend = createWasmBackend();
let relaxed: Backend | undefined;

/** What the entries with WebAssembly bring. */
export const wasmHome: Home = {
  backend: wasm,
  create: createWasmBackend,
  withRelaxedSimd(relaxedSimd) {
    checkRelaxedSimd("init", relaxedSimd);
    if (!relaxedSimd) return wasm;
    relaxed ??= createWasmBackend({ relaxedSimd });
    return relaxed;
  },
  useModule,
};

/**
 * What threads are made of. It is handed to them: their part of the package, which `init` loads, imports
 * nothing of what the others run, or bundlers would cut that in two.
 */
export const threadParts = {
  compile,
  createWasmBackend,
  hasRelaxedSimd,
  instantiate,
  instantiateKernels,
  kernelBytes,
  limitOf,
  makeFinalizer,
};
export type ThreadParts = typeof threadParts;
