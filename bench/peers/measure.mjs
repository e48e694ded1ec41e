/**
 * Equal work first, then time: every contender makes the same workload from the same file, its first
 * results are compared with the first contender's, and then rounds are run in which each takes a
 * slice right after another, so that what disturbs the machine disturbs all of them alike.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agreement } from "./ratios.mjs";
import { makeArrays, packArrays } from "./workloads.mjs";

/**
 * Times in ms. One whose calls take longer than `slow` makes two in all, the second is its time;
 * `checking` is about what comparing results may take, `budget` what a contender may take in all
 * rounds of a workload: slower ones sit out some rounds.
 */
export const PACES = {
  full: { rounds: 11, slice: 50, warmUp: 200, slow: 4000, checking: 2000, budget: 2000 },
  quick: { rounds: 3, slice: 10, warmUp: 20, slow: 2000, checking: 500, budget: 500 },
};

/** In which rounds a contender takes part when each costs it `cost`: evenly spread, at least two. */
export function roundsFor(cost, { rounds, budget }) {
  const count = Math.max(2, Math.min(rounds, Math.floor(budget / cost)));
  return Array.from({ length: count }, (_, at) => Math.floor((at * rounds) / count));
}

/** What the contender's process says to the workload, as the start of an entry of the report. */
async function prepare(contender, request, expected, pace) {
  const { name, base, running } = contender;
  const { workload } = request;
  const made = await running.ask({ ...request, slow: pace.slow, checking: pace.checking });
  if (made.cannot) return { name, cannot: made.cannot };
  // The loops of the peak compute nothing that could be compared.
  const { values } = made;
  const { worst, equal } = values
    ? agreement(values, expected ?? values, workload.tolerance)
    : { equal: true };
  const compared = workload.checks > 1 && values ? values.length : 1;
  const entry = { name, values, compared, worst };
  if (!equal) return { ...entry, cannot: `its results differ by ${worst.toExponential(1)}` };
  if (made.ms > pace.slow) return { ...entry, once: true, rounds: [], samples: [[made.ms]] };
  const warm = await running.ask({ do: "run", ms: pace.warmUp, warm: 0 });
  if (warm.cannot) return { name, cannot: warm.cannot };
  // Two calls a round, the first of them not measured.
  const cost = Math.max(pace.slice, 2 * Math.min(...warm.samples));
  const rounds = roundsFor(base ? 0 : cost, pace);
  return { ...entry, rounds, samples: [], long: cost > pace.slice };
}

async function takeRounds(entries, byName, pace, progress) {
  const active = entries.filter(({ cannot, once }) => !cannot && !once);
  for (let round = 0; round < pace.rounds; round++) {
    progress(round);
    // Whose turn is first changes, so that nobody always follows the same one.
    const order = active.map((_, at) => active[(at + round) % active.length]);
    for (const entry of order) {
      if (entry.cannot || !entry.rounds.includes(round)) continue;
      // One call that is not measured brings the caches back.
      const request = { do: "run", ms: entry.long ? 0 : pace.slice, warm: 1 };
      const answer = await byName.get(entry.name).running.ask(request);
      if (answer.cannot) entry.cannot = answer.cannot;
      else entry.samples.push(answer.samples.map((ms) => Number(ms.toPrecision(5))));
    }
  }
}

/**
 * @param {import("./workloads.mjs").Workload[]} workloads
 * @param {{ name: string, running: Awaited<ReturnType<typeof import("./process.mjs").start>> }[]}
 *   contenders the first one's results are what the others' are compared with
 * @param {(text: string) => void} progress
 * @returns per workload the entries of its contenders: `{ name, cannot }`, or
 *   `{ name, worst, rounds, samples }` with the list of samples of each of its rounds
 */
export async function measure(workloads, contenders, pace, progress) {
  const folder = mkdtempSync(join(tmpdir(), "chainrule-peers-"));
  const byName = new Map(contenders.map((contender) => [contender.name, contender]));
  const measured = [];
  try {
    for (const workload of workloads) {
      const file = join(folder, "arrays");
      const { entries: packed, bytes } = packArrays(makeArrays(workload));
      writeFileSync(file, bytes);
      const entries = [];
      let expected;
      for (const contender of contenders) {
        progress(`${workload.name}: ${contender.name}`);
        const request = { do: "make", workload, entries: packed, file };
        const entry = await prepare(contender, request, expected, pace);
        expected ??= entry.values;
        entries.push(entry);
      }
      await takeRounds(entries, byName, pace, (round) =>
        progress(`${workload.name}: round ${round + 1} of ${pace.rounds}`),
      );
      for (const { running } of contenders) await running.ask({ do: "drop" });
      measured.push({ ...workload, entries });
    }
  } finally {
    rmSync(folder, { recursive: true });
    progress("");
  }
  return measured;
}
