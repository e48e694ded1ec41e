/**
 * `npm run bench:monitor`: what `monitor` costs. Steps with and without it take turns in slices; of
 * each pair the recorded step is compared with the plain one, and the median of these ratios gives
 * the overhead where every 10th step is recorded.
 */
import { compile } from "chainrule";
import { monitor } from "chainrule/inspect";
import { seed } from "chainrule/random";
import { MODELS } from "./models.mjs";
import { median } from "./summary.mjs";
import { align } from "./table.mjs";

const EVERY = 10;
const quick = process.argv.includes("--quick");
const rounds = quick ? 3 : 60;

/** A training step of a model of its own. */
function makeStep(model) {
  seed(1);
  const { loss, optimizer, batch } = model.make();
  const step = compile((x, y) => {
    const value = loss(x, y);
    optimizer.minimize(value);
    return value;
  });
  return { step, batch: batch(0) };
}

/** The processor's time for a call, in ms, of `calls` in a row: others do not count. */
function timeOf(call, calls) {
  const before = process.cpuUsage();
  for (let k = 0; k < calls; k++) call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / calls;
}

function compare(model) {
  const { step, batch } = makeStep(model);
  const watched = monitor(step, { every: 1 });
  const tasks = { step: () => step(...batch), record: () => watched(...batch) };
  for (const task of Object.values(tasks)) task();
  const calls = Math.ceil((quick ? 5 : 20) / timeOf(tasks.step, 3));
  const pairs = Array.from({ length: rounds }, () =>
    Object.values(tasks).map((task) => timeOf(task, calls)),
  );
  return { step: median(pairs.map(([a]) => a)), ratio: median(pairs.map(([a, b]) => b / a)) };
}

const rows = MODELS.map((model) => {
  const { step, ratio } = compare(model);
  return [
    model.name,
    step.toPrecision(3),
    ratio.toFixed(3),
    `${((100 * (ratio - 1)) / EVERY).toFixed(2)} %`,
  ];
});
console.log(align([["model", "step ms", "recorded : plain", `overhead, every ${EVERY}`], ...rows]));
