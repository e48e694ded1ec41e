/** What is said of the gate, wire or group that the reader points at. */

import { formatShape } from "../../../shape.js";
import type { CircuitData, Gate, Summary, Wire } from "../../types.js";
import { gateName, type Product, productsOf, termText } from "../details.js";
import type { Box, Net } from "../drawing.js";
import { entriesText, full, rangeText, single, wide } from "../numbers.js";
import { describeCircuit } from "../open.js";
import { type Child, element } from "./element.js";

const code = (text: string, kind = ""): HTMLElement => element("code", { class: kind }, text);

function listOf(rows: readonly (readonly [string, Child])[]): HTMLElement {
  return element(
    "dl",
    {},
    ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

function summaryRows(summary: Summary, kind: "value" | "gradient"): (readonly [string, Child])[] {
  const { dtype, mean, norm } = summary;
  const one = single(summary);
  const shape = ["shape", code(`${formatShape(summary.shape)} of ${dtype}`)] as const;
  if (one !== undefined) return [[kind, code(full(one, dtype), kind)], shape];
  return [
    shape,
    ["range", code(rangeText(summary, full), kind)],
    ["mean", code(wide(mean), kind)],
    ["norm", code(wide(norm), kind)],
  ];
}

function entriesOf(summary: Summary, kind: string): HTMLElement {
  return element(
    "pre",
    { class: kind, tabindex: "0", "aria-label": "entries" },
    entriesText(summary),
  );
}

const isTensor = (summary: Summary): boolean => single(summary) === undefined;

function wirePart(circuit: CircuitData, wire: Wire, entries: boolean): Child[] {
  const { label, kind, value, gradient, terms } = wire;
  const parts: Child[] = [
    element("h2", {}, code(label), ` ${kind === "value" ? "a value" : kind}`),
    element("h3", {}, "value, above the wire"),
    listOf(summaryRows(value, "value")),
  ];
  if (entries && isTensor(value)) parts.push(entriesOf(value, "value"));
  parts.push(element("h3", {}, "gradient ∂, below the wire"));
  if (!gradient)
    parts.push(element("p", {}, "None: the result does not depend on it, or it is no float."));
  else parts.push(listOf(summaryRows(gradient, "gradient")));
  if (terms.length > 1)
    parts.push(
      element("p", {}, `The sum of ${terms.length} terms, one for each way that it takes:`),
      element(
        "ul",
        {},
        ...terms.map((term) => element("li", {}, code(termText(circuit, term), "gradient"))),
      ),
    );
  if (entries && gradient && isTensor(gradient)) parts.push(entriesOf(gradient, "gradient"));
  if (!entries && (isTensor(value) || (gradient && isTensor(gradient))))
    parts.push(element("p", { class: "hint" }, "Click, or press Enter, for its entries."));
  return parts;
}

function productPart(product: Product): Child {
  const { operand, place, upstream, local, downstream, first } = product;
  const head = element("h3", {}, "to ", code(operand), `, ${place}`);
  if (downstream === undefined)
    return element("div", {}, head, element("p", {}, "Nothing flows back."));
  // Numbers fit into one line.
  const isShort = !upstream.includes("[");
  if (isShort && local !== undefined) {
    const line = [
      code(upstream, "gradient"),
      " × ",
      code(local),
      " = ",
      code(downstream, "gradient"),
    ];
    return element("div", {}, head, element("p", { class: "product" }, ...line));
  }
  const rows: (readonly [string, Child])[] = [["upstream", code(upstream, "gradient")]];
  if (local !== undefined) rows.push(["× local", code(local)]);
  rows.push([local === undefined ? "becomes" : "= downstream", code(downstream, "gradient")]);
  if (first !== undefined) rows.push(["first entry", code(first)]);
  return element("div", {}, head, listOf(rows));
}

function gatePart(circuit: CircuitData, gate: Gate, open: boolean | undefined): Child[] {
  const { rule, modules, source } = gate;
  const rows: (readonly [string, Child])[] = [];
  const module = modules.at(-1);
  if (module !== undefined) rows.push(["module", code(module)]);
  if (source !== undefined) rows.push(["recorded at", code(source)]);
  const parts: Child[] = [
    element("h2", {}, code(gateName(gate)), gate.group ? " a module" : " a gate"),
    element("p", { class: "rule" }, rule),
    element("p", { class: "hint" }, "Backwards, upstream × local = downstream:"),
    ...productsOf(circuit, gate).map(productPart),
    listOf(rows),
  ];
  if (open !== undefined) parts.push(openHint(open));
  return parts;
}

const openHint = (open: boolean): Child =>
  element("p", { class: "hint" }, `Click, or press Enter, to ${open ? "close" : "open"} it.`);

function groupPart({ title, subtitle, open, circuit, group }: Box): Child[] {
  const names = new Map<string, number>();
  for (let id = group?.first ?? 0; id < (group?.end ?? 0); id++) {
    const { name } = circuit.gates[id] as Gate;
    names.set(name, (names.get(name) ?? 0) + 1);
  }
  const list = [...names].map(([name, count]) => element("li", {}, code(name), ` × ${count}`));
  return [
    element("h2", {}, code(title), " a module"),
    element("p", {}, subtitle),
    element("ul", {}, ...list),
    openHint(open === true),
  ];
}

/** `entries`: whether the reader has asked for them. */
export const netPanel = ({ circuit, wire }: Net, entries: boolean): Child[] =>
  wirePart(circuit, wire, entries);

export function boxPanel(box: Box): Child[] {
  const { circuit, gate, group, wire, open } = box;
  if (gate) return gatePart(circuit, gate, open);
  if (group) return groupPart(box);
  return wire ? wirePart(circuit, wire, false) : [];
}

/** Before anything is pointed at. A page of its own says in its head what is to be seen. */
export const emptyPanel = (circuit: CircuitData, isPart: boolean): Child[] => [
  ...(isPart ? [element("p", {}, describeCircuit(circuit))] : []),
  element("p", {}, "Point at a gate or a wire, or go there with the Tab key."),
];
