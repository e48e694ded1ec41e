/** Matrix products. */
import type { Shape } from "../shape.js";
import type { BroadcastProblem, BroadcastShape } from "./broadcast.js";
import type { NumberOf, ProductOf } from "./digits.js";
import type { ButLast, Format, Last, Same, Wide } from "./lengths.js";

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
