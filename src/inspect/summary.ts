/** What is shown of a tensor, from its data. */
import type { TensorType, TypedArray } from "../tensor.js";
import type { Summary } from "./types.js";

/** The first `entries` of the data are kept. Sums are in f64. */
export function summarise(
  { shape, dtype }: TensorType,
  data: TypedArray,
  entries: number,
): Summary {
  const n = data.length;
  const none = n === 0 ? Number.NaN : undefined;
  let min = none ?? Number.POSITIVE_INFINITY;
  let max = none ?? Number.NEGATIVE_INFINITY;
  let [total, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    const x = data[i] as number;
    min = Math.min(min, x);
    max = Math.max(max, x);
    total += x;
    squares += x * x;
  }
  return {
    shape,
    dtype,
    min,
    max,
    mean: total / n,
    norm: normOf(data, squares),
    entries: Array.from(data.subarray(0, entries)),
  };
}

/** Where squares leave the range, they are of the quotients by the largest magnitude. */
function normOf(data: TypedArray, squares: number): number {
  if (Number.isNaN(squares) || (squares > 1e-280 && squares < Number.POSITIVE_INFINITY))
    return Math.sqrt(squares);
  let most = 0;
  for (const x of data) most = Math.max(most, Math.abs(x));
  if (most === 0 || most === Number.POSITIVE_INFINITY) return most;
  let total = 0;
  for (const x of data) total += (x / most) ** 2;
  return most * Math.sqrt(total);
}
