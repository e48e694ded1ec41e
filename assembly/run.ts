import {
  gelu,
  geluBackward,
  geluTanh,
  geluTanhBackward,
  silu,
  siluBackward,
} from "./activation";
import { chain } from "./chain";
import { Opcode, Refusal } from "./opcodes";
import { fold, unfold } from "./columns";
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
} from "./elementwise";
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
} from "./compare";
import { maxOf, minOf } from "./extreme";
import { conv2dForward, conv2dInputGradient, conv2dWeightGradient } from "./conv";
import { gemm, gemmBackward, gemmBatched, gemmSums } from "./gemm";
import { argsort, gather, scatterAdd, take, takeAdd } from "./indexing";
import { softmaxCrossEntropyBackward, softmaxCrossEntropyForward } from "./loss";
import { copy, fill, oneHot, stridedCopy, stridedPlace } from "./move";
import { batchNormBackward, batchNormEval, batchNormForward } from "./norm";
import { avgPool, avgPoolBackward, maxPool, poolGather, poolScatter } from "./pool";
import { dropout, normal, randomBits, uniform } from "./random";
import { mean, sum, sumBlocks } from "./reduce";
import { rmsNorm, rmsNormBackward } from "./rmsNorm";
import { argmax, cumsum } from "./scan";
import {
  causalSoftmax,
  causalSoftmaxBackward,
  softmax,
  softmaxBackward,
} from "./softmax";
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
} from "./transcendental";
import { adamParts, incrementParts, sgdMomentumParts, sgdParts } from "./updateParts";
import { checkFinite, norm, statistics } from "./watch";

// @ts-ignore: decorator
@inline
function word(at: usize, index: i32): u32 {
  return load<u32>(at + ((<usize>index + 2) << 2));
}

/**
 * Waits for the other threads; 1 when the run has to stop because one of them has. Only programs
 * for several threads contain a `Barrier`.
 */
@external("threads", "barrier")
declare function barrier(): i32;

/**
 * Executes the program of `bytes` bytes at `program`; the whole of a training step is one call of
 * this. Returns 0, or 1 when an instruction refused its input: then `status` holds u32 [refusal,
 * byte offset of the instruction, position, value] and no later instruction has run. `workspace` is
 * `workspaceBytes()` bytes of scratch for packed panels and for the tiles of chains.
 */
export function run(program: usize, bytes: usize, status: usize, workspace: usize): i32 {
  const end = program + bytes;
  for (let at = program; at < end; at += <usize>load<u32>(at, 4) << 2) {
    switch (load<u32>(at)) {
      case Opcode.Copy:
        copy(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Fill:
        fill(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.StridedCopy:
        stridedCopy(word(at, 0), word(at, 1), word(at, 2), word(at, 3), at + 24);
        break;
      case Opcode.StridedPlace:
        stridedPlace(word(at, 0), word(at, 1), word(at, 2), word(at, 3), at + 24);
        break;
      case Opcode.Take: {
        const position = take(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6),
        );
        if (position >= 0) return refuse(status, at - program, position, word(at, 2));
        break;
      }
      case Opcode.TakeAdd: {
        const position = takeAdd(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6),
        );
        if (position >= 0) return refuse(status, at - program, position, word(at, 2));
        break;
      }
      case Opcode.Gather: {
        const position = gather(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7),
        );
        if (position >= 0) return refuse(status, at - program, position, word(at, 2));
        break;
      }
      case Opcode.ScatterAdd: {
        const position = scatterAdd(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6),
        );
        if (position >= 0) return refuse(status, at - program, position, word(at, 2));
        break;
      }
      case Opcode.Argsort:
        argsort(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
        );
        break;
      case Opcode.Increment:
        incrementParts(at);
        break;
      case Opcode.OneHot: {
        const row = oneHot(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
        if (row >= 0) return refuse(status, at - program, row, word(at, 1));
        break;
      }
      case Opcode.Add:
        add(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.Sub:
        sub(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.Mul:
        mul(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.Div:
        div(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.Maximum:
        maximum(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.Minimum:
        minimum(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.Equal:
        equal(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.MaximumShare:
        maximumShare(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.Neg:
        neg(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Exp:
        exp(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Log:
        log(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Sqrt:
        sqrt(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Sigmoid:
        sigmoid(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Tanh:
        tanh(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Relu:
        relu(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.SigmoidBackward:
        sigmoidBackward(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
        break;
      case Opcode.TanhBackward:
        tanhBackward(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
        break;
      case Opcode.ReluBackward:
        reluBackward(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
        break;
      case Opcode.Compare:
        compare(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8), word(at, 9),
        );
        break;
      case Opcode.CompareIntegers:
        compareIntegers(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8), word(at, 9),
        );
        break;
      case Opcode.Integers:
        integers(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8), word(at, 9),
        );
        break;
      case Opcode.Select:
        select(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6),
        );
        break;
      case Opcode.SelectWords:
        selectWords(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6),
        );
        break;
      case Opcode.ToFloat:
        toFloat(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.ToInteger:
        toInteger(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Abs:
        abs(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Sign:
        sign(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Floor:
        floor(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Ceil:
        ceil(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Round:
        round(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Sum:
        sum(word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), workspace);
        break;
      case Opcode.Mean:
        mean(word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), workspace);
        break;
      case Opcode.Max:
        maxOf(word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4));
        break;
      case Opcode.Min:
        minOf(word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4));
        break;
      case Opcode.Gemm:
        gemm(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8), word(at, 9), word(at, 10), word(at, 11),
          word(at, 12), word(at, 13), word(at, 14), workspace,
        );
        break;
      case Opcode.GemmBatched:
        gemmBatched(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8), word(at, 9), word(at, 10), word(at, 11),
          word(at, 12), workspace,
        );
        break;
      case Opcode.Cumsum:
        cumsum(word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5));
        break;
      case Opcode.Argmax:
        argmax(word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5));
        break;
      case Opcode.Softmax:
        softmax(word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4));
        break;
      case Opcode.SoftmaxBackward:
        softmaxBackward(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6),
        );
        break;
      case Opcode.CausalSoftmax:
        causalSoftmax(word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5));
        break;
      case Opcode.CausalSoftmaxBackward:
        causalSoftmaxBackward(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7),
        );
        break;
      case Opcode.SoftmaxCrossEntropyForward: {
        const row = softmaxCrossEntropyForward(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6),
        );
        if (row >= 0) return refuse(status, at - program, row, word(at, 4));
        break;
      }
      case Opcode.SoftmaxCrossEntropyBackward:
        softmaxCrossEntropyBackward(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.BatchNormForward:
        batchNormForward(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8), word(at, 9), word(at, 10),
        );
        break;
      case Opcode.BatchNormEval:
        batchNormEval(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8), word(at, 9), word(at, 10),
        );
        break;
      case Opcode.BatchNormBackward:
        batchNormBackward(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8), word(at, 9), word(at, 10), word(at, 11),
          word(at, 12),
        );
        break;
      case Opcode.RmsNorm:
        rmsNorm(word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4));
        break;
      case Opcode.RmsNormBackward:
        rmsNormBackward(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6),
        );
        break;
      case Opcode.Unfold:
        unfold(word(at, 0), word(at, 1), at + 16);
        break;
      case Opcode.Fold:
        fold(word(at, 0), word(at, 1), at + 16);
        break;
      case Opcode.Conv2dForward:
        conv2dForward(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), at + 28, word(at, 21),
          word(at, 22), workspace,
        );
        break;
      case Opcode.Conv2dInputGradient:
        conv2dInputGradient(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), at + 28, word(at, 21),
          workspace,
        );
        break;
      case Opcode.Conv2dWeightGradient:
        conv2dWeightGradient(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), at + 24, word(at, 20), word(at, 21),
          word(at, 22),
        );
        break;
      case Opcode.MaxPool:
        maxPool(word(at, 0), word(at, 1), word(at, 2), at + 20);
        break;
      case Opcode.PoolGather:
        poolGather(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
        );
        break;
      case Opcode.PoolScatter:
        poolScatter(word(at, 0), word(at, 1), word(at, 2), at + 20);
        break;
      case Opcode.AvgPool:
        avgPool(word(at, 0), word(at, 1), at + 16, word(at, 18), word(at, 19));
        break;
      case Opcode.AvgPoolBackward:
        avgPoolBackward(word(at, 0), word(at, 1), at + 16, word(at, 18), word(at, 19));
        break;
      case Opcode.RandomBits:
        randomBits(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
        break;
      case Opcode.Uniform:
        uniform(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
        break;
      case Opcode.Normal:
        normal(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
        break;
      case Opcode.Dropout:
        dropout(word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5));
        break;
      case Opcode.Sgd:
        sgdParts(at);
        break;
      case Opcode.SgdMomentum:
        sgdMomentumParts(at);
        break;
      case Opcode.Adam:
        adamParts(at);
        break;
      case Opcode.Log1p:
        log1p(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Expm1:
        expm1(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Sin:
        sin(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Cos:
        cos(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Tan:
        tan(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Sinh:
        sinh(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Cosh:
        cosh(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Atan:
        atan(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Erf:
        erf(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.Pow:
        pow(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.Atan2:
        atan2(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.Hypot:
        hypot(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8),
        );
        break;
      case Opcode.Silu:
        silu(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.SiluBackward:
        siluBackward(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
        break;
      case Opcode.Gelu:
        gelu(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.GeluBackward:
        geluBackward(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
        break;
      case Opcode.GeluTanh:
        geluTanh(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.GeluTanhBackward:
        geluTanhBackward(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
        break;
      case Opcode.Chain:
        chain(at + 8, workspace);
        break;
      case Opcode.SumBlocks:
        sumBlocks(word(at, 0), word(at, 1), word(at, 2));
        break;
      case Opcode.GemmBackward:
        gemmBackward(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8), word(at, 9), word(at, 10), word(at, 11),
          word(at, 12), word(at, 13), word(at, 14), workspace,
        );
        break;
      case Opcode.GemmSums:
        gemmSums(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5),
          word(at, 6), word(at, 7), word(at, 8), word(at, 9), word(at, 10), workspace,
        );
        break;
      case Opcode.Barrier:
        if (barrier()) return 1;
        break;
      case Opcode.CheckFinite: {
        const position = checkFinite(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), at + 24,
        );
        if (position >= 0) {
          return refuse(status, at - program, position, word(at, 0), Refusal.NonFinite);
        }
        break;
      }
      case Opcode.Norm:
        norm(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
        break;
      case Opcode.Statistics:
        statistics(
          word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5), workspace,
        );
        break;
      default:
        unreachable();
    }
  }
  return 0;
}

function refuse(
  status: usize, instruction: usize, row: i32, labels: usize,
  refusal: Refusal = Refusal.IndexOutOfRange,
): i32 {
  store<u32>(status, refusal);
  store<u32>(status, <u32>instruction, 4);
  store<u32>(status, <u32>row, 8);
  store<u32>(status, load<u32>(labels + (<usize>row << 2)), 12);
  return 1;
}
