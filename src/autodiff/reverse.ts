/**
 * Reverse mode: from the cotangents of some outputs to those of some targets. One walk over the
 * tape, backwards; each node is visited once, when every use of it has been; where a value forks,
 * the cotangents of its uses are added; nodes that do not depend on a target are never entered, and
 * no zeros are built.
 */
import { add } from "../ops/elementwise.js";
import { alias } from "../ops/shape.js";
import { derivativeOf } from "../tape.js";
import type { Node, Tensor } from "../tensor.js";

/** Where a cotangent came back from: an operand of a node. */
export interface Use {
  readonly node: Node;
  readonly operand: number;
}

/**
 * Is told of each cotangent as it is added to those of its tensor, and of the total so far; `use` is
 * undefined for the cotangent that an output was given.
 */
export type OnTerm = (tensor: Tensor, term: Tensor, total: Tensor, use: Use | undefined) => void;

/** Cotangents by node and output. */
class Cotangents {
  readonly #byNode = new Map<Node, (Tensor | undefined)[]>();
  readonly #onTerm: OnTerm | undefined;

  constructor(onTerm: OnTerm | undefined) {
    this.#onTerm = onTerm;
  }

  add(tensor: Tensor, cotangent: Tensor, use?: Use): void {
    const list = this.#byNode.get(tensor.node) ?? [];
    this.#byNode.set(tensor.node, list);
    const before = list[tensor.index];
    const total = before ? add(before, cotangent) : cotangent;
    list[tensor.index] = total;
    this.#onTerm?.(tensor, cotangent, total, use);
  }

  of(node: Node): readonly (Tensor | undefined)[] | undefined {
    return this.#byNode.get(node);
  }
}

/**
 * The nodes between `outputs` and the targets, in creation order: those that depend on a target.
 */
export function between(
  outputs: readonly Tensor[],
  targets: ReadonlySet<Tensor>,
  visit?: (node: Node) => void,
): { nodes: Node[]; active: Set<Node> } {
  const seen = new Set<Node>();
  const stack = outputs.map((output) => output.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    visit?.(node);
    for (const input of node.inputs) if (!targets.has(input)) stack.push(input.node);
  }
  const nodes = [...seen].sort((a, b) => a.id - b.id);
  const active = new Set<Node>();
  for (const node of nodes)
    if (node.inputs.some((input) => targets.has(input) || active.has(input.node))) active.add(node);
  return { nodes, active };
}

/** Whether an op has a derivative with respect to an operand, or one rule for all of them. */
const passesTo = ({ op }: Node, operand: number): boolean => !op.vjp || Boolean(op.vjp[operand]);

/** Whether `pullback` would take a cotangent of the output back to a target; nothing is recorded. */
export function comesBack(output: Tensor, targets: ReadonlySet<Tensor>): boolean {
  const seen = new Set<Node>();
  const stack = [output];
  for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
    if (targets.has(tensor)) return true;
    const { node } = tensor;
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push(...node.inputs.filter((_, index) => passesTo(node, index)));
  }
  return false;
}

/**
 * The cotangent of every target; undefined where the outputs do not depend on it. Targets are not
 * walked through. `visit` sees every node on the way, `onTerm` every cotangent.
 */
export function pullback(
  outputs: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[],
  targets: readonly Tensor[],
  visit?: (node: Node) => void,
  onTerm?: OnTerm,
): (Tensor | undefined)[] {
  const ends = new Set(targets);
  const { nodes, active } = between(
    outputs.filter((output) => !ends.has(output)),
    ends,
    visit,
  );
  const sums = new Cotangents(onTerm);
  for (const [index, output] of outputs.entries()) {
    const cotangent = cotangents[index];
    if (cotangent) sums.add(output, cotangent);
  }
  for (const node of nodes.reverse()) {
    const received = sums.of(node);
    if (!received?.some((cotangent) => cotangent) || !active.has(node)) continue;
    // What a target received stays there.
    const passing = node.outputs.map((output, index) =>
      ends.has(output) ? undefined : received[index],
    );
    if (!passing.some((cotangent) => cotangent)) continue;
    const reaches = node.inputs.map(
      (input, index) => passesTo(node, index) && (ends.has(input) || active.has(input.node)),
    );
    derivativeOf(node, () => {
      for (const [index, cotangent] of inputCotangents(node, passing, reaches).entries())
        if (cotangent && reaches[index])
          sums.add(node.inputs[index] as Tensor, cotangent, { node, operand: index });
    });
  }
  return targets.map((target) => sums.of(target.node)?.[target.index]);
}

/** One node of the chain rule. */
function inputCotangents(
  node: Node,
  cotangents: readonly (Tensor | undefined)[],
  reaches: readonly boolean[],
): readonly (Tensor | undefined)[] {
  const { op } = node;
  const [dy] = cotangents;
  if (op.vjp)
    return op.vjp.map((rule, index) => (rule && dy && reaches[index] ? rule(dy, node) : undefined));
  const together = op.vjpAll?.(node, cotangents);
  if (together) return together;
  if (!op.decomposition) return [];
  const leaves = node.inputs.map((input) => alias(input));
  return pullback(op.decomposition(leaves, node.attrs), cotangents, leaves);
}
