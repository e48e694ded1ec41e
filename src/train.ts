/**
 * `train`: a run of whole steps that can be cut between any two of them, so that a page stays
 * responsive and an isolate inside its limit. A step is never cut, and a batch is taken from its
 * source only when its step is next: whatever the cuts, steps, batches and draws follow one
 * another in the same order, and the bits are the same.
 */
import { checkFunction, checkOptions, describe } from "./describe.js";
import { grouped } from "./grouped.js";
import { isPromise } from "./promise.js";
import { getState, setState } from "./random.js";

/** Half of a frame at 60 Hz: the rest is the page's. */
const BUDGET_MS = 8;

/** When a slice ends: after the first step that meets one of these. */
export interface SliceBounds {
  /**
   * Milliseconds of the clock, a number > 0; 8 where no bound is given. A slice has at least one
   * step, and ends after the step in which the time runs out. Cloudflare's Workers stop their clock
   * during a computation, so there it needs `maxSteps` beside it.
   */
  readonly budgetMs?: number;
  /** An integer ≥ 1. */
  readonly maxSteps?: number;
}

export interface TrainOptions extends SliceBounds {
  /**
   * Batches that an earlier run took (its `taken`): so many are passed over first. What passing
   * them over draws from `chainrule/random` is not counted.
   */
  readonly skip?: number;
}

export interface Slice<Loss> {
  /** Whether there was no batch left: then this was the last slice, and it may have no steps. */
  readonly done: boolean;
  readonly steps: number;
  /** What each of these steps returned. */
  readonly losses: readonly Loss[];
}

/**
 * A run that goes on where the last slice stopped. `for await (const slice of training)` runs
 * slices to the end with the bounds given to `train`, and lets the event loop have its turn between
 * them; it may be left at any point, and gone on with by another loop or by `steps`.
 */
export interface Training<Loss> extends AsyncIterable<Slice<Loss>> {
  /** Runs one slice at once, with bounds of its own or with those given to `train`. */
  steps(bounds?: SliceBounds): Slice<Loss>;
  /** Steps made so far, the skipped ones included. */
  readonly taken: number;
}

/** Workers name themselves so, hosted and local. */
const inWorkers = (): boolean =>
  (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent ===
  "Cloudflare-Workers";

function checkNumber(
  op: string,
  name: string,
  value: unknown,
  right: (value: number) => boolean,
  expected: string,
): void {
  const Kind = typeof value === "number" ? RangeError : TypeError;
  if (typeof value !== "number" || !right(value))
    throw new Kind(`${op}: bad ${name}: got ${describe(value)}, expected ${expected}`);
}

function checkBounds(op: string, { budgetMs, maxSteps }: SliceBounds): void {
  const isCount = (value: number): boolean =>
    value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= 1);
  if (maxSteps !== undefined)
    checkNumber(op, "maxSteps", maxSteps, isCount, "an integer ≥ 1, or Infinity");
  if (budgetMs !== undefined)
    checkNumber(op, "budgetMs", budgetMs, (value) => value > 0, "a number of milliseconds > 0");
}

/** The bounds of a slice, Infinity where there is none. */
function limits({ budgetMs, maxSteps }: SliceBounds): { ms: number; count: number } {
  if (maxSteps === undefined && inWorkers())
    throw new Error(
      "steps: maxSteps is missing: got no other bound than time in a runtime whose clock stands " +
        "still during a computation, expected maxSteps",
    );
  const count = maxSteps ?? Number.POSITIVE_INFINITY;
  return { ms: budgetMs ?? (maxSteps === undefined ? BUDGET_MS : Number.POSITIVE_INFINITY), count };
}

/** Resolves in a task of its own, so that input, timers and network come before it. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else if (typeof MessageChannel === "function" && !inWorkers()) {
      // Timers that follow one another wait for 4 ms each in browsers; messages do not.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    } else setTimeout(resolve, 0);
  });
}

/**
 * The batches of a source: the next one stays the next until it is passed. Where the source has
 * thrown, it is as if it threw the same ever after.
 */
function inTurn<Batch>(source: Iterator<Batch>) {
  let taken = 0;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let pending: { readonly batch: Batch } | undefined;
  return {
    /** How many were passed. */
    get taken() {
      return taken;
    },
    /** Undefined after the last one. */
    next(): { readonly batch: Batch } | undefined {
      if (failure) throw failure.error;
      if (pending || ended) return pending;
      try {
        const next = source.next();
        if (next.done) ended = true;
        else pending = { batch: next.value };
      } catch (error) {
        failure = { error };
        throw error;
      }
      return pending;
    },
    pass(): void {
      pending = undefined;
      taken++;
    },
  };
}

/**
 * Calls `step` with each batch in turn, in slices: nothing runs before `steps` or a loop asks for
 * it. `step` is any synchronous function of one batch, compiled or not; schedules and all else that
 * must happen once a step belong into it.
 *
 *     const training = train(({ x, y }) => step(x, y), batches(data, { batchSize: 64 }));
 *     for await (const { losses } of training) show(losses.at(-1).item());
 *
 * A run is resumed, to the same bits, from the states of model, optimizer and random stream and from
 * `taken`, saved between two slices: `train(step, sameBatches, { skip: taken })`.
 *
 * A batch counts as taken when its step has returned. Where a step throws, so does the slice; the
 * steps before it were made, and the next slice begins with the batch that failed. Where the source
 * throws, every later slice throws the same again.
 */
export function train<Batch, Loss>(
  step: (batch: Batch) => Loss,
  batches: Iterable<Batch>,
  options: TrainOptions = {},
): Training<Loss> {
  checkFunction("train", step);
  if (typeof batches?.[Symbol.iterator] !== "function") {
    const isAsync = typeof (batches as never)?.[Symbol.asyncIterator] === "function";
    const got = isAsync ? "an asynchronous source" : describe(batches);
    throw new TypeError(
      `train: batches are not iterable: got ${got}, expected an array or a generator; ` +
        "await asynchronous batches first",
    );
  }
  checkOptions("train", options, ["budgetMs", "maxSteps", "skip"]);
  const { skip = 0, ...given } = options;
  const isSkip = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  checkNumber("train", "skip", skip, isSkip, "an integer ≥ 0");
  checkBounds("train", given);

  const queue = inTurn(batches[Symbol.iterator]());
  const state = getState();
  while (queue.taken < skip) {
    if (!queue.next())
      throw new RangeError(
        `train: too few batches to skip: got ${grouped(queue.taken)}, expected at least ${grouped(skip)}`,
      );
    queue.pass();
  }
  if (skip > 0) setState(state);

  let running = false;
  const one = (batch: Batch): Loss => {
    const loss = step(batch);
    if (isPromise(loss))
      throw new TypeError(
        "train: step is async: got a promise, expected a synchronous function; await what it needs in the loop",
      );
    queue.pass();
    return loss;
  };

  const steps = (bounds: SliceBounds = given): Slice<Loss> => {
    checkOptions("steps", bounds, ["budgetMs", "maxSteps"]);
    checkBounds("steps", bounds);
    const { ms, count } = limits(bounds);
    if (running) throw new Error("steps: called by a step: got a slice inside a slice");
    running = true;
    try {
      const started = performance.now();
      const losses: Loss[] = [];
      do {
        const next = queue.next();
        if (!next) return { done: true, steps: losses.length, losses };
        losses.push(one(next.batch));
      } while (losses.length < count && performance.now() - started < ms);
      return { done: false, steps: losses.length, losses };
    } finally {
      running = false;
    }
  };

  return {
    steps,
    get taken() {
      return queue.taken;
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const slice = steps();
        if (slice.steps > 0) yield slice;
        if (slice.done) return;
        await turn();
      }
    },
  };
}
