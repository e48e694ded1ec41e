import { expect } from "vitest";
import type { Block } from "./harness.js";

/** n numbers in offset ± scale, the same on every run. */
export function numbers(n: number, seed: number, scale = 1, offset = 0): Float32Array {
  let state = seed;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state / 2 ** 31) * scale + offset;
  });
}

/** Expects |actual − wanted| ≤ bound · (1 + |wanted|) of every element. */
export function expectClose(
  actual: Block | undefined,
  wanted: readonly number[],
  bound: number,
  what = "",
): void {
  expect(actual?.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    const got = actual?.[i] as number;
    if (!(Math.abs(got - value) <= bound * (1 + Math.abs(value))))
      throw new Error(`${what} ${i}: got ${got}, expected ${value} within ${bound}`);
  });
}
