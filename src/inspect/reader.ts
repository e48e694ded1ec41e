/** What a monitor looks at in a recording, and how a record is made of what was seen. */

import { parameterRead } from "../evaluate.js";
import { max } from "../ops/reduce.js";
import type { StatisticsOptions } from "../ops/watch.js";
import type { Origin } from "../origins.js";
import { nameOf } from "../parameter.js";
import type { Node, Tensor } from "../tensor.js";
import type { Trace } from "../trace.js";
import type {
  ActivationRecord,
  History,
  LayerRecord,
  MonitorRecord,
  NormRecord,
} from "./history.js";
import type { Looks, Numbers, Read } from "./looks.js";
import { type Context, warningsOf } from "./warnings.js";

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

/** How to read a record; the structure of what `look` found in one recording. */
export class Reader {
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
    const key = unique(nameOf(parameter) ?? "parameter");
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
    [...trace.standIns].map(([parameter, [first]]) => [nameOf(parameter), first]),
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
