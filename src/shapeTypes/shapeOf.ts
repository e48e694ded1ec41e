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
import type { Shape } from "../shape.js";

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
