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
function quantile(sorted, q) {
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

const ascending = (numbers) => Float64Array.from(numbers).sort();
export const median = (numbers) => quantile(ascending(numbers), 0.5);

/** Milliseconds of all samples: the least and the median of them, and how many there are. */
export function timesOf(samples) {
  const sorted = ascending(samples);
  return { min: sorted[0], median: quantile(sorted, 0.5), count: sorted.length };
}

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
 * `fma` is there where the engine has relaxed SIMD: the same of the build with fused multiply-adds,
 * against loops with them.
 * @typedef {{ gflops: number, ms: { min: number, p25: number, median: number, p75: number,
 *   p99: number }, count: number, samples: number[][] }} Timing
 * @typedef {{ gflops: number, loop: string, fastest: number,
 *   loops: (Timing & { name: string, flops: number })[] }} Peak
 * @typedef {{ median: number, p25: number, p75: number, paired: number, best: number }} Share
 * @typedef {{ median: number, best: number }} Ratio
 * @param {Record<string, { flops: number, fused: boolean }>} loops
 * @param {ReturnType<typeof import("./measure.mjs").measure>} measured
 * @returns {{
 *   peak: Peak, fmaPeak?: Peak,
 *   cases: { kind: "gemm" | "step", name: string, label: string, flops: number,
 *     ofPeak: Share, overTs: Ratio, callsPerStep?: number, wasm: Timing, ts: Timing,
 *     fma?: Timing & { ofPeak: Share, overStrict: Ratio } }[],
 * }}
 */
export function summarize(loops, measured) {
  const peak = peakOf(loops, measured, false);
  const fmaPeak = peakOf(loops, measured, true);
  const cases = measured.map(({ kind, name, label, flops, callsPerStep, rounds }) => {
    const of = (build) => {
      const taken = rounds.map((round) => round[build]);
      return describe(flops, taken);
    };
    const [wasm, ts] = [of("wasm"), of("ts")];
    const ofPeak = shareOf(peak, flops, wasm.ms, rounds, "wasm");
    const entry = { kind, name, label, flops, ofPeak, overTs: ratio(ts, wasm), callsPerStep };
    if (!fmaPeak) return { ...entry, wasm, ts };
    const fused = of("fma");
    const share = shareOf(fmaPeak, flops, fused.ms, rounds, "fma");
    const fma = { ...fused, ofPeak: share, overStrict: ratio(wasm, fused) };
    return { ...entry, wasm, ts, fma };
  });
  return { peak, ...(fmaPeak ? { fmaPeak } : {}), cases };
}

/** The best of the strict or of the fused loops; undefined when there are none. */
function peakOf(loops, measured, fused) {
  const slices = measured.flatMap(({ rounds }) => rounds.map(({ peak }) => peak));
  const peaks = Object.entries(loops)
    .filter(([, loop]) => loop.fused === fused)
    .map(([name, { flops }]) => {
      const taken = slices.map((slice) => slice[name]);
      return { name, flops, ...describe(flops, taken) };
    });
  if (peaks.length === 0) return undefined;
  const top = peaks.reduce((best, loop) => (loop.gflops > best.gflops ? loop : best));
  const fastest = Math.max(...peaks.map(({ flops, ms }) => gflops(flops, ms.min)));
  return { gflops: top.gflops, loop: top.name, fastest, loops: peaks };
}

/** What a build reaches of a peak, in the three ways. */
function shareOf(peak, flops, ms, rounds, build) {
  const share = (time) => gflops(flops, time) / peak.gflops;
  const bestIn = (slice) =>
    Math.max(...peak.loops.map((loop) => gflops(loop.flops, median(slice[loop.name]))));
  return {
    median: share(ms.median),
    p25: share(ms.p75),
    p75: share(ms.p25),
    paired: median(rounds.map((round) => gflops(flops, median(round[build])) / bestIn(round.peak))),
    best: gflops(flops, ms.min) / peak.fastest,
  };
}

/** How many times as fast `b` is as `a`. */
function ratio(a, b) {
  return { median: a.ms.median / b.ms.median, best: a.ms.min / b.ms.min };
}
