/**
 * Reading a tensor outside `compile`: the same pipeline as a compiled step, run once on what the
 * value needs. The value is kept as a JavaScript array and the graph behind it dropped.
 */

import { type Backend, defaultBackend } from "./backend.js";
import { type Parameter, readOp, ridingOn, settle } from "./parameter.js";
import { isKnown, type Tape } from "./plan/passes.js";
import { makePlan } from "./plan/plan.js";
import { Program } from "./plan/program.js";
import { ancestors, setHooks } from "./tape.js";
import { type FloatDtype, isFloat, type Node, type Tensor } from "./tensor.js";
import { type Assignment, currentTrace } from "./trace.js";

type Reader = { readonly parameter: Parameter; readonly version?: number };

let keepingGraphs = 0;

/**
 * While `fn` runs, evaluating a tensor keeps the graph behind it: a transform still has to walk it.
 */
export function keepGraphs<T>(fn: () => T): T {
  keepingGraphs++;
  try {
    return fn();
  } finally {
    keepingGraphs--;
  }
}

/** Whether a transform is recording, which has to walk the graph of all that it calls. */
export const keepsGraphs = (): boolean => keepingGraphs > 0;

/** The Parameter that a node reads, if it reads one. */
export function parameterRead(node: Node): Reader | undefined {
  return (node.op as unknown) === readOp ? (node.attrs as Reader) : undefined;
}

/**
 * Where a program runs, and in which precision: where the Parameters live that it reads or assigns,
 * else in the default backend. Mixed homes and mixed precisions are refused.
 */
export function homeOf(
  nodes: readonly Node[],
  assignments: readonly Assignment[],
): { backend: Backend; float: FloatDtype } {
  let backend: Backend | undefined;
  let float: FloatDtype | undefined;
  const settleBy = (parameter: Parameter | undefined): void => {
    if (parameter && backend && parameter.backend !== backend)
      throw new TypeError(
        `evaluate: parameters live in different backends: got ${parameter} in ${parameter.backend.name} ` +
          `and others in ${backend.name}, expected one`,
      );
    backend ??= parameter?.backend;
  };
  for (const node of nodes) {
    settleBy(parameterRead(node)?.parameter);
    for (const { dtype } of node.outputs) {
      if (!isFloat(dtype)) continue;
      if (float && float !== dtype)
        throw new TypeError(
          `${node.op.name}: precisions are mixed: got ${dtype} and ${float}, expected one of them`,
        );
      float = dtype;
    }
  }
  for (const { parameter } of assignments) settleBy(parameter);
  const home = backend ?? defaultBackend();
  // Without floats only words are moved.
  const precision = float ?? "f32";
  if (!home.floats.includes(precision))
    throw new TypeError(
      `evaluate: dtype ${precision} is not supported by the backend: got ${home.name}, expected ts; ` +
        'import { ts } from "chainrule/pure" and call init({ backend: ts, dtype: "f64" })',
    );
  return { backend: home, float: precision };
}

/**
 * The effects that ride on the nodes behind `roots`, and on the nodes behind those effects, oldest
 * first.
 */
function ridingEffects(roots: readonly Tensor[]): { effects: Assignment[]; carriers: Set<Node> } {
  const carriers = new Set<Node>();
  const found: { id: number; effect: Assignment }[] = [];
  let frontier = roots;
  while (frontier.length > 0) {
    const next: Tensor[] = [];
    for (const node of ancestors(frontier)) {
      if (carriers.has(node)) continue;
      for (const effect of ridingOn(node)) {
        carriers.add(node);
        found.push({ id: node.id, effect });
        next.push(effect.value);
      }
    }
    frontier = next;
  }
  return { effects: found.sort((a, b) => a.id - b.id).map(({ effect }) => effect), carriers };
}

/** Lets each effect's own read of its Parameter see what the effect before it assigned. */
function chainEffects(effects: readonly Assignment[]): Map<Tensor, Tensor> {
  const latest = new Map<unknown, Tensor>();
  const substituted = new Map<Tensor, Tensor>();
  for (const { parameter, value, own } of effects) {
    const before = latest.get(parameter);
    if (own && before) substituted.set(own, before);
    latest.set(parameter, value);
  }
  return substituted;
}

/** Every node behind `roots`, entered only from outside `inside`. */
function outside(roots: readonly Tensor[], inside: ReadonlySet<Node>): Set<Node> {
  const seen = new Set<Node>();
  const stack = roots.map((root) => root.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node) || inside.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  return seen;
}

/**
 * A read of a Parameter that has been written since is refused. Only an effect's own read of what
 * it assigns is taken when it commits; it must then be the effect's alone, and no other effect of
 * the program may come between.
 */
function checkVersions(
  roots: readonly Tensor[],
  results: readonly Assignment[],
  effects: readonly Assignment[],
): void {
  const carriers = new Set(effects.map(({ value }) => value.node));
  const refuse = (tensor: Tensor, node: Node): void => {
    const read = parameterRead(node);
    if (read?.version === undefined || read.version === read.parameter.version) return;
    throw new Error(
      `${tensor.node.op.name}: ${tensor} reads ${read.parameter}, which was written after it was recorded: ` +
        `got version ${read.parameter.version}, expected ${read.version}; read it before the update, or record it again`,
    );
  };
  for (const tensor of [...roots, ...results.map(({ value }) => value)])
    for (const node of outside([tensor], carriers)) refuse(tensor, node);
  const assigned = new Set<Parameter>();
  for (const { parameter, value, own } of effects) {
    for (const node of ancestors([value])) {
      const isOwn = parameterRead(node)?.parameter === parameter;
      if (!isOwn) refuse(value, node);
      else if (!own && assigned.has(parameter))
        throw new Error(
          `assign: ${parameter} was assigned before, by an effect that has not run: ` +
            "got two in one program, the second from a read before the first; expected the first value to be read first",
        );
    }
    assigned.add(parameter);
  }
}

/**
 * Evaluates `roots` and commits `assignments` in one program, together with the effects that ride
 * on what it computes.
 */
export function evaluate(roots: readonly Tensor[], assignments: readonly Assignment[] = []): void {
  const wanted = [...new Set(roots.map((root) => root.node))].filter((node) => !isKnown(node));
  if (wanted.length === 0 && assignments.length === 0) return;
  const outputs = wanted.flatMap((node) => node.outputs);
  const { effects, carriers } = ridingEffects([
    ...outputs,
    ...assignments.map(({ value }) => value),
  ]);
  checkVersions(roots, assignments, effects);
  const all = [...effects, ...assignments];
  const tape: Tape = {
    nodes: ancestors([...outputs, ...all.map(({ value }) => value)]),
    placeholders: [],
    outputs,
    assignments: all,
  };
  const { backend, float } = homeOf(tape.nodes, all);
  const program = new Program(makePlan(tape, float, chainEffects(effects)), backend, float);
  let results: ReturnType<Program["run"]>;
  try {
    results = program.run([]);
  } finally {
    program.release();
  }
  for (const carrier of carriers) settle(carrier);
  const dropped = new Set(
    tape.nodes.flatMap((node) => {
      const read = parameterRead(node);
      return read ? [read.parameter] : [...node.dropped];
    }),
  );
  let next = 0;
  for (const node of wanted) {
    for (const index of node.outputs.keys()) node.values[index] = results[next++];
    if (keepingGraphs > 0 || node.pinned) continue;
    node.inputs = [];
    node.dropped = dropped;
  }
}

setHooks({
  evaluate(tensors) {
    if (currentTrace()) throw new Error("evaluate: reading inside a trace");
    evaluate(tensors);
  },
});
