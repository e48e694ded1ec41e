/**
 * The WebAssembly backend with several threads: the same kernels over shared memory, each thread
 * with its shares of a program (`plan/schedule.ts`), the calling thread being the first. Scheduling
 * is JavaScript's Atomics; the kernels have no atomic instruction.
 */
import type { ThreadedBackend, ThreadProgram } from "../backend.js";
import type { makeFinalizer } from "../finalizer.js";
import type { makeSchedule } from "../plan/schedule.js";
import type { ThreadParts, WasmOptions } from "./backend.js";
import { Rendezvous } from "./rendezvous.js";
import { sharedModules } from "./sharedModules.js";
import { controlBytes } from "./worker.js";
import { end, startAll, type Team } from "./workers.js";

const MOST_THREADS = 256;
/** Estimated nanoseconds that a share is worth a thread. */
const MINIMUM_WORK = 2000;
/**
 * Milliseconds without a sign of life after which a thread counts as dead, besides ten times what
 * the run has taken so far: shares are about even.
 */
const PATIENCE = 10_000;

export interface ThreadedOptions extends WasmOptions {
  /** An integer from 1 to 256, the calling thread included. */
  readonly threads: number;
  /**
   * Estimated nanoseconds below which work is not shared (default 2,000); 0 shares whatever can be,
   * worth it or not.
   */
  readonly minimumWork?: number;
  /**
   * Milliseconds without a sign of life after which a thread counts as dead (default 10,000), besides
   * ten times what the run has taken so far.
   */
  readonly patience?: number;
}

function checkCount(threads: unknown): number {
  if (typeof threads !== "number")
    throw new TypeError(
      `init: threads is not a number: got ${typeof threads === "string" ? `"${threads}"` : String(threads)}, expected an integer from 1 to ${MOST_THREADS}`,
    );
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS)
    throw new RangeError(
      `init: bad number of threads: got ${threads}, expected an integer from 1 to ${MOST_THREADS}`,
    );
  return threads;
}

/** A page can make shared memory without being allowed to send it to a worker. */
function checkShared(): void {
  if (globalThis.crossOriginIsolated === false)
    throw new Error(
      "init: threads need shared memory: got a page that is not cross-origin isolated, expected the headers " +
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
    );
  if (typeof SharedArrayBuffer !== "function")
    throw new Error(
      "init: threads need shared memory: got an engine without SharedArrayBuffer, expected one that has it; " +
        "without init everything runs on one thread, with the same bits",
    );
}

const drop = (team: Team): void => end(team, "it was dropped");
let finalizer: ReturnType<typeof makeFinalizer<Team>> | undefined;

/**
 * A backend of its own with `threads` threads, which share plans by `schedule`: what
 * `init({ threads })` makes. Rejects what `init` does; with `maximumBytes` too small for a workspace
 * of each thread, a RangeError.
 */
export async function createTeam(
  options: ThreadedOptions,
  schedule: typeof makeSchedule,
  parts: ThreadParts,
): Promise<ThreadedBackend> {
  const count = checkCount(options.threads);
  const { minimumWork = MINIMUM_WORK, patience = PATIENCE } = options;
  // One thread needs nothing that is shared.
  if (count === 1)
    return Object.assign(parts.createWasmBackend(options), { [Symbol.dispose]: () => {} });
  checkShared();
  const limit = parts.limitOf(options.maximumBytes);
  const wasm = new WebAssembly.Memory({ initial: 1, maximum: limit / 65536, shared: true });
  const fused = options.relaxedSimd === true && parts.hasRelaxedSimd();
  const modules = sharedModules(fused, parts);
  const control = new Int32Array(new SharedArrayBuffer(controlBytes(count)));
  const meeting = new Rendezvous(control, count, patience);
  const exports = parts.instantiateKernels(modules, wasm, () => meeting.barrier());
  const { memory, arena, workspaces } = parts.instantiate(exports, wasm, limit, count);
  const team: Team = { control, threads: [], broken: undefined };
  await startAll(team, count, (thread) => ({
    modules,
    memory: wasm,
    control,
    thread,
    threads: count,
    workspace: workspaces[thread] as number,
  }));

  const check = (): void => {
    if (team.broken !== undefined)
      throw new Error(
        `run: the threads of the backend have ended: ${team.broken}; call await init({ threads: ${count} }) again, ` +
          "Parameters made before can still be read",
      );
  };
  const together = (
    program: number,
    bytes: number,
    status: number,
    others: readonly ThreadProgram[],
  ): number => {
    meeting.begin(others);
    try {
      const refused = exports.run(program, bytes, status, workspaces[0] as number);
      meeting.end(refused !== 0);
      return refused;
    } catch (error) {
      end(team, (error as Error).message);
      check();
      return 1;
    }
  };
  finalizer ??= parts.makeFinalizer(drop);
  let calls = 0;
  const backend: ThreadedBackend = {
    name: "wasm",
    variant: fused ? "relaxed" : "simd",
    floats: ["f32"],
    memory,
    arena,
    threads: { count, schedule: (plan, whole) => schedule(plan, whole, count, minimumWork) },
    get calls() {
      return calls;
    },
    run(_, program, bytes, status, others = []) {
      check();
      calls++;
      return others.length > 0
        ? together(program, bytes, status, others)
        : exports.run(program, bytes, status, workspaces[0] as number);
    },
    [Symbol.dispose]() {
      finalizer?.unregister(backend);
      end(team, "the backend was disposed");
    },
  };
  finalizer.register(backend, team, backend);
  return backend;
}
