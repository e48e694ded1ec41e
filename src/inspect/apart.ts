/** Graphs with fused ops taken apart. */
import { record } from "../tape.js";
import type { Node, Tensor } from "../tensor.js";
import { rebuilt } from "./graph.js";
import { partsOf } from "./rules.js";

/** The same outputs, fused ops replaced by what they consist of; those that are `closed` are not. */
export function takenApart(
  outputs: readonly Tensor[],
  leaves: ReadonlySet<Tensor>,
  closed: ReadonlySet<string>,
): readonly Tensor[] {
  const apart = (node: Node, inputs: readonly Tensor[]): readonly Tensor[] => {
    const parts = closed.has(node.op.name) ? undefined : partsOf(node, inputs);
    if (parts) return takenApart(parts, new Set(inputs), closed);
    const moved = inputs.some((input, index) => input !== node.inputs[index]);
    return moved ? record(node.op, inputs, node.attrs) : node.outputs;
  };
  return rebuilt(outputs, leaves, apart);
}
