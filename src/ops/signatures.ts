/** What families of ops take and give, as functions and as methods: see shapeTypes/. */
import type { Axes } from "../shape.js";
import type { AxesProblem, ReducedShape } from "../shapeTypes/axes.js";
import type { BroadcastProblem, BroadcastShape } from "../shapeTypes/broadcast.js";
import type { Check, ShapeOf } from "../shapeTypes/shapeOf.js";
import type { Tensor } from "../tensor.js";
import type { Operand } from "./create.js";

/** One operand, whose shape the result has. */
export type Unary<Rest extends readonly unknown[] = []> = <X extends Tensor>(
  x: X,
  ...options: Rest
) => Tensor<ShapeOf<X>>;
export type UnaryMethod<Rest extends readonly unknown[] = []> = <X extends Tensor>(
  this: X,
  ...options: Rest
) => Tensor<ShapeOf<X>>;

/** Two operands that broadcast. */
export type Binary = <A extends Operand, B extends Operand>(
  a: A,
  b: B & Check<BroadcastProblem<ShapeOf<A>, ShapeOf<B>>>,
) => Tensor<BroadcastShape<ShapeOf<A>, ShapeOf<B>>>;
export type BinaryMethod<Other extends Operand = Operand> = <A extends Tensor, B extends Other>(
  this: A,
  other: B & Check<BroadcastProblem<ShapeOf<A>, ShapeOf<B>>>,
) => Tensor<BroadcastShape<ShapeOf<A>, ShapeOf<B>>>;

/** One operand, along axes (default: all). */
export type Reduction = <
  X extends Tensor,
  const Over extends Axes = undefined,
  Keep extends boolean = false,
>(
  x: X & Check<AxesProblem<ShapeOf<X>, Over>>,
  axes?: Over,
  keepdims?: Keep,
) => Tensor<ReducedShape<ShapeOf<X>, Over, Keep>>;
export type ReductionMethod = <
  X extends Tensor,
  const Over extends Axes = undefined,
  Keep extends boolean = false,
>(
  this: X & Check<AxesProblem<ShapeOf<X>, Over>>,
  axes?: Over,
  keepdims?: Keep,
) => Tensor<ReducedShape<ShapeOf<X>, Over, Keep>>;
