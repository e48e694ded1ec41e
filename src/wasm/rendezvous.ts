/**
 * Where the calling thread meets the others, whose half is in `worker.ts`: how a run begins, the
 * barriers within it, and how it ends.
 */
import type { ThreadProgram } from "../backend.js";
import {
  ARRIVED,
  bytesAt,
  DONE,
  FAILED,
  GENERATION,
  LOOKS,
  programAt,
  progressAt,
  SPIN,
  STOPPED,
} from "./worker.js";

/** Into how many naps patience is cut; between two looks at the clock, two of them count at most. */
const NAPS = 20;

/** The main thread of a page may not. */
function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

export class Rendezvous {
  readonly #control: Int32Array;
  readonly #count: number;
  readonly #patience: number;
  readonly #sleeps = maySleep();
  /** Of the run that is going on: its barriers so far, and when it began. */
  #barriers = 0;
  #begun = 0;

  /** `patience`: milliseconds of silence, besides ten times those of the run, that are too much. */
  constructor(control: Int32Array, count: number, patience: number) {
    this.#control = control;
    this.#count = count;
    this.#patience = patience;
  }

  /** Sets the other threads to work. */
  begin(others: readonly ThreadProgram[]): void {
    const control = this.#control;
    for (const [at, other] of others.entries()) {
      control[programAt(at + 1)] = other.address;
      control[bytesAt(at + 1)] = other.bytes;
      control[progressAt(at + 1)] = 0;
    }
    control[ARRIVED] = 0;
    control[DONE] = 0;
    this.#barriers = 0;
    this.#begun = performance.now();
    Atomics.add(control, GENERATION, 1);
    Atomics.notify(control, GENERATION);
  }

  /** What the kernels import: returns when all threads have come, 1 if the run was stopped. */
  barrier(): number {
    const control = this.#control;
    const target = ++this.#barriers * this.#count;
    if (Atomics.add(control, ARRIVED, 1) + 1 >= target) Atomics.notify(control, ARRIVED);
    else this.#wait(ARRIVED, target, this.#barriers);
    return Atomics.load(control, ARRIVED) >= STOPPED ? 1 : 0;
  }

  /** Returns when all threads are done; lets them stop first if the run was refused. */
  end(refused: boolean): void {
    const control = this.#control;
    if (refused) {
      Atomics.store(control, ARRIVED, STOPPED);
      Atomics.notify(control, ARRIVED);
    }
    this.#wait(DONE, this.#count - 1, STOPPED);
    const failed = Atomics.load(control, FAILED);
    if (failed > 0) throw new Error(`thread ${failed} has thrown`);
  }

  /** Waits until `control[at]` has come to `target`; throws when threads stay silent. */
  #wait(at: number, target: number, progress: number): void {
    const control = this.#control;
    let [before, waited, longest] = [0, 0, 0];
    for (;;) {
      for (let look = 0; look < LOOKS; look++)
        if (((Atomics.load(control, at) - target) | 0) >= 0) return;
      const now = performance.now();
      if (before === 0) longest = this.#patience + 10 * (now - this.#begun);
      // While the whole process stands still, as a stopped job or a frozen container, nobody is silent.
      else waited += Math.min(now - before, (2 * longest) / NAPS);
      before = now;
      if (waited > longest) throw new Error(this.#silent(progress, waited));
      const value = Atomics.load(control, at);
      if (this.#sleeps && waited > SPIN && ((value - target) | 0) < 0)
        Atomics.wait(control, at, value, longest / NAPS);
    }
  }

  #silent(progress: number, waited: number): string {
    const missing = Array.from({ length: this.#count - 1 }, (_, at) => at + 1).filter(
      (thread) => Atomics.load(this.#control, progressAt(thread)) < progress,
    );
    return `thread ${missing.join(", ")} gave no sign of life for ${Math.round(waited)} ms`;
  }
}
