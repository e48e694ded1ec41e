/** Charts by uPlot, in the colours of the page. */
import type uPlot from "uplot";
import type { Chart, HistogramChart, LineChart, MemoryChart } from "../charts.js";

type Plotter = typeof uPlot;

/** As JSON has them: what is no number is null, and leaves a gap. */
type Column = (number | null)[];

const HEIGHT = 260;
/**
 * After Okabe & Ito 2008, whose colours most eyes tell apart, a little lighter where black is behind
 * them. Dashes tell lines apart without colour.
 */
const COLOURS = ["#2b83c6", "#d9691f", "#159e78", "#cc79a7", "#b58900", "#56b4e9", "#858585"];
const DASHES: readonly number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
/** The nearest that a border in the legend has. */
const BORDERS = ["solid", "dashed", "dotted", "double"];
/** Another dash in every round of the colours: no two of 28 lines look alike. */
const dashOf = (k: number): number =>
  ((k % COLOURS.length) + Math.floor(k / COLOURS.length)) % DASHES.length;
const MINUS = "−";

export const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** 0.001, 1e−7, 12,000. */
function tick(value: number): string {
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e6)
      ? value.toExponential().replace("e+", "e")
      : value.toLocaleString("en-US", { maximumFractionDigits: 6 });
  return text.replaceAll("-", MINUS);
}

/** 12 kB, in powers of 1,000. */
function bytesTick(value: number): string {
  if (value >= 1e6) return `${tick(value / 1e6)} MB`;
  return value >= 1e3 ? `${tick(value / 1e3)} kB` : `${tick(value)} B`;
}

function axis(label: string, values: (value: number) => string, size = 66): uPlot.Axis {
  return {
    label,
    size,
    labelSize: 24,
    labelFont: "13px system-ui, sans-serif",
    font: "12px system-ui, sans-serif",
    stroke: () => colour("--ink"),
    grid: { stroke: () => colour("--rule"), width: 1 },
    ticks: { stroke: () => colour("--edge"), width: 1 },
    values: (_, splits) => splits.map((split) => (split === null ? "" : values(split))),
  };
}

const powersOfTen = (_: uPlot, splits: number[]): (number | null)[] =>
  splits.map((split) => {
    const power = Math.log10(split);
    return Math.abs(power - Math.round(power)) < 1e-9 ? split : null;
  });

/** Lines across a logarithmic chart, and ticks beside it, at powers of ten alone. */
const decades = {
  grid: { stroke: () => colour("--rule"), width: 1, filter: powersOfTen },
  ticks: { stroke: () => colour("--edge"), width: 1, filter: powersOfTen },
};

const shown = (_: uPlot, value: number | null): string =>
  value === null || value === undefined ? "–" : tick(Number(value.toPrecision(4)));

const base = (width: number, height = HEIGHT) => ({
  width,
  height,
  cursor: { points: { size: 7 }, drag: { x: true, y: false } },
});

/** Draws over a plot what uPlot has no series for. */
type Painter = (context: CanvasRenderingContext2D, plot: uPlot) => void;
const painted =
  (paint: Painter) =>
  (plot: uPlot): void => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    paint(ctx, plot);
    ctx.restore();
  };

function lines(Plot: Plotter, place: HTMLElement, chart: LineChart): uPlot {
  const { x, y, series, guide } = chart;
  const isLog = y.isLog;
  const fit = (value: number | null): number | null =>
    value === null || (isLog && value <= 0) ? null : value;
  const data = [x.values as Column, ...series.map(({ values }) => (values as Column).map(fit))];
  const isFew = x.values.length <= 40;
  const options: uPlot.Options = {
    ...base(place.clientWidth),
    scales: {
      x: { time: false },
      y: isLog ? { distr: 3 } : y.isFraction ? { range: () => [0, 1] } : {},
    },
    axes: [axis(x.label, tick, 40), { ...axis(y.label, tick), ...(isLog && decades) }],
    legend: { markers: { dash: (_, k) => BORDERS[dashOf(k - 1)] as string } },
    series: [
      { label: x.label, value: shown },
      ...series.map(
        ({ label }, k): uPlot.Series => ({
          label,
          width: 2,
          stroke: COLOURS[k % COLOURS.length] as string,
          dash: DASHES[dashOf(k)] as number[],
          points: { show: isFew && series.length === 1, size: 5 },
          value: shown,
        }),
      ),
    ],
    hooks: guide
      ? {
          draw: [
            painted((context, plot) => {
              const at = Math.round(plot.valToPos(guide.value, "y", true));
              const { left, width } = plot.bbox;
              context.strokeStyle = colour("--ink");
              context.setLineDash([4, 6]);
              context.lineWidth = devicePixelRatio;
              context.strokeRect(left - 5, at, width + 10, 0);
              context.fillStyle = colour("--ink");
              context.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
              context.textAlign = "right";
              context.fillText(guide.label, left + width - 6, at - 5);
            }),
          ],
        }
      : {},
  };
  return new Plot(options, data as uPlot.AlignedData, place);
}

function histograms(Plot: Plotter, place: HTMLElement, chart: HistogramChart): uPlot {
  const { x, y, columns } = chart;
  const edges = columns.flatMap(({ edges }) => edges);
  const [low, high] = [Math.min(...edges), Math.max(...edges)];
  const pad = high > low ? 0 : 0.5;
  const steps = x.values;
  /** Halfway to the neighbour, on both sides. */
  const border = (k: number): number => {
    if (steps.length === 1) return (steps[0] as number) + (k === 0 ? -0.5 : 0.5);
    const at = (index: number): number => steps[index] as number;
    if (k === 0) return at(0) - (at(1) - at(0)) / 2;
    if (k === steps.length) return at(k - 1) + (at(k - 1) - at(k - 2)) / 2;
    return (at(k - 1) + at(k)) / 2;
  };
  const options: uPlot.Options = {
    ...base(place.clientWidth, 220),
    scales: {
      x: { time: false, range: () => [border(0), border(steps.length)] },
      y: { range: () => [low - pad, high + pad] },
    },
    axes: [axis(x.label, tick, 40), axis(y.label, tick)],
    series: [
      { label: x.label, value: shown },
      {
        label: "mean",
        stroke: () => colour("--ink"),
        width: 1.5,
        points: { show: false },
        value: shown,
      },
    ],
    hooks: {
      drawAxes: [
        painted((context, plot) => {
          context.fillStyle = colour("--focus");
          for (const [k, { edges, counts }] of columns.entries()) {
            const [left, right] = [border(k), border(k + 1)].map((value) =>
              Math.round(plot.valToPos(value, "x", true)),
            ) as [number, number];
            const most = Math.max(...counts);
            for (const [bin, count] of counts.entries()) {
              if (count === 0) continue;
              const [bottom, top] = [edges[bin], edges[bin + 1]].map((value) =>
                plot.valToPos(value as number, "y", true),
              ) as [number, number];
              // Few of many are still to be seen.
              context.globalAlpha = 0.06 + 0.94 * Math.sqrt(count / most);
              context.fillRect(left, top, right - left, Math.max(1, bottom - top));
            }
          }
        }),
      ],
    },
  };
  const means = columns.map(({ mean }) => mean);
  return new Plot(options, [steps as Column, means] as uPlot.AlignedData, place);
}

/** Neighbours in the map differ in tone. */
const TONES = [0.28, 0.5, 0.38, 0.62];

function memory(Plot: Plotter, place: HTMLElement, chart: MemoryChart): uPlot {
  const { areas, bytes, instructions } = chart;
  const words = document.createElement("p");
  words.className = "under";
  const nothing = "Point at an area to see what it is.";
  words.textContent = nothing;
  const options: uPlot.Options = {
    ...base(place.clientWidth, 360),
    cursor: { points: { show: false }, drag: { x: false, y: false }, y: true },
    legend: { show: false },
    scales: {
      x: { time: false, range: () => [-1, instructions + 1] },
      y: { range: () => [0, Math.max(bytes, 1)] },
    },
    axes: [
      axis("instruction", tick, 40),
      axis("address, bytes from the arena's start", bytesTick, 72),
    ],
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: {
      draw: [
        painted((context, plot) => {
          const [fill, stroke] = [colour("--focus"), colour("--ink")];
          for (const [k, { begin, bytes, first, last }] of areas.entries()) {
            const left = plot.valToPos(first, "x", true);
            const right = plot.valToPos(last + 1, "x", true);
            const bottom = plot.valToPos(begin, "y", true);
            const top = plot.valToPos(begin + bytes, "y", true);
            const height = Math.max(bottom - top, 1);
            context.globalAlpha = TONES[k % TONES.length] as number;
            context.fillStyle = fill;
            context.fillRect(left, top, right - left, height);
            context.globalAlpha = 0.7;
            context.strokeStyle = stroke;
            context.lineWidth = 1;
            if (height > 3) context.strokeRect(left + 0.5, top + 0.5, right - left - 1, height - 1);
          }
        }),
      ],
      setCursor: [
        (plot) => {
          const { left = -1, top = -1 } = plot.cursor;
          const [at, address] = [plot.posToVal(left, "x"), plot.posToVal(top, "y")];
          const found =
            left < 0
              ? undefined
              : areas.find(
                  ({ begin, bytes, first, last }) =>
                    first <= at && at < last + 1 && begin <= address && address < begin + bytes,
                );
          words.textContent = found
            ? `${found.name}: ${found.bytes.toLocaleString("en-US")} bytes from ` +
              `${found.begin.toLocaleString("en-US")}, instructions ${found.first} to ${found.last}`
            : nothing;
        },
      ],
    },
  };
  const data: uPlot.AlignedData = [
    [-1, instructions + 1],
    [0, 0],
  ];
  const plot = new Plot(options, data, place);
  place.append(words);
  return plot;
}

/** Puts a chart into its place, as wide as that is, also when it changes. */
export function showChart(Plot: Plotter, place: HTMLElement, chart: Chart): void {
  const plot =
    chart.kind === "lines"
      ? lines(Plot, place, chart)
      : chart.kind === "histograms"
        ? histograms(Plot, place, chart)
        : memory(Plot, place, chart);
  new ResizeObserver(() => {
    if (place.clientWidth !== plot.width)
      plot.setSize({ width: place.clientWidth, height: plot.height });
  }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw());
}
