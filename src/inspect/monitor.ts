/**
 * Looking on while a step trains. Every so many calls another program runs in the place of the
 * step's: recorded from the same function, it ends in instructions that look at gradients, weights,
 * updates and activations where they lie. It computes what the step computes, to the bit; the other
 * calls are the step's own.
 */

import { elementBytes } from "../backend.js";
import {
  compile,
  functionOf,
  optionsOf,
  type Run,
  runOf,
  takeWords,
  tensorsOf,
} from "../compile.js";
import { checkOptions, describe } from "../describe.js";
import { keepsGraphs } from "../evaluate.js";
import { withOrigins } from "../origins.js";
import { type FloatDtype, isFloat } from "../tensor.js";
import { currentTrace, type Trace } from "../trace.js";
import type { History, MonitorRecord, Warning } from "./history.js";
import { Looks, type Numbers } from "./looks.js";
import { Reader } from "./reader.js";

export interface MonitorOptions {
  /** A record every so many calls, the first one included; 10 by default. */
  readonly every?: number;
  /** Bins of the histograms, 1 to 1,024; 32 by default. */
  readonly bins?: number;
}

/** A step that is looked at: called as the step is. */
export interface Monitored<A extends readonly unknown[], R> {
  (...args: A): R;
  /** All records so far, oldest first. */
  readonly history: History;
  /** The last of them; undefined before the first call. */
  readonly latest: MonitorRecord | undefined;
  /** What was warned of so far, once for each kind and layer, as it was said last. */
  readonly warnings: readonly Warning[];
  /** From now on every call is the step's own. The history stays. */
  off(): void;
}

/** What is recorded; in the result of a run what was a tensor is its place. */
interface Looking {
  readonly result: unknown;
  readonly reader: Reader;
  readonly floats: unknown;
  readonly counts: unknown;
  readonly floatBytes: number;
  /** Words of floats, and of all. */
  readonly floatWords: number;
  readonly words: number;
}

/** The outputs of a `Looking` that are not the step's: floats and counts, the last two. */
const LOOKS = 2;
/** Words of one array that holds many records: one for each would cost more than seeing them. */
const ROOM = 8192;

interface Seen {
  readonly step: number;
  readonly looking: Looking;
  /** Its floats and then its counts are here, from `begin` on. */
  readonly words: Uint32Array;
  readonly begin: number;
}

function numbersOf({ looking, words: { buffer }, begin }: Seen): Numbers {
  const { floatBytes, floatWords, words } = looking;
  const floats = [4 * begin, (4 * floatWords) / floatBytes] as const;
  return {
    floats:
      floatBytes === 8 ? new Float64Array(buffer, ...floats) : new Float32Array(buffer, ...floats),
    counts: new Int32Array(buffer, 4 * (begin + floatWords), words - floatWords),
  };
}

/** Records `fn` in the open trace, and after it what looks at what it computes. */
function look(fn: () => unknown, bins: number): Looking {
  const { result, origins } = withOrigins(fn, false);
  const trace = currentTrace() as Trace;
  // What is inside a checkpoint or vmap has no place of its own.
  const forward = [...origins].filter(
    ([node, { derivativeOf }]) => node.trace === trace && !derivativeOf,
  );
  const looks = new Looks(bins);
  const reader = new Reader(looks, trace, forward);
  const float = [...origins.keys()].flatMap(({ outputs }) => outputs).find((t) => isFloat(t.dtype));
  const { floats, counts } = looks.outputs((float?.dtype ?? "f32") as FloatDtype);
  const floatBytes = elementBytes(floats.dtype);
  const floatWords = (floats.size * floatBytes) / 4;
  const words = floatWords + counts.size;
  return { result, reader, floats, counts, floatBytes, floatWords, words };
}

function checkWhole(name: string, value: number, most: number): void {
  if (!(Number.isSafeInteger(value) && value >= 1 && value <= most))
    throw new RangeError(
      `monitor: bad ${name}: got ${describe(value)}, expected a whole number from 1${most < 2 ** 53 - 1 ? ` to ${most}` : ""}`,
    );
}

/**
 * The step, looked at every 10th call: gradient norms, update ratios, activations, dead and
 * saturated units, batch norms, and warnings in words. It is called as the step is, and trains as
 * the step does, to the bit. What is recorded is in `history`, plain data.
 *
 *     const watched = monitor(step);
 *     for (const { x, y } of batches) watched(x, y);
 *     for (const { text } of watched.warnings) console.log(text);
 *
 * A recorded step takes about a tenth longer; the calls between are the step's own. It sees the
 * gradients that `gradients` or `minimize` found last, before clipping, and the activation functions
 * of the forward pass that are no part of `checkpoint` or `vmap`.
 *
 * @param step a function that `compile` returned
 */
export function monitor<A extends readonly unknown[], R>(
  step: (...args: A) => R,
  options: MonitorOptions = {},
): Monitored<A, R> {
  const fn = functionOf(step);
  if (!fn)
    throw new TypeError(
      `monitor: not a compiled function: got ${describe(step)}, expected what compile returned`,
    );
  checkOptions("monitor", options, ["every", "bins"]);
  const { every = 10, bins = 32 } = options;
  checkWhole("every", every, Number.MAX_SAFE_INTEGER);
  checkWhole("bins", bins, 1024);

  const looking = runOf(
    compile((...args: A) => look(() => fn(...(args as unknown as never[])), bins), optionsOf(step)),
  );
  const history: MonitorRecord[] = [];
  const warnings = new Map<string, Warning>();
  /** What was seen and nobody has asked for yet: putting it into words may cost more than seeing it. */
  let pending: Seen[] = [];
  let room = new Uint32Array(0);
  let used = 0;
  let calls = 0;
  let on = true;

  const records = (): MonitorRecord[] => {
    const seen = pending;
    pending = [];
    for (const one of seen) {
      const record = one.looking.reader.record(one.step, numbersOf(one), history);
      history.push(record);
      for (const warning of record.warnings)
        warnings.set(`${warning.kind} ${warning.key}`, warning);
    }
    return history;
  };
  const note = (run: Run, found: Looking): void => {
    const { floatWords, words } = found;
    if (used + words > room.length) {
      room = new Uint32Array(Math.max(ROOM, words));
      used = 0;
    }
    takeWords(run, found.floats, room, used);
    takeWords(run, found.counts, room, used + floatWords);
    pending.push({ step: calls++, looking: found, words: room, begin: used });
    // The next one's floats may be of 8 bytes.
    used += words + (words & 1);
  };
  const call = (...args: A): R => {
    if (!on || currentTrace() || keepsGraphs()) return step(...args);
    if (calls % every !== 0) {
      const result = step(...args);
      calls++;
      return result;
    }
    const run = looking(args, LOOKS);
    note(run, run.result as Looking);
    return tensorsOf(run, (run.result as Looking).result) as R;
  };
  return Object.defineProperties(call, {
    history: { get: records },
    latest: { get: () => records().at(-1) },
    warnings: {
      get: () => {
        records();
        return [...warnings.values()];
      },
    },
    off: {
      value: () => {
        on = false;
      },
    },
  }) as Monitored<A, R>;
}
