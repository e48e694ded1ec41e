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

export function draftOf(request: DraftRequest): Draft {
  const { leaves, cotangents, targets, origins } = request;
  const outputs = request.outputs.map(({ tensor }) => tensor);
  const begins = new Set(leaves.map(({ tensor }) => tensor));
  const nodes = nodesBetween(outputs, begins);
  const wires: DraftWire[] = [];
  const ids = new Map<Tensor, number>();
  const unique = uniqueNames();
  const named = new Map<Tensor, string>();
  for (const { tensor, label } of request.outputs)
    if (label !== undefined && !begins.has(tensor) && !named.has(tensor))
      named.set(tensor, unique(label));
  const wire = (tensor: Tensor, made: Omit<DraftWire, "tensor" | "gradient" | "terms">): number => {
    const id = wires.length;
    ids.set(tensor, id);
    wires.push({ ...made, tensor, gradient: undefined, terms: [] });
    return id;
  };
  for (const { tensor, label } of leaves)
    if (!ids.has(tensor)) wire(tensor, { label: unique(label), kind: "input", from: undefined });

  const used = new Set(outputs);
  for (const node of nodes) for (const input of node.inputs) used.add(input);
  const parts: { node: Node; inputs: number[]; outputs: number[] }[] = [];
  const gateOf = new Map<Node, number>();
  const inputs = wires.map((_, id) => id);
  for (const node of nodes) {
    if (isConstant(node)) {
      const parameter = parameterRead(node) !== undefined;
      for (const tensor of node.outputs) {
        if (!used.has(tensor)) continue;
        const label = outsideLabel(tensor, wires.length);
        const isNumber = node.values[tensor.index] !== undefined && tensor.rank === 0;
        inputs.push(
          wire(tensor, {
            label: named.get(tensor) ?? (isNumber ? label : unique(label)),
            kind: parameter ? "parameter" : "constant",
            from: undefined,
          }),
        );
      }
      continue;
    }
    const gate = parts.length;
    gateOf.set(node, gate);
    const shown = node.outputs.filter((tensor, index) => index === 0 || used.has(tensor));
    parts.push({
      node,
      inputs: node.inputs.map((input) => ids.get(input) as number),
      outputs: shown.map((tensor) =>
        wire(tensor, {
          label:
            named.get(tensor) ??
            unique(`${node.op.name}${gate}${tensor.index === 0 ? "" : `.${tensor.index}`}`),
          kind: "value",
          from: gate,
        }),
      ),
    });
  }

  const onTerm: OnTerm = (tensor, term, total, use) => {
    const of = wires[ids.get(tensor) as number] as DraftWire;
    of.gradient = total;
    of.terms.push({
      gate: use ? (gateOf.get(use.node) as number) : -1,
      operand: use ? use.operand : 0,
      gradient: term,
    });
  };
  const parameters = wires.filter(
    ({ kind, tensor }) => kind === "parameter" && isFloat(tensor.dtype),
  );
  const ends = [...new Set([...targets, ...parameters.map(({ tensor }) => tensor)])];
  pullback(outputs, cotangents, ends, undefined, onTerm);
  for (const { terms } of wires) if (terms.length === 1 && terms[0]?.gate === -1) terms.pop();

  const gates = parts.map((part): DraftGate => {
    const rule = ruleOf(part.node.op.name);
    const of = (id: number): DraftWire => wires[id] as DraftWire;
    return {
      ...part,
      origin: originOf(part.node, origins),
      rule,
      locals: rule.elementwise
        ? localsOf(part.node, part.inputs.map(of))
        : part.inputs.map(() => undefined),
      inside: request.depth > 0 ? insideOf(part.node, rule, part, of, request.depth) : undefined,
    };
  });
  return { gates, wires, inputs, outputs: outputs.map((tensor) => ids.get(tensor) as number) };
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
