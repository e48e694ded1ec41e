/**
 * The pure-TypeScript backend: the same programs over an ArrayBuffer, in f32 (bit for bit as
 * WebAssembly) and in f64.
 */
import { Arena, type Backend } from "../backend.js";
import { run as runDouble } from "../generated/double/run.js";
import { LinearMemory } from "../memory.js";
import { run as runSingle, WORKSPACE_BYTES } from "./run.js";

const MOST_BYTES = 65535 * 65536;

/** A backend of its own; `maximumBytes` limits its memory (default: just under 4 GiB). */
export function createTsBackend(options: { readonly maximumBytes?: number } = {}): Backend {
  let buffer = new ArrayBuffer(0);
  const limit = Math.min(options.maximumBytes ?? MOST_BYTES, MOST_BYTES);
  const memory = new LinearMemory(
    {
      limit,
      buffer: () => buffer,
      grow(bytes) {
        // Doubling keeps the copying linear in what is used.
        const length = Math.min(limit, Math.max(bytes, 2 * buffer.byteLength, 65536));
        try {
          const larger = new ArrayBuffer(Math.ceil(length / 8) * 8);
          new Uint8Array(larger).set(new Uint8Array(buffer));
          buffer = larger;
          return true;
        } catch {
          return false;
        }
      },
    },
    64,
  );
  const arena = new Arena(memory);
  let workspace = 0;
  /** The memory, with the workspace in it from the first use on. */
  const used = (): LinearMemory => {
    workspace ||= memory.allocate(WORKSPACE_BYTES);
    return memory;
  };
  let calls = 0;
  return {
    name: "ts",
    floats: ["f32", "f64"],
    get memory() {
      return used();
    },
    get arena() {
      used();
      return arena;
    },
    get calls() {
      return calls;
    },
    run(float, program, bytes, status) {
      calls++;
      const { f32, f64, i32: i, u32: u } = used().views;
      return float === "f64"
        ? runDouble({ f: f64, i, u }, program, bytes, status, workspace)
        : runSingle({ f: f32, i, u }, program, bytes, status, workspace);
    },
  };
}
