/**
 * Looking on while a step trains. Every so many calls another program runs in the place of the
 * step's: recorded from the same function, it ends in instructions that look at gradients, weights,
 * updates and activations where they lie. It computes what the step computes, to the bit; the other
 * calls are the step's own.
 */
import { compile, functionOf, optionsOf } from "../compile.js";
import { parameterRead } from "../evaluate.js";
import { zeros } from "../ops/create.js";
import { concat } from "../ops/join.js";
import { max } from "../ops/reduce.js";
import { reshape } from "../ops/shape.js";
import { distance, type StatisticsOptions, statistics } from "../ops/watch.js";
import { type Origin, withOrigins } from "../origins.js";
import type { Parameter } from "../parameter.js";
import { currentTrace, describe, moduleHooks, type Trace } from "../tape.js";
import { type FloatDtype, isFloat, type Node, type Tensor } from "../tensor.js";
import { checkOptions } from "./check.js";
import type {
  ActivationRecord,
  History,
  LayerRecord,
  MonitorRecord,
  NormRecord,
  Spread,
  Warning,
} from "./history.js";
import { type Context, warningsOf } from "./warnings.js";

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

/** Activations that are looked at, and what is counted as saturated. */
const ACTIVATIONS: ReadonlyMap<string, StatisticsOptions> = new Map<string, StatisticsOptions>([
  ["relu", {}],
  ["sigmoid", { low: 0.03, high: 0.97 }],
  ["tanh", { low: -0.97, high: 0.97 }],
  ["silu", {}],
  ["gelu", {}],
  ["geluTanh", {}],
  ["softplus", {}],
]);

/**
 * What one program looks at, gathered into two outputs: a copy of each costs the more the more there
 * are. (A class, so that it is no part of the result's structure.)
 */
class Looks {
  readonly #floats: Tensor[] = [];
  readonly #counts: Tensor[] = [];
  #floatsEnd = 0;
  #countsEnd = 0;
  readonly bins: number;

  constructor(bins: number) {
    this.bins = bins;
  }

  /** A tensor of one element; returns how to find it. */
  scalar(x: Tensor): Read<number> {
    const at = this.#floatsEnd++;
    this.#floats.push(reshape(x, [1]));
    return ({ floats }) => floats[at] as number;
  }

  norm(x: Tensor, y?: Tensor): Read<number> {
    return this.scalar(distance(x, y));
  }

  spread(x: Tensor, options: StatisticsOptions = {}): Read<Looked> {
    const [floats, counts] = statistics(x, options);
    const [at, begin] = [this.#floatsEnd, this.#countsEnd];
    this.#floats.push(floats);
    this.#counts.push(counts);
    this.#floatsEnd += floats.size;
    this.#countsEnd += counts.size;
    return ({ floats: f, counts: c }) => {
      const [mean, std, min, max] = f.slice(at, at + 4) as unknown as [
        number,
        number,
        number,
        number,
      ];
      const numbers = Array.from(c.subarray(begin, begin + counts.size));
      return { spread: { mean, std, min, max }, counts: numbers };
    };
  }

  /** The outputs: at least one element each, so that there is something to join. */
  outputs(dtype: FloatDtype): { floats: Tensor; counts: Tensor } {
    const floats = this.#floats.length > 0 ? concat(this.#floats) : zeros([1], { dtype });
    const counts = this.#counts.length > 0 ? concat(this.#counts) : zeros([1], { dtype: "i32" });
    return { floats, counts };
  }
}

/** What was seen of one call. */
interface Numbers {
  readonly floats: Float32Array | Float64Array;
  readonly counts: Int32Array;
}

interface Looked {
  readonly spread: Spread;
  /** As `statistics` has them. */
  readonly counts: readonly number[];
}

type Read<T> = (numbers: Numbers) => T;

/** How to read a record; the structure of what `look` found in one recording. */
class Reader {
  readonly loss: Read<number>;
  readonly crossEntropy: Read<Context["crossEntropy"]>;
  readonly layers: readonly Read<LayerRecord>[];
  readonly activations: readonly Read<ActivationRecord>[];
  readonly norms: readonly Read<NormRecord>[];

  constructor(looks: Looks, trace: Trace, forward: Origins) {
    const [loss] = trace.losses;
    this.loss = loss ? looks.scalar(loss) : () => Number.NaN;
    this.crossEntropy = crossEntropyOf(looks, forward);
    this.layers = layersOf(looks, trace);
    this.activations = activationsOf(looks, forward);
    this.norms = normsOf(looks, forward, trace);
  }

  record(step: number, numbers: Numbers, history: History): MonitorRecord {
    const all = <T>(reads: readonly Read<T>[]): T[] => reads.map((read) => read(numbers));
    const record = {
      step,
      loss: this.loss(numbers),
      layers: all(this.layers),
      activations: all(this.activations),
      norms: all(this.norms),
    };
    const context = { history, crossEntropy: this.crossEntropy(numbers) };
    return { ...record, warnings: [...warningsOf(record, context)] };
  }
}

const keyOf = (parameter: Parameter): string =>
  moduleHooks()?.keyOf(parameter) ?? (parameter.name || "parameter");

/** Names that are all different: "tanh", "tanh 2". */
function distinct(): (name: string) => string {
  const counts = new Map<string, number>();
  return (name) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count === 1 ? name : `${name} ${count}`;
  };
}

function layersOf(looks: Looks, trace: Trace): Read<LayerRecord>[] {
  const unique = distinct();
  return [...trace.standIns].flatMap(([parameter, [first]]) => {
    const gradient = trace.gradients.get(parameter);
    if (!gradient || !first) return [];
    const { shape } = parameter;
    const key = unique(keyOf(parameter));
    const readGradient = looks.norm(gradient);
    const readWeight = looks.norm(first);
    const updated = trace.assigned.has(parameter);
    const readUpdate = updated && looks.norm(trace.bindings.get(parameter) as Tensor, first);
    return (numbers: Numbers) => {
      const weightNorm = readWeight(numbers);
      const updateNorm = readUpdate ? readUpdate(numbers) : 0;
      const gradientNorm = readGradient(numbers);
      const updateRatio = updateNorm / weightNorm;
      return { key, shape, gradientNorm, weightNorm, updateNorm, updateRatio };
    };
  });
}

/** Whether channels come second, as after a convolution. */
function isMap(x: Tensor): boolean {
  if (x.rank !== 3) return x.rank > 3;
  const passing = new Set(["batchNorm", "batchNormEval", "alias", "reshape", "view", "add"]);
  let node = x.node;
  for (let steps = 0; steps < 8 && !node.op.name.startsWith("conv"); steps++) {
    const [source] = node.inputs;
    if (!passing.has(node.op.name) || !source) return false;
    node = source.node;
  }
  return node.op.name.startsWith("conv");
}

/** The greatest entry of each unit in the batch; undefined for what is no batch. */
function perUnit(y: Tensor): Tensor | undefined {
  if (y.rank < 2 || y.size === 0) return undefined;
  const unit = isMap(y.node.inputs[0] as Tensor) ? 1 : y.rank - 1;
  return max(
    y,
    y.shape.flatMap((_, axis) => (axis === unit ? [] : [axis])),
  );
}

type Origins = readonly (readonly [Node, Origin])[];

function activationsOf(looks: Looks, forward: Origins): Read<ActivationRecord>[] {
  const { bins } = looks;
  const unique = distinct();
  return forward.flatMap(([node, { modules }]) => {
    const op = node.op.name;
    const limits = ACTIVATIONS.get(op);
    if (!limits) return [];
    const key = unique([...modules.slice(-1), op].join(" "));
    const y = node.outputs[0] as Tensor;
    const { shape, size } = y;
    const greatest = op === "relu" ? perUnit(y) : undefined;
    const readAll = looks.spread(y, { ...limits, bins });
    const readUnits = greatest && looks.spread(greatest);
    return (numbers: Numbers) => {
      const { spread, counts } = readAll(numbers);
      const { min, max } = spread;
      const [zero = 0, nonFinite = 0, below = 0, above = 0] = counts;
      const edges = Array.from({ length: bins + 1 }, (_, k) => min + ((max - min) * k) / bins);
      const dead = readUnits?.(numbers).counts[0];
      return {
        key,
        op,
        shape,
        ...spread,
        histogram: { edges, counts: counts.slice(4) },
        zeros: zero / size,
        dead: dead === undefined ? undefined : dead / (greatest as Tensor).size,
        saturated: limits.low === undefined ? undefined : (below + above) / size,
        nonFinite,
      };
    };
  });
}

function normsOf(looks: Looks, forward: Origins, trace: Trace): Read<NormRecord>[] {
  const byKey = new Map(
    [...trace.standIns].map(([parameter, [first]]) => [keyOf(parameter), first]),
  );
  const unique = distinct();
  return forward.flatMap(([node, { modules }]) => {
    const [, gamma] = node.inputs;
    // Others normalise the rows of something else: layer norm and its like.
    if (node.op.name !== "batchNorm" || !gamma) return [];
    const module = modules.at(-1);
    const running = (name: string): Tensor | undefined =>
      module === undefined ? undefined : byKey.get(`${module}.${name}`);
    const [runningMean, runningVariance] = [running("running_mean"), running("running_var")];
    if (!parameterRead(gamma.node) && !runningMean) return [];
    const [, mean, variance] = node.outputs as [Tensor, Tensor, Tensor];
    const key = unique(module ?? "batchNorm");
    const [readMean, readVariance] = [looks.spread(mean), looks.spread(variance)];
    const readRunningMean = runningMean && looks.spread(runningMean);
    const readRunningVariance = runningVariance && looks.spread(runningVariance);
    return (numbers: Numbers) => ({
      key,
      channels: mean.size,
      mean: readMean(numbers).spread,
      variance: readVariance(numbers).spread,
      runningMean: readRunningMean?.(numbers).spread,
      runningVariance: readRunningVariance?.(numbers).spread,
    });
  });
}

function crossEntropyOf(looks: Looks, forward: Origins): Read<Context["crossEntropy"]> {
  const node = forward.find(([{ op }]) => op.name === "crossEntropy")?.[0];
  if (!node) return () => undefined;
  const classes = (node.inputs[0] as Tensor).shape[1] as number;
  const read = looks.spread(node.outputs[0] as Tensor);
  return (numbers) => ({ mean: read(numbers).spread.mean, classes });
}

interface Looking {
  readonly result: unknown;
  readonly reader: Reader;
  readonly floats: Tensor;
  readonly counts: Tensor;
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
  return { result, reader, ...looks.outputs((float?.dtype ?? "f32") as FloatDtype) };
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

  const looking = compile(
    (...args: A) => look(() => fn(...(args as unknown as never[])), bins),
    optionsOf(step),
  ) as (...args: A) => Looking;
  const history: MonitorRecord[] = [];
  const warnings = new Map<string, Warning>();
  /** What was seen and nobody has asked for yet: putting it into words may cost more than seeing it. */
  const pending: { readonly step: number; readonly reader: Reader; readonly numbers: Numbers }[] =
    [];
  let calls = 0;
  let on = true;

  const records = (): MonitorRecord[] => {
    for (const { step: at, reader, numbers } of pending.splice(0)) {
      const record = reader.record(at, numbers, history);
      history.push(record);
      for (const warning of record.warnings)
        warnings.set(`${warning.kind} ${warning.key}`, warning);
    }
    return history;
  };
  const call = (...args: A): R => {
    if (!on || currentTrace()) return step(...args);
    if (calls % every !== 0) {
      const result = step(...args);
      calls++;
      return result;
    }
    const { result, reader, floats, counts } = looking(...args);
    const numbers = { floats: floats.toTypedArray(), counts: counts.toTypedArray() } as Numbers;
    pending.push({ step: calls++, reader, numbers });
    return result as R;
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
