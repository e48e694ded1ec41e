/**
 * Passes over a tape. They never change bits: nothing is reassociated, and two nodes merge only
 * when op, attributes (compared by bits, so that −0 is not 0) and operands are the same.
 */

import type { Node, Tensor, TypedArray } from "../tensor.js";
import type { Assignment } from "../trace.js";

/** A step as recorded: what goes in, what comes out, what is committed. */
export interface Tape {
  /** Live nodes in creation order. */
  readonly nodes: readonly Node[];
  readonly placeholders: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly assignments: readonly Assignment[];
}

/** Above this many elements constants are the same only if they are one array. */
const COMPARED_CONSTANT = 64;

const identities = new WeakMap<object, number>();
let nextIdentity = 0;
/** A number that no other object has. */
export function identity(value: object): number {
  const id = identities.get(value) ?? nextIdentity++;
  identities.set(value, id);
  return id;
}

/** A string that is equal for attributes of equal bits. */
function attributeKey(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) return `[${value.map(attributeKey).join()}]`;
  if (typeof value === "function") return `#${identity(value)}`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "undefined";
  if (Object.getPrototypeOf(value) !== Object.prototype) return `#${identity(value)}`;
  return `{${Object.entries(value)
    .map(([name, v]) => `${name}:${attributeKey(v)}`)
    .join()}}`;
}

function constantKey(data: TypedArray, tensor: Tensor): string {
  const { dtype, shape } = tensor;
  if (data.length > COMPARED_CONSTANT) return `constant#${identity(data)}:${shape.join()}`;
  return `constant:${dtype}:${shape.join()}:${attributeKey([...data])}`;
}

/** Whether every output has its value already. */
export function isKnown(node: Node): boolean {
  return node.values.length > 0 && node.outputs.every((_, index) => node.values[index]);
}

interface ReducedTape {
  /** Nodes to compute, in creation order. */
  readonly nodes: readonly Node[];
  /** The tensor that stands for another. */
  find(tensor: Tensor): Tensor;
}

/**
 * Common-subexpression and dead-code removal; the latter alone where nothing `merges`. `substituted`
 * maps a tensor to the one that stands for it.
 */
export function reduceTape(
  tape: Tape,
  substituted: ReadonlyMap<Tensor, Tensor>,
  merges = true,
): ReducedTape {
  const stands = new Map<Node, Node>();
  const find = (tensor: Tensor): Tensor => {
    let t = tensor;
    for (let next = substituted.get(t); next; next = substituted.get(t)) t = next;
    const node = stands.get(t.node);
    return node ? (node.outputs[t.index] as Tensor) : t;
  };
  const first = new Map<string, Node>();
  // Effects may read what a later node computes (a substitution), so order is by dependency, not by
  // creation alone.
  const roots = [...tape.outputs, ...tape.assignments.map(({ value }) => value)];
  const nodes = liveNodes(roots, find);
  for (const node of merges ? nodes : []) {
    const key = isKnown(node)
      ? node.outputs.map((output, at) => constantKey(node.values[at] as TypedArray, output)).join()
      : `${node.op.name}(${node.inputs
          .map((input) => {
            const { node: source, index } = find(input);
            return `${source.id}.${index}`;
          })
          .join()})${attributeKey(node.attrs)}`;
    const same = first.get(key);
    if (same && same.outputs.length === node.outputs.length) stands.set(node, same);
    else first.set(key, node);
  }
  return { nodes: nodes.filter((node) => !stands.has(node) && !isKnown(node)), find };
}

/**
 * The nodes behind `roots`, operands first; among independent ones in creation order. Iterative.
 */
function liveNodes(roots: readonly Tensor[], find: (tensor: Tensor) => Tensor): Node[] {
  const seen = new Set<Node>();
  const stack = roots.map((root) => find(root).node);
  let ordered = true;
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (isKnown(node)) continue;
    for (const input of node.inputs) {
      const source = find(input).node;
      if (source.id > node.id) ordered = false;
      stack.push(source);
    }
  }
  const nodes = [...seen].sort((a, b) => a.id - b.id);
  return ordered ? nodes : topological(nodes, find);
}

function topological(nodes: readonly Node[], find: (tensor: Tensor) => Tensor): Node[] {
  const done = new Set<Node>();
  const result: Node[] = [];
  for (const root of nodes) {
    const stack = [root];
    for (let node = stack.at(-1); node; node = stack.at(-1)) {
      const missing = isKnown(node)
        ? undefined
        : node.inputs.map((input) => find(input).node).find((source) => !done.has(source));
      if (missing && !done.has(node)) {
        stack.push(missing);
        continue;
      }
      stack.pop();
      if (!done.has(node)) {
        done.add(node);
        result.push(node);
      }
    }
  }
  return result;
}
