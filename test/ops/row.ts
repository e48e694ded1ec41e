/**
 * The table of ops. A row is one use of an op; the same rows are checked by the tests and by
 * `npm run proof`.
 */
import { type Tensor, tensor } from "../../src/index.js";

export type F = (...inputs: readonly Tensor[]) => Tensor;

export interface Row {
  /** The op's public name: rows of one op are one line of the proof. */
  readonly op: string;
  /** What distinguishes this use of it: options, axes, shapes. Empty for the plain one. */
  readonly use?: string;
  readonly f: F;
  /** Of the differentiable inputs. */
  readonly shapes: readonly (readonly number[])[];
  /** The inputs are drawn from here; default −2 … 2. */
  readonly domain?: readonly [number, number];
  /** Inputs stay 0.05 away from these. */
  readonly kinks?: readonly number[];
  /** Inputs are all different by 0.05 at least: for ops that compare their elements. */
  readonly distinct?: boolean;
  /** No derivative: values and bits only. */
  readonly constant?: boolean;
  /**
   * The largest error of a result in f32, in units in the last place of the largest result;
   * default 8.
   */
  readonly ulp?: number;
}

export const nameOf = ({ op, use }: Row): string => (use ? `${op}, ${use}` : op);

/** One input of 3 by 5. */
export const unary = (op: string, f: (x: Tensor) => Tensor, extra: Partial<Row> = {}): Row => ({
  op,
  f: (x) => f(x as Tensor),
  shapes: [[3, 5]],
  ...extra,
});

/** Two inputs, over every way of broadcasting. */
export const binary = (
  op: string,
  f: (a: Tensor, b: Tensor) => Tensor,
  extra: Partial<Row> = {},
): Row[] =>
  [
    [
      [3, 5],
      [3, 5],
    ],
    [[3, 5], [5]],
    [
      [3, 1],
      [1, 5],
    ],
    [[], [2, 3]],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [
      [2, 1, 3, 1],
      [4, 1, 2],
    ],
  ].map((shapes) => ({
    op,
    use: JSON.stringify(shapes),
    f: (a, b) => f(a as Tensor, b as Tensor),
    shapes,
    ...extra,
  }));

/** A reduction over every kind of axes. */
export const reduced = (
  op: string,
  f: (x: Tensor, axes: number | readonly number[] | undefined, keepdims: boolean) => Tensor,
  extra: Partial<Row> = {},
): Row[] =>
  [undefined, 0, -1, [0, 2], [1, 2], []].map((axes) => ({
    op,
    use: `over ${JSON.stringify(axes)}`,
    f: (x) => f(x as Tensor, axes, axes === 0),
    shapes: [[3, 4, 2]],
    ...extra,
  }));

/** Labels of n rows, all classes among them when there are enough. */
export const labels = (n: number, classes: number): Tensor =>
  tensor(
    Array.from({ length: n }, (_, row) => (row * 7 + 3) % classes),
    { dtype: "i32" },
  );
