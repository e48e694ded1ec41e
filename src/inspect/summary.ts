/** What is shown of a tensor, from its data. */
import type { TensorType, TypedArray } from "../tensor.js";
import type { Summary } from "./types.js";

/**
 * Of the `n` numbers of `data` from `begin` on, which are all of it when not given. The first
 * `entries` of them are kept. Sums are in f64.
 */
export function summarise(
  { shape, dtype }: TensorType,
  data: TypedArray,
  entries: number,
  begin = 0,
  n = data.length,
): Summary {
  const end = begin + n;
  const none = n === 0 ? Number.NaN : undefined;
  let min = none ?? Number.POSITIVE_INFINITY;
  let max = none ?? Number.NEGATIVE_INFINITY;
  let [total, squares] = [0, 0];
  for (let i = begin; i < end; i++) {
    const x = data[i] as number;
    min = Math.min(min, x);
    max = Math.max(max, x);
    total += x;
    squares += x * x;
  }
  const first: number[] = [];
  for (let i = begin; i < end && first.length < entries; i++) first.push(data[i] as number);
  return {
    shape,
    dtype,
    min,
    max,
    mean: total / n,
    norm: normOf(data, begin, end, squares),
    entries: first,
  };
}

/** Where squares leave the range, they are of the quotients by the largest magnitude. */
function normOf(data: TypedArray, begin: number, end: number, squares: number): number {
  if (Number.isNaN(squares) || (squares > 1e-280 && squares < Number.POSITIVE_INFINITY))
    return Math.sqrt(squares);
  let most = 0;
  for (let i = begin; i < end; i++) most = Math.max(most, Math.abs(data[i] as number));
  if (most === 0 || most === Number.POSITIVE_INFINITY) return most;
  let total = 0;
  for (let i = begin; i < end; i++) total += ((data[i] as number) / most) ** 2;
  return most * Math.sqrt(total);
}
