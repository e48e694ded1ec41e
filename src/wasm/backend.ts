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

interface Exports {
  run(program: number, bytes: number, status: number, workspace: number): number;
  heapBase(): number;
  workspaceBytes(): number;
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

let compiled: WebAssembly.Module | undefined;
function kernels(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(decode(simd));
  return compiled;
}

interface Instance {
  readonly memory: LinearMemory;
  readonly arena: Arena;
  readonly exports: Exports;
  readonly workspace: number;
}

function instantiate(limit: number): Instance {
  const wasm = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const exports = instantiateSync(kernels(), { env: { memory: wasm } }).instance
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
  const workspace = memory.allocate(exports.workspaceBytes());
  return { memory, arena: new Arena(memory), exports, workspace };
}

/**
 * A backend of its own, instantiated on first use; `maximumBytes` limits its memory (default: just
 * under 4 GiB).
 */
export function createWasmBackend(options: { readonly maximumBytes?: number } = {}): Backend {
  const pages = Math.floor((options.maximumBytes ?? MOST_PAGES * PAGE) / PAGE);
  const limit = Math.min(pages, MOST_PAGES) * PAGE;
  let made: Instance | undefined;
  const instance = (): Instance => {
    made ??= instantiate(limit);
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
      const { exports, workspace } = instance();
      return exports.run(program, bytes, status, workspace);
    },
  };
}
