/** The page of a run: curves, norms, activations, circuit, memory. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { report } from "chainrule/inspect";
import { explain } from "./problem.mjs";
import { correctOf, testedOf } from "./report.mjs";

/** Records that a page has, about: more cannot be told apart. */
const RECORDS = 200;

/** How often a run of `total` steps is looked at: every so many steps. */
export const everySteps = (total) => Math.max(10, Math.ceil(total / RECORDS));

/** Writes the page of `run`; a Problem where the file cannot be written. */
export async function writePage(run, options) {
  const { history, curves, step, sample, backend, sizes, sha256 } = run;
  const { batch, lr, seed, epochs, report: file } = options;
  const text = await report({
    title: `${sizes.join("-")} on ${options.bundled ? "8x8 digits" : options.data}`,
    history,
    metrics: curves,
    step,
    inputs: sample,
    names: ["x", "labels"],
    output: "loss",
    hash: sha256,
    environment: {
      "test accuracy": `${correctOf(run)} of ${testedOf(run)}`,
      settings: `${epochs} epochs, batch ${batch}, rate ${lr}, seed ${seed}`,
      backend,
      dtype: "f32",
      threads: 1,
      runtime: `Node ${process.versions.node}, ${process.platform} ${process.arch}`,
      date: new Date().toISOString(),
    },
  });
  await explain(file, () => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  });
}
