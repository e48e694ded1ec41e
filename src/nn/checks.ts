/** A number of features, channels or the like. */
export function checkSize(op: string, name: string, size: number): void {
  if (!Number.isInteger(size) || size < 1)
    throw new RangeError(`${op}: bad ${name}: got ${size}, expected a positive integer`);
}
