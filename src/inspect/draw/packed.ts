/** A circuit on its way into a page, as JSON between script tags, and back. */
import { toJson } from "../json.js";
import type { CircuitData, Gate, Summary, Wire } from "../types.js";

/** JSON that HTML does not read: no tag can end in it. */
export const embedded = (value: unknown): string =>
  JSON.stringify(value).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028");

export const packed = (circuit: CircuitData): unknown => toJson(circuit);

/** A type with what JSON leaves out, or writes otherwise. */
type Loose<T> = { readonly [K in keyof T]?: unknown };

function unpackedSummary(value: unknown): Summary | undefined {
  if (value === null || value === undefined) return undefined;
  const summary = value as Summary;
  const { min, max, mean, norm, entries } = summary;
  return {
    ...summary,
    min: Number(min),
    max: Number(max),
    mean: Number(mean),
    norm: Number(norm),
    entries: entries.map(Number),
  };
}

/** What `packed` was given. */
export function unpacked(value: unknown): CircuitData {
  const { gates, wires, ...ends } = value as CircuitData;
  return {
    ...ends,
    gates: gates.map((gate: Loose<Gate>) => ({
      ...(gate as Gate),
      source: gate.source as string | undefined,
      locals: (gate.locals as unknown[]).map(unpackedSummary),
      inside: gate.inside ? unpacked(gate.inside) : undefined,
    })),
    wires: wires.map((wire: Loose<Wire>) => ({
      ...(wire as Wire),
      from: wire.from as number | undefined,
      value: unpackedSummary(wire.value) as Summary,
      gradient: unpackedSummary(wire.gradient),
      terms: (wire as Wire).terms.map((term) => ({
        ...term,
        gradient: unpackedSummary(term.gradient) as Summary,
      })),
    })),
  };
}
