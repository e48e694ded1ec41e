/**
 * Backpropagation in plain loops over arrays of numbers: what the notes' programs are held against.
 * Nothing here knows of the library. Batches are rows: x [n, in], w [in, out].
 */
export type Matrix = number[][];

export const map = (f: (v: number) => number, a: Matrix): Matrix => a.map((row) => row.map(f));
export const zip = (f: (v: number, w: number) => number, a: Matrix, b: Matrix): Matrix =>
  a.map((row, i) => row.map((v, j) => f(v, at(b, i, j))));
export const at = (a: Matrix, i: number, j: number): number => (a[i] as number[])[j] as number;
export const sum = (values: readonly number[]): number => values.reduce((s, v) => s + v, 0);
export const columns = (a: Matrix): Matrix =>
  (a[0] as number[]).map((_, j) => a.map((row) => row[j] as number));
/** a·b, each entry a sum over the inner index. */
export const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => columns(b).map((column) => sum(row.map((v, k) => v * (column[k] as number)))));
export const norm = (a: Matrix): number => Math.sqrt(sum(a.flat().map((v) => v * v)));

export const sigmoid = (s: number): number => 1 / (1 + Math.exp(-s));
export const sigmoidSlope = (s: number): number => Math.exp(-s) / (1 + Math.exp(-s)) ** 2;

/** exp(xⱼ)/Σ exp(xₖ) as 1/Σ exp(xₖ − xⱼ). */
export const softmax = (x: readonly number[]): number[] =>
  x.map((v) => 1 / sum(x.map((other) => Math.exp(other - v))));
/** −ln of the same at the label. */
export const softmaxLoss = (x: readonly number[], label: number): number =>
  Math.log(sum(x.map((other) => Math.exp(other - (x[label] as number)))));
/** p − y for one example. */
export const softmaxGradient = (x: readonly number[], label: number): number[] =>
  softmax(x).map((p, j) => p - (j === label ? 1 : 0));

export interface Normalised {
  readonly xHat: Matrix;
  /** From dy to dx, without scale and shift. */
  readonly back: (dy: Matrix) => Matrix;
}

/**
 * Batch norm of each column, its backward pass by the whole Jacobian of a column:
 * ∂x̂ᵢ/∂xⱼ = ([i = j] − 1/n)/√(v + ε) − (xᵢ − μ)(xⱼ − μ)/(n·√(v + ε)³).
 */
export function batchNorm(x: Matrix, eps = 1e-5): Normalised {
  const n = x.length;
  const parts = columns(x).map((column) => {
    const mu = sum(column) / n;
    const centred = column.map((v) => v - mu);
    const root = Math.sqrt(sum(centred.map((c) => c * c)) / n + eps);
    return {
      xHat: centred.map((c) => c / root),
      jacobian: centred.map((ci, i) =>
        centred.map((cj, j) => ((i === j ? 1 : 0) - 1 / n) / root - (ci * cj) / (n * root ** 3)),
      ),
    };
  });
  return {
    xHat: columns(parts.map(({ xHat }) => xHat)),
    back: (dy) =>
      columns(
        columns(dy).map((d, c) => {
          const { jacobian } = parts[c] as (typeof parts)[number];
          return (product([d], jacobian) as [number[]])[0];
        }),
      ),
  };
}
