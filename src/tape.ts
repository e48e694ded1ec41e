/**
 * Recording: an op applied to tensors becomes a node, inside `compile` on the tape of the trace,
 * outside of it in the free graph behind the tensor. A tape is the nodes in creation order, which
 * is a topological order.
 */

import { describe } from "./describe.js";
import type { Parameter } from "./parameter.js";
import type { Lowering } from "./plan/lowering.js";
import { type Node, Tensor, type TensorType } from "./tensor.js";
import { compiledTrace, currentTrace, inTrace } from "./trace.js";

/**
 * A linear map of one operand's tangent, or of the output's cotangent. (A method's type, so that
 * ops of any attributes mix.)
 */
type Rule<Attrs> = { apply(d: Tensor, node: Node<Attrs>): Tensor }["apply"];

/**
 * One differentiable operation: everything the library knows about it.
 *
 * `jvp` applies the partial Jacobian of one operand to its tangent, `vjp` the transpose to the
 * cotangent of the output: one rule per operand, null where there is no derivative. A fused op
 * yields all cotangents together (`vjpAll`), or has a `decomposition` into basic ops, through which
 * anything it has no rule for is differentiated.
 */
export interface Op<Attrs = unknown> {
  readonly name: string;
  /** The shape rule. Throws a RangeError or TypeError at the caller's line. */
  infer(inputs: readonly TensorType[], attrs: Attrs): readonly TensorType[];
  readonly vjp?: readonly (Rule<Attrs> | null)[];
  readonly jvp?: readonly (Rule<Attrs> | null)[];
  /** All cotangents of the inputs together; undefined to fall back on the decomposition. */
  vjpAll?(
    node: Node<Attrs>,
    cotangents: readonly (Tensor | undefined)[],
  ): readonly (Tensor | undefined)[] | undefined;
  /** All tangents of the outputs together. */
  jvpAll?(
    node: Node<Attrs>,
    tangents: readonly (Tensor | undefined)[],
  ): readonly (Tensor | undefined)[];
  decomposition?(inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[];
  /** Emits the instructions that compute the node. */
  lower(node: Node<Attrs>, to: Lowering): void;
  /**
   * What computing it again costs: nothing where it only names or arranges its operand, much where
   * it multiplies matrices; little when not given.
   */
  readonly cost?: "none" | "high";
  /** Whether its kernel may refuse the values of its inputs, and what to say then. */
  refusal?(node: Node<Attrs>, position: number, value: number): string;
}

/** What a node starts with: nothing dropped behind it. */
export const NONE: ReadonlySet<Parameter> = new Set();

let nextId = 0;

/** What recording needs from the layers above it. */
interface Hooks {
  /** Evaluates tensors outside a trace. */
  evaluate(tensors: readonly Tensor[]): void;
  /** A Parameter as an operand: the node that reads it now. */
  read(parameter: Parameter): Tensor;
  isParameter(tensor: Tensor): tensor is Parameter;
  /** What is known of the modules that Parameters belong to, where there are modules. */
  readonly modules?: ModuleHooks;
}

interface ModuleHooks {
  /**
   * Lets every module that one of the Parameters is in keep its key in `path` while its `forward`
   * runs; returns how to undo it.
   */
  watch(parameters: Iterable<Parameter>, path: string[]): () => void;
  /** The key of a Parameter in the outermost module that was asked for it. */
  keyOf(parameter: Parameter): string | undefined;
}
let hooks: Hooks;
export function setHooks(value: Partial<Hooks>): void {
  hooks = { ...hooks, ...value };
}

export const moduleHooks = (): ModuleHooks | undefined => hooks.modules;

type Watcher = (node: Node, derivativeOf: Node | undefined) => void;
let watcher: Watcher | undefined;
let deriving: Node | undefined;

/**
 * Runs `fn`; `watch` is told of every node that is recorded meanwhile, by any trace or none, and
 * which node's derivative it is a part of.
 */
export function watched<T>(watch: Watcher, fn: () => T): T {
  const before = watcher;
  watcher = watch;
  try {
    return fn();
  } finally {
    watcher = before;
  }
}

/** Runs `fn`, which records a derivative of `node`, or of what `node` consists of. */
export function derivativeOf<T>(node: Node, fn: () => T): T {
  const before = deriving;
  deriving ??= node;
  try {
    return fn();
  } finally {
    deriving = before;
  }
}

/** Appends a node and returns its outputs. */
export function record<Attrs>(
  op: Op<Attrs>,
  operands: readonly Tensor[],
  attrs: Attrs,
): readonly Tensor[] {
  const inputs = operands.map((tensor) => operand(op.name, tensor));
  const types = op.infer(inputs, attrs);
  return makeNode(op, inputs, attrs, types).outputs;
}

/** The single output of an op that has one. */
export function record1<Attrs>(op: Op<Attrs>, operands: readonly Tensor[], attrs: Attrs): Tensor {
  return record(op, operands, attrs)[0] as Tensor;
}

export function makeNode<Attrs>(
  op: Op<Attrs>,
  inputs: readonly Tensor[],
  attrs: Attrs,
  types: readonly TensorType[],
  values: Node["values"] = [],
): Node<Attrs> {
  const outputs: Tensor[] = [];
  const node: Node<Attrs> = {
    id: nextId++,
    op,
    attrs,
    inputs,
    outputs,
    trace: values.length > 0 ? undefined : currentTrace(),
    values,
    pinned: false,
    dropped: NONE,
  };
  for (const [index, type] of types.entries()) outputs.push(new Tensor(node, index, type));
  node.trace?.nodes.push(node);
  watcher?.(node, deriving);
  return node;
}

const placeholderOp: Op<{ readonly index: number }> = {
  name: "placeholder",
  infer: () => [],
  // Its bytes are copied in before the program runs.
  lower: () => undefined,
};

/** What stands for an argument while a function is recorded; `index` tells those of a trace apart. */
export const placeholder = ({ shape, dtype }: TensorType, index: number): Tensor =>
  makeNode(placeholderOp, [], { index }, [{ shape, dtype }]).outputs[0] as Tensor;

/** An operand as the tape sees it: Parameters become reads, captured tensors constants. */
export function operand(op: string, given: Tensor): Tensor {
  checkTensors(op, given);
  const tensor = hooks.isParameter(given) ? hooks.read(given) : given;
  checkOpen(op, tensor);
  const unknown = tensor.node.trace === undefined && !tensor.node.values[tensor.index];
  if (unknown && compiledTrace(currentTrace())) capture(op, tensor);
  return tensor;
}

/** Refuses operands that are no tensors, before anything is asked of their shapes. */
export function checkTensors(op: string, ...operands: readonly unknown[]): void {
  for (const given of operands)
    if (!(given instanceof Tensor))
      throw new TypeError(
        `${op}: operand is not a tensor: got ${describe(given)}, expected a tensor; wrap data with tensor(…)`,
      );
}

/** Refuses a placeholder whose trace has ended. */
export function checkOpen(op: string, tensor: Tensor): void {
  if (tensor.node.trace?.closed)
    throw new Error(
      `${op}: ${tensor} belongs to a compiled function that has returned: ` +
        "expected a tensor of this call; return it from the function to get its value",
    );
}

/** A tensor recorded outside the trace becomes a constant of it. */
function capture(op: string, tensor: Tensor): void {
  const parameter = ancestorParameter(tensor);
  if (parameter)
    throw new Error(
      `${op}: a captured tensor depends on ${parameter}, which changes between runs: ` +
        "got it from outside the compiled function, expected it computed inside or read before",
    );
  inTrace(undefined, () => hooks.evaluate([tensor]));
}

/**
 * Every node behind `roots` that still has to be computed, in creation order. Iterative: graphs may
 * be long.
 */
export function ancestors(roots: readonly Tensor[]): Node[] {
  const seen = new Set<Node>();
  const stack = roots.map((root) => root.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) if (!seen.has(input.node)) stack.push(input.node);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

function ancestorParameter(tensor: Tensor): Parameter | undefined {
  for (const node of ancestors([tensor])) {
    const { parameter } = (node.attrs ?? {}) as { parameter?: Parameter };
    if (parameter && node.inputs.length === 0) return parameter;
  }
  return undefined;
}
