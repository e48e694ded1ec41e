import type { Peak } from "./peak.js";

/** What something costs. */
export interface Cost {
  readonly microseconds: number;
  /** Of the sum of all instructions, 0 to 1. */
  readonly share: number;
  /** Floating-point operations; see `work.ts` for what counts. */
  readonly flops: number;
  /** Read and written. */
  readonly bytes: number;
  readonly gflopsPerSecond: number;
  readonly gigabytesPerSecond: number;
  /** GFLOP/s over the peak's. */
  readonly ofPeak: number;
}

/** Rates, and the share of a `total` of microseconds. */
export function costOf(
  microseconds: number,
  flops: number,
  bytes: number,
  total: number,
  peak: Peak,
): Cost {
  // Too short for the clock: a rate would mean nothing.
  const rate = (amount: number): number => (microseconds > 0 ? amount / microseconds / 1000 : 0);
  return {
    microseconds,
    share: total > 0 ? microseconds / total : 0,
    flops,
    bytes,
    gflopsPerSecond: rate(flops),
    gigabytesPerSecond: rate(bytes),
    ofPeak: rate(flops) / peak.gflopsPerSecond,
  };
}
