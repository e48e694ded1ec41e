/**
 * The first op that made a NaN or an infinity, in words: what a debug program says when it stops.
 */
import { parameterRead } from "./evaluate.js";
import { grouped } from "./grouped.js";
import type { Origin } from "./origins.js";
import type { Finding } from "./plan/program.js";
import { formatShape, type Shape } from "./shape.js";
import { moduleHooks } from "./tape.js";
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

function nameOf({ node }: Tensor, names: Recorded["names"]): string {
  const read = parameterRead(node);
  if (read) {
    const { parameter } = read;
    return moduleHooks()?.keyOf(parameter) ?? (parameter.name || "a parameter");
  }
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
  return { name: nameOf(tensor, names), shape, dtype, min, max, zeros, nans, infinities };
}

function indicesOf(position: number, shape: Shape): number[] {
  const indices: number[] = [];
  let rest = position;
  for (const length of [...shape].reverse()) {
    indices.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return indices;
}

const short = (x: number): string => String(Number(x.toPrecision(4)));

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
  const first = indicesOf(position, tensor.shape);
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

interface Evidence {
  readonly op: string;
  readonly of: string | undefined;
  readonly value: number;
  readonly output: Range;
  readonly inputs: readonly Range[];
}

type Cause = (evidence: Evidence) => string | undefined;

const negative: Cause = ({ inputs: [x] }) =>
  x && x.min < 0 ? `its input goes down to ${short(x.min)}` : undefined;

const largest = (ranges: readonly Range[]): number =>
  ranges.reduce((most, { min, max }) => Math.max(most, -min || 0, max || 0), 0);

/** Where a float overflows. */
const limitOf = ({ dtype }: Range): string => (dtype === "f64" ? "1.8e308" : "3.4e38");
/** ln of it. */
const exponentOf = ({ dtype }: Range): string => (dtype === "f64" ? "709.8" : "88.7");

const logarithm: Cause = (evidence) => {
  const below = negative(evidence);
  if (below) return `the logarithm of a negative number is NaN: ${below}`;
  return "the logarithm of 0 is −Infinity: add a small number first, or use a loss that takes logits (crossEntropy, logSoftmax)";
};

const division: Cause = ({ of, inputs: [dividend, divisor], output }) => {
  if (divisor && divisor.zeros > 0) {
    if (of === "sqrt")
      return "the derivative of a square root at 0 is infinite: add a small number under the root";
    if (of === "log")
      return "the derivative of a logarithm at 0 is infinite: keep its input above 0";
    return `a division by zero: ${grouped(divisor.zeros)} of the divisors ${divisor.zeros === 1 ? "is" : "are"} 0; add a small number to them, or choose with where before dividing`;
  }
  if (dividend && divisor)
    return `the quotient is beyond ${limitOf(output)}: dividends up to ${short(largest([dividend]))}, divisors as near to 0 as ${short(Math.min(Math.abs(divisor.min), Math.abs(divisor.max)))} or nearer`;
  return undefined;
};

const exponential: Cause = ({ inputs: [x], output }) =>
  x &&
  `e^x is beyond ${limitOf(output)} for x above ${exponentOf(output)}: its input goes up to ${short(x.max)}; ` +
    "subtract the largest first, as softmax and logSumExp do, or work with logarithms";

const normalisation: Cause = ({ inputs }) =>
  largest(inputs) > 1e18
    ? undefined
    : "a variance of 0 and no eps: all values of a channel or row are equal; give the norm an eps such as 1e-5";

const rows: Cause = ({ inputs: [x] }) =>
  x && x.infinities > 0
    ? "a row in which every entry is −Infinity has no softmax: a mask leaves nothing of it; let each row keep one entry"
    : undefined;

const power: Cause = ({ value, inputs: [base, exponent] }) => {
  if (base && base.min < 0 && Number.isNaN(value))
    return `a negative number to a power that is no whole number is NaN: the base goes down to ${short(base.min)}`;
  if (base && base.zeros > 0 && !(exponent && exponent.min > 0))
    return "0 to a negative power is infinite: keep the base away from 0";
  return undefined;
};

const product: Cause = ({ value, inputs, of }) => {
  const infinite = inputs.find(({ infinities }) => infinities > 0);
  if (Number.isNaN(value) && infinite)
    return `0 · Infinity is NaN: ${infinite.name} is infinite in ${grouped(infinite.infinities)} place${infinite.infinities === 1 ? "" : "s"}; choose with where instead of multiplying by a mask`;
  return of === "pow" ? "the derivative of a power below 1 at 0 is infinite" : undefined;
};

const update: Cause = ({ inputs: [p, g], output }) =>
  p &&
  g &&
  `the update goes beyond ${limitOf(output)}: weights up to ${short(largest([p]))}, gradients up to ${short(largest([g]))}; ` +
    "lower the learning rate, or clip the gradients";

/** What is typical of an op; undefined where the evidence speaks against it. */
const CAUSES: Readonly<Record<string, Cause>> = {
  argument: () =>
    "it is in the data: a missing value, or a division by a deviation of 0 when it was normalised",
  parameter: () =>
    "it was there before this step: an earlier one wrote it, or it was loaded; begin again from weights that are finite",
  constant: () => "a captured tensor held it before this step",
  log: logarithm,
  log1p: () => "ln(1 + x) is NaN below x = −1 and −Infinity there",
  div: division,
  sqrt: (evidence) => {
    const below = negative(evidence);
    return below && `the square root of a negative number is NaN: ${below}`;
  },
  exp: exponential,
  expm1: exponential,
  sinh: exponential,
  cosh: exponential,
  pow: power,
  mul: product,
  sub: ({ value }) => (Number.isNaN(value) ? "Infinity − Infinity is NaN" : undefined),
  add: ({ value }) => (Number.isNaN(value) ? "Infinity − Infinity is NaN" : undefined),
  batchNorm: normalisation,
  batchNormBackward: normalisation,
  batchNormEval: normalisation,
  rmsNorm: normalisation,
  rmsNormBackward: normalisation,
  softmax: rows,
  logSoftmax: rows,
  crossEntropy: rows,
  sgd: update,
  sgdMomentum: update,
  adam: update,
};

function causeOf(evidence: Evidence): string {
  const { op, output, inputs } = evidence;
  const typical = CAUSES[op]?.(evidence);
  if (typical) return typical;
  const most = largest(inputs);
  if (most < 1e9)
    return "none that is typical of this op: its inputs are small; look at their entries";
  return (
    `the result is beyond ${limitOf(output)}: its inputs go up to ${short(most)}; weights or activations ` +
    "have grown: lower the learning rate, clip the gradients, or normalise"
  );
}
