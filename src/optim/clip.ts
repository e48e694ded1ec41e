/** What goes between `gradients` and `apply`. */
import { abs } from "../ops/compare.js";
import { add, div, maximum, minimum, mul, sqrt, square } from "../ops/elementwise.js";
import { pow } from "../ops/math.js";
import { max, sum } from "../ops/reduce.js";
import { describe } from "../tape.js";
import type { Tensor } from "../tensor.js";

export type Gradients = readonly (Tensor | undefined)[];

function checkGradients(op: string, gradients: Gradients): Tensor[] {
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
 * order; `normType` Infinity is the largest magnitude.
 */
export function gradNorm(gradients: Gradients, normType = 2): Tensor {
  const present = checkGradients("gradNorm", gradients);
  const over = (part: (g: Tensor) => Tensor, join: (a: Tensor, b: Tensor) => Tensor): Tensor =>
    present.map(part).reduce(join);
  if (normType === 1) return over((g) => sum(abs(g)), add);
  if (normType === 2) return sqrt(over((g) => sum(square(g)), add));
  if (normType === Number.POSITIVE_INFINITY) return over((g) => max(abs(g)), maximum);
  if (!(typeof normType === "number" && normType > 0))
    throw new RangeError(
      `gradNorm: bad normType: got ${normType}, expected a positive number or Infinity`,
    );
  return pow(
    over((g) => sum(pow(abs(g), normType)), add),
    1 / normType,
  );
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
  const norm = gradNorm(gradients, options.normType);
  const scale = minimum(div(maxNorm, add(norm, 1e-6)), 1);
  return { gradients: gradients.map((g) => g && mul(g, scale)), norm };
}

/** Clamps every element of the gradients to −limit … limit; NaN stays. */
export function clipGradValue(gradients: Gradients, limit: number): (Tensor | undefined)[] {
  checkLimit("clipGradValue", "limit", limit);
  checkGradients("clipGradValue", gradients);
  return gradients.map((g) => g && minimum(maximum(g, -limit), limit));
}
