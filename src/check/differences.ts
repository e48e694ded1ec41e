/** Slopes of a function by evaluating it nearby, and how far a derivative is from them. */

type Value = (x: Float64Array) => Float64Array;

/** What is known of one column of the Jacobian by evaluating f near x. */
interface Slopes {
  /** Central differences at h and h / 2, extrapolated: O(h⁴). */
  readonly central: Float64Array;
  readonly left: () => Float64Array;
  readonly right: () => Float64Array;
}

export function slopes(f: Value, x: Float64Array, position: number): Slopes {
  const scale = Math.max(1, Math.abs(x[position] as number));
  const at = (offset: number): Float64Array => {
    const moved = x.slice();
    moved[position] = (moved[position] as number) + offset;
    return f(moved);
  };
  const middle = (h: number): Float64Array => {
    const [above, below] = [at(h), at(-h)];
    return above.map((a, i) => (a - (below[i] as number)) / (2 * h));
  };
  const wide = 1e-3 * scale;
  const [far, near] = [middle(wide), middle(wide / 2)];
  // Three points on one side: O(h²), so the step is small and a kink nearby is not reached.
  const oneSided = (h: number): Float64Array => {
    const [zero, one, two] = [at(0), at(h), at(2 * h)];
    return zero.map((a, i) => (4 * (one[i] as number) - 3 * a - (two[i] as number)) / (2 * h));
  };
  const small = 1e-6 * scale;
  return {
    central: near.map((a, i) => a + (a - (far[i] as number)) / 3),
    left: () => oneSided(-small),
    right: () => oneSided(small),
  };
}

/** What an entry should be. */
export interface Judged {
  /** At a kink the pair of one-sided slopes. */
  readonly numeric: number | readonly [left: number, right: number];
  readonly error: (analytic: number) => number;
}

/** Relative to the entry, or to a thousandth of the column's largest where the entry is small. */
export const relative = (got: number, want: number, floor: number): number => {
  if (Object.is(got, want)) return 0;
  const error = Math.abs(got - want) / Math.max(Math.abs(want), Math.abs(got), floor);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
};

/** One-sided slopes are known to about this much, relatively. */
const ONE_SIDED = 1e-4;

/** An entry of which the slopes on both sides are known: between them at a kink. */
export function judgeOneSided(left: number, right: number, floor: number): Judged {
  if (Number.isNaN(left) || Number.isNaN(right)) {
    // f is defined on one side only.
    const side = Number.isNaN(left) ? right : left;
    return { numeric: side, error: (a) => oneSidedError(a, side, side, floor) };
  }
  const smooth = relative(left, right, floor) < ONE_SIDED;
  const [low, high] = [Math.min(left, right), Math.max(left, right)];
  return {
    numeric: smooth ? (left + right) / 2 : [left, right],
    error: (a) => oneSidedError(a, low, high, floor),
  };
}

/** 0 between the slopes, as far as they are known. */
function oneSidedError(a: number, low: number, high: number, floor: number): number {
  const nearest = Math.min(Math.max(a, low), high);
  const error = relative(a, nearest, floor);
  return error < ONE_SIDED ? 0 : error;
}
