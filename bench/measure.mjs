/**
 * Interleaved sampling. Other work on the machine and changes of clock rate come and go, so nothing
 * is measured in one go: in every round, each case gets a slice of the peak loops, one of its
 * WebAssembly task, one of its TypeScript task and, where the engine has relaxed SIMD, one of its task
 * with fused multiply-adds, one right after the other. Samples are pooled over the rounds; keeping
 * the rounds apart as well gives ratios within a round.
 *
 * @typedef {{ call: () => unknown, calls?: number, before?: () => void }} Task
 *   `calls` times `call` make a sample, of which the mean is kept; `before` runs before each slice.
 * @typedef {{ kind: string, name: string, label: string, flops: number, scarce?: boolean,
 *   make: () => { wasm: Task & { callsPerStep?: number }, ts: Task, fma?: Task } }} Case
 *   `scarce`: the TypeScript task takes seconds and is sampled once in `SCARCE` rounds.
 * @typedef {{ rounds: number, slice: number, peakSlice: number, warmUp: number }} Pace times in ms
 */
import { Bench } from "tinybench";

/** @type {{ full: Pace, quick: Pace }} */
export const PACES = {
  full: { rounds: 20, slice: 25, peakSlice: 4, warmUp: 250 },
  quick: { rounds: 3, slice: 5, peakSlice: 2, warmUp: 30 },
};

/** @type {typeof PACES} */
export const TOGETHER_PACES = {
  full: { rounds: 10, slice: 8, peakSlice: 0, warmUp: 60 },
  quick: { rounds: 2, slice: 2, peakSlice: 0, warmUp: 5 },
};

const SCARCE = 10;

/** A tinybench suite of tasks, warmed up until the engine has optimised them. */
export function warmSuite(tasks, time, warmUp) {
  const bench = new Bench({
    ...{ time, iterations: 1, warmupTime: warmUp, warmupIterations: 3 },
    ...{ retainSamples: true, throws: true },
  });
  for (const [name, { call, calls = 1, before }] of Object.entries(tasks)) {
    const sample = () => {
      for (let index = 0; index < calls; index++) call();
    };
    // One unmeasured sample just before a slice brings its operands back into the caches; tinybench
    // would warm up all tasks first, and only the last one's operands would still be there.
    const beforeAll = (mode) => {
      before?.();
      if (mode === "run") sample();
    };
    bench.add(name, sample, { async: false, beforeAll });
  }
  bench.runSync();
  bench.warmup = false;
  return bench;
}

/** One slice of each task of a suite: its samples in ms per call, ascending. */
export function takeSlice(bench, tasks) {
  bench.reset();
  return Object.fromEntries(
    bench.runSync().map(({ name, result }) => {
      const { calls = 1 } = tasks[name];
      return [name, result.latency.samples.map((ms) => Number((ms / calls).toPrecision(6)))];
    }),
  );
}

/** One sample of a task that has run once already, in ms. */
function takeOne({ call, before }) {
  before?.();
  const start = performance.now();
  call();
  return [Number((performance.now() - start).toPrecision(6))];
}

/**
 * The rounds of every case, `[{ peak, wasm, ts }, …]`: lists of samples, for the peak one per loop.
 * @param {Record<string, Task>} peak
 * @param {readonly Case[]} cases
 * @param {Pace} pace
 * @param {(round: number) => void} progress told the number of rounds that are done
 */
export function measure(peak, cases, { rounds, slice, peakSlice, warmUp }, progress) {
  const loops = warmSuite(peak, peakSlice, warmUp);
  const running = cases.map((task) => {
    const { wasm, ts, ...others } = task.make();
    const tasks = task.scarce ? { wasm, ...others } : { wasm, ts, ...others };
    const suite = warmSuite(tasks, slice, warmUp);
    return { ...task, callsPerStep: wasm.callsPerStep, tasks, ts, suite, rounds: [] };
  });
  for (let round = 0; round < rounds; round++) {
    progress(round);
    for (const { suite, tasks, scarce, ts, rounds: taken } of running) {
      const slices = { peak: takeSlice(loops, peak), ts: [], ...takeSlice(suite, tasks) };
      taken.push(scarce && round % SCARCE === 0 ? { ...slices, ts: takeOne(ts) } : slices);
    }
  }
  progress(rounds);
  return running.map(({ kind, name, label, flops, callsPerStep, rounds: taken }) => {
    return { kind, name, label, flops, callsPerStep, rounds: taken };
  });
}

/**
 * The rounds of cases whose tasks are measured against one another: `[{ task: samples, … }, …]`. A
 * case is made, measured and freed before the next.
 * @param {readonly { make: () => Record<string, Task> & { free: () => void } }[]} cases
 * @param {Pace} pace
 * @param {(done: number) => void} progress told the number of cases that are done
 */
export function measureTogether(cases, { rounds, slice, warmUp }, progress) {
  const measured = cases.map((entry, done) => {
    progress(done);
    const { free, ...tasks } = entry.make();
    const suite = warmSuite(tasks, slice, warmUp);
    const taken = Array.from({ length: rounds }, () => takeSlice(suite, tasks));
    free();
    return { ...entry, rounds: taken };
  });
  progress(cases.length);
  return measured;
}
