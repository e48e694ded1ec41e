/** The lengths of a shape. */
import type { Shape } from "../shape.js";

/** Whether the number of axes is unknown. */
export type Wide<S extends Shape> = number extends S["length"] ? true : false;

/** As in `formatShape`. */
type Lengths<S extends Shape> = S extends readonly [
  infer N extends number,
  ...infer Rest extends Shape,
]
  ? Rest extends readonly []
    ? `${N}`
    : `${N}, ${Lengths<Rest>}`
  : "";
export type Format<S extends Shape> = `[${Lengths<S>}]`;

/** Whether two lengths can be the same. Type parameters can if they are the same. */
export type Same<K extends number, J extends number> = readonly [K] extends readonly [J]
  ? true
  : readonly [K & J] extends readonly [never]
    ? false
    : true;

export type ButLast<S extends Shape> = S extends readonly [...infer Lead extends Shape, number]
  ? Lead
  : readonly [];
export type Last<S extends Shape> = S extends readonly [...Shape, infer N extends number]
  ? N
  : number;
