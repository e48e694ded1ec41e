/**
 * No library: the roof. The matrix products of a workload alone, as many flops, in the fastest of the
 * loops that only multiply and add (`bench/peak.mjs`).
 */
import { MODELS } from "../../models.mjs";
import { hasFma, loopsOf } from "../../peak.mjs";

const TRIALS = 20;

/** The loop that makes most flops a millisecond. */
function fastestOf(loops) {
  const rated = loops.map((loop) => {
    const times = Array.from({ length: TRIALS }, () => {
      const start = performance.now();
      loop.run(loop.times);
      return performance.now() - start;
    });
    return { ...loop, rate: (loop.flops * loop.times) / Math.min(...times) };
  });
  return rated.reduce((best, loop) => (loop.rate > best.rate ? loop : best));
}

/** @returns {number | undefined} */
function flopsOf({ kind, name, flops }) {
  const wanted = kind === "mlp" ? name.replace("step ", "") : `${kind} `;
  return flops ?? MODELS.find((model) => model.name.startsWith(wanted))?.flops;
}

export function load({ relaxedSimd = false }) {
  if (relaxedSimd && !hasFma) return { cannot: "this engine has no relaxed SIMD" };
  const loop = fastestOf(loopsOf(relaxedSimd ? "relaxed" : "simd"));
  return {
    about: { loop: loop.name, "GFLOP/s": (loop.rate / 1e6).toFixed(1) },
    make(workload) {
      const flops = flopsOf(workload);
      if (flops === undefined) return { cannot: "no products" };
      const times = Math.max(1, Math.round(flops / loop.flops));
      return { call: () => loop.run(times), values: () => null };
    },
  };
}
