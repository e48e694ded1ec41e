/** Axes, counted from the front, or from the back if they are negative. */
import type { Axes, Shape } from "../shape.js";
import type { IsUnion } from "./digits.js";
import type { Wide } from "./lengths.js";

/**
 * An axis from the front, as a key of S; null if it is none of S; `string` where that is unknown,
 * which it is too if the axis is one of several.
 */
export type Place<S extends Shape, Axis extends number> = number extends Axis
  ? string
  : IsUnion<Axis> extends true
    ? string
    : `${Axis}` extends `-${string}`
      ? FromBack<S, `${Axis}`>
      : `${Axis}` extends keyof S
        ? `${Axis}`
        : null;
type Places<S extends Shape, Axes> = Axes extends readonly [
  infer Axis extends number,
  ...infer Rest,
]
  ? Place<S, Axis> | Places<S, Rest>
  : never;
type FromBack<S extends Shape, Axis extends string, Back extends 0[] = [0]> = S extends readonly [
  ...infer Lead extends Shape,
  number,
]
  ? `-${Back["length"]}` extends Axis
    ? `${Lead["length"]}`
    : FromBack<Lead, Axis, [...Back, 0]>
  : null;

export type LengthAt<S extends Shape, Key> = Key extends keyof S ? S[Key] & number : number;

export type TransposeShape<S extends Shape, Order> = S extends unknown
  ? Wide<S> extends true
    ? Shape
    : Order extends Shape
      ? Wide<Order> extends true
        ? Shape
        : { readonly [To in keyof Order]: LengthAt<S, Place<S, Order[To] & number>> }
      : Reversed<S>
  : never;
type Reversed<S extends Shape> = S extends readonly [
  infer N extends number,
  ...infer Rest extends Shape,
]
  ? readonly [...Reversed<Rest>, N]
  : readonly [];

/** The shape that is left when the elements along `Over` have become one; all without it. */
export type ReducedShape<
  S extends Shape,
  Over extends Axes,
  Keep extends boolean,
> = boolean extends Keep
  ? Shape
  : S extends unknown
    ? Wide<S> extends true
      ? Shape
      : Over extends number
        ? WithoutKnown<S, Place<S, Over>, Keep>
        : Over extends Shape
          ? Wide<Over> extends true
            ? Shape
            : WithoutKnown<S, Places<S, Over>, Keep>
          : Without<S, keyof S, Keep>
    : never;
type WithoutKnown<S extends Shape, Key, Keep extends boolean> = [string] extends [Key]
  ? Shape
  : Without<S, Key, Keep>;
type Without<S extends Shape, Key, Keep extends boolean, At extends 0[] = []> = S extends readonly [
  infer N extends number,
  ...infer Rest extends Shape,
]
  ? `${At["length"]}` extends Key
    ? readonly [...(Keep extends true ? readonly [1] : []), ...Without<Rest, Key, Keep, [...At, 0]>]
    : readonly [N, ...Without<Rest, Key, Keep, [...At, 0]>]
  : readonly [];

export type AxesProblem<S extends Shape, Over extends Axes> = S extends unknown
  ? Wide<S> extends true
    ? null
    : Over extends number
      ? AxisProblem<S, Over>
      : Over extends readonly [infer Axis extends number, ...infer Rest extends Shape]
        ? AxisProblem<S, Axis> extends infer Problem extends string
          ? Problem
          : AxesProblem<S, Rest>
        : null
  : never;
export type AxisProblem<S extends Shape, Axis extends number, Op extends string = ""> =
  Place<S, Axis> extends null
    ? `${Op}axis is out of range: got ${Axis}, expected ${S extends readonly []
        ? "none for a scalar"
        : `−${S["length"]} ≤ axis < ${S["length"]}`}`
    : null;
