/**
 * Whole numbers as types, for the shapes that are types: sums, products and exact quotients of
 * literal lengths. Numbers are strings of decimal digits, so that the work grows with the number of
 * digits and not, as with tuples, with the number itself. Within this file they are written
 * backwards, ones first: "231" is 132. What is no whole number ≥ 0 (`number`, −1, 1.5, 1e21) is
 * never decided: every result is then `null` or `number`, which match anything.
 */

/** A digit as a tuple of as many elements. */
interface Units {
  0: [];
  1: [0];
  2: [0, 0];
  3: [0, 0, 0];
  4: [0, 0, 0, 0];
  5: [0, 0, 0, 0, 0];
  6: [0, 0, 0, 0, 0, 0];
  7: [0, 0, 0, 0, 0, 0, 0];
  8: [0, 0, 0, 0, 0, 0, 0, 0];
  9: [0, 0, 0, 0, 0, 0, 0, 0, 0];
}
type Digit = `${keyof Units}`;
type Unit<D extends Digit> = D extends `${infer N extends keyof Units}` ? Units[N] : never;
type Carry = [] | [0];

/** A number up to 19 as its ones and what is carried. */
// biome-ignore format: a table
type Columns = [
  ["0", []], ["1", []], ["2", []], ["3", []], ["4", []],
  ["5", []], ["6", []], ["7", []], ["8", []], ["9", []],
  ["0", [0]], ["1", [0]], ["2", [0]], ["3", [0]], ["4", [0]],
  ["5", [0]], ["6", [0]], ["7", [0]], ["8", [0]], ["9", [0]],
];
type Column<A extends Digit, B extends Digit, C extends Carry> = Columns[[
  ...Unit<A>,
  ...Unit<B>,
  ...C,
]["length"] &
  keyof Columns];

/** A + B, from the ones on. */
type Add<
  A extends string,
  B extends string,
  C extends Carry = [],
  Sum extends string = "",
> = `${A}${B}` extends ""
  ? C extends []
    ? Sum
    : `${Sum}1`
  : Head<A> extends [infer DA extends Digit, infer RA extends string]
    ? Head<B> extends [infer DB extends Digit, infer RB extends string]
      ? Column<DA, DB, C> extends [infer D extends Digit, infer Next extends Carry]
        ? Add<RA, RB, Next, `${Sum}${D}`>
        : never
      : never
    : never;

/** The first digit and the others; zeros go on for ever. */
type Head<A extends string> = A extends `${infer D}${infer Rest}` ? [D, Rest] : ["0", ""];

type Twice<A extends string> = Add<A, A>;

/** A times one digit. */
interface Multiples<A extends string> {
  0: "";
  1: A;
  2: Twice<A>;
  3: Add<A, Twice<A>>;
  4: Twice<Twice<A>>;
  5: Add<A, Twice<Twice<A>>>;
  6: Twice<Add<A, Twice<A>>>;
  7: Add<A, Twice<Add<A, Twice<A>>>>;
  8: Twice<Twice<Twice<A>>>;
  9: Add<A, Twice<Twice<Twice<A>>>>;
}

/** A · B, as on paper. */
type Multiply<
  A extends string,
  B extends string,
> = B extends `${infer D extends keyof Multiples<A> & number}${infer Rest}`
  ? Add<Multiples<A>[D], `0${Multiply<A, Rest>}`>
  : "";

/** A − B; null where that is below 0. */
type Subtract<
  A extends string,
  B extends string,
  C extends Carry = [],
  Rest extends string = "",
> = `${A}${B}` extends ""
  ? C extends []
    ? Rest
    : null
  : Head<A> extends [infer DA extends Digit, infer RA extends string]
    ? Head<B> extends [infer DB extends Digit, infer RB extends string]
      ? Unit<DA> extends [...Unit<DB>, ...C, ...infer Left]
        ? Subtract<RA, RB, [], `${Rest}${Left["length"] & number}`>
        : [...Unit<DA>, ...Units[9], 0] extends [...Unit<DB>, ...C, ...infer Left]
          ? Subtract<RA, RB, [0], `${Rest}${Left["length"] & number}`>
          : never
      : never
    : never;

/** How often B goes into A < 10·B, and what is left. */
type Times<A extends string, B extends string, Count extends 0[] = []> =
  Subtract<A, B> extends infer Left extends string
    ? Times<Left, B, [...Count, 0]>
    : [`${Count["length"] & number}`, A];

/** A / B by long division, A and the quotient written forwards; null where something is left. */
type Divide<
  A extends string,
  B extends string,
  Left extends string = "",
  Q extends string = "",
> = A extends `${infer D}${infer Rest}`
  ? Times<`${D}${Left}`, B> extends [infer Digit extends string, infer Next extends string]
    ? Divide<Rest, B, Next, `${Q}${Digit}`>
    : never
  : Forwards<Left> extends "0"
    ? Q
    : null;

type Reverse<A extends string, Out extends string = ""> = A extends `${infer D}${infer Rest}`
  ? Reverse<Rest, `${D}${Out}`>
  : Out;
type WithoutZeros<A extends string> = A extends `0${infer Rest}`
  ? WithoutZeros<Rest>
  : A extends ""
    ? "0"
    : A;
/** Written forwards, as everybody does. */
type Forwards<A extends string> = WithoutZeros<Reverse<A>>;

type IsDigits<A extends string> = A extends `${Digit}${infer Rest}`
  ? Rest extends ""
    ? true
    : IsDigits<Rest>
  : false;

/** A literal length backwards; null for what is no single whole number. */
type Backwards<N extends number> = [N] extends [infer One extends number]
  ? number extends One
    ? null
    : IsUnion<One> extends true
      ? null
      : IsDigits<`${One}`> extends true
        ? Reverse<`${One}`>
        : null
  : null;
/** Whether a type is one of several. */
export type IsUnion<N, Whole = N> = N extends unknown
  ? [Whole] extends [N]
    ? false
    : true
  : never;

type ToNumber<A> = A extends string
  ? WithoutZeros<A> extends `${infer N extends number}`
    ? N
    : number
  : number;

type Product<S extends readonly number[], Sofar extends string> = S extends readonly [
  infer N extends number,
  ...infer Rest extends readonly number[],
]
  ? Backwards<N> extends infer A extends string
    ? Product<Rest, Multiply<Sofar, A>>
    : null
  : Sofar;

/** The product of literal lengths in decimal digits; null where one is unknown. */
export type ProductOf<S extends readonly number[]> = number extends S["length"]
  ? null
  : Product<S, "1"> extends infer P extends string
    ? Forwards<P>
    : null;

/** The sum of two lengths; `number` where one is unknown. */
export type SumOf<A extends number, B extends number> =
  Backwards<A> extends infer L extends string
    ? Backwards<B> extends infer R extends string
      ? ToNumber<Reverse<Add<L, R>>>
      : number
    : number;

/**
 * A / B of two products: a number where B divides A, `null` where it does not, `number` where that
 * is unknown or B is 0.
 */
export type QuotientOf<A extends string | null, B extends string | null> = A extends string
  ? B extends string
    ? B extends "0"
      ? number
      : Divide<A, Reverse<B>> extends infer Q extends string
        ? ToNumber<Q>
        : null
    : number
  : number;

/** A product as a number. */
export type NumberOf<A extends string | null> = ToNumber<A>;
