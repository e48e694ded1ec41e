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
    switch (w[at] as Opcode) {
      case Opcode.Copy:
        copy(m, o(0), o(1), o(2));
        break;
      case Opcode.Fill:
        fill(m, o(0), o(1), o(2));
        break;
      case Opcode.StridedCopy:
        stridedCopy(m, o(0), o(1), o(2), o(3), (at + 6) << 2);
        break;
      case Opcode.StridedPlace:
        stridedPlace(m, o(0), o(1), o(2), o(3), (at + 6) << 2);
        break;
      case Opcode.Take: {
        const position = take(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6));
        if (position >= 0) return refuse(m, status, (at - start) << 2, position, o(2));
        break;
      }
      case Opcode.TakeAdd: {
        const position = takeAdd(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6));
        if (position >= 0) return refuse(m, status, (at - start) << 2, position, o(2));
        break;
      }
      case Opcode.Gather: {
        const position = gather(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7));
        if (position >= 0) return refuse(m, status, (at - start) << 2, position, o(2));
        break;
      }
      case Opcode.ScatterAdd: {
        const position = scatterAdd(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6));
        if (position >= 0) return refuse(m, status, (at - start) << 2, position, o(2));
        break;
      }
      case Opcode.Argsort:
        argsort(m, o(0), o(1), o(2), o(3), o(4), o(5));
        break;
      case Opcode.Increment:
        incrementParts(m, at);
        break;
      case Opcode.OneHot: {
        const row = oneHot(m, o(0), o(1), o(2), o(3));
        if (row >= 0) return refuse(m, status, (at - start) << 2, row, o(1));
        break;
      }
      case Opcode.Add:
        add(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.Sub:
        sub(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.Mul:
        mul(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.Div:
        div(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.Maximum:
        maximum(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.Minimum:
        minimum(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.Equal:
        equal(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.MaximumShare:
        maximumShare(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.Neg:
        neg(m, o(0), o(1), o(2));
        break;
      case Opcode.Exp:
        exp(m, o(0), o(1), o(2));
        break;
      case Opcode.Log:
        log(m, o(0), o(1), o(2));
        break;
      case Opcode.Sqrt:
        sqrt(m, o(0), o(1), o(2));
        break;
      case Opcode.Sigmoid:
        sigmoid(m, o(0), o(1), o(2));
        break;
      case Opcode.Tanh:
        tanh(m, o(0), o(1), o(2));
        break;
      case Opcode.Relu:
        relu(m, o(0), o(1), o(2));
        break;
      case Opcode.SigmoidBackward:
        sigmoidBackward(m, o(0), o(1), o(2), o(3));
        break;
      case Opcode.TanhBackward:
        tanhBackward(m, o(0), o(1), o(2), o(3));
        break;
      case Opcode.ReluBackward:
        reluBackward(m, o(0), o(1), o(2), o(3));
        break;
      case Opcode.Compare:
        compare(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8), o(9));
        break;
      case Opcode.CompareIntegers:
        compareIntegers(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8), o(9));
        break;
      case Opcode.Integers:
        integers(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8), o(9));
        break;
      case Opcode.Select:
        select(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6));
        break;
      case Opcode.SelectWords:
        selectWords(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6));
        break;
      case Opcode.ToFloat:
        toFloat(m, o(0), o(1), o(2));
        break;
      case Opcode.ToInteger:
        toInteger(m, o(0), o(1), o(2));
        break;
      case Opcode.Abs:
        abs(m, o(0), o(1), o(2));
        break;
      case Opcode.Sign:
        sign(m, o(0), o(1), o(2));
        break;
      case Opcode.Floor:
        floor(m, o(0), o(1), o(2));
        break;
      case Opcode.Ceil:
        ceil(m, o(0), o(1), o(2));
        break;
      case Opcode.Round:
        round(m, o(0), o(1), o(2));
        break;
      case Opcode.Sum:
        sum(m, o(0), o(1), o(2), o(3), o(4));
        break;
      case Opcode.Mean:
        mean(m, o(0), o(1), o(2), o(3), o(4));
        break;
      case Opcode.Max:
        max(m, o(0), o(1), o(2), o(3), o(4));
        break;
      case Opcode.Min:
        min(m, o(0), o(1), o(2), o(3), o(4));
        break;
      case Opcode.Gemm:
        gemm(
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
        break;
      case Opcode.GemmBatched:
        gemmBatched(
          m,
          ...([o(0), o(1), o(2), o(3), o(4), o(5), o(6)] as const),
          ...([o(7), o(8), o(9), o(10), o(11), o(12)] as const),
        );
        break;
      case Opcode.Cumsum:
        cumsum(m, o(0), o(1), o(2), o(3), o(4), o(5));
        break;
      case Opcode.Argmax:
        argmax(m, o(0), o(1), o(2), o(3), o(4), o(5));
        break;
      case Opcode.Softmax:
        softmax(m, o(0), o(1), o(2), o(3), o(4));
        break;
      case Opcode.SoftmaxBackward:
        softmaxBackward(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6));
        break;
      case Opcode.CausalSoftmax:
        causalSoftmax(m, o(0), o(1), o(2), o(3), o(4), o(5));
        break;
      case Opcode.CausalSoftmaxBackward:
        causalSoftmaxBackward(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7));
        break;
      case Opcode.SoftmaxCrossEntropyForward: {
        const row = softmaxCrossEntropyForward(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6));
        if (row >= 0) return refuse(m, status, (at - start) << 2, row, o(4));
        break;
      }
      case Opcode.SoftmaxCrossEntropyBackward:
        softmaxCrossEntropyBackward(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.BatchNormForward:
        batchNormForward(
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
        );
        break;
      case Opcode.BatchNormEval:
        batchNormEval(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8), o(9), o(10));
        break;
      case Opcode.BatchNormBackward:
        batchNormBackward(
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
        );
        break;
      case Opcode.RmsNorm:
        rmsNorm(m, o(0), o(1), o(2), o(3), o(4));
        break;
      case Opcode.RmsNormBackward:
        rmsNormBackward(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6));
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
      case Opcode.PoolGather:
        poolGather(m, o(0), o(1), o(2), o(3), o(4), o(5));
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
      case Opcode.RandomBits:
        randomBits(m, o(0), o(1), o(2), o(3));
        break;
      case Opcode.Uniform:
        uniform(m, o(0), o(1), o(2), o(3));
        break;
      case Opcode.Normal:
        normal(m, o(0), o(1), o(2), o(3));
        break;
      case Opcode.Dropout:
        dropout(m, o(0), o(1), o(2), o(3), o(4), o(5));
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
      case Opcode.Log1p:
        log1p(m, o(0), o(1), o(2));
        break;
      case Opcode.Expm1:
        expm1(m, o(0), o(1), o(2));
        break;
      case Opcode.Sin:
        sin(m, o(0), o(1), o(2));
        break;
      case Opcode.Cos:
        cos(m, o(0), o(1), o(2));
        break;
      case Opcode.Tan:
        tan(m, o(0), o(1), o(2));
        break;
      case Opcode.Sinh:
        sinh(m, o(0), o(1), o(2));
        break;
      case Opcode.Cosh:
        cosh(m, o(0), o(1), o(2));
        break;
      case Opcode.Atan:
        atan(m, o(0), o(1), o(2));
        break;
      case Opcode.Erf:
        erf(m, o(0), o(1), o(2));
        break;
      case Opcode.Pow:
        pow(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.Atan2:
        atan2(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.Hypot:
        hypot(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.Silu:
        silu(m, o(0), o(1), o(2));
        break;
      case Opcode.SiluBackward:
        siluBackward(m, o(0), o(1), o(2), o(3));
        break;
      case Opcode.Gelu:
        gelu(m, o(0), o(1), o(2));
        break;
      case Opcode.GeluBackward:
        geluBackward(m, o(0), o(1), o(2), o(3));
        break;
      case Opcode.GeluForward:
        geluForward(m, o(0), o(1), o(2), o(3));
        break;
      case Opcode.GeluTanh:
        geluTanh(m, o(0), o(1), o(2));
        break;
      case Opcode.GeluTanhBackward:
        geluTanhBackward(m, o(0), o(1), o(2), o(3));
        break;
      case Opcode.Chain:
        chain(m, (at + 2) << 2, workspace);
        break;
      case Opcode.SumBlocks:
        sumBlocks(m, o(0), o(1), o(2));
        break;
      case Opcode.GemmBackward:
        gemmBackward(
          m,
          ...([o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7)] as const),
          ...([o(8), o(9), o(10), o(11), o(12), o(13), o(14)] as const),
        );
        break;
      case Opcode.GemmSums:
        gemmSums(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8), o(9), o(10));
        break;
      case Opcode.CheckFinite: {
        const position = checkFinite(m, o(0), o(1), o(2), o(3), (at + 6) << 2);
        if (position >= 0)
          return refuse(m, status, (at - start) << 2, position, o(0), Refusal.NonFinite);
        break;
      }
      case Opcode.Norm:
        norm(m, o(0), o(1), o(2), o(3));
        break;
      case Opcode.Statistics:
        statistics(m, o(0), o(1), o(2), o(3), o(4), o(5));
        break;
      case Opcode.LayerNormForward:
        layerNormForward(m, o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7), o(8));
        break;
      case Opcode.LayerNormBackward:
        layerNormBackward(
          m,
          ...([o(0), o(1), o(2), o(3), o(4), o(5), o(6), o(7)] as const),
          ...([o(8), o(9), o(10)] as const),
        );
        break;
      default:
        throw new Error(`run: unknown opcode: got ${w[at]}, expected less than ${Opcode.Count}`);
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
