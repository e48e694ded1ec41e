/** What the functions computed in f64 are written with: twins of `assembly/wideLanes.ts`. */

const MAGIC = 6755399441055744;

/** The nearest integer to a small number. */
export const nearest = (x: number): number => x + MAGIC - MAGIC;

/** −0 is negative too. */
export const isNegative = (x: number): boolean => x < 0 || Object.is(x, -0);
