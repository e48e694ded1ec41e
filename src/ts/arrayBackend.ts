/** A backend over an ArrayBuffer, of the run loops that it is given. */
import { Arena, type Backend } from "../backend.js";
import { LinearMemory } from "../memory.js";

const MOST_BYTES = 65535 * 65536;

export interface TsOptions {
  /** Limits the memory; just under 4 GiB by default. */
  readonly maximumBytes?: number;
}

interface Views<Floats> {
  readonly f: Floats;
  readonly i: Int32Array;
  readonly u: Uint32Array;
}

type Run<Floats> = (
  views: Views<Floats>,
  program: number,
  bytes: number,
  status: number,
  workspace: number,
) => number;

/** The interpreters of a precision each. */
export interface Runs {
  readonly f32?: Run<Float32Array>;
  readonly f64?: Run<Float64Array>;
  /** What they pack products into. */
  readonly workspaceBytes: number;
}

export function createArrayBackend(runs: Runs, options: TsOptions = {}): Backend {
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
    workspace ||= memory.allocate(runs.workspaceBytes);
    return memory;
  };
  let calls = 0;
  return {
    name: "ts",
    floats: (["f32", "f64"] as const).filter((float) => runs[float]),
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
      const result =
        float === "f64"
          ? runs.f64?.({ f: f64, i, u }, program, bytes, status, workspace)
          : runs.f32?.({ f: f32, i, u }, program, bytes, status, workspace);
      return result as number;
    },
  };
}
