/** Tensors one after the other. */
import type { Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import type { AxisProblem, LengthAt, Place } from "./axes.js";
import type { SumOf } from "./digits.js";
import type { Format, Same, Wide } from "./lengths.js";
import type { ShapeOf } from "./shapeOf.js";

export type ConcatShape<
  Parts extends readonly Tensor[],
  Axis extends number,
> = Parts extends readonly [infer First, ...infer Rest extends readonly Tensor[]]
  ? ShapeOf<First> extends infer S extends Shape
    ? S extends unknown
      ? Joined<S, Rest, Place<S, Axis>>
      : never
    : never
  : Shape;
type Joined<S extends Shape, Parts extends readonly Tensor[], Key> =
  Wide<S> extends true
    ? Shape
    : [string] extends [Key]
      ? Shape
      : Parts extends readonly [infer Next, ...infer Rest extends readonly Tensor[]]
        ? Wide<ShapeOf<Next>> extends true
          ? Shape
          : Joined<Longer<S, ShapeOf<Next>, Key>, Rest, Key>
        : Parts extends readonly []
          ? S
          : Shape;
type Longer<S extends Shape, Next extends Shape, Key> = {
  readonly [Axis in keyof S]: Axis extends Key
    ? SumOf<S[Axis], LengthAt<Next, Axis>>
    : number extends S[Axis]
      ? LengthAt<Next, Axis>
      : S[Axis];
};

export type ConcatProblem<
  Parts extends readonly Tensor[],
  Axis extends number,
> = Parts extends readonly [infer First, ...infer Rest extends readonly Tensor[]]
  ? ShapeOf<First> extends infer S extends Shape
    ? S extends unknown
      ? Wide<S> extends true
        ? null
        : AxisProblem<S, Axis, "concat: "> extends infer Problem extends string
          ? Problem
          : Unequal<S, Rest, Place<S, Axis>>
      : never
    : never
  : null;
type Unequal<
  S extends Shape,
  Parts extends readonly Tensor[],
  Key,
  At extends 0[] = [0],
> = string extends Key
  ? null
  : Parts extends readonly [infer Next, ...infer Rest extends readonly Tensor[]]
    ? [EqualOutside<S, ShapeOf<Next>, Key>] extends [false]
      ? `concat: shapes differ outside axis ${Key & string}: got ${Format<ShapeOf<Next>>} at ${At["length"]} beside ${Format<S>}`
      : Unequal<S, Rest, Key, [...At, 0]>
    : null;
type EqualOutside<S extends Shape, Next extends Shape, Key> = Next extends unknown
  ? Wide<Next> extends true
    ? true
    : Next["length"] extends S["length"]
      ? false extends {
          [Axis in keyof S]: Axis extends Key ? true : Same<S[Axis], LengthAt<Next, Axis>>;
        }[number]
        ? false
        : true
      : false
  : never;
