/** A circuit as aligned text: a row for each wire, with its value and its gradient. */
import { checkOptions } from "../describe.js";
import { checkCircuit, checkCount, checkFlag } from "./check.js";
import { arranged, type Levels, type Open, openInside } from "./group.js";
import { padEnd, padStart, width } from "./table.js";
import type { CircuitData, Gate, Wire } from "./types.js";
import { callText, counted, summaryText, wireOf } from "./words.js";

export interface TextOptions extends Levels {
  /**
   * Values green and gradients red; by default on a terminal, unless the environment sets NO_COLOR
   * (no-color.org).
   */
  readonly color?: boolean;
  /** How many entries of each tensor are shown in the place of its range: 0 by default. */
  readonly entries?: number;
}

interface Row {
  readonly name: string;
  readonly value: string;
  readonly gradient: string;
}

/** A terminal that shows colours, where there is one. */
function wantsColor(): boolean {
  const { process } = globalThis as {
    process?: { stdout?: { isTTY?: boolean }; env?: Readonly<Record<string, string | undefined>> };
  };
  return Boolean(process?.stdout?.isTTY) && !process?.env?.NO_COLOR;
}

/** The uses of a value that came back, one a row; none where there is only one. */
function forkRows(circuit: CircuitData, wire: Wire, indent: string, entries: number): Row[] {
  if (wire.terms.length < 2) return [];
  return wire.terms.map(({ gate, gradient }, index) => {
    const by = circuit.gates[gate];
    const from = by ? nameOf(circuit, by) : "the gradient it was given";
    return {
      name: `${indent}  ${index === 0 ? "=" : "+"} by ${from}`,
      value: "",
      gradient: `${index === 0 ? "" : "+ "}${summaryText(gradient, entries)}`,
    };
  });
}

const nameOf = (circuit: CircuitData, gate: Gate): string =>
  gate.group ? gate.name : gate.outputs.map((id) => wireOf(circuit, id).label).join(", ");

function wireRows(
  circuit: CircuitData,
  wire: Wire,
  name: string,
  indent: string,
  entries: number,
): Row[] {
  const { value, gradient } = wire;
  return [
    {
      name: indent + name,
      value: summaryText(value, entries),
      gradient: gradient ? summaryText(gradient, entries) : "",
    },
    ...forkRows(circuit, wire, indent, entries),
  ];
}

/** How much a closed gate holds, modules in it included. */
function insideCount(circuit: CircuitData): number {
  return circuit.gates.reduce(
    (sum, { group, inside }) => sum + (group && inside ? insideCount(inside) : 1),
    0,
  );
}

function gateRows(
  circuit: CircuitData,
  gate: Gate,
  indent: string,
  entries: number,
  open: Open,
): Row[] {
  const { inside } = gate;
  const below = openInside(gate, open);
  const hint =
    inside && !below && !gate.group ? ` [${counted(insideCount(inside), "gate")} inside]` : "";
  const [first, ...others] = gate.outputs.map((id) => wireOf(circuit, id)) as [Wire, ...Wire[]];
  return [
    ...wireRows(
      circuit,
      first,
      `${first.label} = ${callText(circuit, gate)}${hint}`,
      indent,
      entries,
    ),
    ...others.flatMap((wire) =>
      wireRows(circuit, wire, `${wire.label} of the same`, indent, entries),
    ),
    ...(inside && below ? circuitRows(inside, `${indent}│ `, entries, below, true) : []),
  ];
}

function circuitRows(
  circuit: CircuitData,
  indent: string,
  entries: number,
  open: Open,
  opened: boolean,
): Row[] {
  const rows: Row[] = [];
  for (const id of circuit.inputs) {
    const wire = wireOf(circuit, id);
    // A number is written where it is used; an opened gate's inputs stand above it.
    if (wire.kind === "constant" && wire.value.shape.length === 0) continue;
    if (!opened || wire.kind !== "input" || wire.terms.length > 1)
      rows.push(...wireRows(circuit, wire, wire.label, indent, entries));
  }
  let section = "";
  for (const gate of circuit.gates) {
    const module = gate.modules.at(-1) ?? "";
    if (!opened && module !== section)
      rows.push({ name: module ? `${module}:` : "outside of modules:", value: "", gradient: "" });
    section = module;
    rows.push(...gateRows(circuit, gate, indent, entries, open));
  }
  return rows;
}

/**
 * The circuit as text: inputs and Parameters first, then the gates in order, each with the value that
 * went forward and the gradient that came back; where a value forks, the terms that its gradient is
 * the sum of. Nothing is cut: what is closed says how many gates it holds.
 */
export function toText(circuit: CircuitData, options: TextOptions = {}): string {
  checkCircuit("toText", circuit);
  checkOptions("toText", options, ["color", "entries", "depth", "modules"]);
  const { color = wantsColor(), entries = 0 } = options;
  checkCount("toText", "entries", entries);
  checkCount("toText", "depth", options.depth);
  checkCount("toText", "modules", options.modules);
  checkFlag("toText", "color", color);
  const { shown, open } = arranged(circuit, options);
  const output = wireOf(circuit, circuit.outputs.at(-1) as number);
  const rows = [
    { name: "wire", value: "value", gradient: `gradient of ${output.label}` },
    ...circuitRows(shown, "", entries, open, false),
  ];
  const widths = (["name", "value", "gradient"] as const).map((key) =>
    Math.max(...rows.map((row) => width(row[key]))),
  ) as [number, number, number];
  const paint = (code: number, text: string): string =>
    color && text.trim() ? `\u001b[${code}m${text}\u001b[0m` : text;
  const lines = rows.map(({ name, value, gradient }) =>
    [
      padEnd(name, widths[0]),
      paint(32, padStart(value, widths[1])),
      paint(31, padStart(gradient, widths[2])),
    ]
      .join("  ")
      .trimEnd(),
  );
  const closed =
    shown === circuit ? "" : `, by module in ${shown.gates.length}; the option modules opens them`;
  return [`${counted(insideCount(circuit), "gate")}${closed}`, ...lines].join("\n");
}
