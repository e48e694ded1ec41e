/** What the command prints before and after training, for people and as JSON. */

import { relative } from "node:path";

const COLUMNS = 80;

export const grouped = (n) => n.toLocaleString("en-US");
const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const ms = (time) => `${time.toFixed(3)} ms`;
/** With a hash of 64 characters the line is full. */
const row = (name, text) => name.padEnd(16) + text;
const build = (backend) => (backend === "wasm" ? "WebAssembly" : "TypeScript");

export const correctOf = ({ confusion }) => sum(confusion.map((counts, label) => counts[label]));
export const testedOf = ({ confusion }) => sum(confusion.map(sum));

/** The data set and what is about to be trained on it. */
export function headText({ train, test, images }, options) {
  const widths = [train.shape[0], ...options.layers, train.classes].join("-");
  return [
    `${grouped(train.length)} images of ${images} for training, ` +
      `${grouped(test.length)} for testing, ${train.classes} classes`,
    `${widths} with batch norm and ReLU, Adam, rate ${options.lr} falling to 0`,
    `batch ${options.batch}, seed ${options.seed}, ${build(options.backend ?? "wasm")}`,
    "",
  ].join("\n");
}

export function summaryText(run) {
  const { confusion, parameters, peakBytes, usedBytes, callsPerStep, steps } = run;
  const correct = correctOf(run);
  const tested = testedOf(run);
  return [
    "",
    row("test accuracy", `${grouped(correct)} of ${grouped(tested)}, ${percent(correct, tested)}`),
    "",
    confusionText(confusion),
    "",
    row("parameters", grouped(parameters)),
    row("memory per step", `${grouped(peakBytes)} bytes planned, ${grouped(usedBytes)} used`),
    row("calls per step", `${callsPerStep} into ${build(run.backend)}`),
    row("time per step", `${ms(run.stepMs)}, median of ${grouped(steps)}`),
    row("weights SHA-256", run.sha256),
  ].join("\n");
}

/** Zeros are dots, so that mistakes stand out. */
const dotted = (count) => count || "·";

/** A row for each actual class. */
function confusionText(confusion) {
  const classes = [...confusion.keys()];
  const width = String(Math.max(...confusion.flat(), classes.length)).length + 2;
  const margin = "actual".length;
  if (margin + width * classes.length > COLUMNS)
    return `no room for a confusion matrix of ${classes.length} classes; see --json`;
  const line = (name, cells) =>
    String(name).padStart(margin) + cells.map((cell) => String(cell).padStart(width)).join("");
  return [
    `${" ".repeat(margin + width - 1)}predicted`,
    line("actual", classes),
    ...classes.map((label) => line(label, confusion[label].map(dotted))),
  ].join("\n");
}

/** Where the page of the run is, as seen from the current folder. */
export const reportText = (file) => `report: ${relative("", file)}`;

/** `twin` made the steps of `run` in TypeScript. */
export function comparisonText(run, twin) {
  const ratio = (twin.stepMs / run.stepMs).toFixed(1);
  return [
    row("weights SHA-256", twin.sha256),
    row("same weights", run.sha256 === twin.sha256 ? "yes, bit for bit" : "no"),
    row("speed", `WebAssembly ${ratio} times as fast: ${ms(run.stepMs)}, not ${ms(twin.stepMs)}`),
  ].join("\n");
}

const differing = ({ backend, steps, stepMs, sha256 }) => ({ backend, steps, stepMs, sha256 });

/** What is not for reading as text. */
const withoutPage = ({ history, curves, step, sample, ...rest }) => rest;

/** Everything in one object; when both builds were compared, `twin` has what may differ. */
export function reportJson(run, twin, data, options) {
  const report = {
    data: options.data,
    examples: { train: data.train.length, test: data.test.length },
    epochs: options.epochs,
    batch: options.batch,
    lr: options.lr,
    seed: options.seed,
    ...withoutPage(run),
    correct: correctOf(run),
    tested: testedOf(run),
    ...(twin && { twin: differing(twin) }),
  };
  return JSON.stringify(report);
}
