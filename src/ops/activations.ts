/**
 * Activations. Pieces are chosen by `where`, so that each kink passes the gradient of the piece it
 * belongs to, as PyTorch's, and NaN stays NaN.
 */

import { Opcode } from "../../assembly/opcodes.js";
import { checkOptions, describe } from "../describe.js";
import type { Value } from "../plan/lowering.js";
import type { ShapeOf } from "../shapeTypes/shapeOf.js";
import { type Op, record1 } from "../tape.js";
import type { Node, Tensor, TensorType } from "../tensor.js";
import { abs, ge, gt, le, lt, where } from "./compare.js";
import { checkFloat } from "./create.js";
import {
  add,
  backward,
  div,
  exp,
  mul,
  neg,
  relu,
  sigmoid,
  sub,
  tanh,
  unary,
} from "./elementwise.js";
import { erf, expm1 } from "./math.js";
import type { Unary } from "./signatures.js";

function checkNumber(op: string, name: string, value: number): void {
  if (typeof value !== "number" || Number.isNaN(value))
    throw new TypeError(`${op}: ${name} is not a number: got ${describe(value)}, expected one`);
}

/** min(max(x, low), high); the gradient passes at the bounds themselves. */
export function clamp<X extends Tensor>(x: X, low?: number, high?: number): Tensor<ShapeOf<X>>;
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
export function hardtanh<X extends Tensor>(x: X, low?: number, high?: number): Tensor<ShapeOf<X>>;
export function hardtanh(x: Tensor, low = -1, high = 1): Tensor {
  checkNumber("hardtanh", "low", low);
  checkNumber("hardtanh", "high", high);
  return where(le(x, low), low, where(ge(x, high), high, x));
}

/** min(max(x, 0), 6) (Howard et al. 2017) */
export const relu6: Unary = (x: Tensor) => hardtanh(x, 0, 6);

/** x > 0 ? x : slope · x (Maas et al. 2013); the derivative at 0 is the slope. */
export function leakyRelu<X extends Tensor>(x: X, slope?: number): Tensor<ShapeOf<X>>;
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  checkNumber("leakyRelu", "slope", slope);
  return where(gt(x, 0), x, mul(x, slope));
}

/** x within ±bound, where a derivative's limit is reached: it must not become Infinity · 0. */
const near = (x: Tensor | undefined, bound: number): Tensor => clamp(x as Tensor, -bound, bound);
const xOf = ({ inputs }: Node<null>): Tensor => inputs[0] as Tensor;

const siluBackward = backward("siluBackward", Opcode.SiluBackward, {
  decomposition([x, dy]) {
    const c = near(x, 800);
    const s = sigmoid(c);
    return [mul(dy as Tensor, mul(s, add(mul(c, sub(1, s)), 1)))];
  },
});
/** x · sigmoid(x) (Elfwing et al. 2017), also called swish. */
export const silu = unary(
  "silu",
  Opcode.Silu,
  (d, n) => siluBackward(xOf(n), d),
  (x) => mul(x, sigmoid(x)),
);

/** x / (1 + |x|) */
export const softsign: Unary = (x: Tensor) => div(x, add(abs(x), 1));

/** min(max(x / 6 + ½, 0), 1); the derivative at ±3 is 0. */
export const hardSigmoid: Unary = (x: Tensor) =>
  where(le(x, -3), 0, where(ge(x, 3), 1, add(div(x, 6), 0.5)));

/** x · min(max(x + 3, 0), 6) / 6 (Howard et al. 2019); the derivative is −½ at −3, 3/2 at 3. */
export function hardSwish<X extends Tensor>(x: X): Tensor<ShapeOf<X>>;
export function hardSwish(x: Tensor): Tensor {
  const inside = le(abs(x), 3);
  // What is not chosen must stay finite: its derivative would be 0 · Infinity.
  const c = where(inside, x, 0);
  return where(inside, div(mul(c, add(c, 3)), 6), relu(x));
}

/** x > 0 ? x : alpha · (eˣ − 1) (Clevert et al. 2015); the derivative at 0 is alpha. */
export function elu<X extends Tensor>(x: X, alpha?: number): Tensor<ShapeOf<X>>;
export function elu(x: Tensor, alpha = 1): Tensor {
  checkNumber("elu", "alpha", alpha);
  const positive = gt(x, 0);
  // What is not chosen must not overflow: its derivative would be 0 · Infinity.
  return where(positive, x, mul(expm1(where(positive, 0, x)), alpha));
}

/** ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|): exact far out on both sides. */
const softplusOp: Op<null> = {
  name: "softplus",
  infer([x]) {
    checkFloat("softplus", (x as TensorType).dtype);
    return [x as TensorType];
  },
  vjp: [(dy, { inputs: [x] }) => mul(dy, sigmoid(x as Tensor))],
  jvp: [(xDot, { inputs: [x] }) => mul(xDot, sigmoid(x as Tensor))],
  lower(node, to) {
    const x = to.input(node, 0);
    const { dtype, size } = x;
    const step = (opcode: Opcode, from: Value): Value => {
      const out = to.temporary(dtype, size);
      to.emit(opcode, [out], [from, size], [[out, from]]);
      return out;
    };
    const tail = step(Opcode.Log1p, step(Opcode.Exp, step(Opcode.Neg, step(Opcode.Abs, x))));
    to.emit(Opcode.Add, [to.output(node)], [step(Opcode.Relu, x), tail, 1, size, size, 1, size, 1]);
  },
};

/** ln(1 + eˣ); its derivative is sigmoid(x). */
export const softplus: Unary = (x: Tensor) => record1(softplusOp, [x], null);

/** ln sigmoid(x) = −softplus(−x) */
export const logSigmoid: Unary = (x: Tensor) => neg(softplus(neg(x)));

/** x · tanh(softplus(x)) (Misra 2019) */
export const mish: Unary = (x: Tensor) => mul(x, tanh(softplus(x)));

export interface GeluOptions {
  /** "tanh": ½x(1 + tanh(√(2/π)(x + 0.044715x³))); "none", the default, is exact. */
  readonly approximate?: "none" | "tanh";
}

/** Φ(x), the normal distribution. */
const normal = (x: Tensor): Tensor => mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
/** e^(−x²/2) / √2π */
const density = (x: Tensor): Tensor =>
  mul(exp(mul(mul(x, x), -0.5)), Math.SQRT1_2 / Math.sqrt(Math.PI));

const geluBackward = backward("geluBackward", Opcode.GeluBackward, {
  decomposition([x, dy]) {
    const c = near(x, 39);
    return [mul(dy as Tensor, add(normal(c), mul(c, density(c))))];
  },
});
const geluByErf = unary(
  "gelu",
  Opcode.Gelu,
  (d, n) => geluBackward(xOf(n), d),
  (x) => mul(x, normal(x)),
);

/** u = √(2/π)(x + 0.044715x³), and ½(1 + tanh u) = sigmoid(2u) */
const LINEAR = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715 * LINEAR;
const gate = (x: Tensor): Tensor => sigmoid(mul(x, add(mul(mul(x, x), CUBIC), LINEAR)));

const geluTanhBackward = backward("geluTanhBackward", Opcode.GeluTanhBackward, {
  decomposition([x, dy]) {
    const c = near(x, 39);
    const s = gate(c);
    const rise = add(mul(mul(c, c), 3 * CUBIC), LINEAR);
    return [mul(dy as Tensor, mul(s, add(mul(mul(c, sub(1, s)), rise), 1)))];
  },
});
const geluByTanh = unary(
  "geluTanh",
  Opcode.GeluTanh,
  (d, n) => geluTanhBackward(xOf(n), d),
  (x) => mul(x, gate(x)),
);

/** x · Φ(x) = ½x(1 + erf(x / √2)), Φ the normal distribution (Hendrycks & Gimpel 2016). */
export function gelu<X extends Tensor>(x: X, options?: GeluOptions): Tensor<ShapeOf<X>>;
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  checkOptions("gelu", options, ["approximate"]);
  const { approximate = "none" } = options;
  if (approximate !== "none" && approximate !== "tanh")
    throw new TypeError(
      `gelu: unknown approximation: got ${describe(approximate)}, expected "none" or "tanh"`,
    );
  return approximate === "none" ? geluByErf(x) : geluByTanh(x);
}
