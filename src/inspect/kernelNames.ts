/** Kernels by opcode: a const enum has no names at run time. */
import type { Opcode } from "../../assembly/opcodes.js";

const NAMES = `
  copy fill stridedCopy stridedPlace take takeAdd gather scatterAdd argsort increment oneHot add
  sub mul div maximum minimum equal maximumShare neg exp log sqrt sigmoid tanh relu
  sigmoidBackward tanhBackward reluBackward compare compareIntegers integers select selectWords
  toFloat toInteger abs sign floor ceil round sum mean max min cumsum argmax gemm gemmBatched
  softmax softmaxBackward softmaxCrossEntropyForward softmaxCrossEntropyBackward batchNormForward
  batchNormEval batchNormBackward rmsNorm rmsNormBackward unfold fold conv2dForward
  conv2dInputGradient conv2dWeightGradient maxPool poolGather poolScatter avgPool avgPoolBackward
  randomBits uniform normal dropout sgd sgdMomentum adam log1p expm1 sin cos tan sinh cosh atan
  erf pow atan2 hypot silu siluBackward gelu geluBackward geluTanh geluTanhBackward chain
  sumBlocks gemmBackward gemmSums causalSoftmax causalSoftmaxBackward geluForward barrier checkFinite
  statistics norm layerNormForward layerNormBackward
`
  .trim()
  .split(/\s+/);

/** The name of an opcode's kernel in the contract, `src/kernels.ts`. */
export const kernelName = (opcode: Opcode): string => NAMES[opcode] ?? `opcode ${opcode}`;
