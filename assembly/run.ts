import {
  gelu,
  geluBackward,
  geluForward,
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
import { layerNormBackward, layerNormForward } from "./layerNorm";
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
 *
 * Kernels stay calls, also those of one line: with them inlined (`shrinkLevel` 0 in asconfig.json) this
 * is four times as long. V8 then takes 20 to 200 ms to optimise it, on another thread, and kernels that
 * the thread has optimised before are only used after that.
 */
export function run(program: usize, bytes: usize, status: usize, workspace: usize): i32 {
  const end = program + bytes;
  for (let at = program; at < end; at += <usize>load<u32>(at, 4) << 2) {
    // Read once for all instructions, also past the end of a short one: as loads in every case the
    // switch would be three times as long.
    const w0 = word(at, 0);
    const w1 = word(at, 1);
    const w2 = word(at, 2);
    const w3 = word(at, 3);
    const w4 = word(at, 4);
    const w5 = word(at, 5);
    const w6 = word(at, 6);
    const w7 = word(at, 7);
    const w8 = word(at, 8);
    switch (load<u32>(at)) {
      case Opcode.Copy:
        copy(w0, w1, w2);
        break;
      case Opcode.Fill:
        fill(w0, w1, w2);
        break;
      case Opcode.StridedCopy:
        stridedCopy(w0, w1, w2, w3, at + 24);
        break;
      case Opcode.StridedPlace:
        stridedPlace(w0, w1, w2, w3, at + 24);
        break;
      case Opcode.Take: {
        const position = take(w0, w1, w2, w3, w4, w5, w6);
        if (position >= 0) return refuse(status, at - program, position, w2);
        break;
      }
      case Opcode.TakeAdd: {
        const position = takeAdd(w0, w1, w2, w3, w4, w5, w6);
        if (position >= 0) return refuse(status, at - program, position, w2);
        break;
      }
      case Opcode.Gather: {
        const position = gather(w0, w1, w2, w3, w4, w5, w6, w7);
        if (position >= 0) return refuse(status, at - program, position, w2);
        break;
      }
      case Opcode.ScatterAdd: {
        const position = scatterAdd(w0, w1, w2, w3, w4, w5, w6);
        if (position >= 0) return refuse(status, at - program, position, w2);
        break;
      }
      case Opcode.Argsort:
        argsort(w0, w1, w2, w3, w4, w5);
        break;
      case Opcode.Increment:
        incrementParts(at);
        break;
      case Opcode.OneHot: {
        const row = oneHot(w0, w1, w2, w3);
        if (row >= 0) return refuse(status, at - program, row, w1);
        break;
      }
      case Opcode.Add:
        add(w0, w1, w2, w3, w4, w5, w6, w7, w8);
        break;
      case Opcode.Sub:
        sub(w0, w1, w2, w3, w4, w5, w6, w7, w8);
        break;
      case Opcode.Mul:
        mul(w0, w1, w2, w3, w4, w5, w6, w7, w8);
        break;
      case Opcode.Div:
        div(w0, w1, w2, w3, w4, w5, w6, w7, w8);
        break;
      case Opcode.Maximum:
        maximum(w0, w1, w2, w3, w4, w5, w6, w7, w8);
        break;
      case Opcode.Minimum:
        minimum(w0, w1, w2, w3, w4, w5, w6, w7, w8);
        break;
      case Opcode.Equal:
        equal(w0, w1, w2, w3, w4, w5, w6, w7, w8);
        break;
      case Opcode.MaximumShare:
        maximumShare(w0, w1, w2, w3, w4, w5, w6, w7, w8);
        break;
      case Opcode.Neg:
        neg(w0, w1, w2);
        break;
      case Opcode.Exp:
        exp(w0, w1, w2);
        break;
      case Opcode.Log:
        log(w0, w1, w2);
        break;
      case Opcode.Sqrt:
        sqrt(w0, w1, w2);
        break;
      case Opcode.Sigmoid:
        sigmoid(w0, w1, w2);
        break;
      case Opcode.Tanh:
        tanh(w0, w1, w2);
        break;
      case Opcode.Relu:
        relu(w0, w1, w2);
        break;
      case Opcode.SigmoidBackward:
        sigmoidBackward(w0, w1, w2, w3);
        break;
      case Opcode.TanhBackward:
        tanhBackward(w0, w1, w2, w3);
        break;
      case Opcode.ReluBackward:
        reluBackward(w0, w1, w2, w3);
        break;
      case Opcode.Sum:
        sum(w0, w1, w2, w3, w4, workspace);
        break;
      case Opcode.Mean:
        mean(w0, w1, w2, w3, w4, workspace);
        break;
      case Opcode.Max:
        maxOf(w0, w1, w2, w3, w4);
        break;
      case Opcode.Min:
        minOf(w0, w1, w2, w3, w4);
        break;
      case Opcode.Gemm:
        gemm(
          w0, w1, w2, w3, w4, w5,
          w6, w7, w8, word(at, 9), word(at, 10), word(at, 11),
          word(at, 12), word(at, 13), word(at, 14), workspace,
        );
        break;
      case Opcode.GemmBatched:
        gemmBatched(
          w0, w1, w2, w3, w4, w5,
          w6, w7, w8, word(at, 9), word(at, 10), word(at, 11),
          word(at, 12), workspace,
        );
        break;
      case Opcode.SoftmaxCrossEntropyForward: {
        const row = softmaxCrossEntropyForward(w0, w1, w2, w3, w4, w5, w6);
        if (row >= 0) return refuse(status, at - program, row, w4);
        break;
      }
      case Opcode.SoftmaxCrossEntropyBackward:
        softmaxCrossEntropyBackward(w0, w1, w2, w3, w4, w5, w6, w7, w8);
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
        log1p(w0, w1, w2);
        break;
      case Opcode.Expm1:
        expm1(w0, w1, w2);
        break;
      case Opcode.Sin:
        sin(w0, w1, w2);
        break;
      case Opcode.Cos:
        cos(w0, w1, w2);
        break;
      case Opcode.Tan:
        tan(w0, w1, w2);
        break;
      case Opcode.Sinh:
        sinh(w0, w1, w2);
        break;
      case Opcode.Cosh:
        cosh(w0, w1, w2);
        break;
      case Opcode.Atan:
        atan(w0, w1, w2);
        break;
      case Opcode.Erf:
        erf(w0, w1, w2);
        break;
      case Opcode.Pow:
        pow(w0, w1, w2, w3, w4, w5, w6, w7, w8);
        break;
      case Opcode.Atan2:
        atan2(w0, w1, w2, w3, w4, w5, w6, w7, w8);
        break;
      case Opcode.Hypot:
        hypot(w0, w1, w2, w3, w4, w5, w6, w7, w8);
        break;
      case Opcode.Chain:
        chain(at + 8, workspace);
        break;
      case Opcode.SumBlocks:
        sumBlocks(w0, w1, w2);
        break;
      case Opcode.GemmBackward:
        gemmBackward(
          w0, w1, w2, w3, w4, w5,
          w6, w7, w8, word(at, 9), word(at, 10), word(at, 11),
          word(at, 12), word(at, 13), word(at, 14), workspace,
        );
        break;
      case Opcode.GemmSums:
        gemmSums(w0, w1, w2, w3, w4, w5, w6, w7, w8, word(at, 9), word(at, 10), workspace);
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
      default:
        runOther(at, workspace);
    }
  }
  return 0;
}

/**
 * The instructions that many programs do without, and that never refuse. Engines compile a function
 * when it is first called, and a long switch takes them a millisecond.
 */
function runOther(at: usize, workspace: usize): void {
  const w0 = word(at, 0);
  const w1 = word(at, 1);
  const w2 = word(at, 2);
  const w3 = word(at, 3);
  const w4 = word(at, 4);
  const w5 = word(at, 5);
  const w6 = word(at, 6);
  const w7 = word(at, 7);
  const w8 = word(at, 8);
  switch (load<u32>(at)) {
    case Opcode.Compare:
      compare(w0, w1, w2, w3, w4, w5, w6, w7, w8, word(at, 9));
      break;
    case Opcode.CompareIntegers:
      compareIntegers(w0, w1, w2, w3, w4, w5, w6, w7, w8, word(at, 9));
      break;
    case Opcode.Integers:
      integers(w0, w1, w2, w3, w4, w5, w6, w7, w8, word(at, 9));
      break;
    case Opcode.Select:
      select(w0, w1, w2, w3, w4, w5, w6);
      break;
    case Opcode.SelectWords:
      selectWords(w0, w1, w2, w3, w4, w5, w6);
      break;
    case Opcode.ToFloat:
      toFloat(w0, w1, w2);
      break;
    case Opcode.ToInteger:
      toInteger(w0, w1, w2);
      break;
    case Opcode.Abs:
      abs(w0, w1, w2);
      break;
    case Opcode.Sign:
      sign(w0, w1, w2);
      break;
    case Opcode.Floor:
      floor(w0, w1, w2);
      break;
    case Opcode.Ceil:
      ceil(w0, w1, w2);
      break;
    case Opcode.Round:
      round(w0, w1, w2);
      break;
    case Opcode.Cumsum:
      cumsum(w0, w1, w2, w3, w4, w5);
      break;
    case Opcode.Argmax:
      argmax(w0, w1, w2, w3, w4, w5);
      break;
    case Opcode.Softmax:
      softmax(w0, w1, w2, w3, w4);
      break;
    case Opcode.SoftmaxBackward:
      softmaxBackward(w0, w1, w2, w3, w4, w5, w6);
      break;
    case Opcode.CausalSoftmax:
      causalSoftmax(w0, w1, w2, w3, w4, w5);
      break;
    case Opcode.CausalSoftmaxBackward:
      causalSoftmaxBackward(w0, w1, w2, w3, w4, w5, w6, w7);
      break;
    case Opcode.BatchNormForward:
      batchNormForward(
        w0, w1, w2, w3, w4, w5, w6, w7, w8, word(at, 9), word(at, 10), word(at, 11),
      );
      break;
    case Opcode.BatchNormEval:
      batchNormEval(w0, w1, w2, w3, w4, w5, w6, w7, w8, word(at, 9), word(at, 10));
      break;
    case Opcode.BatchNormBackward:
      batchNormBackward(
        w0, w1, w2, w3, w4, w5,
        w6, w7, w8, word(at, 9), word(at, 10), word(at, 11),
        word(at, 12), word(at, 13),
      );
      break;
    case Opcode.RmsNorm:
      rmsNorm(w0, w1, w2, w3, w4);
      break;
    case Opcode.RmsNormBackward:
      rmsNormBackward(w0, w1, w2, w3, w4, w5, w6);
      break;
    case Opcode.Unfold:
      unfold(w0, w1, at + 16);
      break;
    case Opcode.Fold:
      fold(w0, w1, at + 16);
      break;
    case Opcode.Conv2dForward:
      conv2dForward(w0, w1, w2, w3, w4, at + 28, word(at, 21), word(at, 22), workspace);
      break;
    case Opcode.Conv2dInputGradient:
      conv2dInputGradient(w0, w1, w2, w3, w4, at + 28, word(at, 21), workspace);
      break;
    case Opcode.Conv2dWeightGradient:
      conv2dWeightGradient(w0, w1, w2, w3, at + 24, word(at, 20), word(at, 21), word(at, 22));
      break;
    case Opcode.MaxPool:
      maxPool(w0, w1, w2, at + 20);
      break;
    case Opcode.PoolGather:
      poolGather(w0, w1, w2, w3, w4, w5);
      break;
    case Opcode.PoolScatter:
      poolScatter(w0, w1, w2, at + 20);
      break;
    case Opcode.AvgPool:
      avgPool(w0, w1, at + 16, word(at, 18), word(at, 19));
      break;
    case Opcode.AvgPoolBackward:
      avgPoolBackward(w0, w1, at + 16, word(at, 18), word(at, 19));
      break;
    case Opcode.RandomBits:
      randomBits(w0, w1, w2, w3);
      break;
    case Opcode.Uniform:
      uniform(w0, w1, w2, w3);
      break;
    case Opcode.Normal:
      normal(w0, w1, w2, w3);
      break;
    case Opcode.Dropout:
      dropout(w0, w1, w2, w3, w4, w5);
      break;
    case Opcode.Silu:
      silu(w0, w1, w2);
      break;
    case Opcode.SiluBackward:
      siluBackward(w0, w1, w2, w3);
      break;
    case Opcode.Gelu:
      gelu(w0, w1, w2);
      break;
    case Opcode.GeluBackward:
      geluBackward(w0, w1, w2, w3);
      break;
    case Opcode.GeluForward:
      geluForward(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
      break;
    case Opcode.GeluTanh:
      geluTanh(w0, w1, w2);
      break;
    case Opcode.GeluTanhBackward:
      geluTanhBackward(w0, w1, w2, w3);
      break;
    case Opcode.Norm:
      norm(word(at, 0), word(at, 1), word(at, 2), word(at, 3));
      break;
    case Opcode.Statistics:
      statistics(
        word(at, 0), word(at, 1), word(at, 2), word(at, 3), word(at, 4), word(at, 5), workspace,
      );
      break;
    case Opcode.LayerNormForward:
      layerNormForward(w0, w1, w2, w3, w4, w5, w6, w7, w8);
      break;
    case Opcode.LayerNormBackward:
      layerNormBackward(w0, w1, w2, w3, w4, w5, w6, w7, w8, word(at, 9), word(at, 10));
      break;
    default:
      unreachable();
  }
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
