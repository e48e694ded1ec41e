/**
 * Recording: an op applied to tensors becomes a node, inside `compile` on the tape of the trace,
 * outside of it in the free graph behind the tensor. A tape is the nodes in creation order, which
 * is a topological order.
 */

import { describe } from "./describe.js";
import type { Parameter } from "./parameter.js";
import type { Lowering } from "./plan/lowering.js";
import { type Node, Tensor, type TensorType } from "./tensor.js";

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

/** The only effect there is: when the program ends, the Parameter holds the value. */
export interface Assignment {
  readonly parameter: Parameter;
  readonly value: Tensor;
  /**
   * The effect's own read of the Parameter, which sees what earlier effects of the program
   * assigned.
   */
  readonly own?: Tensor;
}

/** The recording of one call of a compiled function. */
export interface Trace {
  readonly nodes: Node[];
  /** What a Parameter stands for from here on: its first read, or the value last assigned. */
  readonly bindings: Map<Parameter, Tensor>;
  /** Everything a Parameter stood for so far; gradients are taken with respect to all of it. */
  readonly standIns: Map<Parameter, Tensor[]>;
  readonly assigned: Set<Parameter>;
  /** What `gradients` found last for a Parameter, in this trace. */
  readonly gradients: Map<Parameter, Tensor>;
  /** The scalars that `gradients` was given. */
  readonly losses: Tensor[];
  /** `training` flags read while tracing: part of the program's key. */
  readonly flags: Map<{ readonly training: boolean }, boolean>;
  /** Random draws so far. */
  draws: number;
  closed: boolean;
  /** The recording of a part of another: of what `vmap`, `checkpoint` and others are given. */
  readonly body?: BodyTrace;
  /** Set where nothing is committed: optimizers leave their updates out. */
  readonly outline?: Outline;
}

/** Of a recording without the updates of optimizers. */
export interface Outline {
  /** Whether there was an update. */
  leftOut: boolean;
  /** Whether something was recorded after it that may depend on it. */
  missed: boolean;
}

/** What a body knows of what is around it. */
export interface BodyTrace {
  /** The trace that is going on around it; undefined outside `compile`. */
  readonly parent: Trace | undefined;
  /**
   * For a body that runs once for each index: what `make` records outside of it with a leading axis
   * of that many, one index of it.
   */
  readonly mapped?: (make: (count: number) => Tensor) => Tensor;
}

/** The trace of the compiled function around a trace; undefined for bodies outside `compile`. */
export function compiledTrace(trace: Trace | undefined): Trace | undefined {
  let at = trace;
  while (at?.body) at = at.body.parent;
  return at;
}

/** What a node starts with: nothing dropped behind it. */
export const NONE: ReadonlySet<Parameter> = new Set();

let current: Trace | undefined;
let nextId = 0;

export function currentTrace(): Trace | undefined {
  return current;
}

/**
 * Runs `fn` with its ops recorded on a new tape. The trace is closed afterwards, whatever happens.
 */
export function traced<T>(
  fn: (trace: Trace) => T,
  { body, outline }: Pick<Trace, "body" | "outline"> = {},
): { trace: Trace; result: T } {
  const trace: Trace = {
    ...(body && { body }),
    ...(outline && { outline }),
    nodes: [],
    bindings: new Map(),
    standIns: new Map(),
    assigned: new Set(),
    gradients: new Map(),
    losses: [],
    flags: body?.parent?.flags ?? new Map(),
    draws: 0,
    closed: false,
  };
  const outer = current;
  current = trace;
  try {
    return { trace, result: fn(trace) };
  } finally {
    current = outer;
    trace.closed = true;
  }
}

/** Runs `fn` with its ops recorded on another trace that is still open. */
export function inTrace<T>(trace: Trace | undefined, fn: () => T): T {
  const before = current;
  current = trace;
  try {
    return fn();
  } finally {
    current = before;
  }
}

/** Says that what is recorded next depends on the updates before it. */
export function needUpdates(trace: Trace | undefined): void {
  if (trace?.outline?.leftOut) trace.outline.missed = true;
}

/** A module's `training` flag; while tracing it becomes part of what the program is kept under. */
export function noteTraining(module: { readonly training: boolean }): boolean {
  if (current && !current.flags.has(module)) current.flags.set(module, module.training);
  return module.training;
}

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
    trace: values.length > 0 ? undefined : current,
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
  if (unknown && compiledTrace(current)) capture(op, tensor);
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
