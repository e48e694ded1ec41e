/** Graphs with fused ops taken apart. */
import { record } from "../tape.js";
import type { Node, Tensor } from "../tensor.js";
import { isConstant, nodesBetween } from "./graph.js";
import { ruleOf } from "./rules.js";

/** The same outputs, fused ops replaced by what they consist of; those that are `closed` are not. */
export function takenApart(
  outputs: readonly Tensor[],
  leaves: ReadonlySet<Tensor>,
  closed: ReadonlySet<string>,
): readonly Tensor[] {
  const stands = new Map<Tensor, Tensor>();
  const find = (tensor: Tensor): Tensor => stands.get(tensor) ?? tensor;
  for (const node of nodesBetween(outputs, leaves)) {
    if (isConstant(node)) continue;
    const inputs = node.inputs.map(find);
    const made = apart(node, inputs, closed);
    for (const [index, output] of node.outputs.entries()) stands.set(output, made[index] as Tensor);
  }
  return outputs.map(find);
}

function apart(
  node: Node,
  inputs: readonly Tensor[],
  closed: ReadonlySet<string>,
): readonly Tensor[] {
  const { opens } = ruleOf(node.op.name);
  const parts =
    !opens || closed.has(node.op.name)
      ? undefined
      : typeof opens === "function"
        ? opens(inputs)
        : node.op.decomposition?.(inputs, node.attrs);
  if (parts) return takenApart(parts, new Set(inputs), closed);
  const moved = inputs.some((input, index) => input !== node.inputs[index]);
  return moved ? record(node.op, inputs, node.attrs) : node.outputs;
}
