/**
 * Trains a network on handwritten digits and says how well it does, what it cost, and whether
 * WebAssembly and pure TypeScript ended with the same weights, bit for bit. `npm start` builds the
 * package and runs this file; arguments follow `npm start --`, and `--help` lists them.
 */
import { wasm } from "chainrule";
import { ts } from "chainrule/pure";
import { loadData } from "./train/dataset.mjs";
import { parseOptions } from "./train/options.mjs";
import { writePage } from "./train/page.mjs";
import { Problem } from "./train/problem.mjs";
import { lineProgress, liveProgress } from "./train/progress.mjs";
import {
  comparisonText,
  grouped,
  headText,
  reportJson,
  reportText,
  summaryText,
} from "./train/report.mjs";
import { trainRun } from "./train/run.mjs";

const INTERRUPTED = 130;

const finished = ({ steps, plannedSteps }) => steps === plannedSteps;

/** Returns the exit code. */
async function main() {
  const options = parseOptions(process.argv);
  const data = await loadData(options.data, options.bundled);
  // With --json the one thing on stdout is the result.
  const stream = options.json ? process.stderr : process.stdout;
  const say = (text) => stream.write(`${text}\n`);
  const progress = stream.isTTY ? liveProgress(stream) : lineProgress(say);
  // The first Ctrl-C ends training with a summary; a second one, without handler, the process.
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  const { signal } = interrupt;
  const run = (backend, isWatched) =>
    trainRun({ data, options, backend, progress, signal, isWatched });

  say(headText(data, options));
  const first = await run(options.backend === "ts" ? ts : wasm, options.report !== undefined);
  if (!options.json) say(summaryText(first, data));
  if (options.report !== undefined) {
    await writePage(first, options);
    say(reportText(options.report));
  }
  let twin;
  if (options.compare && finished(first)) {
    say("\nthe same in pure TypeScript");
    twin = await run(ts, false);
    if (!options.json && finished(twin)) say(comparisonText(first, twin));
  }
  if (options.json) process.stdout.write(`${reportJson(first, twin, data, options)}\n`);

  const last = twin ?? first;
  if (!finished(last)) {
    say(`\ninterrupted after ${grouped(last.steps)} of ${grouped(last.plannedSteps)} steps`);
    return INTERRUPTED;
  }
  if (twin && twin.sha256 !== first.sha256)
    throw new Problem(
      `builds disagree: got weights ${twin.sha256} from TypeScript, ` +
        `expected ${first.sha256} as from WebAssembly`,
    );
  return 0;
}

// `train.mjs | head` closes the pipe: no reason for a stack trace.
process.stdout.on("error", (error) => process.exit(error.code === "EPIPE" ? 0 : 1));
try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  process.stderr.write(`train: ${error.message}\n`);
  process.exitCode = 1;
}
