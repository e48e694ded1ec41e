/** Numbers, tensors and gates in words. */
import { grouped } from "../grouped.js";
import { formatShape, sizeOf } from "../shape.js";
import type { CircuitData, Gate, Summary, Wire } from "./types.js";

/** Six digits, as many as an f32 has. */
export function numberText(value: number): string {
  if (Object.is(value, -0)) return "-0";
  if (!Number.isFinite(value) || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(6)));
}
const short = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);

/** A number as it is; a tensor by shape, range and norm, or with its first `entries`. */
export function summaryText(summary: Summary, entries = 0): string {
  const { shape, min, max, norm } = summary;
  const size = sizeOf(shape);
  if (shape.length === 0 && summary.entries.length > 0)
    return numberText(summary.entries[0] as number);
  if (size === 0) return `${formatShape(shape)} empty`;
  if (entries === 0) return `${formatShape(shape)} ${short(min)} … ${short(max)} ‖${short(norm)}‖`;
  const listed = summary.entries.slice(0, entries);
  const more = size - listed.length;
  const rest = more > 0 ? [`… ${more} more`] : [];
  return `${formatShape(shape)} (${[...listed.map(numberText), ...rest].join(", ")})`;
}

export const wireOf = ({ wires }: CircuitData, id: number): Wire => wires[id] as Wire;

/** "1 gate", "2,000 gates" */
export const counted = (count: number, what: string): string =>
  `${grouped(count)} ${what}${count === 1 ? "" : "s"}`;

/** "sum(x, axes [0])", and of a module "blocks.0(x): 40 gates" */
export function callText(circuit: CircuitData, gate: Gate): string {
  const names = gate.inputs.map((id) => wireOf(circuit, id).label);
  if (gate.group) return `${gate.name}(${names.join(", ")}): ${gate.attributes}`;
  const attributes = gate.attributes === "" ? [] : [gate.attributes];
  return `${gate.name}(${[...names, ...attributes].join(", ")})`;
}
