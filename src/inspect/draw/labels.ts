/** What is written on wires: the value above the line, the gradient below it. */
import { formatShape } from "../../shape.js";
import { isFloat } from "../../tensor.js";
import type { Gate, Summary, Term, Wire } from "../types.js";
import { rangeText, short, single } from "./numbers.js";

/** Sizes in pixels of the user's coordinate system. */
const FONT = 12;
export const LINE = 17;
const NAME = 14;
/**
 * Advance of a character: 0.602 em in DejaVu Sans Mono and Menlo, 0.6 in Courier, 0.55 in Consolas.
 * What stands outside of Latin may come from another font, and is given more.
 */
const ADVANCE = 0.61 * FONT;
const WIDE = 1.05 * FONT;
const GAP = 4;
const MARGIN = 8;

type LineKind = "name" | "value" | "gradient";

interface TextLine {
  readonly kind: LineKind;
  readonly text: string;
}

export interface Label {
  readonly above: readonly TextLine[];
  readonly below: readonly TextLine[];
}

export const textWidth = (text: string): number =>
  [...text].reduce((sum, char) => sum + (char > "\u2e7f" ? WIDE : ADVANCE), 0);

/** Of names of gates and of what stands at the ends of wires, which are larger. */
export const nameWidth = (text: string): number => (NAME / FONT) * textWidth(text);

/** The box that a label needs: the wire runs through its middle. */
export function labelSize({ above, below }: Label): { width: number; height: number } {
  const lines = [...above, ...below];
  if (lines.length === 0) return { width: 0, height: 0 };
  const width = Math.max(...lines.map(({ text }) => textWidth(text))) + 2 * MARGIN;
  return { width, height: 2 * (Math.max(above.length, below.length) * LINE + GAP) };
}

/** Where the baseline of a line is, from the wire: the k-th above or below it, from the wire on. */
export const baseline = (side: "above" | "below", k: number): number =>
  side === "above" ? -GAP - 3 - k * LINE : GAP + LINE - 5 + k * LINE;

const isMadeUp = ({ label }: Wire, gate: Gate | undefined): boolean =>
  gate !== undefined && label.startsWith(gate.name) && /^\d*$/.test(label.slice(gate.name.length));

const norm = ({ norm, dtype }: Summary): string => `‖${short(norm, dtype)}‖`;

/** Terms that fit into a line of their sum. */
const MOST_TERMS = 4;

function gradientLines(gradient: Summary, terms: readonly Term[]): TextLine[] {
  const line = (text: string): TextLine => ({ kind: "gradient", text: `∂ ${text}` });
  const one = single(gradient);
  if (one === undefined) return [line(rangeText(gradient)), line(norm(gradient))];
  const parts = terms.map((term) => short(term.gradient.entries[0] as number, gradient.dtype));
  const sum = short(one, gradient.dtype);
  return [line(parts.length > 1 && parts.length <= MOST_TERMS ? `${sum} = ${plus(parts)}` : sum)];
}

/** "2 + 1 − 3". */
const plus = (parts: readonly string[]): string => parts.join(" + ").replaceAll("+ −", "− ");

/** The label of a wire. A source has its name in its box; made-up names say no more than the gate. */
export function wireLabel(wire: Wire, gate: Gate | undefined): Label {
  const { value, gradient, terms, label } = wire;
  const named = gate !== undefined && !isMadeUp(wire, gate);
  const one = single(value);
  const name = (text: string): TextLine[] => (text === "" ? [] : [{ kind: "name", text }]);
  const above: TextLine[] =
    one !== undefined
      ? [{ kind: "value", text: short(one, value.dtype) }, ...name(named ? label : "")]
      : [
          // Indices and truth values have no length.
          ...(isFloat(value.dtype) ? [{ kind: "value", text: norm(value) } as const] : []),
          { kind: "value", text: rangeText(value) },
          ...name(named ? `${label} ${formatShape(value.shape)}` : formatShape(value.shape)),
        ];
  return { above, below: gradient ? gradientLines(gradient, terms) : [] };
}

/** The label of one branch of a fork: what comes back along it. */
export function branchLabel(terms: readonly Term[]): Label {
  const [first] = terms;
  if (!first) return { above: [], below: [] };
  if (terms.length === 1) return { above: [], below: gradientLines(first.gradient, []) };
  const ones = terms.map(({ gradient }) => single(gradient));
  const parts = ones.map((one) => short(one as number, first.gradient.dtype));
  const all = parts.length <= MOST_TERMS ? plus(parts) : `${parts.length} terms`;
  const text = ones.includes(undefined) ? `${terms.length} terms` : all;
  return { above: [], below: [{ kind: "gradient", text: `∂ ${text}` }] };
}
