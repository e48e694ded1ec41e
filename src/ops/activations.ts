/**
 * Activations. Pieces are chosen by `where`, so that each kink passes the gradient of the piece it
 * belongs to, as PyTorch's, and NaN stays NaN.
 */
import { describe } from "../tape.js";
import type { Tensor } from "../tensor.js";
import { abs, ge, gt, le, lt, where } from "./compare.js";
import { add, div, mul, sigmoid } from "./elementwise.js";

function checkNumber(op: string, name: string, value: number): void {
  if (typeof value !== "number" || Number.isNaN(value))
    throw new TypeError(`${op}: ${name} is not a number: got ${describe(value)}, expected one`);
}

/** min(max(x, low), high); the gradient passes at the bounds themselves. */
export function clamp(
  x: Tensor,
  low = Number.NEGATIVE_INFINITY,
  high = Number.POSITIVE_INFINITY,
): Tensor {
  checkNumber("clamp", "low", low);
  checkNumber("clamp", "high", high);
  const above = low === Number.NEGATIVE_INFINITY ? x : where(lt(x, low), low, x);
  return high === Number.POSITIVE_INFINITY ? above : where(gt(above, high), high, above);
}

/** min(max(x, low), high); the gradient is blocked at the bounds themselves. */
export function hardtanh(x: Tensor, low = -1, high = 1): Tensor {
  checkNumber("hardtanh", "low", low);
  checkNumber("hardtanh", "high", high);
  return where(le(x, low), low, where(ge(x, high), high, x));
}

/** min(max(x, 0), 6) (Howard et al. 2017) */
export const relu6 = (x: Tensor): Tensor => hardtanh(x, 0, 6);

/** x > 0 ? x : slope · x (Maas et al. 2013); the derivative at 0 is the slope. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  checkNumber("leakyRelu", "slope", slope);
  return where(gt(x, 0), x, mul(x, slope));
}

/** x · sigmoid(x) (Elfwing et al. 2017), also called swish. */
export const silu = (x: Tensor): Tensor => mul(x, sigmoid(x));

/** x / (1 + |x|) */
export const softsign = (x: Tensor): Tensor => div(x, add(abs(x), 1));

/** min(max(x / 6 + ½, 0), 1); the derivative at ±3 is 0. */
export const hardSigmoid = (x: Tensor): Tensor =>
  where(le(x, -3), 0, where(ge(x, 3), 1, add(div(x, 6), 0.5)));

/** x · min(max(x + 3, 0), 6) / 6 (Howard et al. 2019) */
export const hardSwish = (x: Tensor): Tensor =>
  where(lt(x, -3), 0, where(le(x, 3), div(mul(x, add(x, 3)), 6), x));
