/** Powers, angles, and the transcendental functions whose kernels compute in f64. */
import { Opcode } from "../../assembly/opcodes.js";
import { type Op, record1 } from "../tape.js";
import { type Node, Tensor } from "../tensor.js";
import { eq, ge, logicalAnd, where } from "./compare.js";
import { asTensor, checkFloat, type Operand } from "./create.js";
import {
  add,
  binary,
  broadcasting,
  div,
  exp,
  ins,
  log,
  mul,
  neg,
  sqrt,
  square,
  sub,
  unary,
} from "./elementwise.js";
import { broadcastTo } from "./shape.js";
import type { Binary, Unary } from "./signatures.js";

const x = ({ inputs }: Node<null>): Tensor => inputs[0] as Tensor;
const y = ({ outputs }: Node<null>): Tensor => outputs[0] as Tensor;

/** ln (1 + x), as accurate near 0. */
export const log1p = unary("log1p", Opcode.Log1p, (d, n) => div(d, add(x(n), 1)));
/** eˣ − 1, as accurate near 0. */
export const expm1 = unary("expm1", Opcode.Expm1, (d, n) => mul(d, exp(x(n))));
/** sin x, for every x. */
export const sin = unary("sin", Opcode.Sin, (d, n) => mul(d, cos(x(n))));
/** cos x, for every x. */
export const cos = unary("cos", Opcode.Cos, (d, n) => neg(mul(d, sin(x(n)))));
/** tan x, for every x. */
export const tan = unary("tan", Opcode.Tan, (d, n) => mul(d, add(square(y(n)), 1)));
/** sinh x */
export const sinh = unary("sinh", Opcode.Sinh, (d, n) => mul(d, cosh(x(n))));
/** cosh x */
export const cosh = unary("cosh", Opcode.Cosh, (d, n) => mul(d, sinh(x(n))));
/** arctan x */
export const atan = unary("atan", Opcode.Atan, (d, n) => div(d, add(square(x(n)), 1)));
/** erf x = 2/√π ∫₀ˣ e^−t² dt */
export const erf = unary("erf", Opcode.Erf, (d, n) =>
  mul(mul(d, exp(neg(square(x(n))))), 2 / Math.sqrt(Math.PI)),
);
/** 1 / x */
export const reciprocal: Unary = (of: Tensor) => div(1, of);
/** 1 / √x */
export const rsqrt: Unary = (of: Tensor) => reciprocal(sqrt(of));

/** The derivative by the base is 0 at exponent 0, by the exponent at base 0 unless it is < 0. */
const byBase = (d: Tensor, base: Tensor, exponent: Tensor): Tensor =>
  where(eq(exponent, 0), 0, mul(d, mul(exponent, pow(base, sub(exponent, 1)))));
const byExponent = (d: Tensor, base: Tensor, exponent: Tensor, power: Tensor): Tensor =>
  where(logicalAnd(eq(base, 0), ge(exponent, 0)), 0, mul(d, mul(power, log(base))));

// Each rule's column: with respect to a, with respect to b.
// biome-ignore format: a calculus table, proofread down its columns
const powOp = binary("pow", Opcode.Pow,
  [(d, n) => byBase(d, ...ins(n)), (d, n) => byExponent(d, ...ins(n), y(n))]);
/** r² = a² + b²; a / r / r where a / r² would overflow on the way. */
// biome-ignore format: as above
const hypotOp = binary("hypot", Opcode.Hypot,
  [(d, n) => mul(d, div(ins(n)[0], y(n))), (d, n) => mul(d, div(ins(n)[1], y(n)))]);
const overSquares = (of: Tensor, n: Node<null>): Tensor => {
  const r = hypotOp(...ins(n));
  return div(div(of, r), r);
};
// biome-ignore format: as above
const atan2Op = binary("atan2", Opcode.Atan2,
  [(d, n) => mul(d, overSquares(ins(n)[1], n)), (d, n) => neg(mul(d, overSquares(ins(n)[0], n)))]);

/** x to a constant power, without a logarithm in its derivative. */
const powerOp: Op<number> = {
  name: "pow",
  infer: ([base]) => [base as Tensor],
  vjp: [(dy, { inputs, attrs }) => mul(dy, slope(inputs[0] as Tensor, attrs))],
  jvp: [(xDot, { inputs, attrs }) => mul(xDot, slope(inputs[0] as Tensor, attrs))],
  lower(node, to) {
    const base = to.input(node, 0);
    const power = to.output(node);
    const { size } = power;
    to.emit(
      Opcode.Pow,
      [power],
      [base, to.scalar(node.attrs), 1, size, size, 1, 0, 0],
      [[power, base]],
    );
  },
};
const slope = (base: Tensor, exponent: number): Tensor =>
  mul(constantPower(base, exponent - 1), exponent);

function constantPower(base: Tensor, exponent: number): Tensor {
  checkFloat("pow", base.dtype);
  if (exponent === 0) return broadcastTo(asTensor("pow", 1, base.dtype), base.shape);
  if (exponent === 1) return base;
  if (exponent === 2) return square(base);
  if (exponent === 3) return mul(square(base), base);
  return exponent === -1 ? reciprocal(base) : record1(powerOp, [base], exponent);
}

const powTensors = broadcasting("pow", powOp);
/**
 * aᵇ, broadcasting; special values as in C99: a⁰ = 1ᵇ = 1, NaN included, and NaN where a < 0 and b
 * is no integer. A number b of 2 or 3 multiplies, and −1 divides. By a, the derivative is 0 where
 * b = 0; by b, it is 0 where a = 0 ≤ b, and NaN where a < 0.
 */
export const pow: Binary = (a: Operand, b: Operand) =>
  a instanceof Tensor && typeof b === "number" ? constantPower(a, b) : powTensors(a, b);
/**
 * The angle of the point (b, a), −π … π, broadcasting; signed zeros and infinities as in C99. The
 * derivatives at (0, 0) are NaN.
 */
export const atan2 = broadcasting("atan2", atan2Op);
/**
 * √(a² + b²), broadcasting, without overflow on the way. The derivatives at (0, 0) are NaN.
 */
export const hypot = broadcasting("hypot", hypotOp);
