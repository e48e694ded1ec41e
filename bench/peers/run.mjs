/**
 * `npm run bench:peers`: chainrule beside TensorFlow.js, jax-js, onnxruntime-web, its own
 * pure-TypeScript build and PyTorch, on identical work, interleaved.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { chart } from "./chart.mjs";
import { contenders } from "./contenders.mjs";
import { measure, PACES } from "./measure.mjs";
import { start } from "./process.mjs";
import { quartiles, summarize } from "./ratios.mjs";
import { STARTUPS } from "./startup.mjs";
import { markdown, text } from "./table.mjs";
import { WORKLOADS } from "./workloads.mjs";

const options = new Command("bench:peers")
  .description("Measures chainrule beside its peers on identical work.")
  .option("--json <file>", "write every sample there")
  .option("--svg <file>", "write the chart there")
  .option("--markdown <file>", "write the tables there, and the chart beside it")
  .option(
    "--only <names>",
    "only workloads whose name contains one of these, as cnn,gemm or startup",
  )
  .option("--against <names>", "only contenders whose name contains one of these, as torch,jax")
  .option("--quick", "few samples: to see that it runs, not to quote", false)
  .option("--python <path>", "the Python that has PyTorch; by default python3 or the system's")
  .option("--blas <folder>", "where PyTorch finds a libblas.so.3, as OpenBLAS's, if it takes one")
  .option("--node <path>", "the Node that contenders run in", process.execPath)
  .allowExcessArguments(false)
  .parse()
  .opts();

const note = process.stderr.isTTY ? (line) => process.stderr.write(`\r\x1b[K${line}`) : () => {};

/** Whether one of the parts of a comma-separated list, or no list, is in the name. */
const wanted = (list, name) =>
  !list || list.split(",").some((part) => name.toLowerCase().includes(part.trim().toLowerCase()));

/** The command as others would type it: paths of this machine are left out. */
function commandLine() {
  const local = new Set(["--python", "--blas", "--node", "--json", "--svg"]);
  const words = process.argv
    .slice(2)
    .map((word, at, all) => (local.has(all[at - 1]) ? "PATH" : word));
  return ["npm run bench:peers", ...(words.length > 0 ? ["--", ...words] : [])].join(" ");
}

async function startAll(list) {
  const started = [];
  for (const contender of list) {
    note(`starting ${contender.name}`);
    const running = contender.cannot ? undefined : await start(contender.how);
    const { about, cannot = contender.cannot } = running ?? {};
    started.push({ ...contender, running, about, cannot });
  }
  return started;
}

/** Fresh processes, in rounds: the first is not counted, it fills the file system's cache. */
function measureStartup(list, { node, rounds }) {
  const torch = list.find(({ name, cannot }) => name.startsWith("torch") && !cannot);
  const script = fileURLToPath(new URL("startup.mjs", import.meta.url));
  const names = new Set(list.map(({ name }) => name));
  const chosen = STARTUPS.filter(([what]) =>
    what === "torch" ? torch : names.has(what.startsWith("step") ? "chainrule" : what),
  );
  const entries = chosen.map(([what, label]) => ({ what, label, samples: [] }));
  for (let round = 0; round <= rounds; round++)
    for (const entry of entries) {
      note(`${entry.label}: round ${round} of ${rounds}`);
      const { command, args, env } =
        entry.what === "torch"
          ? { ...torch.how, args: [...torch.how.args, "startup"] }
          : { command: node, args: [script, entry.what], env: {} };
      const { stdout, stderr } = spawnSync(command, args, {
        ...{ env: { ...process.env, ...env }, encoding: "utf8" },
      });
      const ms = Number.parseFloat(stdout);
      if (Number.isNaN(ms)) entry.cannot = stderr.trim().split("\n").at(-1);
      else if (round > 0) entry.samples.push(ms);
    }
  return entries.map((entry) =>
    entry.cannot ? entry : { ...entry, ms: quartiles(entry.samples) },
  );
}

async function main() {
  const { json, svg, markdown: page, only, against, quick, node } = options;
  const pace = quick ? PACES.quick : PACES.full;
  const workloads = WORKLOADS.filter(({ name }) => wanted(only, name));
  const withStartup = wanted(only, "startup");
  if (workloads.length === 0 && !withStartup) {
    const names = [...WORKLOADS.map(({ name }) => name), "startup"].join(", ");
    throw new Error(`bench:peers: --only selects nothing: got ${only}, expected part of ${names}`);
  }
  const before = loadavg()[0];
  const date = new Date().toISOString();
  const chosen = contenders(options).filter(
    ({ name }) => name === "chainrule" || wanted(against, name),
  );
  const started = await startAll(chosen);
  const able = started.filter(({ cannot }) => !cannot);
  const measured = await measure(workloads, able, pace, note);
  for (const { running } of started) running?.end();
  const rounds = quick ? 2 : 7;
  const startup = withStartup ? measureStartup(started, { node, rounds }) : [];
  note("");
  const own = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const bases = able.filter(({ base }) => base).map(({ name }) => name);
  const report = {
    ...{ package: `${own.name} ${own.version}`, date, command: commandLine(), quick, pace },
    machine: {
      ...{ cpu: cpus()[0]?.model.trim() ?? "unknown", cores: availableParallelism() },
      ...{ platform: process.platform, arch: process.arch },
      node: spawnSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).stdout.trim(),
      load: { before, after: loadavg()[0] },
    },
    contenders: started.map(({ name, label, base, about, cannot }) => ({
      ...{ name, label, base, about, cannot },
    })),
    workloads: measured.map((each) => summarize(each, bases)),
    startup,
  };
  process.stdout.write(text(report));
  if (json) writeFileSync(json, `${JSON.stringify(report)}\n`);
  const drawing = svg ?? page?.replace(/(\.md)?$/, ".svg");
  if (drawing && measured.length > 0) writeFileSync(drawing, await chart(report));
  if (page)
    writeFileSync(page, markdown(report, measured.length > 0 ? basename(drawing) : undefined));
}

try {
  await main();
} catch (error) {
  const known = error instanceof Error && error.message.startsWith("bench:peers: ");
  process.stderr.write(`${known ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
process.exit();
