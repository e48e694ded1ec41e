/** Why an op makes a NaN or an infinity, most likely: what is typical of it, with the numbers. */
import type { Range } from "./badOp.js";
import { grouped } from "./grouped.js";

export const short = (x: number): string => String(Number(x.toPrecision(4)));

/** What is known of the op that did it. */
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
  sqrt(evidence) {
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
  layerNorm: normalisation,
  layerNormBackward: normalisation,
  rmsNorm: normalisation,
  rmsNormBackward: normalisation,
  softmax: rows,
  logSoftmax: rows,
  crossEntropy: rows,
  sgd: update,
  sgdMomentum: update,
  adam: update,
};

/** One sentence, with a cure. */
export function causeOf(evidence: Evidence): string {
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
