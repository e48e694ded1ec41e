/**
 * The graph behind some outputs, with what the reverse walk sends back along each use of a value:
 * tensors still to be computed, which all together are one program.
 */
import { type OnTerm, pullback } from "../autodiff/reverse.js";
import { parameterRead } from "../evaluate.js";
import { full } from "../ops/create.js";
import { alias, broadcastTo } from "../ops/shape.js";
import type { Origin } from "../origins.js";
import { nameOf } from "../parameter.js";
import { record } from "../tape.js";
import { isFloat, type Node, type Tensor } from "../tensor.js";
import { type GateRule, partsOf, ruleOf } from "./rules.js";
import { numberText } from "./words.js";

interface DraftTerm {
  readonly gate: number;
  readonly operand: number;
  readonly gradient: Tensor;
}

export interface DraftWire {
  readonly tensor: Tensor;
  label: string;
  readonly kind: "input" | "parameter" | "constant" | "value";
  readonly from: number | undefined;
  gradient: Tensor | undefined;
  readonly terms: DraftTerm[];
}

export interface DraftGate {
  readonly node: Node;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly origin: Origin;
  readonly rule: GateRule;
  readonly locals: readonly (Tensor | undefined)[];
  readonly inside: Draft | undefined;
}

export interface Draft {
  readonly gates: readonly DraftGate[];
  readonly wires: readonly DraftWire[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

interface DraftRequest {
  /** Where the graph begins, and how these are called. */
  readonly leaves: readonly { readonly tensor: Tensor; readonly label: string }[];
  readonly outputs: readonly { readonly tensor: Tensor; readonly label: string | undefined }[];
  /** One for each output; undefined for those nothing comes back from. */
  readonly cotangents: readonly (Tensor | undefined)[];
  /** What gradients are taken with respect to, beside the Parameters that are read. */
  readonly targets: readonly Tensor[];
  readonly origins: ReadonlyMap<Node, Origin>;
  readonly depth: number;
}

const NOWHERE: Origin = { source: undefined, modules: [], derivativeOf: undefined };

/** Where a node is from; a derivative's line is that of what it is the derivative of. */
function originOf(node: Node, origins: ReadonlyMap<Node, Origin>): Origin {
  const own = origins.get(node) ?? NOWHERE;
  const source = own.source ?? (own.derivativeOf && origins.get(own.derivativeOf)?.source);
  return { ...own, source };
}

/** Whether nothing computes it: a constant, a Parameter, an input. */
export const isConstant = ({ inputs, outputs, values }: Node): boolean =>
  inputs.length === 0 || outputs.every((_, index) => values[index]);

/** The nodes that compute the outputs from the leaves, in the order of recording. */
export function nodesBetween(outputs: readonly Tensor[], leaves: ReadonlySet<Tensor>): Node[] {
  const seen = new Set<Node>();
  const stack = [...outputs];
  for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
    const { node } = tensor;
    if (leaves.has(tensor) || seen.has(node)) continue;
    seen.add(node);
    if (!isConstant(node)) stack.push(...node.inputs);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** The outputs as they are when each node between is what `make` makes of it and its new inputs. */
export function rebuilt(
  outputs: readonly Tensor[],
  leaves: ReadonlySet<Tensor>,
  make: (node: Node, inputs: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const stands = new Map<Tensor, Tensor>();
  const find = (tensor: Tensor): Tensor => stands.get(tensor) ?? tensor;
  for (const node of nodesBetween(outputs, leaves)) {
    if (isConstant(node)) continue;
    const made = make(node, node.inputs.map(find));
    for (const [index, output] of node.outputs.entries()) stands.set(output, made[index] as Tensor);
  }
  return outputs.map(find);
}

/** How a value from outside is called; `count` numbers those without a name. */
function outsideLabel(tensor: Tensor, count: number): string {
  const { node, index } = tensor;
  const read = parameterRead(node);
  if (read) return nameOf(read.parameter) ?? `parameter${count}`;
  const known = node.values[index];
  if (known && tensor.rank === 0) return numberText(known[0] as number);
  return `${node.op.name}${count}`;
}

/** Gives names that are taken a number; those of numbers may be the same. */
function uniqueNames(): (label: string) => string {
  const taken = new Set<string>();
  return (label) => {
    let name = label;
    for (let copy = 2; taken.has(name); copy++) name = `${label}#${copy}`;
    taken.add(name);
    return name;
  };
}

/** Gates and wires, before anything comes back. */
interface Structure {
  readonly wires: readonly DraftWire[];
  readonly ids: ReadonlyMap<Tensor, number>;
  readonly gates: readonly Pick<DraftGate, "node" | "inputs" | "outputs">[];
  /** Wires that come from outside. */
  readonly inputs: readonly number[];
}

function structureOf({ leaves, outputs: named }: DraftRequest): Structure {
  const outputs = named.map(({ tensor }) => tensor);
  const begins = new Set(leaves.map(({ tensor }) => tensor));
  const nodes = nodesBetween(outputs, begins);
  const used = new Set(outputs);
  for (const node of nodes) for (const input of node.inputs) used.add(input);
  const unique = uniqueNames();
  const names = new Map<Tensor, string>();
  for (const { tensor, label } of named)
    if (label !== undefined && !begins.has(tensor) && !names.has(tensor))
      names.set(tensor, unique(label));

  const wires: DraftWire[] = [];
  const ids = new Map<Tensor, number>();
  const wire = (
    tensor: Tensor,
    label: string,
    kind: DraftWire["kind"],
    from: number | undefined,
  ): number => {
    const id = wires.length;
    ids.set(tensor, id);
    wires.push({ tensor, label, kind, from, gradient: undefined, terms: [] });
    return id;
  };
  /** A value from outside; the labels of numbers may be the same. */
  const outside = (tensor: Tensor): number => {
    const { node, index } = tensor;
    const label = outsideLabel(tensor, wires.length);
    const isNumber = node.values[index] !== undefined && tensor.rank === 0;
    const kind = parameterRead(node) ? "parameter" : "constant";
    return wire(tensor, names.get(tensor) ?? (isNumber ? label : unique(label)), kind, undefined);
  };
  const made = (tensor: Tensor, gate: number): number => {
    const { node, index } = tensor;
    const label = `${node.op.name}${gate}${index === 0 ? "" : `.${index}`}`;
    return wire(tensor, names.get(tensor) ?? unique(label), "value", gate);
  };

  for (const { tensor, label } of leaves)
    if (!ids.has(tensor)) wire(tensor, unique(label), "input", undefined);
  const inputs = wires.map((_, id) => id);
  const gates: Structure["gates"][number][] = [];
  for (const node of nodes)
    if (isConstant(node)) inputs.push(...node.outputs.filter((x) => used.has(x)).map(outside));
    else {
      const shown = node.outputs.filter((tensor, index) => index === 0 || used.has(tensor));
      gates.push({
        node,
        inputs: node.inputs.map((input) => ids.get(input) as number),
        outputs: shown.map((tensor) => made(tensor, gates.length)),
      });
    }
  return { wires, ids, gates, inputs };
}

/** Writes to each wire what comes back along it, use by use. */
function walkBack({ wires, ids, gates }: Structure, request: DraftRequest): void {
  const gateOf = new Map(gates.map(({ node }, gate) => [node, gate]));
  const onTerm: OnTerm = (tensor, term, total, use) => {
    const wire = wires[ids.get(tensor) as number] as DraftWire;
    wire.gradient = total;
    wire.terms.push({
      gate: use ? (gateOf.get(use.node) as number) : -1,
      operand: use ? use.operand : 0,
      gradient: term,
    });
  };
  const parameters = wires.filter(
    ({ kind, tensor }) => kind === "parameter" && isFloat(tensor.dtype),
  );
  const ends = new Set([...request.targets, ...parameters.map(({ tensor }) => tensor)]);
  const outputs = request.outputs.map(({ tensor }) => tensor);
  pullback(outputs, request.cotangents, [...ends], undefined, onTerm);
  for (const { terms } of wires) if (terms.length === 1 && terms[0]?.gate === -1) terms.pop();
}

/** The graph of what is asked for, with the reverse walk recorded. */
export function draftOf(request: DraftRequest): Draft {
  const structure = structureOf(request);
  walkBack(structure, request);
  const { wires, ids, inputs } = structure;
  const of = (id: number): DraftWire => wires[id] as DraftWire;
  const gates = structure.gates.map((gate): DraftGate => {
    const { node } = gate;
    const rule = ruleOf(node.op.name);
    return {
      ...gate,
      origin: originOf(node, request.origins),
      rule,
      locals: rule.elementwise
        ? localsOf(node, gate.inputs.map(of))
        : gate.inputs.map(() => undefined),
      inside: request.depth > 0 ? insideOf(node, rule, gate, of, request.depth) : undefined,
    };
  });
  const outputs = request.outputs.map(({ tensor }) => ids.get(tensor) as number);
  return { gates, wires, inputs, outputs };
}

/** ∂output/∂operand of a gate that works entry by entry: what its rule makes of ones. */
function localsOf(node: Node, inputs: readonly DraftWire[]): (Tensor | undefined)[] {
  const { op, outputs } = node;
  const y = outputs[0] as Tensor;
  if (!op.vjp || !isFloat(y.dtype)) return inputs.map(() => undefined);
  const ones = broadcastTo(full([], 1, { dtype: y.dtype }), y.shape);
  return op.vjp.map((rule, index) =>
    rule && inputs[index]?.gradient ? rule(ones, node) : undefined,
  );
}

/** What a fused gate consists of, between names of its inputs; undefined for one that does not open. */
function insideOf(
  node: Node,
  { opens }: GateRule,
  part: { readonly inputs: readonly number[]; readonly outputs: readonly number[] },
  wireOf: (id: number) => DraftWire,
  depth: number,
): Draft | undefined {
  if (!opens) return undefined;
  const leaves = node.inputs.map((input) => alias(input));
  const made = partsOf(node, leaves);
  if (!made) return undefined;
  const whole = opens === "shifted" ? withoutStops(made, leaves) : made;
  const outer = part.outputs.map(wireOf);
  return draftOf({
    leaves: leaves.map((tensor, index) => ({
      tensor,
      label: wireOf(part.inputs[index] as number).label,
    })),
    outputs: outer.map(({ tensor, label }) => ({ tensor: whole[tensor.index] as Tensor, label })),
    cotangents: outer.map(({ gradient }) => gradient),
    targets: leaves.filter((_, index) => wireOf(part.inputs[index] as number).gradient),
    origins: new Map(),
    depth: depth - 1,
  });
}

/** The same outputs, with gradients that flow where they were stopped. */
const withoutStops = (outputs: readonly Tensor[], leaves: readonly Tensor[]): readonly Tensor[] =>
  rebuilt(outputs, new Set(leaves), (node, inputs) =>
    node.op.name === "stopGradient" ? inputs : record(node.op, inputs, node.attrs),
  );
