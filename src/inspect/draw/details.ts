/** What a gate or a wire has to say in words and full numbers: titles, the panel of the page. */
import { formatShape } from "../../shape.js";
import type { CircuitData, Gate, Summary, Term, Wire } from "../types.js";
import { describeSummary, full, rangeText, short, single } from "./numbers.js";

/** upstream × local = downstream, for one operand of a gate. */
export interface Product {
  /** "x", and as which operand: "operand 1". */
  readonly operand: string;
  readonly place: string;
  readonly upstream: string;
  /** Undefined for gates that do not work entry by entry. */
  readonly local: string | undefined;
  /** Undefined where nothing flows back. */
  readonly downstream: string | undefined;
  /** The same of the first entry, where tensors are multiplied entry by entry. */
  readonly first: string | undefined;
}

/** The number in full; of tensors shape, range and norm in four digits. */
function brief(summary: Summary): string {
  const { dtype, norm } = summary;
  const one = single(summary);
  if (one !== undefined) return full(one, dtype);
  return `${formatShape(summary.shape)} ${rangeText(summary)} ‖${short(norm, dtype)}‖`;
}

/** The gradient that came to the gate's outputs: there is mostly one. */
function upstreamOf({ wires }: CircuitData, { outputs }: Gate): string {
  const gradients = outputs.flatMap((id) => wires[id]?.gradient ?? []);
  return gradients.length === 0 ? "nothing" : gradients.map(brief).join("; ");
}

function downstreamOf(wire: Wire, gate: Gate, operand: number): Summary | undefined {
  const term = wire.terms.find((term) => term.gate === gate.id && term.operand === operand);
  // A wire with one use may leave its only term out.
  return term?.gradient ?? (wire.terms.length === 0 ? wire.gradient : undefined);
}

function firstOf(
  { wires }: CircuitData,
  { outputs }: Gate,
  local: Summary | undefined,
  downstream: Summary | undefined,
): string | undefined {
  const upstream = wires[outputs[0] as number]?.gradient;
  if (!local || !downstream || !upstream || single(upstream) !== undefined) return undefined;
  const [a, b, c] = [upstream, local, downstream].map(({ entries, dtype }) =>
    entries[0] === undefined ? undefined : full(entries[0], dtype),
  );
  return a && b && c ? `${a} × ${b} = ${c}` : undefined;
}

export const productsOf = (circuit: CircuitData, gate: Gate): Product[] =>
  gate.inputs.map((id, operand) => {
    const wire = circuit.wires[id] as Wire;
    const [local, downstream] = [gate.locals[operand], downstreamOf(wire, gate, operand)];
    return {
      operand: wire.label,
      place: `operand ${operand + 1}`,
      upstream: upstreamOf(circuit, gate),
      local: local && brief(local),
      downstream: downstream && brief(downstream),
      first: firstOf(circuit, gate, local, downstream),
    };
  });

/** "to x: −4 × 1 = −4"; without a local gradient, what comes in and what goes out. */
export function productText({ operand, upstream, local, downstream }: Product): string {
  if (downstream === undefined) return `to ${operand}: nothing`;
  if (local === undefined) return `to ${operand}: ${upstream} becomes ${downstream}`;
  return `to ${operand}: ${upstream} × ${local} = ${downstream}`;
}

/** "mul", "sum axis 1". */
export const gateName = ({ name, attributes }: Gate): string =>
  attributes === "" ? name : `${name} ${attributes}`;

export function gateTitle(circuit: CircuitData, gate: Gate): string {
  const { rule, source, modules } = gate;
  const products = productsOf(circuit, gate).map(productText);
  const lines = [gateName(gate), rule, ...products];
  if (modules.length > 0) lines.push(`in module ${modules.at(-1)}`);
  if (source !== undefined) lines.push(`recorded at ${source}`);
  return lines.join("\n");
}

/** "−3 through mul, operand 1". */
export function termText(circuit: CircuitData, { gate, operand, gradient }: Term): string {
  const made = circuit.gates[gate];
  // What is returned has a gradient of its own, beside those of its uses.
  if (!made) return `${brief(gradient)} as a result`;
  return `${brief(gradient)} through ${made.name}, operand ${operand + 1}`;
}

/** "q, value 3, gradient −4", and where it forks, the terms. */
export function wireTitle(circuit: CircuitData, wire: Wire): string {
  const { label, kind, value, gradient, terms } = wire;
  const lines = [
    `${kind === "value" ? "" : `${kind} `}${label}`,
    `value: ${describeSummary(value)}`,
    `gradient: ${gradient ? describeSummary(gradient) : "none"}`,
  ];
  if (terms.length > 1)
    lines.push("which is the sum of", ...terms.map((term) => termText(circuit, term)));
  return lines.join("\n");
}
