/** Messages about layers: losses, norms, convolutions and pools. */
import {
  adaptiveAvgPool2d,
  avgPool2d,
  conv1d,
  conv2d,
  convTranspose2d,
  fold,
  globalAvgPool,
  maxPool2d,
  tensor,
  upsampleNearest,
  zeros,
} from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import { BatchNorm1d, crossEntropy, Dropout, Linear, Sequential } from "../../src/nn/index.js";
import { any, expectMessages, ints, type Row, x23 } from "./messages.js";

const x24 = zeros([2, 4]);
const heads = (): nn.MultiheadAttention => new nn.MultiheadAttention(4, 2);

const rows: Record<string, Row> = {
  "label too large": {
    call: () => crossEntropy(zeros([2, 3]), tensor([0, 3], { dtype: "i32" })).item(),
    kind: RangeError,
    message: "crossEntropy: label 3 at row 1 is out of range: expected 0 ≤ label < 3",
  },
  "label negative": {
    call: () => crossEntropy(zeros([3, 4]), tensor([0, -2, 1], { dtype: "i32" })).item(),
    kind: RangeError,
    message: "crossEntropy: label -2 at row 1 is out of range: expected 0 ≤ label < 4",
  },
  "labels as floats": {
    call: () => crossEntropy(zeros([2, 3]), tensor([0, 1])),
    kind: TypeError,
    message:
      'crossEntropy: labels are not integers: got f32, expected i32; write tensor(labels, { dtype: "i32" })',
  },
  "labels of another length": {
    call: () => crossEntropy(zeros([3, 3]), ints),
    kind: RangeError,
    message:
      "crossEntropy: shapes do not fit: got logits [3, 3] and labels [2], expected [n, classes] and [n], or [n, classes, …] and [n, …]",
  },
  "unknown reduction": {
    call: () => crossEntropy(zeros([2, 3]), ints, { reduction: any("avg") }),
    kind: TypeError,
    message: 'crossEntropy: unknown reduction: got "avg", expected "mean", "sum" or "none"',
  },
  "adaptiveAvgPool2d of nothing": {
    call: () => adaptiveAvgPool2d(any(undefined), 1),
    kind: TypeError,
    message:
      "adaptiveAvgPool2d: operand is not a tensor: got undefined, expected a tensor; wrap data with tensor(…)",
  },
  "batchNorm of nothing": {
    call: () => nn.batchNorm(any(undefined)),
    kind: TypeError,
    message:
      "batchNorm: operand is not a tensor: got undefined, expected a tensor; wrap data with tensor(…)",
  },
  "attention of nothing": {
    call: () => nn.scaledDotProductAttention(any(undefined), x24, x24),
    kind: TypeError,
    message:
      "scaledDotProductAttention: operand is not a tensor: got undefined, expected a tensor; wrap data with tensor(…)",
  },
  "layerNorm over a number": {
    call: () => nn.layerNorm(x24, any(4)),
    kind: TypeError,
    message: "layerNorm: shape is no array: got 4, expected one, as in [2, 3]",
  },
  "rmsNorm without a shape": {
    call: () => nn.rmsNorm(x24, any(undefined)),
    kind: TypeError,
    message: "rmsNorm: shape is no array: got undefined, expected one, as in [2, 3]",
  },
  "batch of one": {
    call: () => new BatchNorm1d(2).forward(zeros([1, 2])),
    kind: RangeError,
    message:
      "batchNorm: one value per channel has no variance: got [1, 2] in training, expected a batch of at least 2; " +
      "call eval() to use the running statistics",
  },
  "batch norm, channels": {
    call: () => new BatchNorm1d(2).forward(zeros([4, 3])),
    kind: RangeError,
    message: "batchNorm: channels differ: got x [4, 3] and a parameter [2], expected [3]",
  },
  "batch norm, axes": {
    call: () => new BatchNorm1d(2).forward(zeros([2])),
    kind: RangeError,
    message:
      "BatchNorm1d: wrong number of axes: got [2], expected [n, features] or [n, features, length]",
  },
  "Linear, size": {
    call: () => new Linear(0, 3),
    kind: RangeError,
    message: "Linear: bad input features: got 0, expected a positive integer",
  },
  "Dropout, probability": {
    call: () => new Dropout(1.5),
    kind: RangeError,
    message: "Dropout: not a probability: got 1.5, expected 0 ≤ p ≤ 1",
  },
  "Sequential of functions": {
    call: () => new Sequential(any(() => 1)),
    kind: TypeError,
    message: "Sequential: layer 0 is not a module: got function, expected one",
  },
  "conv2d, channels": {
    call: () => conv2d(zeros([1, 2, 4, 4]), zeros([1, 3, 3, 3])),
    kind: RangeError,
    message:
      "conv2d: channels differ: got x [1, 2, 4, 4], weight [1, 3, 3, 3] in 1 group, expected x with 3 channels",
  },
  "conv2d, axes of x": {
    call: () => conv2d(zeros([2, 4, 4]), zeros([1, 2, 3, 3])),
    kind: RangeError,
    message: "conv2d: wrong number of axes: got [2, 4, 4], expected [n, channels, height, width]",
  },
  "conv2d, axes of the weight": {
    call: () => conv2d(zeros([1, 2, 4, 4]), zeros([2, 3, 3])),
    kind: RangeError,
    message: "conv2d: weight has the wrong number of axes: got [2, 3, 3], expected 4",
  },
  "conv2d, kernel larger than the input": {
    call: () => conv2d(zeros([1, 2, 4, 4]), zeros([1, 2, 3, 3]), undefined, { dilation: 2 }),
    kind: RangeError,
    message:
      "conv2d: kernel is larger than the padded input: got a kernel over [5, 5], expected at most [4, 4]",
  },
  "conv2d, groups": {
    call: () => conv2d(zeros([1, 4, 4, 4]), zeros([4, 1, 3, 3]), undefined, { groups: 3 }),
    kind: RangeError,
    message:
      "conv2d: groups do not divide the channels: got 3 groups, x [1, 4, 4, 4], weight [4, 1, 3, 3], expected a divisor of 4 and 4",
  },
  "conv2d, no groups": {
    call: () => conv2d(zeros([1, 4, 4, 4]), zeros([4, 1, 3, 3]), undefined, { groups: 0 }),
    kind: RangeError,
    message: "conv2d: bad groups: got 0, expected an integer ≥ 1",
  },
  "conv2d, stride": {
    call: () => conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), undefined, { stride: [1, 0] }),
    kind: RangeError,
    message: "conv2d: bad stride: got [1, 0], expected an integer or two ≥ 1",
  },
  "conv2d, padding": {
    call: () => conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), undefined, { padding: -1 }),
    kind: RangeError,
    message: "conv2d: bad padding: got -1, expected an integer or two ≥ 0",
  },
  "conv2d, padding by another name": {
    call: () =>
      conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), undefined, { padding: any("full") }),
    kind: TypeError,
    message: 'conv2d: unknown padding: got "full", expected numbers, "same" or "valid"',
  },
  "conv2d, same with a stride": {
    call: () =>
      conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), undefined, { padding: "same", stride: 2 }),
    kind: RangeError,
    message: 'conv2d: padding "same" needs stride 1: got [2, 2]',
  },
  "conv2d, bias": {
    call: () => conv2d(zeros([1, 1, 4, 4]), zeros([5, 1, 3, 3]), zeros([4])),
    kind: RangeError,
    message: "conv2d: bias does not fit: got [4], expected [5]",
  },
  "conv2d, dtypes": {
    call: () => conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3], { dtype: "i32" })),
    kind: TypeError,
    message: "conv2d: dtypes differ: got f32, i32, expected f32 throughout",
  },
  "conv2d, empty images": {
    call: () => conv2d(zeros([1, 1, 0, 4]), zeros([1, 1, 3, 3]), undefined, { padding: 2 }),
    kind: RangeError,
    message: "conv2d: empty images: got [1, 1, 0, 4], expected sizes ≥ 1",
  },
  "conv1d, kernel larger than the input": {
    call: () => conv1d(zeros([1, 1, 2]), zeros([1, 1, 3])),
    kind: RangeError,
    message:
      "conv1d: kernel is larger than the padded input: got a kernel over [3], expected at most [2]",
  },
  "conv1d, stride": {
    call: () => conv1d(zeros([1, 1, 4]), zeros([1, 1, 3]), undefined, { stride: 0.5 }),
    kind: RangeError,
    message: "conv1d: bad stride: got 0.5, expected an integer ≥ 1",
  },
  "convTranspose2d, channels": {
    call: () => convTranspose2d(zeros([1, 2, 4, 4]), zeros([3, 2, 3, 3])),
    kind: RangeError,
    message:
      "convTranspose2d: channels differ: got x [1, 2, 4, 4], weight [3, 2, 3, 3], expected x with 3 channels",
  },
  "convTranspose2d, output padding": {
    call: () =>
      convTranspose2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), undefined, {
        stride: 2,
        outputPadding: 2,
      }),
    kind: RangeError,
    message:
      "convTranspose2d: output padding is too large: got 2, expected less than the stride 2 or the dilation 1",
  },
  "convTranspose2d, nothing left": {
    call: () =>
      convTranspose2d(zeros([1, 1, 1, 1]), zeros([1, 1, 2, 2]), undefined, { padding: 1 }),
    kind: RangeError,
    message:
      "convTranspose2d: nothing is left of the result: got size [0, 0], expected at least 1; use less padding",
  },
  "maxPool2d, padding": {
    call: () => maxPool2d(zeros([1, 1, 4, 4]), 2, { padding: 2 }),
    kind: RangeError,
    message:
      "maxPool2d: padding is more than half of the kernel: got [2, 2] for a kernel of [2, 2]",
  },
  "maxPool2d, kernel": {
    call: () => maxPool2d(zeros([1, 1, 4, 4]), 0),
    kind: RangeError,
    message: "maxPool2d: bad kernel size: got 0, expected an integer or two ≥ 1",
  },
  "maxPool2d, kernel larger than the input": {
    call: () => maxPool2d(zeros([1, 1, 4, 4]), [5, 2]),
    kind: RangeError,
    message:
      "maxPool2d: kernel is larger than the padded input: got a kernel over [5, 2], expected at most [4, 4]",
  },
  "maxPool2d of integers": {
    call: () => maxPool2d(zeros([1, 1, 4, 4], { dtype: "i32" }), 2),
    kind: TypeError,
    message:
      'maxPool2d: dtype is not a float: got i32, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "avgPool2d, divisor": {
    call: () => avgPool2d(zeros([1, 1, 4, 4]), 2, { divisorOverride: 0 }),
    kind: RangeError,
    message: "avgPool2d: bad divisor override: got 0, expected a finite number other than 0",
  },
  "globalAvgPool, axes": {
    call: () => globalAvgPool(zeros([2, 3])),
    kind: RangeError,
    message: "globalAvgPool: too few axes: got [2, 3], expected [n, channels, …]",
  },
  "weights of classes as an array": {
    call: () => crossEntropy(zeros([2, 3]), ints, { weight: any([1, 2, 3]) }),
    kind: TypeError,
    message:
      "crossEntropy: operand is not a tensor: got an array of 3, expected a tensor; wrap data with tensor(…)",
  },
  "a state of tensors": {
    call: () => new nn.Linear(1, 1).loadStateDict(any({ weight: zeros([1, 1]), bias: [0] })),
    kind: TypeError,
    message: 'loadStateDict: "weight" is no entry: got a Tensor, expected { shape, dtype, data }',
  },
  "attention with PyTorch's option": {
    call: () => nn.scaledDotProductAttention(x23, x23, x23, { isCausal: true } as never),
    kind: TypeError,
    message: "scaledDotProductAttention: unknown option: got isCausal, expected mask or causal",
  },
  "heads with PyTorch's mask": {
    call: () => heads().forward(x24, x24, x24, { attnMask: x23 } as never),
    kind: TypeError,
    message: "MultiheadAttention: unknown option: got attnMask, expected mask or causal",
  },
  "heads with a mask of numbers": {
    call: () => heads().forward(x24, x24, x24, { mask: zeros([2, 2]) }),
    kind: TypeError,
    message:
      "MultiheadAttention: mask is no condition: got f32, expected bool, true where a query may look",
  },
  "heads with masks for keys": {
    call: () => heads().forward(x24, { causal: true } as never),
    kind: TypeError,
    message:
      "MultiheadAttention: operand is not a tensor: got an Object, expected a tensor; wrap data with tensor(…)",
  },
  "heads that drop too much": {
    call: () => new nn.MultiheadAttention(4, 2, { dropout: 2 }),
    kind: RangeError,
    message: "MultiheadAttention: not a probability: got 2, expected 0 ≤ p ≤ 1",
  },
  "a recurrent network that drops text": {
    call: () => new nn.LSTM(3, 4, { dropout: "0.5" as never }),
    kind: RangeError,
    message: 'LSTM: not a probability: got "0.5", expected 0 ≤ p ≤ 1',
  },
  "a state without a cell": {
    call: () => new nn.LSTM(3, 4).forward(zeros([2, 1, 3]), { hidden: zeros([1, 1, 4]) } as never),
    kind: TypeError,
    message:
      "LSTM: operand is not a tensor: got undefined, expected a tensor; wrap data with tensor(…)",
  },
  "batch norm with PyTorch's momentum of None": {
    call: () => new nn.BatchNorm1d(3, { momentum: null as never }),
    kind: RangeError,
    message: "BatchNorm1d: bad momentum: got null, expected a finite number ≥ 0",
  },
  "a norm's eps": {
    call: () => new nn.LayerNorm(3, { eps: Number.NaN }),
    kind: RangeError,
    message: "LayerNorm: bad eps: got NaN, expected a finite number ≥ 0",
  },
  "klDiv in PyTorch's spelling": {
    call: () => nn.klDiv(x23, x23, { reduction: "batchmean" as never }),
    kind: TypeError,
    message:
      'klDiv: unknown reduction: got "batchmean", expected "mean", "sum", "none" or "batchMean"',
  },
  "upsampleNearest, scale": {
    call: () => upsampleNearest(zeros([1, 1, 2, 2]), [2, 0]),
    kind: RangeError,
    message: "upsampleNearest: bad scale: got [2, 0], expected a positive number or 2 of them",
  },
  "fold, columns": {
    call: () => fold(zeros([1, 8, 5]), 4, 2),
    kind: RangeError,
    message: "fold: columns do not fit: got [1, 8, 5], expected [n, channels · 4, 9]",
  },
};

expectMessages(rows, "layers.test.ts");
