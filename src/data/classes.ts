/**
 * How many classes labels tell apart: `classes`, or 1 + the largest label where it is not given.
 * RangeError for a label that is negative or not below `classes`.
 */
export function classesOf(op: string, labels: Int32Array, classes: number | undefined): number {
  const limit = classes ?? 2 ** 31;
  const wrong = labels.findIndex((label) => label < 0 || label >= limit);
  if (wrong >= 0)
    throw new RangeError(
      `${op}: label ${labels[wrong]} at ${wrong} is out of range: ` +
        `expected 0 ≤ label${classes === undefined ? "" : ` < ${classes}`}`,
    );
  return classes ?? labels.reduce((most, label) => Math.max(most, label + 1), 0);
}
