/**
 * The WebAssembly backend: one memory and one instance of the kernels, made on first use.
 */
import { Arena, type Backend, type Home } from "../backend.js";
import { LinearMemory } from "../memory.js";
import { instantiate, kernelModule, useModule } from "./modules.js";

const PAGE = 65536;
/** One page short of 4 GiB, so that the address after the last byte is still a u32. */
const MOST_PAGES = 65535;

interface Exports {
  run(program: number, bytes: number, status: number, workspace: number): number;
  heapBase(): number;
  workspaceBytes(): number;
}

interface Instance {
  readonly memory: LinearMemory;
  readonly arena: Arena;
  readonly exports: Exports;
  readonly workspace: number;
}

function makeInstance(limit: number): Instance {
  const module = kernelModule();
  const wasm = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const instance = instantiate(module, { env: { memory: wasm } });
  const exports = instance.exports as unknown as Exports;
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
    made ??= makeInstance(limit);
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

/** The WebAssembly backend: the default, and what `init({ backend: wasm })` goes back to. */
export const wasm: Backend = createWasmBackend();

/** What the entries with WebAssembly bring. */
export const wasmHome: Home = { backend: wasm, create: createWasmBackend, useModule };
