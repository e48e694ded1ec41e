/** Reports: what is drawn of a run, the tables behind it, and what is refused. */
import { expect, test } from "vitest";
import { compile, type Tensor, tensor } from "../../src/core.js";
import { monitor, type Run, report } from "../../src/inspect/index.js";
import { historyCharts, metricCharts } from "../../src/inspect/report/charts.js";
import { memoryChart } from "../../src/inspect/report/memory.js";
import { tableOf } from "../../src/inspect/report/tables.js";
import * as nn from "../../src/nn/index.js";
import { SGD } from "../../src/optim/index.js";
import "../../src/pure.js";
import { normal, seed } from "../../src/random.js";
import { elementsOf, parseXml, textOf } from "./markup.js";

function trained() {
  seed(1);
  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new nn.Linear(4, 2));
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const step = compile((x: Tensor, labels: Tensor) => {
    const loss = nn.crossEntropy(model.forward(x), labels);
    optimizer.minimize(loss);
    return loss;
  });
  const inputs = [normal([5, 3]), tensor([0, 1, 0, 1, 0], { dtype: "i32" })] as const;
  const watched = monitor(step, { every: 2 });
  for (let k = 0; k < 6; k++) watched(...inputs);
  return { step, inputs, watched };
}

test("charts have the monitor's numbers, by layer and by step", () => {
  const { history } = trained().watched;
  const charts = historyCharts(history);
  expect(charts.map(({ title }) => title)).toEqual([
    "Loss",
    "Gradient norms",
    "Updates beside weights",
    "Dead units",
    `Activations of ${history[0]?.activations[0]?.key}`,
  ]);
  const norms = charts[1];
  if (norms?.kind !== "lines") throw new Error("no lines");
  expect(norms.x.values).toEqual([0, 2, 4]);
  expect(norms.y.isLog).toBe(true);
  expect(norms.series.map(({ label }) => label)).toEqual(history[0]?.layers.map(({ key }) => key));
  for (const [k, { values }] of norms.series.entries())
    expect(values).toEqual(history.map(({ layers }) => layers[k]?.gradientNorm));
});

test("batch norms have charts of what the batch had, and of what is kept", () => {
  seed(1);
  const model = new nn.Sequential(
    new nn.Linear(3, 4),
    new nn.BatchNorm1d(4),
    new nn.BatchNorm1d(4, { trackRunningStats: false }),
  );
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const watched = monitor(
    compile((x: Tensor) => {
      const loss = model.forward(x).square().mean();
      optimizer.minimize(loss);
      return loss;
    }),
    { every: 1 },
  );
  for (let k = 0; k < 3; k++) watched(normal([5, 3]));
  const { history } = watched;
  const charts = historyCharts(history).slice(3);
  expect(charts.map((chart) => chart.title)).toEqual([
    "Means of batch norms",
    "Variances of batch norms",
  ]);
  const lines = charts.map((chart) => (chart.kind === "lines" ? chart.series : []));
  const over = (what: "mean" | "variance" | "runningMean" | "runningVariance", norm: number) =>
    history.map(({ norms }) => norms[norm]?.[what]?.mean);
  expect(lines).toEqual([
    [
      { label: "1, batch", values: over("mean", 0) },
      { label: "1, running", values: over("runningMean", 0) },
      { label: "2, batch", values: over("mean", 1) },
    ],
    [
      { label: "1, batch", values: over("variance", 0) },
      { label: "1, running", values: over("runningVariance", 0) },
      { label: "2, batch", values: over("variance", 1) },
    ],
  ]);
});

test("metrics whose names end in the same word share a chart", () => {
  const metrics = {
    "train loss": [3, 2],
    "test loss": [4, 3],
    "test accuracy": [0.1, 0.2],
    lr: [1],
  };
  expect(metricCharts(metrics, []).map(({ title, series }) => [title, series.length])).toEqual([
    ["Loss", 2],
    ["Test accuracy", 1],
    ["Lr", 1],
  ]);
});

test("the map of memory: no two areas meet, the highest byte is the plan's", () => {
  const { step, inputs } = trained();
  const { plan } = step.trace(...inputs);
  const { areas, bytes } = memoryChart(plan);
  expect(bytes).toBe(plan.peakBytes);
  expect(Math.max(...areas.map(({ begin, bytes }) => begin + bytes))).toBe(plan.peakBytes);
  const meet = areas.flatMap((a, k) =>
    areas
      .slice(k + 1)
      .filter(
        (b) =>
          a.first <= b.last &&
          b.first <= a.last &&
          a.begin < b.begin + b.bytes &&
          b.begin < a.begin + a.bytes,
      ),
  );
  expect(meet).toEqual([]);
  const liveAt = (at: number): number =>
    areas
      .filter(({ first, last }) => first <= at && at <= last)
      .reduce((sum, { bytes }) => sum + bytes, 0);
  const times = Array.from({ length: plan.instructions.length + 2 }, (_, k) => k - 1);
  expect(Math.max(...times.map(liveAt))).toBe(plan.liveBytes);
});

test("a table has a row for each step and a column for each line", () => {
  const [chart] = metricCharts({ "a <b>": [1, Number.NaN], "c <b>": [0.5, -2] }, []);
  const table = parseXml(tableOf(chart as NonNullable<typeof chart>));
  const rows = [...elementsOf(table)].filter(({ name }) => name === "tr");
  const cells = rows.map((row) => [...elementsOf(row)].map(textOf));
  expect(cells).toEqual([
    ["epoch", "a <b>", "c <b>"],
    ["1", "1", "0.5"],
    ["2", "NaN", "−2"],
  ]);
});

test("a page of everything, which asks nothing of a network", async () => {
  const { step, inputs, watched } = trained();
  const run = { monitor: watched, step, inputs, hash: "c0ffee", title: "<run>" } as const;
  const html = await report({ ...run, environment: { threads: 2, date: "2026-01-31" } });
  expect(html).toContain("<h1>&lt;run&gt;</h1>");
  for (const text of ["c0ffee", "2026-01-31", "Memory of a step", "circuit-data", "Warnings"])
    expect(html).toContain(text);
  const outside = html.replace(/\/\*[\s\S]*?\*\//g, "").match(/https?:[^\s"')]*|\bsrc=|@import/g);
  expect([...new Set(outside)]).toEqual(["http://www.w3.org/2000/svg"]);
  expect(await report({ ...run, environment: { threads: 2, date: "2026-01-31" } })).toBe(html);
});

test.each<[unknown, string]>([
  [null, "bad run: got null, expected an object"],
  [{ losses: [] }, "unknown option: got losses, expected title, history, monitor, metrics"],
  [
    {},
    "nothing to report: got nothing, expected records of a monitor, metrics, a step or a circuit",
  ],
  [{ metrics: { loss: [] } }, "nothing to report: got nothing, expected records of a monitor"],
  [
    { monitor: { history: [] } },
    "nothing to report: got a monitor that was never called, expected",
  ],
  [{ circuit: {} }, "no circuit: got an Object, expected what circuit(f, inputs) returns"],
  [
    { metrics: { loss: [1] }, names: ["x"] },
    "names without inputs: expected inputs, whose circuit",
  ],
  [{ metrics: { loss: [1] }, output: "loss" }, "output without inputs: expected inputs, whose"],
  [{ metrics: {}, title: 3 }, "bad title: got 3, expected a string"],
  [{ metrics: {}, hash: 3 }, "bad hash: got 3, expected a string"],
  [{ history: [], monitor: { history: [] } }, "two histories: got history and monitor, expected"],
  [{ history: [1] }, "bad history: got an array of 1, expected the history of a monitor"],
  [{ monitor: {} }, "bad monitor: got an Object, expected what monitor(step) returns"],
  [{ metrics: [1] }, "bad metrics: got an array of 1, expected an object of arrays of numbers"],
  [{ metrics: { loss: 1 } }, "bad metric loss: got 1, expected an array of numbers"],
  [{ metrics: { loss: [1, "2"] } }, 'bad metric loss at 1: got "2", expected a number'],
  [{ step: () => 1 }, "bad step: got a function, expected what compile returns"],
  [{ metrics: {}, inputs: [] }, "inputs without step: expected the step that takes them"],
  [
    { metrics: {}, environment: { threads: null } },
    "bad environment threads: got null, expected a string, number or boolean",
  ],
])("%o is refused", async (run, message) => {
  await expect(report(run as Run)).rejects.toThrow(TypeError);
  await expect(report(run as Run)).rejects.toThrow(`report: ${message}`);
});
