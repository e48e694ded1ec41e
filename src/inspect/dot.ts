/** A circuit in Graphviz's language (graphviz.org/doc/info/lang.html). */
import { checkOptions } from "../describe.js";
import { checkCircuit, checkCount } from "./check.js";
import { escaped } from "./draw/escaped.js";
import { arranged, type Levels, type Open, openInside } from "./group.js";
import type { CircuitData, Gate, Summary, Wire } from "./types.js";
import { summaryText, wireOf } from "./words.js";

/** Each gate and module that is open is a box of its own. */
export type DotOptions = Levels;

const VALUE = "#1a7f37";
const GRADIENT = "#cf222e";

const lines = (...parts: readonly string[]): string => `<${parts.join("<br/>")}>`;
const painted = (color: string, text: string): string =>
  `<font color="${color}">${escaped(text)}</font>`;

/** A value above its gradient; without colours the gradient is the one with ∇. */
const numbers = (value: Summary, gradient: Summary | undefined): string[] => [
  painted(VALUE, summaryText(value)),
  ...(gradient ? [painted(GRADIENT, `∇ ${summaryText(gradient)}`)] : []),
];

/** Writes circuits within circuits; `sources` holds the node that each of an inner one's inputs is. */
class Writer {
  readonly lines: string[] = [];
  #next = 0;

  /** Returns the nodes that the circuit's outputs come from. */
  write(circuit: CircuitData, sources: readonly string[], indent: string, open: Open): string[] {
    const from = new Map<number, string>();
    for (const [index, id] of circuit.inputs.entries()) {
      const wire = wireOf(circuit, id);
      from.set(
        id,
        this.#fork(circuit, wire, sources[index] ?? this.#outside(wire, indent), indent),
      );
    }
    for (const gate of circuit.gates) {
      const ends = this.#gate(circuit, gate, from, indent, open);
      for (const [index, id] of gate.outputs.entries())
        from.set(id, this.#fork(circuit, wireOf(circuit, id), ends[index] as string, indent));
    }
    return circuit.outputs.map((id) => from.get(id) as string);
  }

  /** A box at the end, with the value that was returned. */
  output(wire: Wire, from: string): void {
    const node = this.#node(
      lines(escaped(wire.label), ...numbers(wire.value, wire.gradient)),
      "  ",
      "box",
    );
    this.#edge(from, node, [], "  ");
  }

  #id(): string {
    return `n${this.#next++}`;
  }

  #node(label: string, indent: string, shape: string): string {
    const id = this.#id();
    this.lines.push(`${indent}${id} [shape=${shape}, label=${label}];`);
    return id;
  }

  #edge(from: string, to: string, label: readonly string[], indent: string): void {
    const text = label.length > 0 ? ` [label=${lines(...label)}]` : "";
    this.lines.push(`${indent}${from} -> ${to}${text};`);
  }

  #outside(wire: Wire, indent: string): string {
    const shape = wire.kind === "input" ? "box" : wire.kind === "parameter" ? "box3d" : "plaintext";
    return this.#node(lines(escaped(wire.label)), indent, shape);
  }

  /** A point where a value forks, with the whole gradient before it and its terms behind. */
  #fork(circuit: CircuitData, wire: Wire, source: string, indent: string): string {
    if (wire.terms.length < 2 || usesOf(circuit, wire) < 2) return source;
    const point = this.#id();
    this.lines.push(`${indent}${point} [shape=point, label="", width=0.1];`);
    this.#edge(source, point, numbers(wire.value, wire.gradient), indent);
    return point;
  }

  #gate(
    circuit: CircuitData,
    gate: Gate,
    from: ReadonlyMap<number, string>,
    indent: string,
    open: Open,
  ): string[] {
    const sources = gate.inputs.map((id) => from.get(id) as string);
    const below = openInside(gate, open);
    if (gate.inside && below) {
      this.lines.push(`${indent}subgraph cluster${this.#next++} {`);
      const title = [gate.name, gate.attributes].filter((part) => part !== "").join(", ");
      this.lines.push(`${indent}  label=${lines(escaped(title))};`);
      const ends = this.write(gate.inside, sources, `${indent}  `, below);
      this.lines.push(`${indent}}`);
      return ends;
    }
    const parts = [gate.name, gate.attributes].filter((part) => part !== "").map(escaped);
    const node = this.#node(lines(...parts), indent, gate.group ? "component" : "ellipse");
    for (const [operand, id] of gate.inputs.entries()) {
      const { value, terms } = wireOf(circuit, id);
      const back = terms.filter((term) => term.gate === gate.id && term.operand === operand);
      const label = [
        numbers(value, undefined),
        ...back.map(({ gradient }) => [painted(GRADIENT, `∇ ${summaryText(gradient)}`)]),
      ];
      this.#edge(sources[operand] as string, node, label.flat(), indent);
    }
    return gate.outputs.map(() => node);
  }
}

const usesOf = ({ gates }: CircuitData, { id }: Wire): number =>
  gates.reduce((count, { inputs }) => count + inputs.filter((input) => input === id).length, 0);

/**
 * The circuit as a digraph: gates are ellipses, inputs boxes; each edge carries a value and, with ∇,
 * what came back along it. Where a value forks there is a point, and the gradient before it is the
 * sum of those behind. `dot -Tsvg` draws it.
 */
export function toDot(circuit: CircuitData, options: DotOptions = {}): string {
  checkCircuit("toDot", circuit);
  checkOptions("toDot", options, ["depth", "modules"]);
  checkCount("toDot", "depth", options.depth);
  checkCount("toDot", "modules", options.modules);
  const { shown, open } = arranged(circuit, options);
  const writer = new Writer();
  const ends = writer.write(shown, [], "  ", open);
  for (const [index, id] of shown.outputs.entries()) {
    const wire = wireOf(shown, id);
    if (index === shown.outputs.length - 1) writer.output(wire, ends[index] as string);
  }
  return [
    "digraph circuit {",
    "  rankdir=LR;",
    '  graph [fontname="Helvetica"];',
    '  node [fontname="Helvetica"];',
    '  edge [fontname="Helvetica"];',
    ...writer.lines,
    "}",
    "",
  ].join("\n");
}
