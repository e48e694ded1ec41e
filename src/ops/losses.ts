/** Losses of numbers, of probabilities and of pairs, in basic ops. */

import { Opcode } from "../../assembly/opcodes.js";
import { checkOptions, checkWord, describe } from "../describe.js";
import type { Lowering, Value } from "../plan/lowering.js";
import { type Axes, formatShape, sameShape } from "../shape.js";
import { checkTensors, type Op, record1 } from "../tape.js";
import type { Node, Tensor, TensorType } from "../tensor.js";
import { clamp, softplus } from "./activations.js";
import { abs, eq, ge, gt, where } from "./compare.js";
import { checkFloat } from "./create.js";
import { add, div, exp, log, maximum, mul, neg, sqrt, square, sub } from "./elementwise.js";
import { sum } from "./reduce.js";
import {
  reduced as average,
  checkReduction,
  type LossOptions,
  type Reduction,
} from "./reduction.js";

/** Two tensors of one shape and dtype; nothing is stretched, which hides mistakes. */
function checkPair(op: string, x: Tensor, y: Tensor): void {
  checkTensors(op, x, y);
  if (!sameShape(x.shape, y.shape))
    throw new RangeError(
      `${op}: shapes differ: got ${formatShape(x.shape)} and ${formatShape(y.shape)}, expected equal ones; broadcastTo stretches one`,
    );
  checkFloat(op, x.dtype);
  checkFloat(op, y.dtype);
}

function checkPositive(op: string, name: string, value: number, least = 0): void {
  if (!(typeof value === "number" && value > least && value < Number.POSITIVE_INFINITY))
    throw new RangeError(
      `${op}: bad ${name}: got ${describe(value)}, expected a finite number > ${least}`,
    );
}

/** A loss of differences, element by element; a function of its own for each, that bundlers can drop. */
function pairwise(
  op: string,
  x: Tensor,
  y: Tensor,
  options: LossOptions,
  loss: (x: Tensor, y: Tensor) => Tensor,
  option = "reduction",
): Tensor {
  checkOptions(op, options, ["reduction", option]);
  const reduction = checkReduction(op, options.reduction);
  checkPair(op, x, y);
  return average(loss(x, y), reduction);
}

/** (x − y)² */
export const mse = (x: Tensor, y: Tensor, options: LossOptions = {}): Tensor =>
  pairwise("mse", x, y, options, (a, b) => square(sub(a, b)));

/** |x − y|; its derivative where they are equal is 0. */
export const l1 = (x: Tensor, y: Tensor, options: LossOptions = {}): Tensor =>
  pairwise("l1", x, y, options, (a, b) => abs(sub(a, b)));

/** d² where it is not far: elsewhere it must not overflow, its derivative would be 0 · Infinity. */
const squareWhere = (far: Tensor, d: Tensor): Tensor => square(where(far, 0, d));

/** ½d² where |d| ≤ delta, else delta·(|d| − ½ delta), d = x − y (Huber 1964). */
export function huber(
  x: Tensor,
  y: Tensor,
  options: LossOptions & { readonly delta?: number } = {},
): Tensor {
  const { delta = 1 } = options;
  checkPositive("huber", "delta", delta);
  return pairwise(
    "huber",
    x,
    y,
    options,
    (a, b) => {
      const d = sub(a, b);
      const size = abs(d);
      const far = gt(size, delta);
      return where(far, mul(sub(size, 0.5 * delta), delta), mul(squareWhere(far, d), 0.5));
    },
    "delta",
  );
}

/** ½d² / beta where |d| < beta, else |d| − ½ beta, d = x − y (Girshick 2015); beta 0 is `l1`. */
export function smoothL1(
  x: Tensor,
  y: Tensor,
  options: LossOptions & { readonly beta?: number } = {},
): Tensor {
  const { beta = 1 } = options;
  if (beta !== 0) checkPositive("smoothL1", "beta", beta);
  return pairwise(
    "smoothL1",
    x,
    y,
    options,
    (a, b) => {
      const d = sub(a, b);
      if (beta === 0) return abs(d);
      const size = abs(d);
      const far = ge(size, beta);
      return where(far, sub(size, 0.5 * beta), div(mul(squareWhere(far, d), 0.5), beta));
    },
    "beta",
  );
}

export interface KlDivOptions {
  /** "batchMean" is the sum divided by the first axis: the divergence itself. */
  readonly reduction?: Reduction | "batchMean";
  /** Whether the target holds logarithms. */
  readonly logTarget?: boolean;
}

/**
 * Kullback–Leibler divergence p·(ln p − input), input = ln q, target = p (or ln p); 0 where p is 0.
 * "mean" is over all elements, as in PyTorch.
 */
export function klDiv(input: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor {
  checkTensors("klDiv", input, target);
  checkOptions("klDiv", options, ["reduction", "logTarget"]);
  const { reduction = "mean", logTarget = false } = options;
  checkWord("klDiv", "reduction", reduction, ["mean", "sum", "none", "batchMean"]);
  checkPair("klDiv", input, target);
  const losses = logTarget
    ? mul(exp(target), sub(target, input))
    : sub(mul(target, log(where(eq(target, 0), 1, target))), mul(target, input));
  if (reduction !== "batchMean") return average(losses, reduction);
  return div(sum(losses), input.shape[0] ?? 1);
}

/** Emits an elementwise kernel of two whole operands. */
function emitPair(to: Lowering, opcode: Opcode, out: Value, a: Value, b: Value): Value {
  const n = out.size;
  const strides = [a, b].flatMap(({ size }) => (size === n ? [n, 1] : [0, 0]));
  to.emit(opcode, [out], [a, b, 1, n, ...strides]);
  return out;
}

/** The least p(1 − p) that a derivative is divided by: an f32 in f64 too, as in PyTorch. */
const LEAST = Math.fround(1e-12);

/** −(y ln p + (1 − y) ln(1 − p)), logarithms not below −100. */
const bceOp: Op<null> = {
  name: "bce",
  infer: ([p]) => [p as TensorType],
  // PyTorch's: (p − y) / max(p(1 − p), 10⁻¹²), finite where a logarithm is clamped.
  vjp: [(d, node) => mul(d, bySide(node)), (d, node) => mul(d, byTarget(node))],
  jvp: [(pDot, node) => mul(pDot, bySide(node)), (yDot, node) => mul(yDot, byTarget(node))],
  lower(node, to) {
    const [p, y] = [to.input(node, 0), to.input(node, 1)];
    const fresh = (): Value => to.temporary(p.dtype, p.size);
    const one = to.scalar(1);
    const logOf = (x: Value): Value => {
      const logarithm = fresh();
      to.emit(Opcode.Log, [logarithm], [x, x.size]);
      return emitPair(to, Opcode.Maximum, fresh(), logarithm, to.scalar(-100));
    };
    const hit = emitPair(to, Opcode.Mul, fresh(), y, logOf(p));
    const rest = emitPair(to, Opcode.Sub, fresh(), one, y);
    const other = logOf(emitPair(to, Opcode.Sub, fresh(), one, p));
    const miss = emitPair(to, Opcode.Mul, fresh(), rest, other);
    const total = emitPair(to, Opcode.Add, fresh(), hit, miss);
    to.emit(Opcode.Neg, [to.output(node)], [total, total.size]);
  },
};

function bySide({ inputs }: Node<null>): Tensor {
  const [p, y] = inputs as [Tensor, Tensor];
  return div(sub(p, y), maximum(mul(p, sub(1, p)), LEAST));
}

function byTarget({ inputs }: Node<null>): Tensor {
  const [p] = inputs as [Tensor];
  const clamped = (x: Tensor): Tensor => maximum(log(x), -100);
  return sub(clamped(sub(1, p)), clamped(p));
}

/** Binary cross-entropy of probabilities p and targets y; see `bceWithLogits` for scores. */
export const bce = (x: Tensor, y: Tensor, options: LossOptions = {}): Tensor =>
  pairwise("bce", x, y, options, (p, t) => record1(bceOp, [p, t], null));

export interface LogitsOptions extends LossOptions {
  /** Multiplies the term of targets that are 1; broadcasts. */
  readonly posWeight?: Tensor;
  /** Multiplies each loss; broadcasts. */
  readonly weight?: Tensor;
}

/** Binary cross-entropy of scores x: (1 − y)·x + ln(1 + e⁻ˣ), which never overflows. */
export function bceWithLogits(x: Tensor, y: Tensor, options: LogitsOptions = {}): Tensor {
  checkTensors("bceWithLogits", x, y);
  checkOptions("bceWithLogits", options, ["reduction", "posWeight", "weight"]);
  const { posWeight, weight } = options;
  const reduction = checkReduction("bceWithLogits", options.reduction);
  checkPair("bceWithLogits", x, y);
  const tail = softplus(neg(x));
  const weighed = posWeight ? mul(tail, add(mul(sub(posWeight, 1), y), 1)) : tail;
  const losses = add(mul(sub(1, y), x), weighed);
  return average(weight ? mul(losses, weight) : losses, reduction);
}

/** x where y = 1, max(0, margin − x) where y = −1; y holds 1 and −1. At the margin the derivative is −1. */
export function hingeEmbedding(
  x: Tensor,
  y: Tensor,
  options: LossOptions & { readonly margin?: number } = {},
): Tensor {
  const { margin = 1 } = options;
  return pairwise(
    "hingeEmbedding",
    x,
    y,
    options,
    (a, b) => where(eq(b, 1), a, where(eq(b, -1), clamp(sub(margin, a), 0), 0)),
    "margin",
  );
}

export interface CosineOptions {
  readonly axis?: Axes;
  /** The least product of the norms. */
  readonly eps?: number;
}

/**
 * Σ a·b / max(‖a‖·‖b‖, eps) along an axis (1 by default, as in PyTorch), broadcasting; each norm is
 * held above eps by itself, and is a constant where it is held (PyTorch differentiates it there too).
 */
export function cosineSimilarity(a: Tensor, b: Tensor, options: CosineOptions = {}): Tensor {
  checkTensors("cosineSimilarity", a, b);
  const { axis = 1, eps = 1e-8 } = options;
  checkPositive("cosineSimilarity", "eps", eps);
  checkFloat("cosineSimilarity", a.dtype);
  // The root of a sum held above eps²: its derivative at 0 is 0, not infinite.
  const size = (x: Tensor): Tensor => {
    const squares = sum(square(x), axis, true);
    return sqrt(where(gt(squares, eps * eps), squares, eps * eps));
  };
  return sum(mul(div(a, size(a)), div(b, size(b))), axis);
}
