/** Products too large to store, against PyTorch's row sums, column sums and sampled entries. */
import { matmul, tensor } from "../../../src/index.js";
import type { Special } from "../adapter.js";
import type { GoldenCase, GoldenTensor } from "../case.js";

interface BigCase extends GoldenCase {
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

export const generatedMatmul: Special = function* (golden, { dtype }) {
  const { attrs, samples, row_sums, col_sums, abs_max } = golden as BigCase;
  const { M, N, K, transA, transB, seed } = attrs;
  const next = xorshift(seed);
  const a = tensor(next(M * K), { shape: transA ? [K, M] : [M, K] });
  const b = tensor(next(K * N), { shape: transB ? [N, K] : [K, N] });
  const c = matmul(transA ? a.transpose() : a, transB ? b.transpose() : b).toTypedArray();
  // Componentwise: K + 2 roundings of at most |A||B|, in the result and, in f64, in the reference.
  const bound = (K + 2) * (dtype === "f32" ? 2 ** -24 : 2 ** -52) * abs_max;
  const compare = function* (what: string, got: number, want: number, within: number) {
    if (!(Math.abs(got - want) <= within)) yield `${what}: got ${got}, expected ${want}`;
  };
  for (const [row, col, value] of samples)
    yield* compare(`[${row}, ${col}]`, c[row * N + col] as number, value, bound);
  for (const [row, want] of row_sums.data.entries()) {
    let got = 0;
    for (let col = 0; col < N; col++) got += c[row * N + col] as number;
    yield* compare(`the sum of row ${row}`, got, want, N * bound);
  }
  for (const [col, want] of col_sums.data.entries()) {
    let got = 0;
    for (let row = 0; row < M; row++) got += c[row * N + col] as number;
    yield* compare(`the sum of column ${col}`, got, want, M * bound);
  }
};
