/**
 * How an instruction is shared among threads: the operands of one share are those of the whole with
 * addresses moved on and sizes made smaller, so the kernels know nothing of threads.
 *
 *     add(out, a, b, 1, 1000, …)   →   add(out, a, b, 1, 512, …)  |  add(out + 2048, …, 1, 488, …)
 *
 * No rule crosses a reduction: every element is computed by one share, by the very additions of the
 * whole, so the bits do not depend on the number of threads. What has no rule, and what may refuse
 * its input, runs on one thread.
 */
import { Opcode } from "../../assembly/opcodes.js";
import { chain, copy, inParts, strided, sumBlocks } from "./shareParts.js";
import {
  byChannel,
  byImage,
  convolutionWork,
  gemm,
  gemmBatched,
  gemmSums,
  weightGradient,
} from "./shareProducts.js";
import {
  along,
  binary,
  CHEAP,
  CURVED,
  causal,
  largest,
  number,
  product,
  type Rule,
  ranges,
  reduction,
  rows,
  rowsBackward,
  select,
  unary,
  WIDE,
  withGradient,
} from "./shareRules.js";
import type { Share } from "./shares.js";

const BINARY = [
  Opcode.Add,
  Opcode.Sub,
  Opcode.Mul,
  Opcode.Div,
  Opcode.Maximum,
  Opcode.Minimum,
].concat([
  Opcode.Equal,
  Opcode.MaximumShare,
  Opcode.Compare,
  Opcode.CompareIntegers,
  Opcode.Integers,
]);
const WIDE_BINARY = [Opcode.Pow, Opcode.Atan2, Opcode.Hypot];
const UNARY = [Opcode.Neg, Opcode.Sqrt, Opcode.Relu, Opcode.ToFloat].concat([
  Opcode.ToInteger,
  Opcode.Abs,
  Opcode.Sign,
  Opcode.Floor,
  Opcode.Ceil,
  Opcode.Round,
]);
const CURVES = [Opcode.Exp, Opcode.Log, Opcode.Sigmoid, Opcode.Tanh, Opcode.Silu];
const WIDE_CURVES = [Opcode.Log1p, Opcode.Expm1, Opcode.Sin, Opcode.Cos, Opcode.Tan].concat([
  Opcode.Sinh,
  Opcode.Cosh,
  Opcode.Atan,
  Opcode.Erf,
  Opcode.Gelu,
  Opcode.GeluTanh,
]);
const GRADIENTS = [Opcode.SigmoidBackward, Opcode.TanhBackward, Opcode.ReluBackward];
const WIDE_GRADIENTS = [Opcode.SiluBackward, Opcode.GeluBackward, Opcode.GeluTanhBackward];
const REDUCTIONS = [Opcode.Sum, Opcode.Mean, Opcode.Max, Opcode.Min];

const each = (opcodes: readonly Opcode[], rule: Rule): [Opcode, Rule][] =>
  opcodes.map((opcode) => [opcode, rule]);

/** What can be shared; exported for its tests. */
export const rules: ReadonlyMap<Opcode, Rule> = new Map<Opcode, Rule>([
  ...each(BINARY, binary(CHEAP)),
  ...each(WIDE_BINARY, binary(2 * WIDE)),
  ...each(UNARY, unary(CHEAP)),
  ...each(CURVES, unary(CURVED)),
  ...each(WIDE_CURVES, unary(WIDE)),
  ...each(GRADIENTS, withGradient(CHEAP)),
  ...each(WIDE_GRADIENTS, withGradient(WIDE)),
  // out, slope, x, n
  [Opcode.GeluForward, withGradient(2 * WIDE)],
  ...each(REDUCTIONS, reduction),
  ...each([Opcode.Select, Opcode.SelectWords], select),
  [Opcode.Copy, copy],
  [Opcode.Chain, chain],
  [Opcode.SumBlocks, sumBlocks],
  // out, value, n
  [Opcode.Fill, ranges(2, [0], CHEAP)],
  [Opcode.StridedCopy, strided(0, 1, 2, 1)],
  // out, offset, x, …
  [Opcode.StridedPlace, strided(0, 2, 1, 0)],
  // out, scratch, x, rows, n, descending
  [Opcode.Argsort, rowsBackward(3, [0, 2], 20)],
  // out, x, outer, n, inner, …
  [Opcode.Cumsum, along(2, { 0: (o) => product(o, 3, 4), 1: (o) => product(o, 3, 4) })],
  [Opcode.Argmax, reduction],
  [Opcode.Gemm, gemm(false)],
  [Opcode.GemmBackward, gemm(true)],
  [Opcode.GemmSums, gemmSums],
  [Opcode.GemmBatched, gemmBatched],
  [Opcode.Softmax, rows(2 * CURVED)],
  // dx, scratch, y, dy, rows, n, logarithm
  [Opcode.SoftmaxBackward, rowsBackward(4, [0, 2, 3], CURVED)],
  [Opcode.CausalSoftmax, causal(2, [0, 1], undefined)],
  [Opcode.CausalSoftmaxBackward, causal(4, [0, 2, 3], 1)],
  // dLogits, logits, labels, rowMax, logSum, dLosses, rows, cols, dStride
  [
    Opcode.SoftmaxCrossEntropyBackward,
    along(
      6,
      { 0: (o) => number(o, 7), 1: (o) => number(o, 7), 2: 1, 3: 1, 4: 1, 5: (o) => number(o, 8) },
      { cost: CURVED },
    ),
  ],
  // y, mean, variance, x, gamma, beta, outer, …
  [Opcode.BatchNormForward, byChannel(6, [0, 3], [1, 2, 4, 5])],
  // dx, dGamma, dBeta, x, mean, variance, gamma, dy, outer, channels, inner, pitch, eps, beta
  [Opcode.BatchNormBackward, byChannel(8, [0, 3, 7], [1, 2, 4, 5, 6, 13])],
  // y, x, mean, variance, gamma, beta, outer, channels, inner, eps
  [Opcode.BatchNormEval, along(6, { 0: (o) => product(o, 7, 8), 1: (o) => product(o, 7, 8) })],
  // y, mean, rstd, x, gamma, beta, rows, n, eps
  [
    Opcode.LayerNormForward,
    along(6, { 0: (o) => number(o, 7), 1: 1, 2: 1, 3: (o) => number(o, 7) }, { cost: CURVED }),
  ],
  [Opcode.RmsNorm, rows(CURVED)],
  // dx, scratch, x, dy, rows, n, eps
  [Opcode.RmsNormBackward, rowsBackward(4, [0, 2, 3], CURVED)],
  // out, x, geometry
  [Opcode.Unfold, byImage(2, { images: [1], columns: [0] })],
  [Opcode.Fold, byImage(2, { images: [0], columns: [1] })],
  // y, scratch, x, w, bias, geometry, …
  [
    Opcode.Conv2dForward,
    { ...byImage(5, { images: [2], maps: [0] }, { scratch: 1 }), work: convolutionWork(5) },
  ],
  // dx, scratch, dy, w, bias, geometry, …
  [
    Opcode.Conv2dInputGradient,
    { ...byImage(5, { images: [0], maps: [2] }, { scratch: 1 }), work: convolutionWork(5) },
  ],
  [Opcode.Conv2dWeightGradient, weightGradient],
  // y, indices, x, geometry
  [Opcode.MaxPool, byImage(3, { images: [2], planes: [0, 1] }, { cost: 4 * CURVED })],
  // out, x, indices, planes, size, count
  [
    Opcode.PoolGather,
    along(3, { 0: (o) => number(o, 5), 1: (o) => number(o, 4), 2: (o) => number(o, 5) }),
  ],
  // out, x, indices, geometry
  [Opcode.PoolScatter, byImage(3, { images: [0], planes: [1, 2] })],
  // y, x, geometry, …; dx, dy, geometry, …
  [Opcode.AvgPool, byImage(2, { images: [1], planes: [0] }, { cost: CURVED })],
  [Opcode.AvgPoolBackward, byImage(2, { images: [0], planes: [1] }, { cost: CURVED })],
  // out; x, n
  [Opcode.Increment, inParts(1, 1, 2, CHEAP)],
  // pOut; p, g, n, hyper
  [Opcode.Sgd, inParts(1, 2, 4, CHEAP)],
  // pOut, bufferOut; p, g, buffer, n, hyper, nesterov
  [Opcode.SgdMomentum, inParts(2, 3, 6, 2 * CHEAP)],
  // pOut, moment1Out, moment2Out; p, g, moment1, moment2, n, hyper, decoupled
  [Opcode.Adam, inParts(3, 4, 7, 4 * CHEAP)],
]);

/** Instructions without a rule, that cost about as much as their operands are large. */
const DEFAULT_WORK = CURVED;

/** Estimated nanoseconds of a whole instruction on one thread. */
export function workOf({ opcode, operands }: Share): number {
  const rule = rules.get(opcode);
  if (rule) return rule.work(operands);
  return largest(operands) * DEFAULT_WORK;
}

/**
 * The shares of an instruction for at most `parts` threads, as even as its units allow; one share
 * when it has no rule. Scratch is the business of whoever places the shares.
 */
export function split(whole: Share, parts: number): Share[] {
  const { opcode, operands } = whole;
  const rule = rules.get(opcode);
  if (!rule || (rule.operands ?? operands.length) !== operands.length) return [whole];
  const units = rule.units(operands);
  const grains = Math.ceil(units / rule.grain);
  const count = Math.min(parts, grains);
  if (count < 2) return [whole];
  return Array.from({ length: count }, (_, part) => {
    const first = Math.floor((part * grains) / count) * rule.grain;
    const end = Math.min(units, Math.floor(((part + 1) * grains) / count) * rule.grain);
    return { ...whole, operands: rule.share(operands, first, end - first) };
  });
}

/** Which operand of an instruction is scratch, if one is. */
export const scratchOf = (opcode: Opcode): number | undefined => rules.get(opcode)?.scratch;
