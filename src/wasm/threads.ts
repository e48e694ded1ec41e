/**
 * The WebAssembly backend with several threads: the same kernels over shared memory, each thread
 * with its shares of a program (`plan/schedule.ts`), the calling thread being the first. Scheduling
 * is JavaScript's Atomics; the kernels have no atomic instruction.
 */
import type { ThreadedBackend, ThreadProgram } from "../backend.js";
import type { makeFinalizer } from "../finalizer.js";
import type { makeSchedule } from "../plan/schedule.js";
import type { ThreadParts, WasmOptions } from "./backend.js";
import { sharedModules } from "./sharedModules.js";
import {
  ARRIVED,
  bytesAt,
  controlBytes,
  DONE,
  ENDED,
  FAILED,
  GENERATION,
  LOOKS,
  programAt,
  progressAt,
  SPIN,
  STOPPED,
  type WorkerStart,
  workerSource,
} from "./worker.js";

const MOST_THREADS = 256;
/** Estimated nanoseconds that a share is worth a thread. */
const MINIMUM_WORK = 2000;
/**
 * Milliseconds without a sign of life after which a thread counts as dead, besides ten times what
 * the run has taken so far: shares are about even.
 */
const PATIENCE = 10_000;
/** Into how many naps patience is cut; between two looks at the clock, two of them count at most. */
const NAPS = 20;

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

/** One worker, whatever the runtime calls it. */
interface Thread {
  /** Resolves when it waits for work. */
  readonly ready: Promise<void>;
  /** No longer keeps the process alive. */
  release(): void;
  terminate(): void;
}

/** Node's, Deno's and Bun's, or a page's, from text: no file, so nothing for a bundler to copy. */
function startThread(start: WorkerStart, died: (reason: string) => void): Thread {
  const node = globalThis.process?.getBuiltinModule?.("node:worker_threads");
  if (node) {
    const worker = new node.Worker(workerSource, { eval: true, workerData: start, execArgv: [] });
    worker.on("error", (error) => died(String(error)));
    worker.on("exit", (code) => died(`exit code ${code}`));
    return {
      ready: new Promise((resolve) => worker.once("message", () => resolve())),
      release: () => worker.unref(),
      terminate: () => void worker.terminate(),
    };
  }
  const url = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.onerror = (event) => died(event.message ?? "a worker that could not be loaded");
  const ready = new Promise<void>((resolve) => {
    worker.onmessage = () => {
      URL.revokeObjectURL(url);
      resolve();
    };
  });
  worker.postMessage(start);
  return { ready, release: () => undefined, terminate: () => worker.terminate() };
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

/** The main thread of a page may not. */
function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

/** What a backend's events and its finalizer need: not the backend, which would then stay alive. */
interface Team {
  readonly control: Int32Array;
  readonly threads: Thread[];
  /** Why it cannot run any more. */
  broken: string | undefined;
}

/** Ends the workers, those that sleep and those that do not listen. */
function end(team: Team, reason: string): void {
  if (team.broken !== undefined) return;
  team.broken = reason;
  const { control, threads } = team;
  for (const thread of threads.keys()) Atomics.store(control, bytesAt(thread + 1), ENDED);
  Atomics.add(control, GENERATION, 1);
  Atomics.notify(control, GENERATION);
  for (const thread of threads) thread.terminate();
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
  const sleeps = maySleep();
  let barriers = 0;
  let begun = 0;

  /** Waits until `control[at]` has come to `target`; throws when threads stay silent. */
  const wait = (at: number, target: number, progress: number): void => {
    let [before, waited, longest] = [0, 0, 0];
    for (;;) {
      for (let look = 0; look < LOOKS; look++)
        if (((Atomics.load(control, at) - target) | 0) >= 0) return;
      const now = performance.now();
      if (before === 0) longest = patience + 10 * (now - begun);
      // While the whole process stands still, as a stopped job or a frozen container, nobody is silent.
      else waited += Math.min(now - before, (2 * longest) / NAPS);
      before = now;
      if (waited > longest) throw new Error(silent(progress, waited));
      const value = Atomics.load(control, at);
      if (sleeps && waited > SPIN && ((value - target) | 0) < 0)
        Atomics.wait(control, at, value, longest / NAPS);
    }
  };
  const silent = (progress: number, waited: number): string => {
    const missing = Array.from({ length: count - 1 }, (_, at) => at + 1).filter(
      (thread) => Atomics.load(control, progressAt(thread)) < progress,
    );
    return `thread ${missing.join(", ")} gave no sign of life for ${Math.round(waited)} ms`;
  };
  const barrier = (): number => {
    const target = ++barriers * count;
    if (Atomics.add(control, ARRIVED, 1) + 1 >= target) Atomics.notify(control, ARRIVED);
    else wait(ARRIVED, target, barriers);
    return Atomics.load(control, ARRIVED) >= STOPPED ? 1 : 0;
  };

  const exports = parts.instantiateKernels(modules, wasm, barrier);
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
    for (const [at, other] of others.entries()) {
      control[programAt(at + 1)] = other.address;
      control[bytesAt(at + 1)] = other.bytes;
      control[progressAt(at + 1)] = 0;
    }
    control[ARRIVED] = 0;
    control[DONE] = 0;
    barriers = 0;
    begun = performance.now();
    Atomics.add(control, GENERATION, 1);
    Atomics.notify(control, GENERATION);
    try {
      const refused = exports.run(program, bytes, status, workspaces[0] as number);
      if (refused) {
        Atomics.store(control, ARRIVED, STOPPED);
        Atomics.notify(control, ARRIVED);
      }
      wait(DONE, count - 1, STOPPED);
      const failed = Atomics.load(control, FAILED);
      if (failed > 0) throw new Error(`thread ${failed} has thrown`);
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

/** Starts the workers and waits until all wait for work; ends them all when one cannot. */
async function startAll(
  team: Team,
  count: number,
  startOf: (thread: number) => WorkerStart,
): Promise<void> {
  const { threads } = team;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let fail: (reason: string) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => {
    fail = (reason) => reject(new Error(reason));
  });
  failure.catch(() => undefined);
  try {
    for (let thread = 1; thread < count; thread++)
      threads.push(
        startThread(startOf(thread), (reason) => {
          fail(reason);
          end(team, `thread ${thread} has ended: ${reason}`);
        }),
      );
    timer = setTimeout(() => fail("no answer from a worker"), PATIENCE);
    await Promise.race([failure, Promise.all(threads.map(({ ready }) => ready))]);
    for (const thread of threads) thread.release();
  } catch (error) {
    end(team, "they could not be started");
    throw new Error(
      `init: threads cannot be started: got ${(error as Error).message}, expected workers made from text; ` +
        "a content security policy must allow worker-src blob:",
    );
  } finally {
    clearTimeout(timer);
  }
}
