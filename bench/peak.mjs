/**
 * The peak: what this engine and CPU reach at best when they multiply and add four lanes at a time,
 * in the same run as the figures that are divided by it. Three loops live in registers alone, with
 * 8, 10 and 12 independent accumulators; the fourth is the library's own micro-kernel on one pair
 * of micro-panels, 12 KiB that stay in L1.
 */
import { readFileSync } from "node:fs";

/** The panel's operands: A k × 4, B k × 8, C 4 × 8 floats, above the compiler's own data. */
const K = 256;
const A = 16384;
const B = A + K * 4 * 4;
const C = B + K * 8 * 4;

/** A sample takes tenths of a millisecond: long for the clock, short for the scheduler. */
const STEPS = 1 << 17;
const PANELS = 512;

/**
 * The four loops as tasks. One multiplication or addition of one lane is a flop: `strictN(i)` makes
 * 2 · 4 · N · i of them, `panel` 2 · 4 · 8 · k for each product.
 * @returns {Record<string, import("./measure.mjs").Task & { flops: number }>}
 */
export function peakLoops() {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const module = new WebAssembly.Module(
    readFileSync(new URL("../build/peak.simd.wasm", import.meta.url)),
  );
  const loops = new WebAssembly.Instance(module, { env: { memory } }).exports;
  const floats = new Float32Array(memory.buffer);
  for (let index = A / 4; index < C / 4; index++) floats[index] = 0.5 + (index % 7) / 8;
  return {
    "8 accumulators": { flops: 64 * STEPS, call: () => loops.strict8(STEPS) },
    "10 accumulators": { flops: 80 * STEPS, call: () => loops.strict10(STEPS) },
    "12 accumulators": { flops: 96 * STEPS, call: () => loops.strict12(STEPS) },
    "micro-kernel in L1": { flops: 64 * K * PANELS, call: () => loops.panel(C, A, B, K, PANELS) },
  };
}
