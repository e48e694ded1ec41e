/** What a report shows, as plain data: lines over steps, histograms over steps, a map of memory. */
import type { History, MonitorRecord } from "../history.js";

interface Figure {
  readonly title: string;
  /** What is to be seen, with units. */
  readonly caption: string;
}

export interface LineChart extends Figure {
  readonly kind: "lines";
  readonly x: { readonly label: string; readonly values: readonly number[] };
  readonly y: {
    readonly label: string;
    readonly isLog: boolean;
    /** Whether the axis goes from 0 to 1. */
    readonly isFraction?: boolean;
  };
  readonly series: readonly { readonly label: string; readonly values: readonly number[] }[];
  /** A level to compare with. */
  readonly guide: { readonly value: number; readonly label: string } | undefined;
}

export interface HistogramChart extends Figure {
  readonly kind: "histograms";
  readonly x: { readonly label: string; readonly values: readonly number[] };
  readonly y: { readonly label: string };
  /** One for each x: counts[k] entries lie between edges[k] and edges[k + 1]. */
  readonly columns: readonly {
    readonly edges: readonly number[];
    readonly counts: readonly number[];
    readonly mean: number;
    readonly std: number;
    readonly zeros: number;
  }[];
}

export interface MemoryChart extends Figure {
  readonly kind: "memory";
  /** Bytes of the arena, and its instructions. */
  readonly bytes: number;
  readonly instructions: number;
  readonly areas: readonly {
    readonly begin: number;
    readonly bytes: number;
    readonly first: number;
    readonly last: number;
    /** The op that writes it first. */
    readonly name: string;
  }[];
}

export type Chart = LineChart | HistogramChart | MemoryChart;

const stepsOf = (history: History): number[] => history.map(({ step }) => step);

/** Of this size are most updates, beside weights, with Adam or SGD at a good rate. */
const GUIDE = { value: 1e-3, label: "1e−3" };

/** One line for each thing that a record has several of, by its key; NaN where it is missing. */
function linesOf<T extends { readonly key: string }>(
  history: History,
  partsOf: (record: MonitorRecord) => readonly T[],
  numberOf: (part: T) => number | undefined,
): LineChart["series"] {
  const keys = new Set(history.flatMap((record) => partsOf(record).map(({ key }) => key)));
  return [...keys].flatMap((label) => {
    const values = history.map((record) => {
      const part = partsOf(record).find(({ key }) => key === label);
      return (part && numberOf(part)) ?? Number.NaN;
    });
    return values.every(Number.isNaN) ? [] : [{ label, values }];
  });
}

/** Of each batch norm, over its channels: what this batch had, and what predictions are made with. */
function normParts({ norms }: MonitorRecord, what: "mean" | "variance") {
  return norms.flatMap((norm) => {
    const running = what === "mean" ? norm.runningMean : norm.runningVariance;
    return [
      { key: `${norm.key}, batch`, number: norm[what].mean },
      { key: `${norm.key}, running`, number: running?.mean },
    ];
  });
}

export function historyCharts(history: History): Chart[] {
  if (history.length === 0) return [];
  const x = { label: "step", values: stepsOf(history) };
  const base = { kind: "lines", x, guide: undefined } as const;
  const layers = ({ layers }: MonitorRecord) => layers;
  const activations = ({ activations }: MonitorRecord) => activations;
  const charts: LineChart[] = [
    {
      ...base,
      title: "Loss",
      caption: "The scalar that was differentiated, at the steps that the monitor recorded.",
      y: { label: "loss", isLog: false },
      series: [{ label: "loss", values: history.map(({ loss }) => loss) }],
    },
    {
      ...base,
      title: "Gradient norms",
      caption:
        "‖∂loss/∂parameter‖ of every trained parameter, on a logarithmic axis. Lines that fan out " +
        "downwards vanish, upwards explode.",
      y: { label: "gradient norm", isLog: true },
      series: linesOf(history, layers, ({ gradientNorm }) => gradientNorm),
    },
    {
      ...base,
      title: "Updates beside weights",
      caption:
        "‖update‖ / ‖parameter‖ of a step, on a logarithmic axis. About 1e−3 is usual: far above, " +
        "the rate is too high; far below, nothing is learned. What starts at 0 starts above.",
      y: { label: "update / weight", isLog: true },
      series: linesOf(history, layers, ({ updateRatio }) => updateRatio),
      guide: GUIDE,
    },
    {
      ...base,
      title: "Dead units",
      caption: "The fraction of ReLU's units that are 0 for a whole batch, from 0 to 1.",
      y: { label: "fraction dead", isLog: false, isFraction: true },
      series: linesOf(history, activations, ({ dead }) => dead),
    },
    {
      ...base,
      title: "Saturated entries",
      caption: "The fraction of entries in the flat ends of sigmoid or tanh, from 0 to 1.",
      y: { label: "fraction saturated", isLog: false, isFraction: true },
      series: linesOf(history, activations, ({ saturated }) => saturated),
    },
    {
      ...base,
      title: "Means of batch norms",
      caption:
        "What each batch norm takes off, averaged over its channels: the batch's means, and the " +
        "running means that predictions are made with. Far apart, predictions see other values " +
        "than training does.",
      y: { label: "mean", isLog: false },
      series: linesOf(
        history,
        (record) => normParts(record, "mean"),
        ({ number }) => number,
      ),
    },
    {
      ...base,
      title: "Variances of batch norms",
      caption:
        "What each batch norm divides by the root of, averaged over its channels, on a " +
        "logarithmic axis: the batch's variances, and the running ones.",
      y: { label: "variance", isLog: true },
      series: linesOf(
        history,
        (record) => normParts(record, "variance"),
        ({ number }) => number,
      ),
    },
  ];
  return [...charts.filter(({ series }) => series.length > 0), ...histogramCharts(history)];
}

function histogramCharts(history: History): HistogramChart[] {
  const keys = new Set(history.flatMap(({ activations }) => activations.map(({ key }) => key)));
  return [...keys].map((key) => {
    const seen = history.flatMap(({ step, activations }) => {
      const found = activations.find((activation) => activation.key === key);
      return found ? [{ step, found }] : [];
    });
    return {
      kind: "histograms",
      title: `Activations of ${key}`,
      caption:
        `How the entries of ${key} are spread at each recorded step: the darker, the more of ` +
        "them. The line is their mean.",
      x: { label: "step", values: seen.map(({ step }) => step) },
      y: { label: "activation" },
      columns: seen.map(({ found: { histogram, mean, std, zeros } }) => ({
        edges: histogram.edges,
        counts: histogram.counts,
        mean,
        std,
        zeros,
      })),
    };
  });
}

/** "accuracy" of "test accuracy": what is measured in the same unit shares a chart. */
const unitOf = (name: string): string => name.trim().split(/\s+/).at(-1) ?? name;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * A chart for each last word of the names, as long as the lists are of one length. Lists as long as
 * the history are over its steps; others are counted from 1.
 */
export function metricCharts(
  metrics: Readonly<Record<string, readonly number[]>>,
  history: History,
): LineChart[] {
  const together = new Map<string, LineChart["series"][number][]>();
  for (const [label, values] of Object.entries(metrics)) {
    const key = `${values.length} ${unitOf(label)}`;
    together.set(key, [...(together.get(key) ?? []), { label, values }]);
  }
  return [...together.values()].map((series): LineChart => {
    const first = series[0] as LineChart["series"][number];
    const isStep = first.values.length === history.length;
    const unit = unitOf(first.label);
    const names = series.map(({ label }) => label).join(", ");
    return {
      kind: "lines",
      title: capital(series.length === 1 ? first.label : unit),
      caption: `${capital(names)}, as the program measured it.`,
      x: isStep
        ? { label: "step", values: stepsOf(history) }
        : { label: "epoch", values: first.values.map((_, index) => index + 1) },
      y: { label: unit, isLog: false },
      series,
      guide: undefined,
    };
  });
}
