/**
 * `npm run bench`: how near the kernels come to the peak of this machine, what whole training steps
 * cost, and how much faster than the pure-TypeScript build they are, all in one run.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { Command } from "commander";
import { measure, PACES } from "./measure.mjs";
import { summarize } from "./summary.mjs";
import { table } from "./table.mjs";
import { measureThreads, threadsTable } from "./threads.mjs";

const USAGE = "[--json FILE] [--quick] [--only NAME] [--help]";

const command = new Command("bench")
  .usage(USAGE)
  .description("Measures GEMM and training steps against the peak of this machine.")
  .option("--json <file>", "write every sample there; - is standard output, without the table")
  .option("--quick", "few samples: to see that it runs, not to quote")
  .option("--only <name>", "only cases whose name contains this, as 512x512x512, AtB, step")
  .allowExcessArguments(false)
  .configureOutput({ writeErr: () => {} })
  .exitOverride();

/** The options; a wrong one is an Error in the words of this bench. */
function readOptions(argv) {
  try {
    return command.parse(argv).opts();
  } catch (error) {
    if (error.exitCode === 0) process.exit(0);
    const [line] = error.message.replace(/^error: /, "").split("\n");
    throw new Error(`bench: ${line}: got ${argv.slice(2).join(" ")}, expected ${USAGE}`);
  }
}

/** Before anything takes time: a file that cannot be written, or a package that is not built. */
function openJson(file) {
  if (file === undefined || file === "-") return undefined;
  try {
    return openSync(file, "w");
  } catch (error) {
    throw new Error(
      `bench: --json cannot be written: got ${file} (${error.code}), expected a file in a folder`,
    );
  }
}

function checkBuilt() {
  for (const path of ["dist/index.js", "build/peak.simd.wasm", "build/peak.relaxed.wasm"])
    if (!existsSync(new URL(`../${path}`, import.meta.url)))
      throw new Error(`bench: a build is missing: got no ${path}, expected it; run npm run bench`);
}

function choose(cases, only) {
  const wanted = only?.toLowerCase() ?? "";
  const chosen = cases.filter(({ name }) => name.toLowerCase().includes(wanted));
  if (chosen.length > 0) return chosen;
  const names = cases.map(({ name }) => name).join(", ");
  throw new Error(`bench: --only selects nothing: got ${only}, expected part of one of ${names}`);
}

function progress(rounds) {
  if (!process.stderr.isTTY) return () => {};
  return (done) =>
    process.stderr.write(done < rounds ? `\rround ${done + 1} of ${rounds}` : "\r\x1b[K");
}

async function main() {
  const { json, quick = false, only } = readOptions(process.argv);
  checkBuilt();
  const [{ peakLoops }, { gemmCases }, { stepCases }] = await Promise.all([
    import("./peak.mjs"),
    import("./gemm.mjs"),
    import("./steps.mjs"),
  ]);
  const cases = choose([...gemmCases(), ...stepCases()], only);
  const file = openJson(json);
  const pace = quick ? PACES.quick : PACES.full;
  const loops = peakLoops();
  const before = loadavg()[0];
  const date = new Date().toISOString();
  const measured = measure(loops, cases, pace, progress(pace.rounds));
  const threads = await measureThreads(cases, pace);
  const { name, version } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  const report = {
    package: `${name} ${version}`,
    date,
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism(),
      platform: process.platform,
      arch: process.arch,
      node: process.versions.node,
      v8: process.versions.v8,
      load: { before, after: loadavg()[0] },
    },
    quick,
    pace,
    ...summarize(loops, measured),
    threads,
  };
  const text = `${JSON.stringify(report)}\n`;
  if (json === "-") return process.stdout.write(text);
  if (file !== undefined) {
    writeSync(file, text);
    closeSync(file);
  }
  console.log(table(report) + threadsTable(threads));
}

try {
  await main();
} catch (error) {
  const known = error instanceof Error && error.message.startsWith("bench: ");
  process.stderr.write(`${known ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
