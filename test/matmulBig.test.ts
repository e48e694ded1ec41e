/** Products too large to store, against PyTorch's row sums, column sums and sampled entries. */
import { afterAll, describe, expect, test } from "vitest";
import { init, matmul, tensor, wasm } from "../src/index.js";
import { ts } from "../src/pure.js";
import { type GoldenTensor, loadGolden } from "./golden.js";

interface BigCase {
  readonly name: string;
  readonly attrs: {
    M: number;
    N: number;
    K: number;
    transA: boolean;
    transB: boolean;
    seed: number;
  };
  readonly samples: readonly (readonly [row: number, col: number, value: number])[];
  readonly row_sums: GoldenTensor;
  readonly col_sums: GoldenTensor;
  /** The largest entry of |A||B|. */
  readonly abs_max: number;
}

/** The stream that fills A, then B: xorshift32. */
function xorshift(seed: number): (count: number) => number[] {
  let s = seed;
  return (count) =>
    Array.from({ length: count }, () => {
      s ^= s << 13;
      s ^= s >>> 17;
      s ^= s << 5;
      return (s >>> 8) / 8388608 - 1;
    });
}

afterAll(() => init({ backend: wasm }));

describe.each([
  { build: "wasm f32", backend: wasm, dtype: "f32", unit: 2 ** -24 },
  { build: "ts f64", backend: ts, dtype: "f64", unit: 2 ** -52 },
] as const)("$build", ({ backend, dtype, unit }) => {
  test.each(loadGolden<BigCase>("matmul_big"))("$name", ({ attrs, ...want }) => {
    init({ backend, dtype });
    const { M, N, K, transA, transB, seed } = attrs;
    const next = xorshift(seed);
    const a = tensor(next(M * K), { shape: transA ? [K, M] : [M, K] });
    const b = tensor(next(K * N), { shape: transB ? [N, K] : [K, N] });
    const c = [...matmul(transA ? a.transpose() : a, transB ? b.transpose() : b).toTypedArray()];
    // Componentwise: K + 2 roundings of at most |A||B|, in the result and, in f64, in the reference.
    const bound = (K + 2) * unit * want.abs_max;
    expect(want.samples.length).toBe(64);
    for (const [row, col, value] of want.samples)
      expect(Math.abs((c[row * N + col] as number) - value)).toBeLessThanOrEqual(bound);
    for (let row = 0; row < M; row++) {
      const sum = c.slice(row * N, (row + 1) * N).reduce((total, x) => total + x, 0);
      expect(Math.abs(sum - (want.row_sums.data[row] as number))).toBeLessThanOrEqual(N * bound);
    }
    for (let col = 0; col < N; col++) {
      let sum = 0;
      for (let row = 0; row < M; row++) sum += c[row * N + col] as number;
      expect(Math.abs(sum - (want.col_sums.data[col] as number))).toBeLessThanOrEqual(M * bound);
    }
  });
});
