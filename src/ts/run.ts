import { Opcode, Refusal } from "../../assembly/opcodes.js";
import {
  gelu,
  geluBackward,
  geluForward,
  geluTanh,
  geluTanhBackward,
  silu,
  siluBackward,
} from "./activation.js";
import { chain } from "./chain.js";
import { fold, unfold } from "./columns.js";
import {
  abs,
  ceil,
  compare,
  compareIntegers,
  floor,
  integers,
  round,
  select,
  selectWords,
  sign,
  toFloat,
  toInteger,
} from "./compare.js";
import { conv2dForward, conv2dInputGradient, conv2dWeightGradient } from "./conv.js";
import {
  add,
  div,
  equal,
  exp,
  log,
  maximum,
  maximumShare,
  minimum,
  mul,
  neg,
  relu,
  reluBackward,
  sigmoid,
  sigmoidBackward,
  sqrt,
  sub,
  tanh,
  tanhBackward,
} from "./elementwise.js";
import type { Heap } from "./float.js";
import { gemm, gemmBackward, gemmBatched, gemmSums } from "./gemm.js";
import { argsort, gather, scatterAdd, take, takeAdd } from "./indexing.js";
import { layerNormBackward, layerNormForward } from "./layerNorm.js";
import { softmaxCrossEntropyBackward, softmaxCrossEntropyForward } from "./loss.js";
import { copy, fill, oneHot, stridedCopy, stridedPlace } from "./move.js";
import { batchNormBackward, batchNormEval, batchNormForward } from "./norm.js";
import { avgPool, avgPoolBackward, maxPool, poolGather, poolScatter } from "./pool.js";
import { dropout, normal, randomBits, uniform } from "./random.js";
import { max, mean, min, sum, sumBlocks } from "./reduce.js";
import { rmsNorm, rmsNormBackward } from "./rmsNorm.js";
import { argmax, cumsum } from "./scan.js";
import { causalSoftmax, causalSoftmaxBackward, softmax, softmaxBackward } from "./softmax.js";
import {
  atan,
  atan2,
  cos,
  cosh,
  erf,
  expm1,
  hypot,
  log1p,
  pow,
  sin,
  sinh,
  tan,
} from "./transcendental.js";
import { adamParts, incrementParts, sgdMomentumParts, sgdParts } from "./updateParts.js";
import { checkFinite, norm, statistics } from "./watch.js";

/** Room for a chain's words and its tiles, in f64. */
export const WORKSPACE_BYTES = 270_336;

/** A kernel of the operands of its instruction, in order; it leaves those that it has not. */
type Kernel = (m: Heap, ...operands: number[]) => unknown;

/** All but those that take words of the program, or something besides their operands. */
const KERNELS: Readonly<Record<number, Kernel>> = {
  [Opcode.Copy]: copy,
  [Opcode.Fill]: fill,
  [Opcode.Take]: take,
  [Opcode.TakeAdd]: takeAdd,
  [Opcode.Gather]: gather,
  [Opcode.ScatterAdd]: scatterAdd,
  [Opcode.Argsort]: argsort,
  [Opcode.OneHot]: oneHot,
  [Opcode.Add]: add,
  [Opcode.Sub]: sub,
  [Opcode.Mul]: mul,
  [Opcode.Div]: div,
  [Opcode.Maximum]: maximum,
  [Opcode.Minimum]: minimum,
  [Opcode.Equal]: equal,
  [Opcode.MaximumShare]: maximumShare,
  [Opcode.Neg]: neg,
  [Opcode.Exp]: exp,
  [Opcode.Log]: log,
  [Opcode.Sqrt]: sqrt,
  [Opcode.Sigmoid]: sigmoid,
  [Opcode.Tanh]: tanh,
  [Opcode.Relu]: relu,
  [Opcode.SigmoidBackward]: sigmoidBackward,
  [Opcode.TanhBackward]: tanhBackward,
  [Opcode.ReluBackward]: reluBackward,
  [Opcode.Compare]: compare,
  [Opcode.CompareIntegers]: compareIntegers,
  [Opcode.Integers]: integers,
  [Opcode.Select]: select,
  [Opcode.SelectWords]: selectWords,
  [Opcode.ToFloat]: toFloat,
  [Opcode.ToInteger]: toInteger,
  [Opcode.Abs]: abs,
  [Opcode.Sign]: sign,
  [Opcode.Floor]: floor,
  [Opcode.Ceil]: ceil,
  [Opcode.Round]: round,
  [Opcode.Sum]: sum,
  [Opcode.Mean]: mean,
  [Opcode.Max]: max,
  [Opcode.Min]: min,
  [Opcode.Gemm]: gemm,
  [Opcode.GemmBatched]: gemmBatched,
  [Opcode.Cumsum]: cumsum,
  [Opcode.Argmax]: argmax,
  [Opcode.Softmax]: softmax,
  [Opcode.SoftmaxBackward]: softmaxBackward,
  [Opcode.CausalSoftmax]: causalSoftmax,
  [Opcode.CausalSoftmaxBackward]: causalSoftmaxBackward,
  [Opcode.SoftmaxCrossEntropyForward]: softmaxCrossEntropyForward,
  [Opcode.SoftmaxCrossEntropyBackward]: softmaxCrossEntropyBackward,
  [Opcode.BatchNormForward]: batchNormForward,
  [Opcode.BatchNormBackward]: batchNormBackward,
  [Opcode.RmsNorm]: rmsNorm,
  [Opcode.RmsNormBackward]: rmsNormBackward,
  [Opcode.PoolGather]: poolGather,
  [Opcode.RandomBits]: randomBits,
  [Opcode.Uniform]: uniform,
  [Opcode.Normal]: normal,
  [Opcode.Dropout]: dropout,
  [Opcode.Log1p]: log1p,
  [Opcode.Expm1]: expm1,
  [Opcode.Sin]: sin,
  [Opcode.Cos]: cos,
  [Opcode.Tan]: tan,
  [Opcode.Sinh]: sinh,
  [Opcode.Cosh]: cosh,
  [Opcode.Atan]: atan,
  [Opcode.Erf]: erf,
  [Opcode.Pow]: pow,
  [Opcode.Atan2]: atan2,
  [Opcode.Hypot]: hypot,
  [Opcode.Silu]: silu,
  [Opcode.SiluBackward]: siluBackward,
  [Opcode.Gelu]: gelu,
  [Opcode.GeluBackward]: geluBackward,
  [Opcode.GeluForward]: geluForward,
  [Opcode.GeluTanh]: geluTanh,
  [Opcode.GeluTanhBackward]: geluTanhBackward,
  [Opcode.SumBlocks]: sumBlocks,
  [Opcode.GemmBackward]: gemmBackward,
  [Opcode.GemmSums]: gemmSums,
  [Opcode.Norm]: norm,
  [Opcode.Statistics]: statistics,
  [Opcode.LayerNormForward]: layerNormForward,
  [Opcode.LayerNormBackward]: layerNormBackward,
};

/** Kernels that refuse a bad index say at which position of this operand it is, or else −1. */
const INDICES: Readonly<Record<number, number>> = {
  [Opcode.Take]: 2,
  [Opcode.TakeAdd]: 2,
  [Opcode.Gather]: 2,
  [Opcode.ScatterAdd]: 2,
  [Opcode.OneHot]: 1,
  [Opcode.SoftmaxCrossEntropyForward]: 4,
};

/**
 * The WebAssembly run loop's twin: the same words, the same order, the same status (see
 * `assembly/run.ts`).
 */
export function run(
  m: Heap,
  program: number,
  bytes: number,
  status: number,
  workspace: number,
): number {
  const w = m.u;
  const start = program >>> 2;
  const end = (program + bytes) >>> 2;
  for (let at = start; at < end; at += w[at + 1] as number) {
    const o = (index: number): number => w[at + 2 + index] as number;
    const opcode = w[at] as Opcode;
    switch (opcode) {
      case Opcode.StridedCopy:
        stridedCopy(m, o(0), o(1), o(2), o(3), (at + 6) << 2);
        break;
      case Opcode.StridedPlace:
        stridedPlace(m, o(0), o(1), o(2), o(3), (at + 6) << 2);
        break;
      case Opcode.Increment:
        incrementParts(m, at);
        break;
      case Opcode.BatchNormEval:
        batchNormEval(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8), o(9), o(10));
        break;
      case Opcode.Unfold:
        unfold(m, o(0), o(1), (at + 4) << 2);
        break;
      case Opcode.Fold:
        fold(m, o(0), o(1), (at + 4) << 2);
        break;
      case Opcode.Conv2dForward:
        conv2dForward(m, o(0), o(1), o(2), o(3), o(4), (at + 7) << 2, o(21), o(22));
        break;
      case Opcode.Conv2dInputGradient:
        conv2dInputGradient(m, o(0), o(1), o(2), o(3), o(4), (at + 7) << 2, o(21));
        break;
      case Opcode.Conv2dWeightGradient:
        conv2dWeightGradient(m, o(0), o(1), o(2), o(3), (at + 6) << 2, o(20), o(21), o(22));
        break;
      case Opcode.MaxPool:
        maxPool(m, o(0), o(1), o(2), (at + 5) << 2);
        break;
      case Opcode.PoolScatter:
        poolScatter(m, o(0), o(1), o(2), (at + 5) << 2);
        break;
      case Opcode.AvgPool:
        avgPool(m, o(0), o(1), (at + 4) << 2, o(18), o(19));
        break;
      case Opcode.AvgPoolBackward:
        avgPoolBackward(m, o(0), o(1), (at + 4) << 2, o(18), o(19));
        break;
      case Opcode.Sgd:
        sgdParts(m, at);
        break;
      case Opcode.SgdMomentum:
        sgdMomentumParts(m, at);
        break;
      case Opcode.Adam:
        adamParts(m, at);
        break;
      case Opcode.Chain:
        chain(m, (at + 2) << 2, workspace);
        break;
      case Opcode.CheckFinite: {
        const position = checkFinite(m, o(0), o(1), o(2), o(3), (at + 6) << 2);
        if (position >= 0)
          return refuse(m, status, (at - start) << 2, position, o(0), Refusal.NonFinite);
        break;
      }
      default: {
        const kernel = KERNELS[opcode];
        if (!kernel)
          throw new Error(`run: unknown opcode: got ${opcode}, expected less than ${Opcode.Count}`);
        const position = kernel(
          m,
          o(0),
          o(1),
          o(2),
          o(3),
          o(4),
          o(5),
          o(6),
          o(7),
          o(8),
          o(9),
          o(10),
          o(11),
          o(12),
          o(13),
          o(14),
        );
        const indices = INDICES[opcode];
        if (indices !== undefined && (position as number) >= 0)
          return refuse(m, status, (at - start) << 2, position as number, o(indices));
      }
    }
  }
  return 0;
}

function refuse(
  m: Heap,
  status: number,
  instruction: number,
  row: number,
  labels: number,
  refusal = Refusal.IndexOutOfRange,
): number {
  const s = status >>> 2;
  m.u[s] = refusal;
  m.u[s + 1] = instruction;
  m.u[s + 2] = row;
  m.u[s + 3] = m.u[(labels >>> 2) + row] as number;
  return 1;
}
