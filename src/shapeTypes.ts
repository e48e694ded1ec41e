/**
 * Shapes in types: what `Tensor<readonly [3, 4]>` knows, and what ops make of it. Nothing here
 * exists when the program runs.
 *
 * An op's signature says two things about literal shapes: the shape of its result (`MatmulShape`),
 * and what is wrong (`MatmulProblem`), which is the very sentence the op throws when it runs. A
 * parameter of type `T & Check<Problem>` is `T` where nothing is wrong and cannot be satisfied where
 * something is, so that the editor shows the sentence.
 *
 * What is not known never is wrong: a length that is `number`, and a shape that is just `Shape`,
 * match anything, on either side of an assignment too. Unions of shapes are taken one by one (this
 * is what `S extends unknown` is for) and are wrong only when all of their members are.
 */
import type { IsUnion, NumberOf, ProductOf, QuotientOf, SumOf } from "./digits.js";
import type { Axes, Shape } from "./shape.js";
import type { Tensor } from "./tensor.js";

/** The key under which a tensor's type keeps its shape; no tensor has such a property. */
export declare const SHAPE: unique symbol;

/**
 * A shape as it is compared. An unknown length is `any`, which may be assigned both ways; a known
 * one is itself.
 */
export interface Sized<S extends Shape> {
  readonly lengths: number extends S["length"]
    ? // biome-ignore lint/suspicious/noExplicitAny: what opts out
      any
    : { readonly [Axis in keyof S]: number extends S[Axis] ? Unknown : S[Axis] };
}
// biome-ignore lint/suspicious/noExplicitAny: what opts out
type Unknown = any;

/** The shape of an operand; that of a number is a scalar's. */
export type ShapeOf<X> = X extends number
  ? readonly []
  : X extends { readonly [SHAPE]: Sized<infer S> }
    ? S
    : Shape;

/**
 * Asks nothing of an operand when there is no problem (`null`), and the impossible when there is
 * one. A union of shapes is refused only when all of them are wrong.
 */
export type Check<Problem> = readonly [Problem] extends readonly [never]
  ? unknown
  : readonly [Problem] extends readonly [string]
    ? Problem
    : unknown;

// The lengths of shapes

type Wide<S extends Shape> = number extends S["length"] ? true : false;

/** As in `formatShape`. */
type Lengths<S extends Shape> = S extends readonly [
  infer N extends number,
  ...infer Rest extends Shape,
]
  ? Rest extends readonly []
    ? `${N}`
    : `${N}, ${Lengths<Rest>}`
  : "";
type Format<S extends Shape> = `[${Lengths<S>}]`;

/** Whether two lengths can be the same. Type parameters can if they are the same. */
type Same<K extends number, J extends number> = readonly [K] extends readonly [J]
  ? true
  : readonly [K & J] extends readonly [never]
    ? false
    : true;

/** Whether one of two lengths can stretch to the other. */
type Stretches<K extends number, J extends number> = readonly [K] extends readonly [J]
  ? true
  : readonly [(K & J) | (K & 1) | (J & 1)] extends readonly [never]
    ? false
    : true;

type Stretched<K extends number, J extends number> = readonly [K, J] extends readonly [J, K]
  ? K
  : K extends 1
    ? J
    : J extends 1
      ? K
      : number extends K
        ? J
        : K;

type ButLast<S extends Shape> = S extends readonly [...infer Lead extends Shape, number]
  ? Lead
  : readonly [];
type Last<S extends Shape> = S extends readonly [...Shape, infer N extends number] ? N : number;

// Broadcasting: shapes are aligned at their last axis

export type BroadcastShape<A extends Shape, B extends Shape> =
  Wide<A> extends true ? Shape : Wide<B> extends true ? Shape : Aligned<A, B>;
type Aligned<
  A extends Shape,
  B extends Shape,
  Tail extends Shape = readonly [],
> = A extends readonly [...infer LeadA extends Shape, infer K extends number]
  ? B extends readonly [...infer LeadB extends Shape, infer J extends number]
    ? Aligned<LeadA, LeadB, readonly [Stretched<K, J>, ...Tail]>
    : readonly [...A, ...Tail]
  : readonly [...B, ...Tail];

// A scalar first: it fits a shape that is not decided yet, inside a generic function.
export type BroadcastProblem<
  A extends Shape,
  B extends Shape,
  Op extends string = "",
> = B extends readonly []
  ? null
  : A extends readonly []
    ? null
    : Wide<A> extends true
      ? null
      : Wide<B> extends true
        ? null
        : Misaligned<A, B, Op>;
type Misaligned<
  A extends Shape,
  B extends Shape,
  Op extends string,
  LeadA extends Shape = A,
  LeadB extends Shape = B,
  Back extends 0[] = [0],
> = LeadA extends readonly [...infer NextA extends Shape, infer K extends number]
  ? LeadB extends readonly [...infer NextB extends Shape, infer J extends number]
    ? Stretches<K, J> extends true
      ? Misaligned<A, B, Op, NextA, NextB, [...Back, 0]>
      : `${Op}shapes do not broadcast: got ${Format<A>} and ${Format<B>}, expected axis −${Back["length"]} to be equal or 1: ${K} ≠ ${J}`
    : null
  : null;

// Products

export type MatmulShape<A extends Shape, B extends Shape> =
  Wide<A> extends true
    ? Shape
    : Wide<B> extends true
      ? Shape
      : readonly [
          ...BroadcastShape<ButLast<ButLast<A>>, ButLast<ButLast<B>>>,
          ...Rows<A>,
          ...(B extends readonly [number] ? readonly [] : readonly [Last<B>]),
        ];
type Rows<A extends Shape> = A extends readonly [...Shape, infer M extends number, number]
  ? readonly [M]
  : readonly [];

export type MatmulProblem<A extends Shape, B extends Shape> =
  Wide<A> extends true
    ? null
    : Wide<B> extends true
      ? null
      : A extends readonly []
        ? `matmul: operand a is a scalar: got [], expected at least one axis`
        : B extends readonly []
          ? `matmul: operand b is a scalar: got [], expected at least one axis`
          : Same<Last<A>, Inner<B>> extends true
            ? BroadcastProblem<ButLast<ButLast<A>>, ButLast<ButLast<B>>, "matmul: ">
            : `matmul: inner dimensions differ: got ${Format<A>} × ${Format<B>}`;
type Inner<B extends Shape> = B extends readonly [infer K extends number]
  ? K
  : B extends readonly [...Shape, infer K extends number, number]
    ? K
    : number;

/** x [..., in], weight [out, in] → [..., out] */
export type LinearShape<S extends Shape, Out extends number> =
  Wide<S> extends true ? Shape : readonly [...ButLast<S>, Out];

export type LinearProblem<
  S extends Shape,
  In extends number,
  Out extends number,
> = S extends unknown
  ? Wide<S> extends true
    ? null
    : S extends readonly []
      ? null
      : Same<Last<S>, In> extends true
        ? null
        : `linear: input features differ: got x ${Format<
            S extends readonly [number, number]
              ? S
              : readonly [NumberOf<ProductOf<ButLast<S>>>, Last<S>]
          >}, weight ${Format<readonly [Out, In]>}, expected x [n, ${In}]`
  : never;

// The same elements in another shape

export type ReshapeShape<A extends Shape, To extends Shape> =
  Wide<To> extends true
    ? Shape
    : {
        readonly [Axis in keyof To]: To[Axis] extends -1 ? Inferred<A, To> & number : To[Axis];
      };
/** The length that −1 stands for; null if there is none. */
type Inferred<A extends Shape, To extends Shape> = QuotientOf<ProductOf<A>, ProductOf<Given<To>>>;
type Given<To extends Shape> = To extends readonly [
  infer N extends number,
  ...infer Rest extends Shape,
]
  ? N extends -1
    ? Given<Rest>
    : readonly [N, ...Given<Rest>]
  : readonly [];

export type ReshapeProblem<A extends Shape, To extends Shape> = A extends unknown
  ? To extends unknown
    ? Wide<To> extends true
      ? null
      : ProductOf<A> extends infer Size extends string
        ? Fills<A, To, Size> extends false
          ? `reshape: sizes differ: got ${Format<A>} (${Size} elements), expected a shape of as many, not ${Format<To>}`
          : null
        : null
    : never
  : never;
type Fills<A extends Shape, To extends Shape, Size extends string> = -1 extends To[number]
  ? Inferred<A, To> extends null
    ? false
    : true
  : ProductOf<To> extends infer Other extends string
    ? Other extends Size
      ? true
      : false
    : true;

// Axes, counted from the front, or from the back if they are negative

/**
 * An axis from the front, as a key of S; null if it is none of S; `string` where that is unknown,
 * which it is too if the axis is one of several.
 */
type Place<S extends Shape, Axis extends number> = number extends Axis
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

type LengthAt<S extends Shape, Key> = Key extends keyof S ? S[Key] & number : number;

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
type AxisProblem<S extends Shape, Axis extends number, Op extends string = ""> =
  Place<S, Axis> extends null
    ? `${Op}axis is out of range: got ${Axis}, expected ${S extends readonly []
        ? "none for a scalar"
        : `−${S["length"]} ≤ axis < ${S["length"]}`}`
    : null;

// Tensors one after the other

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

// Data

/** The shape of nested arrays: how many, then what is in the first. */
export type DataShape<Data> = unknown extends Data
  ? Shape
  : Data extends number | boolean
    ? readonly []
    : Data extends readonly []
      ? readonly [0]
      : Data extends readonly [infer First, ...unknown[]]
        ? Nest<Data["length"], DataShape<First>>
        : Data extends readonly (infer Item)[]
          ? ItemsShape<Item>
          : Data extends { readonly length: number; readonly BYTES_PER_ELEMENT: number }
            ? readonly [number]
            : Shape;
/** Of an array whose length is unknown; `NestedNumbers` may be of any depth. */
type ItemsShape<Item> = [Item] extends [number | boolean]
  ? readonly [number]
  : [Item] extends [readonly unknown[]]
    ? Nest<number, DataShape<Item>>
    : Shape;
type Nest<N extends number, S extends Shape> = Wide<S> extends true ? Shape : readonly [N, ...S];
