/**
 * The peak: what this engine and CPU reach at best when they multiply and add four lanes at a time,
 * in the same run as the figures that are divided by it. Three loops live in registers alone, with
 * 8, 10 and 12 independent accumulators; the fourth is the library's own micro-kernel on one pair
 * of micro-panels, 14 KiB at most that stay in L1. Where the engine has relaxed SIMD the four run a
 * second time with fused multiply-adds.
 */
import { readFileSync } from "node:fs";
import { createWasmBackend } from "chainrule";

/** The panel's operands: A k × 6 at most, B k × 8, C, above the compiler's own data. */
const K = 256;
const A = 16384;
const B = A + K * 6 * 4;
const C = B + K * 8 * 4;

/** A sample takes tenths of a millisecond: long for the clock, short for the scheduler. */
const STEPS = 1 << 17;
const PANELS = 512;

/** Whether the library fuses multiply-adds here when it is asked to. */
export const hasFma = createWasmBackend({ relaxedSimd: true }).variant === "relaxed";

/**
 * The loops of one build as tasks. One multiplication or addition of one lane is a flop:
 * `registersN(i)` makes 2 · 4 · N · i of them, `panel` 2 · rows · 8 · k for each product.
 * @returns {Record<string, import("./measure.mjs").Task & { flops: number, fused: boolean }>}
 */
function loopsOf(build) {
  const fused = build === "relaxed";
  const prefix = fused ? "FMA, " : "";
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const module = new WebAssembly.Module(
    readFileSync(new URL(`../build/peak.${build}.wasm`, import.meta.url)),
  );
  const loops = new WebAssembly.Instance(module, { env: { memory } }).exports;
  const floats = new Float32Array(memory.buffer);
  for (let index = A / 4; index < C / 4; index++) floats[index] = 0.5 + (index % 7) / 8;
  const registers = [8, 10, 12].map((count) => [
    `${prefix}${count} accumulators`,
    { flops: 8 * count * STEPS, fused, call: () => loops[`registers${count}`](STEPS, 0.5, 1.25) },
  ]);
  const flops = 16 * loops.tileRows() * K * PANELS;
  return {
    ...Object.fromEntries(registers),
    [`${prefix}micro-kernel in L1`]: { flops, fused, call: () => loops.panel(C, A, B, K, PANELS) },
  };
}

/** The four loops, and where the engine has them the four with fused multiply-adds. */
export function peakLoops() {
  return { ...loopsOf("simd"), ...(hasFma ? loopsOf("relaxed") : {}) };
}
