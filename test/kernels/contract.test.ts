/** The TypeScript kernels have the contract's very signatures, and every kernel is an instruction. */
import { expect, test } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import type { Kernels } from "../../src/kernels.js";
import * as activation from "../../src/ts/activation.js";
import { chain } from "../../src/ts/chain.js";
import * as columns from "../../src/ts/columns.js";
import * as compare from "../../src/ts/compare.js";
import * as conv from "../../src/ts/conv.js";
import * as elementwise from "../../src/ts/elementwise.js";
import type { Heap } from "../../src/ts/float.js";
import { gemm, gemmBackward, gemmBatched, gemmSums } from "../../src/ts/gemm.js";
import * as indexing from "../../src/ts/indexing.js";
import * as layerNorm from "../../src/ts/layerNorm.js";
import * as loss from "../../src/ts/loss.js";
import * as move from "../../src/ts/move.js";
import * as norm from "../../src/ts/norm.js";
import * as pool from "../../src/ts/pool.js";
import * as random from "../../src/ts/random.js";
import * as reduce from "../../src/ts/reduce.js";
import * as rmsNorm from "../../src/ts/rmsNorm.js";
import * as scan from "../../src/ts/scan.js";
import * as softmax from "../../src/ts/softmax.js";
import * as transcendental from "../../src/ts/transcendental.js";
import * as update from "../../src/ts/update.js";
import * as watch from "../../src/ts/watch.js";

type OnHeap = {
  [Name in keyof Kernels]: (
    m: Heap,
    ...operands: Parameters<Kernels[Name]>
  ) => ReturnType<Kernels[Name]>;
};

const kernels: OnHeap = {
  ...activation,
  ...columns,
  ...compare,
  ...conv,
  ...elementwise,
  ...indexing,
  ...layerNorm,
  ...loss,
  ...move,
  ...norm,
  ...pool,
  ...random,
  ...reduce,
  ...transcendental,
  ...update,
  ...rmsNorm,
  ...scan,
  ...softmax,
  ...watch,
  chain,
  gemm,
  gemmBackward,
  gemmBatched,
  gemmSums,
};

const opcodes: Record<keyof Kernels, Opcode> = {
  copy: Opcode.Copy,
  fill: Opcode.Fill,
  stridedCopy: Opcode.StridedCopy,
  stridedPlace: Opcode.StridedPlace,
  take: Opcode.Take,
  takeAdd: Opcode.TakeAdd,
  gather: Opcode.Gather,
  scatterAdd: Opcode.ScatterAdd,
  argsort: Opcode.Argsort,
  increment: Opcode.Increment,
  oneHot: Opcode.OneHot,
  add: Opcode.Add,
  sub: Opcode.Sub,
  mul: Opcode.Mul,
  div: Opcode.Div,
  maximum: Opcode.Maximum,
  minimum: Opcode.Minimum,
  equal: Opcode.Equal,
  maximumShare: Opcode.MaximumShare,
  neg: Opcode.Neg,
  exp: Opcode.Exp,
  log: Opcode.Log,
  sqrt: Opcode.Sqrt,
  sigmoid: Opcode.Sigmoid,
  tanh: Opcode.Tanh,
  relu: Opcode.Relu,
  sigmoidBackward: Opcode.SigmoidBackward,
  tanhBackward: Opcode.TanhBackward,
  reluBackward: Opcode.ReluBackward,
  compare: Opcode.Compare,
  compareIntegers: Opcode.CompareIntegers,
  integers: Opcode.Integers,
  select: Opcode.Select,
  selectWords: Opcode.SelectWords,
  toFloat: Opcode.ToFloat,
  toInteger: Opcode.ToInteger,
  abs: Opcode.Abs,
  sign: Opcode.Sign,
  floor: Opcode.Floor,
  ceil: Opcode.Ceil,
  round: Opcode.Round,
  sum: Opcode.Sum,
  mean: Opcode.Mean,
  max: Opcode.Max,
  min: Opcode.Min,
  cumsum: Opcode.Cumsum,
  argmax: Opcode.Argmax,
  gemm: Opcode.Gemm,
  gemmBackward: Opcode.GemmBackward,
  gemmSums: Opcode.GemmSums,
  gemmBatched: Opcode.GemmBatched,
  softmax: Opcode.Softmax,
  softmaxBackward: Opcode.SoftmaxBackward,
  softmaxCrossEntropyForward: Opcode.SoftmaxCrossEntropyForward,
  softmaxCrossEntropyBackward: Opcode.SoftmaxCrossEntropyBackward,
  batchNormForward: Opcode.BatchNormForward,
  batchNormEval: Opcode.BatchNormEval,
  batchNormBackward: Opcode.BatchNormBackward,
  rmsNorm: Opcode.RmsNorm,
  rmsNormBackward: Opcode.RmsNormBackward,
  unfold: Opcode.Unfold,
  fold: Opcode.Fold,
  conv2dForward: Opcode.Conv2dForward,
  conv2dInputGradient: Opcode.Conv2dInputGradient,
  conv2dWeightGradient: Opcode.Conv2dWeightGradient,
  maxPool: Opcode.MaxPool,
  poolGather: Opcode.PoolGather,
  poolScatter: Opcode.PoolScatter,
  avgPool: Opcode.AvgPool,
  avgPoolBackward: Opcode.AvgPoolBackward,
  randomBits: Opcode.RandomBits,
  uniform: Opcode.Uniform,
  normal: Opcode.Normal,
  dropout: Opcode.Dropout,
  sgd: Opcode.Sgd,
  sgdMomentum: Opcode.SgdMomentum,
  adam: Opcode.Adam,
  log1p: Opcode.Log1p,
  expm1: Opcode.Expm1,
  sin: Opcode.Sin,
  cos: Opcode.Cos,
  tan: Opcode.Tan,
  sinh: Opcode.Sinh,
  cosh: Opcode.Cosh,
  atan: Opcode.Atan,
  erf: Opcode.Erf,
  pow: Opcode.Pow,
  atan2: Opcode.Atan2,
  hypot: Opcode.Hypot,
  silu: Opcode.Silu,
  siluBackward: Opcode.SiluBackward,
  gelu: Opcode.Gelu,
  geluBackward: Opcode.GeluBackward,
  geluForward: Opcode.GeluForward,
  geluTanh: Opcode.GeluTanh,
  geluTanhBackward: Opcode.GeluTanhBackward,
  chain: Opcode.Chain,
  sumBlocks: Opcode.SumBlocks,
  causalSoftmax: Opcode.CausalSoftmax,
  causalSoftmaxBackward: Opcode.CausalSoftmaxBackward,
  checkFinite: Opcode.CheckFinite,
  statistics: Opcode.Statistics,
  norm: Opcode.Norm,
  layerNormForward: Opcode.LayerNormForward,
  layerNormBackward: Opcode.LayerNormBackward,
};

test("each kernel has an opcode of its own, and each opcode a kernel", () => {
  // The run loop of WebAssembly's own.
  const numbers = [...Object.values(opcodes), Opcode.Barrier].sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: Opcode.Count }, (_, index) => index));
  for (const name of Object.keys(opcodes))
    expect(typeof kernels[name as keyof Kernels]).toBe("function");
});
