/** The same elements in another shape. */
import type { Shape } from "../shape.js";
import type { ProductOf, QuotientOf } from "./digits.js";
import type { Format, Wide } from "./lengths.js";

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
