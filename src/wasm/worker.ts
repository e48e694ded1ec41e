/**
 * What the threads have in common besides the memory: a block of i32 words, and the script of a
 * worker.
 *
 *     generation | arrived | done | failed     a cache line each: counted up by Atomics
 *     [program, bytes, progress] …             of each thread: what to run, barriers reached
 *
 * A run: the main thread writes the programs, sets `arrived` and `done` to 0 and adds 1 to
 * `generation`; every thread adds 1 to `arrived` at each barrier and goes on when all have; a
 * worker adds 1 to `done` at its end. Waiting is spinning first, and sleeping after a while.
 */
import type { KernelModules } from "./kernels.js";

const CACHE_LINE = 16;
export const GENERATION = 0;
export const ARRIVED = CACHE_LINE;
export const DONE = 2 * CACHE_LINE;
/** The number of a worker that has thrown. */
export const FAILED = 3 * CACHE_LINE;
const THREADS = 4 * CACHE_LINE;
const WORDS = 3;

/** The words of a thread. */
export const programAt = (thread: number): number => THREADS + thread * WORDS;
export const bytesAt = (thread: number): number => programAt(thread) + 1;
/** `STOPPED` at the end of a run. */
export const progressAt = (thread: number): number => programAt(thread) + 2;
export const controlBytes = (threads: number): number => 4 * programAt(threads);

/** Bytes of no program. */
export const ENDED = -1;
/** A count of arrivals that lets everyone pass, and end the run. */
export const STOPPED = 2 ** 30;

/**
 * Milliseconds of spinning before a thread goes to sleep: more than threads wait for one another
 * in a step, and less than a person notices.
 */
export const SPIN = 0.2;
/** Looks between two at the clock. */
export const LOOKS = 64;

/** What a worker is given. */
export interface WorkerStart {
  readonly modules: KernelModules;
  readonly memory: WebAssembly.Memory;
  readonly control: Int32Array;
  readonly thread: number;
  readonly threads: number;
  readonly workspace: number;
}

/**
 * The script of a worker: plain text, since it must not depend on how this package is bundled.
 * `ENDED` in place of a program's bytes ends it.
 */
export const workerSource = `"use strict";
const node = globalThis.process?.getBuiltinModule?.("node:worker_threads");
const serve = ({ modules, memory, control, thread, threads, workspace }, ready) => {
  const wait = (at, target) => {
    for (let end = 0; ; ) {
      for (let look = 0; look < ${LOOKS}; look++)
        if (((Atomics.load(control, at) - target) | 0) >= 0) return;
      const now = performance.now();
      if (end === 0) end = now + ${SPIN};
      const value = Atomics.load(control, at);
      if (now > end && ((value - target) | 0) < 0) Atomics.wait(control, at, value);
    }
  };
  let barriers = 0;
  const barrier = () => {
    const target = ++barriers * threads;
    Atomics.store(control, ${progressAt(0)} + thread * ${WORDS}, barriers);
    if (Atomics.add(control, ${ARRIVED}, 1) + 1 >= target) Atomics.notify(control, ${ARRIVED});
    else wait(${ARRIVED}, target);
    return Atomics.load(control, ${ARRIVED}) >= ${STOPPED} ? 1 : 0;
  };
  const wanted = WebAssembly.Module.imports(modules.simd).filter(({ module }) => module === "fused");
  const notFused = Object.fromEntries(wanted.map(({ name }) => [name, () => {}]));
  const make = (module, fused) =>
    new WebAssembly.Instance(module, { env: { memory }, threads: { barrier }, fused }).exports;
  const relaxed = modules.relaxed && make(modules.relaxed, {});
  const { run, fuseProducts } = make(modules.simd, relaxed || notFused);
  if (relaxed) fuseProducts(true);
  ready();
  for (let generation = 1; ; generation = (generation + 1) | 0) {
    wait(${GENERATION}, generation);
    const program = control[${programAt(0)} + thread * ${WORDS}];
    const bytes = control[${bytesAt(0)} + thread * ${WORDS}];
    if (bytes === ${ENDED}) return;
    barriers = 0;
    try {
      run(program, bytes, 0, workspace);
    } catch (error) {
      Atomics.store(control, ${FAILED}, thread);
      Atomics.store(control, ${ARRIVED}, ${STOPPED});
      Atomics.notify(control, ${ARRIVED});
      throw error;
    } finally {
      Atomics.store(control, ${progressAt(0)} + thread * ${WORDS}, ${STOPPED});
      Atomics.add(control, ${DONE}, 1);
      Atomics.notify(control, ${DONE});
    }
  }
};
if (node?.parentPort) serve(node.workerData, () => node.parentPort.postMessage("ready"));
else
  onmessage = ({ data }) => {
    serve(data, () => postMessage("ready"));
    close();
  };
`;
