/**
 * Gradients as one vector, so that clipping, norms and sums are single passes. Inside `compile` the
 * planner computes each gradient where it lies in the vector, and joining and splitting cost nothing.
 */
import { concat, split } from "../ops/join.js";
import { reshape } from "../ops/shape.js";
import type { Tensor } from "../tensor.js";

/** The elements of all tensors, one tensor after the other: [n]. */
export const joined = (tensors: readonly Tensor[]): Tensor =>
  concat(tensors.map((tensor) => reshape(tensor, [tensor.size])));

/** A vector cut into tensors of the shapes of `like`. */
export const parted = (vector: Tensor, like: readonly Tensor[]): Tensor[] =>
  split(
    vector,
    like.map(({ size }) => size),
  ).map((part, index) => reshape(part, (like[index] as Tensor).shape));

/** `f` of all the tensors as one vector, cut into their shapes again; undefined ones stay. */
export function throughJoined(
  tensors: readonly (Tensor | undefined)[],
  f: (vector: Tensor) => Tensor,
): (Tensor | undefined)[] {
  const present = tensors.filter((tensor) => tensor !== undefined);
  const parts = parted(f(joined(present)), present);
  let next = 0;
  return tensors.map((tensor) => tensor && parts[next++]);
}
