/** A training run as a page. */

import type { Compiled } from "../../compile.js";
import { describe } from "../../describe.js";
import { checkCircuit, checkNames } from "../check.js";
import { circuit } from "../circuit.js";
import { escaped } from "../draw/escaped.js";
import { embedded } from "../draw/packed.js";
import { pageMarkup, viewerMarkup } from "../draw/toHtml.js";
import type { History, Warning } from "../history.js";
import type { CircuitData } from "../types.js";
import { type Chart, historyCharts, metricCharts } from "./charts.js";
import { memoryChart } from "./memory.js";
import { tableOf } from "./tables.js";

type Step = Pick<Compiled<never[], unknown>, "plan" | "trace">;

/** What is known of a run; every part may be left out, but not all. */
export interface Run {
  readonly title?: string;
  /** What a monitor has recorded, or the monitored step itself. */
  readonly history?: History;
  readonly monitor?: { readonly history: History };
  /**
   * Lists of numbers by name. Those whose names end in the same word share a chart: "train accuracy",
   * "test accuracy". A list as long as the history goes over its steps, others count from 1.
   */
  readonly metrics?: Readonly<Record<string, readonly number[]>>;
  /** A compiled step: its memory is mapped. */
  readonly step?: Step;
  /** Arguments of `step`: with them its circuit is drawn. */
  readonly inputs?: readonly unknown[];
  /** What the arguments are called, one name for each. */
  readonly names?: readonly string[];
  /** The name of the result whose circuit it is, where the step returns several: "loss". */
  readonly output?: string;
  /** A circuit that was made already, in the place of the step's. */
  readonly circuit?: CircuitData;
  /** Of the weights. */
  readonly hash?: string;
  /** Where and how it ran: { runtime: "Node 24", backend: "wasm", date: "2026-01-31" }. */
  readonly environment?: Readonly<Record<string, string | number | boolean>>;
}

const KEYS = [
  "title",
  "history",
  "monitor",
  "metrics",
  "step",
  "inputs",
  "names",
  "output",
  "circuit",
  "hash",
  "environment",
] as const;

const isObject = (value: unknown): value is Record<string, unknown> =>
  (typeof value === "object" || typeof value === "function") &&
  value !== null &&
  !Array.isArray(value);

function refuse(name: string, value: unknown, expected: string): never {
  throw new TypeError(`report: bad ${name}: got ${describe(value)}, expected ${expected}`);
}

function checkRun(run: unknown): asserts run is Run {
  if (!isObject(run) || typeof run === "function") refuse("run", run, "an object");
  for (const key of Object.keys(run))
    if (!(KEYS as readonly string[]).includes(key))
      throw new TypeError(`report: unknown option: got ${key}, expected ${KEYS.join(", ")}`);
  const { title, history, monitor, metrics, step, inputs, names, output, hash, environment } = run;
  const given: Record<string, unknown> = { title, output, hash };
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && typeof value !== "string") refuse(name, value, "a string");
  if (history !== undefined && monitor !== undefined)
    throw new TypeError("report: two histories: got history and monitor, expected one of them");
  if (monitor !== undefined && !(isObject(monitor) && Array.isArray(monitor.history)))
    refuse("monitor", monitor, "what monitor(step) returns");
  const isRecord = (value: unknown): boolean =>
    isObject(value) &&
    [value.layers, value.activations, value.norms].every((parts) => Array.isArray(parts));
  if (history !== undefined && !(Array.isArray(history) && history.every(isRecord)))
    refuse("history", history, "the history of a monitor");
  if (metrics !== undefined) checkMetrics(metrics);
  if (step !== undefined && !(typeof step === "function" && "trace" in step))
    refuse("step", step, "what compile returns");
  if (inputs !== undefined && !Array.isArray(inputs))
    refuse("inputs", inputs, "an array of the step's arguments");
  if (inputs !== undefined && step === undefined)
    throw new TypeError("report: inputs without step: expected the step that takes them");
  for (const [name, value] of Object.entries({ names, output }))
    if (value !== undefined && inputs === undefined)
      throw new TypeError(
        `report: ${name} without inputs: expected inputs, whose circuit it is for`,
      );
  if (Array.isArray(inputs)) checkNames("report", names, inputs);
  if (run.circuit !== undefined) checkCircuit("report", run.circuit);
  if (environment !== undefined) checkEnvironment(environment);
  checkSomething(run);
}

/** Whether there is anything to be seen. */
function checkSomething({ history, monitor, metrics = {}, step, circuit }: Run): void {
  if (step || circuit || Object.values(metrics).some(({ length }) => length > 0)) return;
  const records = history ?? monitor?.history;
  if (records && records.length > 0) return;
  const got = records ? "a monitor that was never called" : "nothing";
  throw new TypeError(
    `report: nothing to report: got ${got}, expected records of a monitor, metrics, a step or a circuit`,
  );
}

function checkMetrics(metrics: unknown): void {
  if (!isObject(metrics)) refuse("metrics", metrics, "an object of arrays of numbers");
  for (const [name, values] of Object.entries(metrics)) {
    if (!Array.isArray(values)) refuse(`metric ${name}`, values, "an array of numbers");
    const wrong = values.findIndex((value) => typeof value !== "number");
    if (wrong >= 0) refuse(`metric ${name} at ${wrong}`, values[wrong], "a number");
  }
}

function checkEnvironment(environment: unknown): void {
  const expected = "an object of strings, numbers and booleans";
  if (!isObject(environment)) refuse("environment", environment, expected);
  for (const [name, value] of Object.entries(environment))
    if (!["string", "number", "boolean"].includes(typeof value))
      refuse(`environment ${name}`, value, "a string, number or boolean");
}

/**
 * A page of a training run, one file that asks nothing of a network: loss and metrics, norms of
 * gradients, updates beside weights, activations and batch norms over time, warnings in words, the
 * circuit of the loss, the memory of a step, the environment and the hash of the weights. Behind
 * every chart there is a table.
 *
 * Throws a TypeError for what is of the wrong kind, and what `circuit` throws.
 */
export async function report(run: Run): Promise<string> {
  checkRun(run);
  const { title = "Training run", metrics = {}, step, hash, environment = {} } = run;
  const history = run.history ?? run.monitor?.history ?? [];
  const { reportScript, reportStyle } = await import("../../generated/pages.js");
  const curves = [...metricCharts(metrics, history), ...historyCharts(history)];
  const plan = step && (run.inputs ? step.trace(...run.inputs).plan : step.plan);
  const drawn = run.circuit ?? (run.inputs ? circuitOf(run) : undefined);
  const body = [
    '<main class="report">',
    `<header><h1>${escaped(title)}</h1>${factsMarkup(environment, hash)}</header>`,
    warningsMarkup(history),
    section("Curves", curves.filter(({ kind }) => kind === "lines").map(figureMarkup)),
    section("Activations", curves.filter(({ kind }) => kind === "histograms").map(figureMarkup)),
    drawn ? section("Circuit of the loss", [viewerMarkup(drawn, {}, true)], "circuit-section") : "",
    plan ? section("Memory", [figureMarkup(memoryChart(plan))]) : "",
    "</main>",
  ].join("\n");
  return pageMarkup({ title, style: reportStyle, body, script: reportScript });
}

function circuitOf({ step, inputs = [], names, output }: Run): CircuitData {
  const options = { ...(names && { names }), ...(output !== undefined && { output }) };
  return circuit(step as unknown as (...args: never[]) => unknown, inputs, options);
}

const section = (name: string, parts: readonly string[], kind = "figures"): string =>
  parts.length === 0
    ? ""
    : `<section aria-label="${escaped(name)}"><h2>${escaped(name)}</h2><div class="${kind}">${parts.join("\n")}</div></section>`;

function figureMarkup(chart: Chart): string {
  const { kind, title, caption } = chart;
  return [
    `<figure class="${kind}"><h3>${escaped(title)}</h3>`,
    `<div class="chart" role="img" aria-label="${escaped(`${title}. ${caption}`)}"></div>`,
    `<figcaption>${escaped(caption)}</figcaption>`,
    `<details><summary>Numbers</summary><div class="scroll" tabindex="0">${tableOf(chart)}</div></details>`,
    `<script type="application/json" class="chart-data">${embedded(chart)}</script></figure>`,
  ].join("\n");
}

function factsMarkup(
  environment: NonNullable<Run["environment"]>,
  hash: string | undefined,
): string {
  const facts: [string, string][] = Object.entries(environment).map(([k, v]) => [k, String(v)]);
  if (hash !== undefined) facts.push(["hash of the weights", hash]);
  const rows = facts.map(
    ([name, value]) => `<dt>${escaped(name)}</dt><dd><code>${escaped(value)}</code></dd>`,
  );
  return facts.length === 0 ? "" : `<dl>${rows.join("")}</dl>`;
}

/** Each warning once, with the steps that it was given at. */
function warningsMarkup(history: History): string {
  if (history.length === 0) return "";
  const seen = new Map<string, { warning: Warning; steps: number[] }>();
  for (const { step, warnings } of history)
    for (const warning of warnings) {
      const key = `${warning.kind} ${warning.key}`;
      const steps = seen.get(key)?.steps ?? [];
      seen.set(key, { warning, steps: [...steps, step] });
    }
  const items = [...seen.values()].map(({ warning: { text }, steps }) => {
    const [first, last] = [steps[0], steps.at(-1)];
    const when =
      steps.length === 1
        ? `at step ${first}`
        : `at ${steps.length} of ${history.length} records, from step ${first} to ${last}`;
    return `<li>${escaped(text)} <span class="when">(${when})</span></li>`;
  });
  const list = items.length > 0 ? `<ul>${items.join("\n")}</ul>` : "<p>None.</p>";
  return `<section aria-label="Warnings" class="warnings"><h2>Warnings</h2>${list}</section>`;
}
