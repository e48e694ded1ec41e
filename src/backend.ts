import type { LinearMemory } from "./memory.js";
import type { Dtype, FloatDtype } from "./tensor.js";

/** The kernels, a memory, and `run`. There are two: `wasm` and, from `chainrule/pure`, `ts`. */
export interface Backend {
  readonly name: "wasm" | "ts";
  /** Of WebAssembly: strict SIMD, or relaxed SIMD, whose products fuse multiply-adds. */
  readonly variant?: "simd" | "relaxed";
  readonly floats: readonly FloatDtype[];
  readonly memory: LinearMemory;
  /** The one block in which the values of every program live while it runs. */
  readonly arena: Arena;
  /** How often `run` was entered. */
  readonly calls: number;
  /** Executes the program at an address; 0, or 1 after writing the status block. */
  run(float: FloatDtype, program: number, bytes: number, status: number): number;
}

export function elementBytes(dtype: Dtype): 4 | 8 {
  return dtype === "f64" ? 8 : 4;
}

/**
 * A block that only ever gets larger. Nothing in it outlives a run, so it moves without being
 * copied.
 */
export class Arena {
  readonly #memory: LinearMemory;
  #address = 0;
  #bytes = 0;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  get address(): number {
    return this.#address;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Makes the block at least this large. On failure the old one is still there. */
  reserve(bytes: number): void {
    if (bytes <= this.#bytes) return;
    // Freed first, so that the new block may lie over the old one.
    if (this.#bytes > 0) this.#memory.free(this.#address);
    const old = this.#bytes;
    try {
      this.#address = this.#memory.allocate(bytes);
      this.#bytes = bytes;
    } catch (error) {
      if (old > 0) this.#address = this.#memory.allocate(old);
      throw error;
    }
  }
}

let makeDefault: ((relaxedSimd: boolean) => Backend) | undefined;
let active: Backend | undefined;
let activeDtype: FloatDtype = "f32";

/**
 * Names the backend to use when `init` has chosen none, and the one it chooses for `relaxedSimd`;
 * made on first use.
 */
export function setDefaultBackend(make: (relaxedSimd: boolean) => Backend): void {
  makeDefault ??= make;
}

export function defaultBackend(): Backend {
  active ??= makeDefault?.(false);
  if (!active)
    throw new Error(
      'backend: none is registered: got no import of "chainrule", expected one, or init({ backend: ts })',
    );
  return active;
}

/** The dtype of tensors and Parameters made from plain numbers. */
export function defaultDtype(): FloatDtype {
  return activeDtype;
}

export interface InitOptions {
  readonly backend?: Backend;
  readonly dtype?: FloatDtype;
  readonly relaxedSimd?: boolean;
}

/**
 * Sets what later tensors, Parameters and programs use; optional. Parameters that exist stay in the
 * backend they were made in. `dtype: "f64"` needs the TypeScript backend: `import { ts } from
 * "chainrule/pure"`.
 *
 * `relaxedSimd: true` chooses a WebAssembly backend whose matrix products (so convolutions and
 * attention too) fuse each multiplication with its addition, if the engine has relaxed SIMD, else
 * the strict one. It is faster and rounds once less, and it gives up the promise of equal bits:
 * results may differ from one engine or CPU to another, and from the TypeScript build, within the
 * same error bounds. `false` goes back to the strict one.
 */
export function init(options: InitOptions = {}): void {
  const { relaxedSimd } = options;
  if (relaxedSimd !== undefined && options.backend)
    throw new TypeError(
      `init: relaxedSimd and backend exclude each other: got relaxedSimd ${relaxedSimd} and backend ` +
        `${options.backend.name}, expected one; createWasmBackend({ relaxedSimd }) makes a backend`,
    );
  const chosen = relaxedSimd === undefined ? options.backend : makeDefault?.(relaxedSimd);
  const backend = chosen ?? active;
  const dtype = options.dtype ?? (chosen ? "f32" : activeDtype);
  if (dtype !== "f32" && dtype !== "f64")
    throw new TypeError(`init: unknown dtype: got ${String(dtype)}, expected f32 or f64`);
  if (dtype === "f64" && !backend?.floats.includes("f64"))
    throw new TypeError(
      `init: dtype f64 is not supported by the backend: got ${backend?.name ?? "wasm"}, ` +
        'expected ts; import { ts } from "chainrule/pure" and call init({ backend: ts, dtype: "f64" })',
    );
  active = backend;
  activeDtype = dtype;
}
