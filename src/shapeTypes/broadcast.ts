/** Broadcasting: shapes are aligned at their last axis. */
import type { Shape } from "../shape.js";
import type { Format, Wide } from "./lengths.js";

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
