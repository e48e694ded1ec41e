/** The workers of a backend with threads: how they are started, and how they end. */
import { bytesAt, ENDED, GENERATION, type WorkerStart, workerSource } from "./worker.js";

/** Milliseconds within which every worker must have answered. */
const PATIENCE = 10_000;

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

/** What a backend's events and its finalizer need: not the backend, which would then stay alive. */
export interface Team {
  readonly control: Int32Array;
  readonly threads: Thread[];
  /** Why it cannot run any more. */
  broken: string | undefined;
}

/** Ends the workers, those that sleep and those that do not listen. */
export function end(team: Team, reason: string): void {
  if (team.broken !== undefined) return;
  team.broken = reason;
  const { control, threads } = team;
  for (const thread of threads.keys()) Atomics.store(control, bytesAt(thread + 1), ENDED);
  Atomics.add(control, GENERATION, 1);
  Atomics.notify(control, GENERATION);
  for (const thread of threads) thread.terminate();
}

/** Starts the workers and waits until all wait for work; ends them all when one cannot. */
export async function startAll(
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
