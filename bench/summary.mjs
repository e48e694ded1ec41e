/**
 * From samples to figures. Rates are flops / time; the peak is the best of the loops' medians over
 * the whole run; a case's share of it is given in three ways that fail differently on a busy
 * machine:
 *
 *     median   the median sample over the peak: what a user gets, disturbances included
 *     paired   per round, the median over the best loop's median just before it; their median
 *     best     the fastest sample over the fastest of all loops: free of disturbances
 */

/** @param {readonly number[]} sorted ascending @param {number} q 0 … 1, linear in between */
export function quantile(sorted, q) {
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

const ascending = (numbers) => Float64Array.from(numbers).sort();
const median = (numbers) => quantile(ascending(numbers), 0.5);
const gflops = (flops, ms) => flops / ms / 1e6;

/** Milliseconds per call over all rounds, and the rate at the median. */
function describe(flops, rounds) {
  const sorted = ascending(rounds.flat());
  const [min, p25, p50, p75, p99] = [0, 0.25, 0.5, 0.75, 0.99].map((q) => quantile(sorted, q));
  const ms = { min, p25, median: p50, p75, p99 };
  return { gflops: gflops(flops, p50), ms, count: sorted.length, samples: rounds };
}

/**
 * The figures, as they are written to JSON; times in ms per call, `samples` one list per slice.
 * @typedef {{ gflops: number, ms: { min: number, p25: number, median: number, p75: number,
 *   p99: number }, count: number, samples: number[][] }} Timing
 * @param {Record<string, { flops: number }>} loops
 * @param {ReturnType<typeof import("./measure.mjs").measure>} measured
 * @returns {{
 *   peak: { gflops: number, loop: string, fastest: number,
 *     loops: (Timing & { name: string, flops: number })[] },
 *   cases: { kind: "gemm" | "step", name: string, label: string, flops: number,
 *     ofPeak: { median: number, p25: number, p75: number, paired: number, best: number },
 *     overTs: { median: number, best: number }, callsPerStep?: number,
 *     wasm: Timing, ts: Timing }[],
 * }}
 */
export function summarize(loops, measured) {
  const slices = measured.flatMap(({ rounds }) => rounds.map(({ peak }) => peak));
  const peakLoops = Object.entries(loops).map(([name, { flops }]) => {
    const taken = slices.map((slice) => slice[name]);
    return { name, flops, ...describe(flops, taken) };
  });
  const top = peakLoops.reduce((best, loop) => (loop.gflops > best.gflops ? loop : best));
  const fastest = Math.max(...peakLoops.map(({ flops, ms }) => gflops(flops, ms.min)));
  const bestIn = (slice) =>
    Math.max(...Object.entries(slice).map(([name, ms]) => gflops(loops[name].flops, median(ms))));
  const cases = measured.map(({ kind, name, label, flops, callsPerStep, rounds }) => {
    const [wasm, ts] = ["wasm", "ts"].map((build) => {
      const taken = rounds.map((round) => round[build]);
      return describe(flops, taken);
    });
    const share = (ms) => gflops(flops, ms) / top.gflops;
    const ofPeak = {
      median: share(wasm.ms.median),
      p25: share(wasm.ms.p75),
      p75: share(wasm.ms.p25),
      paired: median(rounds.map((round) => gflops(flops, median(round.wasm)) / bestIn(round.peak))),
      best: gflops(flops, wasm.ms.min) / fastest,
    };
    const overTs = { median: ts.ms.median / wasm.ms.median, best: ts.ms.min / wasm.ms.min };
    return { kind, name, label, flops, ofPeak, overTs, callsPerStep, wasm, ts };
  });
  return {
    peak: { gflops: top.gflops, loop: top.name, fastest, loops: peakLoops },
    cases,
  };
}
