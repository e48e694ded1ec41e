/** How the op of a case is written with the library. */
import { add, mul, type Tensor } from "../../src/index.js";

/** Every op has its own number of inputs: a program takes those it knows to be there. */
export type Inputs = readonly [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];

/** Inputs in the order of the case, its attributes → outputs in the order of the case. */
// biome-ignore lint/suspicious/noExplicitAny: every op has attributes of its own
export type Program = (inputs: Inputs, attrs: Record<string, any>) => readonly Tensor[];

export type Programs = Readonly<Record<string, Program>>;

export const unary =
  (f: (x: Tensor) => Tensor): Program =>
  ([x]) => [f(x)];

export const binary =
  (f: (a: Tensor, b: Tensor) => Tensor): Program =>
  ([a, b]) => [f(a, b)];

export const reduce =
  (f: (x: Tensor, axes: number[] | null, keepdims: boolean) => Tensor): Program =>
  ([x], { axes, keepdim = false }) => [f(x, axes ?? null, keepdim)];

/** A running statistic after one more batch. */
export const moved = (old: Tensor, now: Tensor, momentum: number): Tensor =>
  add(mul(old, 1 - momentum), mul(now, momentum));
