/**
 * Looking on while a step trains. Every so many calls another program runs in the place of the
 * step's: recorded from the same function, it ends in instructions that look at gradients, weights,
 * updates and activations where they lie. It computes what the step computes, to the bit; the other
 * calls are the step's own.
 */
import { compile, functionOf, optionsOf } from "../compile.js";
import { parameterRead } from "../evaluate.js";
import { sub } from "../ops/elementwise.js";
import { max } from "../ops/reduce.js";
import { type Statistics, type StatisticsOptions, statistics } from "../ops/watch.js";
import { type Origin, withOrigins } from "../origins.js";
import type { Parameter } from "../parameter.js";
import type { Shape } from "../shape.js";
import { currentTrace, describe, moduleHooks, type Trace } from "../tape.js";
import type { Node, Tensor } from "../tensor.js";
import type {
  ActivationRecord,
  History,
  LayerRecord,
  MonitorRecord,
  NormRecord,
  Spread,
  Warning,
} from "./history.js";
import { warningsOf } from "./warnings.js";

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

/** What the program looks at: the tensors that it hands out beside the step's result. */
interface Seen {
  readonly loss: Tensor | undefined;
  readonly crossEntropy: { readonly losses: Statistics; readonly classes: number } | undefined;
  readonly layers: readonly {
    readonly key: string;
    readonly shape: Shape;
    readonly gradient: Statistics;
    readonly weight: Statistics;
    /** Undefined for a Parameter that is not updated. */
    readonly update: Statistics | undefined;
  }[];
  readonly activations: readonly {
    readonly key: string;
    readonly op: string;
    readonly shape: Shape;
    readonly all: Statistics;
    /** Of each unit's greatest entry in the batch; of ReLU alone. */
    readonly units: Statistics | undefined;
    readonly unitCount: number;
  }[];
  readonly norms: readonly {
    readonly key: string;
    readonly channels: number;
    readonly mean: Statistics;
    readonly variance: Statistics;
    readonly runningMean: Statistics | undefined;
    readonly runningVariance: Statistics | undefined;
  }[];
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

function layersOf(trace: Trace): Seen["layers"] {
  const unique = distinct();
  return [...trace.standIns].flatMap(([parameter, [first]]) => {
    const gradient = trace.gradients.get(parameter);
    if (!gradient || !first) return [];
    const now = trace.bindings.get(parameter) as Tensor;
    return {
      key: unique(keyOf(parameter)),
      shape: parameter.shape,
      gradient: statistics(gradient),
      weight: statistics(first),
      update: trace.assigned.has(parameter) ? statistics(sub(now, first)) : undefined,
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

function activationsOf(forward: Origins, bins: number): Seen["activations"] {
  const unique = distinct();
  return forward.flatMap(([node, { modules }]) => {
    const { name } = node.op;
    const limits = ACTIVATIONS.get(name);
    if (!limits) return [];
    const y = node.outputs[0] as Tensor;
    const greatest = name === "relu" ? perUnit(y) : undefined;
    return {
      key: unique([...modules.slice(-1), name].join(" ")),
      op: name,
      shape: y.shape,
      all: statistics(y, { ...limits, bins }),
      units: greatest && statistics(greatest),
      unitCount: greatest?.size ?? 0,
    };
  });
}

function normsOf(forward: Origins, trace: Trace): Seen["norms"] {
  const byKey = new Map(
    [...trace.standIns].map(([parameter, [first]]) => [keyOf(parameter), first]),
  );
  const unique = distinct();
  return forward.flatMap(([node, { modules }]) => {
    const [, gamma] = node.inputs;
    // Others normalise the rows of something else: layer norm and its like.
    if (node.op.name !== "batchNorm" || !gamma) return [];
    const key = modules.at(-1);
    const running = (name: string): Statistics | undefined => {
      const tensor = key === undefined ? undefined : byKey.get(`${key}.${name}`);
      return tensor && statistics(tensor);
    };
    const [runningMean, runningVariance] = [running("running_mean"), running("running_var")];
    if (!parameterRead(gamma.node) && !runningMean) return [];
    const [, mean, variance] = node.outputs as [Tensor, Tensor, Tensor];
    return {
      key: unique(key ?? "batchNorm"),
      channels: mean.size,
      mean: statistics(mean),
      variance: statistics(variance),
      runningMean,
      runningVariance,
    };
  });
}

function crossEntropyOf(forward: Origins): Seen["crossEntropy"] {
  const node = forward.find(([{ op }]) => op.name === "crossEntropy")?.[0];
  if (!node) return undefined;
  const classes = (node.inputs[0] as Tensor).shape[1] as number;
  return { losses: statistics(node.outputs[0] as Tensor), classes };
}

/** Records `fn` in the open trace, and after it what looks at what it computes. */
function look(fn: () => unknown, bins: number): { result: unknown; seen: Seen } {
  const { result, origins } = withOrigins(fn, false);
  const trace = currentTrace() as Trace;
  // What is inside a checkpoint or vmap has no place of its own.
  const forward = [...origins].filter(
    ([node, { derivativeOf }]) => node.trace === trace && !derivativeOf,
  );
  const seen = {
    loss: trace.losses[0],
    crossEntropy: crossEntropyOf(forward),
    layers: layersOf(trace),
    activations: activationsOf(forward, bins),
    norms: normsOf(forward, trace),
  };
  return { result, seen };
}

const floatsOf = ({ floats }: Statistics) =>
  floats.toTypedArray() as ArrayLike<number> as [number, number, number, number, number];

const normOf = (statistic: Statistics): number => floatsOf(statistic)[2];

function spreadOf(statistic: Statistics): Spread {
  const [mean, std, , min, max] = floatsOf(statistic);
  return { mean, std, min, max };
}

function layerRecord({
  key,
  shape,
  gradient,
  weight,
  update,
}: Seen["layers"][number]): LayerRecord {
  const weightNorm = normOf(weight);
  const updateNorm = update ? normOf(update) : 0;
  const gradientNorm = normOf(gradient);
  return { key, shape, gradientNorm, weightNorm, updateNorm, updateRatio: updateNorm / weightNorm };
}

function activationRecord(seen: Seen["activations"][number], bins: number): ActivationRecord {
  const { key, op, shape, all, units, unitCount } = seen;
  const spread = spreadOf(all);
  const [zeros, nonFinite, below, above, ...counts] = all.counts.toTypedArray() as unknown as [
    ...[number, number, number, number],
    ...number[],
  ];
  const size = shape.reduce((n, length) => n * length, 1);
  const { low } = ACTIVATIONS.get(op) as StatisticsOptions;
  const { min, max } = spread;
  const edges = Array.from({ length: bins + 1 }, (_, k) => min + ((max - min) * k) / bins);
  return {
    key,
    op,
    shape,
    ...spread,
    histogram: { edges, counts },
    zeros: zeros / size,
    dead: units && (units.counts.toTypedArray()[0] as number) / unitCount,
    saturated: low === undefined ? undefined : (below + above) / size,
    nonFinite,
  };
}

const normRecord = (seen: Seen["norms"][number]): NormRecord => ({
  key: seen.key,
  channels: seen.channels,
  mean: spreadOf(seen.mean),
  variance: spreadOf(seen.variance),
  runningMean: seen.runningMean && spreadOf(seen.runningMean),
  runningVariance: seen.runningVariance && spreadOf(seen.runningVariance),
});

function recordOf(step: number, seen: Seen, history: History, bins: number): MonitorRecord {
  const record = {
    step,
    loss: seen.loss ? (seen.loss.toTypedArray()[0] as number) : Number.NaN,
    layers: seen.layers.map(layerRecord),
    activations: seen.activations.map((activation) => activationRecord(activation, bins)),
    norms: seen.norms.map(normRecord),
  };
  const { crossEntropy } = seen;
  const context = {
    history,
    crossEntropy: crossEntropy && {
      mean: floatsOf(crossEntropy.losses)[0],
      classes: crossEntropy.classes,
    },
  };
  return { ...record, warnings: [...warningsOf(record, context)] };
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
 * A record costs about a third of a step; the calls between are the step's own. It sees the
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
  for (const key of Object.keys(options))
    if (key !== "every" && key !== "bins")
      throw new TypeError(`monitor: unknown option: got ${key}, expected every or bins`);
  const { every = 10, bins = 32 } = options;
  checkWhole("every", every, Number.MAX_SAFE_INTEGER);
  checkWhole("bins", bins, 1024);

  const looking = compile(
    (...args: A) => look(() => fn(...(args as unknown as never[])), bins),
    optionsOf(step),
  ) as (...args: A) => { result: R; seen: Seen };
  const history: MonitorRecord[] = [];
  const warnings = new Map<string, Warning>();
  let calls = 0;
  let on = true;

  const call = (...args: A): R => {
    if (!on || currentTrace()) return step(...args);
    if (calls % every !== 0) {
      const result = step(...args);
      calls++;
      return result;
    }
    const { result, seen } = looking(...args);
    const record = recordOf(calls++, seen, history, bins);
    history.push(record);
    for (const warning of record.warnings) warnings.set(`${warning.kind} ${warning.key}`, warning);
    return result;
  };
  return Object.defineProperties(call, {
    history: { get: () => history },
    latest: { get: () => history.at(-1) },
    warnings: { get: () => [...warnings.values()] },
    off: {
      value: () => {
        on = false;
      },
    },
  }) as Monitored<A, R>;
}
