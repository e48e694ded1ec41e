/**
 * What an instruction has to do: floating-point operations and bytes.
 *
 * A FLOP is one + − × ÷, maximum, comparison or square root; a function such as exp or tanh counts
 * as one, however many it takes. Products count 2mnk, convolutions as the products they are, padding
 * included; a bias or an activation at the end of a product counts nothing. Moving, choosing by index
 * and drawing count nothing. Per element of x (rows × n):
 *
 *     softmax 5    backward 4     maximum, −, exp, Σ, ÷;  ×, Σ, −, ×         causal: the half of it
 *     crossEntropy 4  backward 3  maximum, −, exp, Σ;  −, exp, ×
 *     batchNorm 8  backward 11    Σ, −, ², Σ, −, ×, ×, +;  −, ×, Σ, ×, Σ, and 6 for dx;  eval 4
 *     layerNorm 8  backward 12    as batchNorm, and × for dy · γ
 *     rmsNorm 3    backward 6     ², Σ, ×;  ×, ×, Σ, ×, −, ×
 *     sgd 4  sgdMomentum 6  adam 16                                          as the contract has them
 *
 * Bytes are those that cross the border of the instruction: every value it reads and every value it
 * writes, once each; not scratch, and not what a chain hands on inside. Copies and choices by index
 * count what they move.
 */
import { Opcode } from "../../assembly/opcodes.js";
import { type Instruction, operandsOf, reads, type Value } from "../plan/lowering.js";
import { scratchOf } from "../plan/split.js";

type Operands = readonly unknown[];
type Count = (operands: Operands) => number;

const product = (operands: Operands, ...at: readonly number[]): number =>
  at.reduce((size, index) => size * (operands[index] as number), 1);

/** So many for each of the product of some operands. */
const per =
  (count: number, ...at: readonly number[]): Count =>
  (operands) =>
    count * product(operands, ...at);

/** Multiply-adds of a convolution with its geometry from operand `at` on. */
const convolution =
  (at: number): Count =>
  (o) =>
    (2 * product(o, at, at + 1, at + 4, at + 5, at + 6, at + 7, at + 8)) / (o[at + 15] as number);

/** Each window's elements, or each column's. */
const windows = (at: number): Count => per(1, at, at + 1, at + 5, at + 6, at + 7, at + 8);

/** Updates of any number of parts: `outs` outputs, `ins` inputs, the length after `moving` of them. */
const updates =
  (count: number, outs: number, moving: number, ins: number): Count =>
  (o) => {
    const parts = o.length / (outs + ins);
    let n = 0;
    for (let part = 0; part < parts; part++) n += o[parts * outs + part * ins + moving] as number;
    return count * n;
  };

/** The program of a chain, run for each tile: see `assembly/chain.ts`. */
function chainFlops(operands: Operands): number {
  const [, tiles, walks, scratches, tails] = operands as readonly number[] as [
    ...[number, number, number],
    ...[number, number],
  ];
  const tailsAt = 5 + 2 * walks + scratches;
  const program = operands.slice(tailsAt + 2 * tails);
  const last = [...program];
  for (let at = tailsAt; at < tailsAt + 2 * tails; at += 2)
    last[(operands[at] as number) / 4] = operands[at + 1];
  return (tiles - 1) * programFlops(program) + programFlops(last);
}

function programFlops(words: Operands): number {
  let flops = 0;
  for (let at = 0; at < words.length; at += words[at + 1] as number) {
    const operands = words.slice(at + 2, at + (words[at + 1] as number));
    flops += FLOPS.get(words[at] as Opcode)?.(operands) ?? 0;
  }
  return flops;
}

const each = (opcodes: readonly Opcode[], count: Count): [Opcode, Count][] =>
  opcodes.map((opcode) => [opcode, count]);

const FLOPS: ReadonlyMap<Opcode, Count> = new Map<Opcode, Count>([
  // out, a, b, rows, cols, …
  ...each(
    [Opcode.Add, Opcode.Sub, Opcode.Mul, Opcode.Div, Opcode.Maximum, Opcode.Minimum].concat([
      ...[Opcode.Equal, Opcode.MaximumShare, Opcode.Compare],
      ...[Opcode.Pow, Opcode.Atan2, Opcode.Hypot],
    ]),
    per(1, 3, 4),
  ),
  // out, x, n
  ...each(
    [Opcode.Exp, Opcode.Log, Opcode.Sqrt, Opcode.Sigmoid, Opcode.Tanh, Opcode.Relu].concat([
      ...[Opcode.Neg, Opcode.Abs, Opcode.Sign, Opcode.Floor, Opcode.Ceil, Opcode.Round],
      ...[Opcode.Log1p, Opcode.Expm1, Opcode.Sin, Opcode.Cos, Opcode.Tan, Opcode.Sinh],
      ...[Opcode.Cosh, Opcode.Atan, Opcode.Erf, Opcode.Silu, Opcode.Gelu, Opcode.GeluTanh],
      ...[Opcode.SumBlocks, Opcode.Dropout],
    ]),
    per(1, 2),
  ),
  // out, y, dy, n
  [Opcode.ReluBackward, per(1, 3)],
  [Opcode.TanhBackward, per(3, 3)],
  ...each(
    [Opcode.SigmoidBackward, Opcode.SiluBackward, Opcode.GeluBackward, Opcode.GeluTanhBackward],
    per(3, 3),
  ),
  // out, x, outer, n, inner
  ...each(
    [Opcode.Sum, Opcode.Mean, Opcode.Max, Opcode.Min, Opcode.Cumsum, Opcode.Argmax],
    per(1, 2, 3, 4),
  ),
  // c, a, b, bias or sums, m, n, k
  ...each([Opcode.Gemm, Opcode.GemmBackward], per(2, 4, 5, 6)),
  [Opcode.GemmSums, (o) => 2 * product(o, 4, 5, 6) + product(o, 4, 6)],
  [Opcode.GemmBatched, per(2, 3, 6, 7, 8)],
  [Opcode.Conv2dForward, convolution(5)],
  [Opcode.Conv2dInputGradient, convolution(5)],
  [Opcode.Conv2dWeightGradient, convolution(4)],
  [Opcode.Softmax, per(5, 2, 3)],
  [Opcode.SoftmaxBackward, per(4, 4, 5)],
  [Opcode.CausalSoftmax, per(2.5, 2, 3)],
  [Opcode.CausalSoftmaxBackward, per(2, 4, 5)],
  [Opcode.SoftmaxCrossEntropyForward, per(4, 5, 6)],
  [Opcode.SoftmaxCrossEntropyBackward, per(3, 6, 7)],
  [Opcode.BatchNormForward, per(8, 6, 7, 8)],
  [Opcode.BatchNormEval, per(4, 6, 7, 8)],
  [Opcode.BatchNormBackward, per(11, 8, 9, 10)],
  [Opcode.LayerNormForward, per(8, 6, 7)],
  [Opcode.LayerNormBackward, per(12, 9, 10)],
  [Opcode.RmsNorm, per(3, 2, 3)],
  [Opcode.RmsNormBackward, per(6, 4, 5)],
  [Opcode.TakeAdd, per(1, 3, 5, 6)],
  [Opcode.ScatterAdd, per(1, 3, 5, 6)],
  [Opcode.Fold, windows(2)],
  [Opcode.MaxPool, windows(3)],
  [Opcode.AvgPool, windows(2)],
  [Opcode.AvgPoolBackward, windows(2)],
  [Opcode.PoolScatter, per(1, 3, 4, 10, 11)],
  [Opcode.Sgd, updates(4, 1, 2, 4)],
  [Opcode.SgdMomentum, updates(6, 2, 3, 6)],
  [Opcode.Adam, updates(16, 3, 4, 7)],
  // out, counts, x, n: Σ, ², Σ, min, max
  [Opcode.Statistics, per(5, 3)],
  [Opcode.Norm, per(2, 3)],
  [Opcode.Chain, chainFlops],
]);

/** Floating-point operations of an instruction. */
export const flopsOf = (instruction: Instruction): number =>
  FLOPS.get(instruction.opcode)?.(operandsOf(instruction)) ?? 0;

/** Those that read, or write, as much of one operand as the other has. */
const MOVES: ReadonlyMap<Opcode, Count> = new Map<Opcode, Count>([
  [Opcode.StridedCopy, (o) => 2 * (o[0] as Value).bytes],
  [Opcode.StridedPlace, (o) => 2 * (o[2] as Value).bytes],
  [Opcode.Take, (o) => 2 * (o[0] as Value).bytes + (o[2] as Value).bytes],
  [Opcode.Gather, (o) => 2 * (o[0] as Value).bytes + (o[2] as Value).bytes],
  [Opcode.TakeAdd, (o) => 3 * (o[1] as Value).bytes + (o[2] as Value).bytes],
  [Opcode.ScatterAdd, (o) => 3 * (o[1] as Value).bytes + (o[2] as Value).bytes],
]);

/** Bytes that an instruction reads and writes. */
export function bytesOf(instruction: Instruction): number {
  const operands = operandsOf(instruction);
  const moved = MOVES.get(instruction.opcode);
  if (moved) return moved(operands);
  const scratchAt = scratchOf(instruction.opcode);
  const scratch = scratchAt === undefined ? undefined : operands[scratchAt];
  const values = [...new Set(reads(instruction)), ...new Set(instruction.writes)];
  return values.reduce((sum, value) => (value === scratch ? sum : sum + value.bytes), 0);
}
