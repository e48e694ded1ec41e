import { checkOptions, describe } from "./describe.js";
import type { LinearMemory } from "./memory.js";
import type { Plan } from "./plan/plan.js";
import type { Schedule } from "./plan/schedule.js";
import type { Share } from "./plan/shares.js";
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
  /** For a backend with several threads: how programs are shared among them. */
  readonly threads?: Threads;
  /**
   * Executes the program at an address; 0, or 1 after writing the status block. `others`: what the
   * other threads, all of them or none, execute meanwhile.
   */
  run(
    float: FloatDtype,
    program: number,
    bytes: number,
    status: number,
    others?: readonly ThreadProgram[],
  ): number;
}

interface Threads {
  /** With the one that calls. */
  readonly count: number;
  /** How they share the instructions of a plan; undefined when one is estimated to be as fast. */
  schedule(plan: Plan, whole: readonly Share[]): Schedule | undefined;
}

export interface ThreadProgram {
  readonly address: number;
  readonly bytes: number;
}

/** A backend with threads of its own, which `[Symbol.dispose]()` ends. */
export interface ThreadedBackend extends Backend, Disposable {}

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

/** What an entry of the package brings: the backend of everything that asks for no other. */
export interface Home {
  readonly backend: Backend;
  /** Another backend of the same kind, with a memory of its own. */
  create(): Backend;
  /** The one that `init({ relaxedSimd })` chooses. */
  withRelaxedSimd?(relaxedSimd: boolean): Backend;
  /** The one that `init({ threads })` makes. */
  withThreads?(options: ThreadsOptions): Promise<ThreadedBackend>;
  /** Takes a compiled module of the kernels, for backends that are not instantiated yet. */
  useModule?(module: unknown): void;
}

let home: Home | undefined;
let active: Backend | undefined;
let activeDtype: FloatDtype = "f32";

/**
 * Names what to use when `init` has chosen nothing. WebAssembly goes before TypeScript, in whatever
 * order their entries are imported.
 */
export function setHome(entry: Home): void {
  if (home?.backend.name !== "wasm") home = entry;
}

function homeOrThrow(): Home {
  if (!home)
    throw new Error(
      'backend: none is registered: got no import of "chainrule", expected one, or of "chainrule/pure"',
    );
  return home;
}

export function defaultBackend(): Backend {
  active ??= homeOrThrow().backend;
  return active;
}

/** A backend of the kind that the entry brought, with a memory of its own. */
export const createHomeBackend = (): Backend => homeOrThrow().create();

/** The dtype of tensors and Parameters made from plain numbers. */
export function defaultDtype(): FloatDtype {
  return activeDtype;
}

/** A WebAssembly.Module, also in projects whose `lib` does not know that name. */
export type KernelModule = typeof globalThis extends {
  readonly WebAssembly: { readonly Module: { readonly prototype: infer Module } };
}
  ? Module
  : object;

export interface InitOptions {
  readonly backend?: Backend;
  readonly dtype?: FloatDtype;
  readonly relaxedSimd?: boolean;
  /**
   * The kernels, compiled by you, for places that do not compile bytes or to serve them as a file:
   * `import module from "chainrule/kernels.wasm"`, or
   * `await WebAssembly.compileStreaming(fetch(url))`. Call it before anything is computed. A second
   * call may bring `chainrule/kernels.relaxed.wasm`, which `relaxedSimd` needs as well.
   */
  readonly module?: KernelModule;
}

export interface ThreadsOptions {
  /** An integer from 1 to 256, the calling thread included. */
  readonly threads: number;
  readonly dtype?: "f32";
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
 *
 * `await init({ threads: 2 })` makes a WebAssembly backend with that many threads the default and
 * returns it: call it first, before Parameters are made. Its results have the same bits as those
 * of one thread; programs that are too small to gain run on the calling thread alone. The
 * others are workers that sleep when there is nothing to do and do not keep a process alive; they end
 * with `backend[Symbol.dispose]()`, or when nothing refers to the backend. When one dies,
 * runs throw an Error that says so: call `init` again; Parameters can still be read.
 *
 * Threads need shared memory. Node, Deno and Bun have it; a page must be cross-origin isolated, by
 * the headers `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy:
 * require-corp`, and a content security policy must allow `worker-src blob:`. Where it is missing
 * the promise is rejected, with nothing changed. As many threads as there are cores, at most, are of use:
 * `os.availableParallelism()`, `navigator.hardwareConcurrency`.
 */
export function init(options: ThreadsOptions): Promise<ThreadedBackend>;
export function init(options?: InitOptions): void;
export function init(
  options: InitOptions & { readonly threads?: number } = {},
): Promise<ThreadedBackend> | undefined {
  checkOptions("init", options, ["backend", "dtype", "relaxedSimd", "module", "threads"]);
  if (options.backend !== undefined && !options.backend?.memory)
    throw new TypeError(
      `init: unknown backend: got ${describe(options.backend)}, expected wasm, or ts of "chainrule/pure"`,
    );
  if ("threads" in options) return initThreads(options);
  const { relaxedSimd } = options;
  if (relaxedSimd !== undefined && options.backend)
    throw new TypeError(
      `init: relaxedSimd and backend exclude each other: got relaxedSimd ${relaxedSimd} and backend ` +
        `${options.backend.name}, expected one; createWasmBackend({ relaxedSimd }) makes a backend`,
    );
  const chosen = relaxedSimd === undefined ? options.backend : home?.withRelaxedSimd?.(relaxedSimd);
  const backend = chosen ?? active;
  const dtype = options.dtype ?? (chosen ? "f32" : activeDtype);
  if (dtype !== "f32" && dtype !== "f64")
    throw new TypeError(`init: unknown dtype: got ${String(dtype)}, expected f32 or f64`);
  const floats = (backend ?? home?.backend)?.floats;
  if (dtype === "f64" && !floats?.includes("f64"))
    throw new TypeError(
      `init: dtype f64 is not supported by the backend: got ${backend?.name ?? "wasm"}, ` +
        'expected ts; import { ts } from "chainrule/pure" and call init({ backend: ts, dtype: "f64" })',
    );
  if (options.module !== undefined) {
    if (!home?.useModule)
      throw new TypeError(
        'init: module without WebAssembly: got one with "chainrule/pure" alone, expected an import of "chainrule"',
      );
    home.useModule(options.module);
  }
  active = backend;
  activeDtype = dtype;
  return undefined;
}

async function initThreads(
  options: InitOptions & { readonly threads?: number },
): Promise<ThreadedBackend> {
  const { threads, backend, dtype = "f32", relaxedSimd, module } = options;
  const other = backend ? `backend ${backend.name}` : module && "module";
  if (other)
    throw new TypeError(
      `init: threads come with a backend of their own: got ${other} as well, expected one of the two`,
    );
  if (dtype !== "f32")
    throw new TypeError(`init: dtype with threads: got ${String(dtype)}, expected f32`);
  if (!home?.withThreads)
    throw new Error(
      'init: no threads in this entry: got one for isolates or without WebAssembly, expected "chainrule" in ' +
        "Node, Deno, Bun or a browser",
    );
  const chosen = relaxedSimd === undefined ? {} : { relaxedSimd };
  const made = await home.withThreads({ threads: threads as number, ...chosen });
  active = made;
  activeDtype = "f32";
  return made;
}
