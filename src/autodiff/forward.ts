/**
 * Forward mode: from the tangents of some inputs to those of the outputs, node by node in creation
 * order.
 */
import { add } from "../ops/elementwise.js";
import { alias } from "../ops/shape.js";
import { derivativeOf } from "../tape.js";
import type { Node, Tensor } from "../tensor.js";
import { between } from "./reverse.js";

/** The tangent of every output; undefined where it does not depend on an input. */
export function pushforward(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  tangents: readonly Tensor[],
): (Tensor | undefined)[] {
  const known = new Map<Tensor, Tensor>(
    inputs.map((input, index) => [input, tangents[index] as Tensor]),
  );
  const ends = new Set(inputs);
  const { nodes, active } = between(
    outputs.filter((output) => !ends.has(output)),
    ends,
  );
  for (const node of nodes) {
    if (!active.has(node)) continue;
    const found = derivativeOf(node, () => outputTangents(node, known));
    for (const [index, tangent] of found.entries()) {
      const output = node.outputs[index] as Tensor;
      if (tangent && !ends.has(output)) known.set(output, tangent);
    }
  }
  return outputs.map((output) => known.get(output));
}

function outputTangents(
  node: Node,
  known: ReadonlyMap<Tensor, Tensor>,
): readonly (Tensor | undefined)[] {
  const { op, inputs } = node;
  const tangents = inputs.map((input) => known.get(input));
  if (op.jvp) {
    let sum: Tensor | undefined;
    for (const [index, rule] of op.jvp.entries()) {
      const tangent = tangents[index];
      if (!rule || !tangent) continue;
      const term = rule(tangent, node);
      sum = sum ? add(sum, term) : term;
    }
    return [sum];
  }
  if (op.jvpAll) return op.jvpAll(node, tangents);
  if (!op.decomposition) return [];
  const leaves = inputs.map((input) => alias(input));
  const moving = leaves.filter((_, index) => tangents[index]);
  return pushforward(
    op.decomposition(leaves, node.attrs),
    moving,
    tangents.filter((tangent) => tangent !== undefined),
  );
}
