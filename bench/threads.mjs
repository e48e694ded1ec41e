/**
 * Training steps on one thread and on two, slice by slice in turn, like everything in this bench:
 * see `measure.mjs`.
 */
import { init, wasm } from "chainrule";
import { takeSlice, warmSuite } from "./measure.mjs";
import { timesOf } from "./summary.mjs";
import { align } from "./table.mjs";

const THREADS = 2;

/**
 * @param {readonly import("./measure.mjs").Case[]} cases those that are no steps are left out
 * @param {import("./measure.mjs").Pace} pace
 * @returns {Promise<{ label: string, threads: number, one: object, several: object,
 *   faster: { median: number, best: number } }[]>} times in ms
 */
export async function measureThreads(cases, { rounds, slice, warmUp }) {
  const steps = cases.filter(({ on }) => on !== undefined);
  if (steps.length === 0) return [];
  const backend = await init({ threads: THREADS });
  const running = steps.map(({ label, on }) => {
    const tasks = { one: on(wasm), several: on(backend) };
    const suite = warmSuite(tasks, slice, warmUp);
    return { label, tasks, suite, samples: { one: [], several: [] } };
  });
  for (let round = 0; round < rounds; round++)
    for (const { tasks, suite, samples } of running) {
      const taken = takeSlice(suite, tasks);
      for (const name of Object.keys(samples)) samples[name].push(...taken[name]);
    }
  init({ backend: wasm });
  backend[Symbol.dispose]();
  return running.map(({ label, samples }) => {
    const one = timesOf(samples.one);
    const several = timesOf(samples.several);
    const faster = { median: one.median / several.median, best: one.min / several.min };
    return { label, threads: THREADS, one, several, faster };
  });
}

/** The lines for people. */
export function threadsTable(rows) {
  if (rows.length === 0) return "";
  const ms = (x) => x.toPrecision(3);
  const heading = [`training step, ${THREADS} threads`, "× one", "best × one", "ms", "one ms"];
  const lines = rows.map(({ label, one, several, faster }) => [
    ...[label, faster.median.toFixed(2), faster.best.toFixed(2)],
    ...[ms(several.median), ms(one.median)],
  ]);
  return `\n\n${align([heading, ...lines])}`;
}
