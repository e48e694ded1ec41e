/**
 * Looking on while a step trains. Every so many calls another program runs in the place of the
 * step's: recorded from the same function, it ends in instructions that look at gradients, weights,
 * updates and activations where they lie. It computes what the step computes, to the bit; the other
 * calls are the step's own.
 */
import {
  compile,
  functionOf,
  optionsOf,
  type Run,
  runOf,
  takeNumbers,
  tensorsOf,
} from "../compile.js";
import { keepsGraphs } from "../evaluate.js";
import { withOrigins } from "../origins.js";
import { currentTrace, describe, type Trace } from "../tape.js";
import { type FloatDtype, isFloat } from "../tensor.js";
import { checkOptions } from "./check.js";
import type { History, MonitorRecord, Warning } from "./history.js";
import { Looks } from "./looks.js";
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
  /** How many there are of each. */
  readonly sizes: readonly number[];
}

/** The outputs of a `Looking` that are not the step's: floats and counts, the last two. */
const LOOKS = 2;
/** Numbers of one array that holds many records: one for each would cost more than seeing them. */
const ROOM = 4096;

interface Seen {
  readonly step: number;
  readonly looking: Looking;
  /** Its floats and then its counts are here, from `begin` on. */
  readonly numbers: Float64Array;
  readonly begin: number;
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
  const outputs = looks.outputs((float?.dtype ?? "f32") as FloatDtype);
  return { result, reader, ...outputs, sizes: [outputs.floats.size, outputs.counts.size] };
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
 * A recorded step takes about a fifth longer; the calls between are the step's own. It sees the
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
  let room = new Float64Array(0);
  let used = 0;
  let calls = 0;
  let on = true;

  const records = (): MonitorRecord[] => {
    const seen = pending;
    pending = [];
    for (const { step: at, looking: found, numbers, begin } of seen) {
      const [floats = 0, counts = 0] = found.sizes;
      const middle = begin + floats;
      const record = found.reader.record(
        at,
        {
          floats: numbers.subarray(begin, middle),
          counts: numbers.subarray(middle, middle + counts),
        },
        history,
      );
      history.push(record);
      for (const warning of record.warnings)
        warnings.set(`${warning.kind} ${warning.key}`, warning);
    }
    return history;
  };
  const note = (run: Run, found: Looking): void => {
    const [floats = 0, counts = 0] = found.sizes;
    if (used + floats + counts > room.length) {
      room = new Float64Array(Math.max(ROOM, floats + counts));
      used = 0;
    }
    takeNumbers(run, found.floats, room, used);
    takeNumbers(run, found.counts, room, used + floats);
    pending.push({ step: calls++, looking: found, numbers: room, begin: used });
    used += floats + counts;
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
