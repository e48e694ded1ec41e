/** Transforms made of vjp and jvp: Jacobians, Hessians, directional and repeated derivatives. */
import { checkFunction, checkOptions, checkWord } from "../describe.js";
import { eye, full } from "../ops/create.js";
import { repeat, setDifferentiation } from "../ops/repeat.js";
import { reshape, transpose } from "../ops/shape.js";
import { operand } from "../tape.js";
import type { Tensor } from "../tensor.js";
import { mapTree } from "../tree.js";
import { pushforward } from "./forward.js";
import { pullback } from "./reverse.js";
import {
  checkFloats,
  grad,
  jvp,
  leavesOf,
  linearize,
  orZeros,
  replaceLeaves,
  type Tensors,
} from "./transforms.js";

setDifferentiation({ pullback, pushforward });

/** A tensor for each leaf of Y in the structure of Y, each in the structure of X. */
export type Jacobian<X, Y> = Y extends Tensor ? X : { readonly [K in keyof Y]: Jacobian<X, Y[K]> };

/** Leaves' sizes, and where each begins in the flat vector of all. */
function layout(tensors: readonly Tensor[]): { total: number; begins: number[] } {
  let total = 0;
  const begins = tensors.map(({ size }) => {
    const begin = total;
    total += size;
    return begin;
  });
  return { total, begins };
}

/** The rows of an identity of the size of all leaves, each row cut into the leaves' shapes. */
function basis(like: readonly Tensor[]): Tensor[] {
  const { total, begins } = layout(like);
  const identity = eye(total, { dtype: like[0]?.dtype ?? "f32" });
  return like.map(({ shape, size }, leaf) => {
    const begin = begins[leaf] as number;
    return reshape(identity.slice([null, [begin, begin + size]]), [total, ...shape]);
  });
}

/**
 * The Jacobian of f: for each output and each input a block of shape output.shape + input.shape, in
 * the structure of the outputs, and in each that of x. Forward mode, a column for each input element,
 * where there are fewer of them; else reverse mode, a row for each output element.
 */
export function jacobian<X extends Tensors, Y extends Tensors>(
  f: (x: X) => Y,
  options: { readonly mode?: "forward" | "reverse" } = {},
): (x: X) => Jacobian<X, Y> {
  checkFunction("jacobian", f);
  const { mode } = options;
  if (mode !== undefined) checkWord("jacobian", "mode", mode, ["forward", "reverse"]);
  return (x) => {
    const { leaves, result } = linearize("jacobian", f, [x]);
    checkFloats("jacobian", leaves);
    const outputs = leavesOf("jacobian", result).map((output) => operand("jacobian", output));
    checkFloats("jacobian", outputs);
    const [n, m] = [layout(leaves), layout(outputs)];
    const forward = mode ? mode === "forward" : n.total < m.total;
    const blocks = forward ? columns(outputs, leaves, n) : rows(outputs, leaves, m);
    let next = 0;
    return mapTree(result, () => {
      const row = blocks[next++] as Tensor[];
      return (replaceLeaves([x], row) as [unknown])[0];
    }) as Jacobian<X, Y>;
  };
}

type Layout = ReturnType<typeof layout>;

/** blocks[output][input], a row of each for each output element. */
function rows(outputs: readonly Tensor[], leaves: readonly Tensor[], m: Layout): Tensor[][] {
  const found = repeat(m.total, basis(outputs), (cotangents) =>
    orZeros(pullback(outputs, cotangents, leaves), leaves),
  );
  return outputs.map((output, at) => {
    const begin = m.begins[at] as number;
    return leaves.map((leaf, index) =>
      reshape((found[index] as Tensor).slice([[begin, begin + output.size]]), [
        ...output.shape,
        ...leaf.shape,
      ]),
    );
  });
}

/** The same, a column of each for each input element. */
function columns(outputs: readonly Tensor[], leaves: readonly Tensor[], n: Layout): Tensor[][] {
  const found = repeat(n.total, basis(leaves), (tangents) =>
    orZeros(pushforward(outputs, leaves, tangents), outputs),
  );
  return outputs.map((output, at) =>
    leaves.map((leaf, index) => {
      const begin = n.begins[index] as number;
      const part = (found[at] as Tensor).slice([[begin, begin + leaf.size]]);
      const order = [...output.shape.map((_, axis) => axis + 1), 0];
      return reshape(transpose(part, order), [...output.shape, ...leaf.shape]);
    }),
  );
}

/**
 * Second derivatives of a scalar function: for each pair of leaves of x a block of shape a.shape +
 * b.shape, in the structure of x twice. Forward over reverse.
 */
export function hessian<X extends Tensors>(f: (x: X) => Tensor): (x: X) => Jacobian<X, X> {
  return jacobian(grad(f) as (x: X) => X, { mode: "forward" });
}

/** The Hessian of a scalar f at x times v, in the structure of x, without the Hessian. */
export const hvp = <X extends Tensors>(f: (x: X) => Tensor, x: X, v: X): X =>
  jvp(grad(f) as (x: X) => X, x, v).tangent;

/**
 * The n-th derivative of a function that works element by element, at every element:
 * `derivative(sin, 2)(x)` is −sin x.
 */
export function derivative(f: (x: Tensor) => Tensor, n = 1): (x: Tensor) => Tensor {
  if (!Number.isInteger(n) || n < 0)
    throw new RangeError(`derivative: bad order: got ${n}, expected a whole number ≥ 0`);
  let g = f;
  for (let k = 0; k < n; k++) {
    const before = g;
    g = (x) => jvp(before, x, full(x.shape, 1, { dtype: x.dtype })).tangent;
  }
  return g;
}

export interface VmapOptions {
  /** The axis of each argument that is mapped, or of all; null: the whole argument every time. */
  readonly inAxes?: number | null | readonly (number | null)[];
  /** Where the new axis goes in the results. */
  readonly outAxes?: number;
}

const toFront = (x: Tensor, axis: number): Tensor =>
  transpose(x, [axis, ...x.shape.map((_, a) => a).filter((a) => a !== axis)]);

function toPlace(x: Tensor, axis: number): Tensor {
  const order = x.shape.map((_, a) => a).slice(1);
  const at = axis < 0 ? axis + x.rank : axis;
  if (!(at >= 0 && at < x.rank))
    throw new RangeError(
      `vmap: outAxes is out of range: got ${axis}, expected less than ${x.rank}`,
    );
  order.splice(at, 0, 0);
  return transpose(x, order);
}

/**
 * The function that calls fn for each index of an axis of its arguments and puts the results along a
 * new axis: per-example gradients are `vmap(grad(loss), { inAxes: [null, 0, 0] })`. One tape is
 * recorded for all; random draws differ from index to index.
 */
export function vmap<A extends readonly Tensors[], R extends Tensors>(
  fn: (...args: A) => R,
  options: VmapOptions = {},
): (...args: A) => R {
  checkFunction("vmap", fn);
  checkOptions("vmap", options, ["inAxes", "outAxes"]);
  const { inAxes = 0, outAxes = 0 } = options;
  return (...args) => {
    const axes = Array.isArray(inAxes) ? inAxes : args.map(() => inAxes as number | null);
    if (axes.length !== args.length)
      throw new RangeError(
        `vmap: number of axes differs: got ${axes.length}, expected ${args.length}, one per argument`,
      );
    const mapped: Tensor[] = [];
    for (const [index, arg] of args.entries()) {
      const axis = axes[index] as number | null;
      if (axis === null) continue;
      for (const leaf of leavesOf("vmap", arg)) {
        const at = axis < 0 ? axis + leaf.rank : axis;
        if (!(at >= 0 && at < leaf.rank))
          throw new RangeError(
            `vmap: axis is out of range: got ${axis} for ${leaf}, expected one of its ${leaf.rank}`,
          );
        mapped.push(toFront(leaf, at));
      }
    }
    const count = mapped[0]?.shape[0];
    if (count === undefined)
      throw new RangeError(
        "vmap: nothing is mapped: got inAxes of null, expected one axis at least",
      );
    for (const leaf of mapped)
      if (leaf.shape[0] !== count)
        throw new RangeError(
          `vmap: lengths differ: got ${leaf.shape[0]} and ${count} along the mapped axes, expected equal ones`,
        );
    let shape: unknown;
    const results = repeat(count, mapped, (slices) => {
      let next = 0;
      const given = args.map((arg, index) =>
        axes[index] === null ? arg : mapTree(arg, () => slices[next++]),
      );
      const result = fn(...(given as unknown as A));
      shape = result;
      return leavesOf("vmap", result);
    });
    return replaceLeaves(
      shape,
      results.map((result) => toPlace(result, outAxes)),
    ) as R;
  };
}
