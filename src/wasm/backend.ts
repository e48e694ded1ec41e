/**
 * The WebAssembly backend: one memory, and the kernels over it, instantiated on first use.
 */
import { Arena, type Backend, type Home } from "../backend.js";
import { LinearMemory } from "../memory.js";
import { hasFusedKernels, instantiateKernels, type KernelExports } from "./kernels.js";
import { useModule } from "./modules.js";

const PAGE = 65536;
/** One page short of 4 GiB, so that the address after the last byte is still a u32. */
const MOST_PAGES = 65535;

interface Instance {
  readonly memory: LinearMemory;
  readonly arena: Arena;
  readonly exports: KernelExports;
  readonly workspace: number;
}

function instantiate(limit: number, fused: boolean): Instance {
  const { exports, wasm } = instantiateKernels(fused);
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

export interface WasmOptions {
  /** Limits the memory; just under 4 GiB by default. */
  readonly maximumBytes?: number;
  /** Products with fused multiply-adds, if the engine has them: see `init`. */
  readonly relaxedSimd?: boolean;
}

/** A backend of its own, instantiated on first use; its `variant` says whether it fuses. */
export function createWasmBackend(options: WasmOptions = {}): Backend {
  const pages = Math.floor((options.maximumBytes ?? MOST_PAGES * PAGE) / PAGE);
  const limit = Math.min(pages, MOST_PAGES) * PAGE;
  const fused = options.relaxedSimd === true && hasFusedKernels();
  let made: Instance | undefined;
  const instance = (): Instance => {
    made ??= instantiate(limit, fused);
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
      const { exports, workspace } = instance();
      return exports.run(program, bytes, status, workspace);
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
    if (!relaxedSimd) return wasm;
    relaxed ??= createWasmBackend({ relaxedSimd });
    return relaxed;
  },
  useModule,
};
