/** What this machine does at best: products in cache, and bytes from cache and memory. */
import type { Backend } from "../backend.js";
import { within } from "../check/recording.js";
import { compile, dataOf } from "../compile.js";
import { constant, zeros } from "../ops/create.js";
import { matmul } from "../ops/matmul.js";
import { Program } from "../plan/program.js";
import type { Shape } from "../shape.js";
import type { FloatDtype, Tensor } from "../tensor.js";
import { piecesOf } from "./pieces.js";

/** What this machine does at best, on one thread, with this backend and precision. */
export interface Peak {
  /** Of products whose operands stay in the first-level cache. */
  readonly gflopsPerSecond: number;
  /** Read and written by `neg`: 16 KiB, which stay in cache, and 32 MiB, which do not. */
  readonly cacheGigabytesPerSecond: number;
  readonly memoryGigabytesPerSecond: number;
}

/** The time of a call, in microseconds. */
export function timed(fn: () => void): number {
  const start = performance.now();
  fn();
  return 1000 * (performance.now() - start);
}

/** Microseconds that each figure of the peak is measured for, and runs: some clocks stand still. */
const PATIENCE = 20_000;
const MOST_RUNS = 2000;

/** The least time of a program of f, in microseconds. */
function timeOf(f: (x: Tensor, y: Tensor) => Tensor, args: [Tensor, Tensor]): number {
  const { plan, program } = compile(f).trace(...args);
  const alone = new Program(plan, program.backend, program.float, { alone: true });
  const { run } = piecesOf(alone, dataOf(args));
  let best = Number.POSITIVE_INFINITY;
  for (let spent = 0, runs = 0; (spent < PATIENCE && runs < MOST_RUNS) || runs < 3; runs++) {
    const time = timed(run);
    best = Math.min(best, time);
    spent += time;
  }
  alone.release();
  program.release();
  return best;
}

/** Sides of square products, of which the fastest counts: their operands fit in 32 to 192 KiB. */
const SIDES = [64, 96, 128];
const CACHED = 2 ** 13;
const STREAMED = 2 ** 24;

/** Measured now; nothing is left behind. */
export function measurePeak(backend: Backend, dtype: FloatDtype): Peak {
  return within(backend, dtype, () => {
    const filled = (shape: Shape): Tensor => {
      const data = zeros(shape, { dtype }).toTypedArray();
      return constant(data.fill(0.5), shape, dtype);
    };
    const gflops = SIDES.map((n) => {
      const square = filled([n, n]);
      return (2 * n ** 3) / timeOf(matmul, [square, square]) / 1000;
    });
    // As many bytes are read as are written.
    const streamed = (bytes: number): number => {
      const x = filled([bytes / (dtype === "f64" ? 8 : 4)]);
      return (2 * bytes) / timeOf((a) => a.neg(), [x, filled([1])]) / 1000;
    };
    return {
      gflopsPerSecond: Math.max(...gflops),
      cacheGigabytesPerSecond: streamed(CACHED),
      memoryGigabytesPerSecond: streamed(STREAMED),
    };
  });
}
