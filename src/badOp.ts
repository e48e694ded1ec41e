/**
 * The first op that made a NaN or an infinity, in words: what a debug program says when it stops.
 */
import { causeOf, short } from "./badOpCauses.js";
import { parameterRead } from "./evaluate.js";
import { grouped } from "./grouped.js";
import type { Origin } from "./origins.js";
import { nameOf } from "./parameter.js";
import type { Finding } from "./plan/program.js";
import { formatShape, indicesAt, type Shape } from "./shape.js";
import type { Dtype, Node, Tensor, TypedArray } from "./tensor.js";

/** What is in a tensor: its finite entries from `min` to `max`, and how many others. */
export interface Range {
  /** What it is: "argument 0", "conv.weight", "matmul". */
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** NaN when no entry is finite. */
  readonly min: number;
  readonly max: number;
  readonly zeros: number;
  readonly nans: number;
  readonly infinities: number;
}

/** The first op of a step whose result is not finite though its inputs are. */
export interface BadOp {
  /** "log"; "argument", "parameter" or "constant" for what was so before the step. */
  readonly op: string;
  /** The op whose derivative it is a part of; undefined in the forward pass. */
  readonly derivativeOf: string | undefined;
  /** "file:line:column" of the user's code that recorded it, or the op it is the derivative of. */
  readonly source: string | undefined;
  /** Keys of the modules around it, outermost first. */
  readonly modules: readonly string[];
  readonly output: Range;
  /** Indices of the first entry that is not finite, and what it is. */
  readonly first: readonly number[];
  readonly value: number;
  readonly inputs: readonly Range[];
  /** Why, most likely. */
  readonly cause: string;
  /** The report in words. */
  toString(): string;
}

/** What is known of a recording. */
export interface Recorded {
  readonly origins: ReadonlyMap<Node, Origin>;
  /** The names of arguments. */
  readonly names: ReadonlyMap<Node, string>;
}

const reports = new WeakMap<Error, BadOp>();

/** The report behind an error of a debug program. */
export const reportOf = (error: unknown): BadOp | undefined =>
  error instanceof Error ? reports.get(error) : undefined;

/** The error that a debug program throws. */
export function explain(finding: Finding, recorded: Recorded): Error {
  const report = describeFinding(finding, recorded);
  const error = new RangeError(String(report));
  reports.set(error, report);
  return error;
}

/** " (recorded at …)", to be added to a message. */
export function whereIs(node: Node, { origins }: Recorded): string {
  const { source, modules } = placeOf(node, origins);
  return source || modules.length > 0 ? ` (recorded ${place(source, modules)})` : "";
}

function place(source: string | undefined, modules: readonly string[]): string {
  const inside = modules.at(-1);
  return `at ${source ?? "an unknown line"}${inside === undefined ? "" : ` in module ${inside}`}`;
}

/** A derivative belongs where the op is that it is the derivative of. */
function placeOf(node: Node, origins: Recorded["origins"]): Origin {
  const own = origins.get(node);
  const forward = own?.derivativeOf && origins.get(own.derivativeOf);
  const { source, modules } = forward ?? own ?? { source: undefined, modules: [] };
  return { source, modules, derivativeOf: own?.derivativeOf };
}

function labelOf({ node }: Tensor, names: Recorded["names"]): string {
  const read = parameterRead(node);
  if (read) return nameOf(read.parameter) ?? "a parameter";
  return names.get(node) ?? node.op.name;
}

function rangeOf(tensor: Tensor, data: TypedArray, names: Recorded["names"]): Range {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [zeros, nans, infinities] = [0, 0, 0];
  for (const x of data) {
    if (Number.isNaN(x)) nans++;
    else if (!Number.isFinite(x)) infinities++;
    else {
      if (x === 0) zeros++;
      if (x < min) min = x;
      if (x > max) max = x;
    }
  }
  if (min > max) min = max = Number.NaN;
  const { shape, dtype } = tensor;
  return { name: labelOf(tensor, names), shape, dtype, min, max, zeros, nans, infinities };
}

const typeOf = ({ shape, dtype }: Range): string => `${dtype}${formatShape(shape)}`;

function counts({ nans, infinities }: Range): string {
  const parts: string[] = [];
  if (nans > 0) parts.push(`${grouped(nans)} NaN`);
  if (infinities > 0) parts.push(`${grouped(infinities)} infinite`);
  return parts.join(" and ");
}

function rangeInWords(range: Range): string {
  const { name, min, max, zeros } = range;
  const span = Number.isNaN(min) ? "nothing finite" : `${short(min)} … ${short(max)}`;
  const others = counts(range);
  const zero = zeros > 0 ? `, ${grouped(zeros)} of them 0` : "";
  return `${name} ${typeOf(range)} in ${span}${zero}${others ? `, and ${others}` : ""}`;
}

function describeFinding(
  { tensor, position, data, inputs: found }: Finding,
  { origins, names }: Recorded,
): BadOp {
  const { node } = tensor;
  const { source, modules, derivativeOf } = placeOf(node, origins);
  const output = rangeOf(tensor, data, names);
  const inputs = found.map((input) => rangeOf(input.tensor, input.data, names));
  const op = names.has(node) ? "argument" : node.op.name;
  const value = data[position] as number;
  const first = indicesAt(position, tensor.shape);
  const cause = causeOf({ op, of: derivativeOf?.op.name, value, output, inputs });
  const size = data.length;
  return {
    op,
    derivativeOf: derivativeOf?.op.name,
    source,
    modules,
    output,
    first,
    value,
    inputs,
    cause,
    toString() {
      const given = ["argument", "parameter", "constant"].includes(op);
      const what = derivativeOf ? `${op} in the derivative of ${derivativeOf.op.name}` : op;
      const at = first.length > 0 ? `, the first at ${formatShape(first)}` : "";
      const lines = [
        `${what}: ${given ? `${output.name} is` : "result is"} not finite: got ${counts(output)} ` +
          `of ${grouped(size)} in ${typeOf(output)}${at}, expected finite values`,
        ...inputs.map((input, index) => `  input ${index}: ${rangeInWords(input)}`),
        `  recorded ${place(source, modules)}`,
        `  likely cause: ${cause}`,
      ];
      return lines.join("\n");
    },
  };
}
