/**
 * The WebAssembly backend: one memory, one instance, kernels embedded in the package and compiled
 * on first use.
 */
import { instantiateSync } from "@assemblyscript/loader";
import { Arena, type Backend } from "../backend.js";
import { simd } from "../generated/kernels.js";
import { LinearMemory } from "../memory.js";

const PAGE = 65536;
/** One page short of 4 GiB, so that the address after the last byte is still a u32. */
const MOST_PAGES = 65535;

export interface Exports {
  run(program: number, bytes: number, status: number, workspace: number): number;
  heapBase(): number;
  workspaceBytes(): number;
}

function decode(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2);
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16);
  return bytes;
}

export const kernelBytes = (): Uint8Array<ArrayBuffer> => decode(simd);

let compiled: WebAssembly.Module | undefined;
function kernels(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(kernelBytes());
  return compiled;
}

interface Instance {
  readonly memory: LinearMemory;
  readonly arena: Arena;
  readonly exports: Exports;
  /** Of each thread, one after the other. */
  readonly workspaces: readonly number[];
}

/** The bytes that a memory may have, from what was asked for. */
export function limitOf(maximumBytes: number = MOST_PAGES * PAGE): number {
  return Math.min(Math.floor(maximumBytes / PAGE), MOST_PAGES) * PAGE;
}

export function instantiate(
  module: WebAssembly.Module,
  wasm: WebAssembly.Memory,
  limit: number,
  barrier: () => number,
  threads = 1,
): Instance {
  const exports = instantiateSync(module, { env: { memory: wasm }, threads: { barrier } }).instance
    .exports as unknown as Exports;
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

/**
 * A backend of its own, instantiated on first use; `maximumBytes` limits its memory (default: just
 * under 4 GiB).
 */
export function createWasmBackend(options: { readonly maximumBytes?: number } = {}): Backend {
  const limit = limitOf(options.maximumBytes);
  let made: Instance | undefined;
  const instance = (): Instance => {
    const wasm = () => new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    made ??= instantiate(kernels(), wasm(), limit, () => 0);
    return made;
  };
  let calls = 0;
  return {
    name: "wasm",
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
