/** What goes between `gradients` and `apply`. */
import { checkOptions, describe } from "../describe.js";
import { abs } from "../ops/compare.js";
import { add, div, maximum, minimum, mul, sqrt, square } from "../ops/elementwise.js";
import { pow } from "../ops/math.js";
import { max, sum } from "../ops/reduce.js";
import type { Tensor } from "../tensor.js";
import type { Gradients } from "./gradients.js";
import { joined, throughJoined } from "./joined.js";

function checkGradients(op: string, gradients: Gradients): Tensor[] {
  if (!Array.isArray(gradients))
    throw new TypeError(
      `${op}: gradients are no list: got ${describe(gradients)}, expected an array, as from gradients(loss, parameters)`,
    );
  const present = gradients.filter((gradient) => gradient !== undefined);
  if (present.length === 0)
    throw new RangeError(`${op}: nothing to clip: got no gradient, expected at least one`);
  return present;
}

function checkLimit(op: string, name: string, limit: number): void {
  if (!(typeof limit === "number" && limit >= 0))
    throw new RangeError(`${op}: bad ${name}: got ${describe(limit)}, expected a number ≥ 0`);
}

/**
 * The norm of all gradients as one vector, a scalar: the root of the sum of squares, or of another
 * order; `normType` Infinity is the largest magnitude. The sum is that of the kernel `sum` over the
 * gradients' elements, one gradient after the other.
 */
export function gradNorm(gradients: Gradients, normType = 2): Tensor {
  return normOf(joined(checkGradients("gradNorm", gradients)), normType);
}

function normOf(vector: Tensor, normType: number): Tensor {
  if (normType === 1) return sum(abs(vector));
  if (normType === 2) return sqrt(sum(square(vector)));
  if (normType === Number.POSITIVE_INFINITY) return max(abs(vector));
  if (!(typeof normType === "number" && normType > 0))
    throw new RangeError(
      `gradNorm: bad normType: got ${normType}, expected a positive number or Infinity`,
    );
  return pow(sum(pow(abs(vector), normType)), 1 / normType);
}

/**
 * Scales all gradients by min(1, maxNorm / (norm + 10⁻⁶)), so that their norm as one vector is at
 * most `maxNorm` (Pascanu, Mikolov & Bengio 2013; the constant is PyTorch's). Returns them with the
 * norm before clipping, to be watched. A gradient of NaN makes all of them NaN.
 */
export function clipGradNorm(
  gradients: Gradients,
  maxNorm: number,
  options: { readonly normType?: number } = {},
): { readonly gradients: (Tensor | undefined)[]; readonly norm: Tensor } {
  checkLimit("clipGradNorm", "maxNorm", maxNorm);
  checkOptions("clipGradNorm", options, ["normType"]);
  const norm = gradNorm(gradients, options.normType);
  const scale = minimum(div(maxNorm, add(norm, 1e-6)), 1);
  return { gradients: throughJoined(gradients, (vector) => mul(vector, scale)), norm };
}

/** Clamps every element of the gradients to −limit … limit; NaN stays. */
export function clipGradValue(gradients: Gradients, limit: number): (Tensor | undefined)[] {
  checkLimit("clipGradValue", "limit", limit);
  checkGradients("clipGradValue", gradients);
  return throughJoined(gradients, (vector) => minimum(maximum(vector, -limit), limit));
}
