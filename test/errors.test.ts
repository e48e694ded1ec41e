/** Bad input: the exact message, nothing half-done, and the library works afterwards. */
import { afterEach, describe, expect, test } from "vitest";
import * as c from "../src/index.js";
import {
  add,
  arange,
  assign,
  avgPool2d,
  broadcastTo,
  compile,
  conv1d,
  conv2d,
  convTranspose2d,
  eye,
  fold,
  full,
  globalAvgPool,
  grad,
  gradients,
  init,
  jvp,
  linear,
  matmul,
  max,
  maxPool2d,
  mul,
  parameter,
  reshape,
  sum,
  type Tensor,
  tensor,
  transpose,
  upsampleNearest,
  vjp,
  wasm,
  zeros,
} from "../src/index.js";
import { BatchNorm1d, crossEntropy, Dropout, Linear, Sequential } from "../src/nn/index.js";
import { Adam, SGD } from "../src/optim/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";

afterEach(() => init({ backend: wasm }));

const x23 = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const ints = tensor([0, 1], { dtype: "i32" });
/** Of a shape that is not known while the types are checked. */
const loose = (x: Tensor): Tensor => x;
const any = (value: unknown): never => value as never;
const p = (): ReturnType<typeof parameter> => parameter([1, 2], { name: "w" });

interface Row {
  readonly call: () => unknown;
  readonly kind: ErrorConstructor;
  readonly message: string;
}

const rows: Record<string, Row> = {
  "matmul, inner sizes": {
    call: () => matmul(loose(zeros([3, 4])), zeros([5, 6])),
    kind: RangeError,
    message: "matmul: inner dimensions differ: got [3, 4] × [5, 6]",
  },
  "matmul of a scalar": {
    call: () => matmul(loose(tensor(1)), x23),
    kind: RangeError,
    message: "matmul: operand a is a scalar: got [], expected at least one axis",
  },
  "linear, features": {
    call: () => linear(x23, zeros([5, 4]), zeros([5])),
    kind: RangeError,
    message: "linear: input features differ: got x [2, 3], weight [5, 4], expected x [n, 4]",
  },
  "linear, bias": {
    call: () => linear(x23, zeros([5, 3]), zeros([4])),
    kind: RangeError,
    message: "linear: bias does not fit: got [4], expected [5]",
  },
  "add, broadcasting": {
    call: () => add(loose(zeros([2, 3])), zeros([2])),
    kind: RangeError,
    message:
      "add: shapes do not broadcast: got [2, 3] and [2], expected axis −1 to be equal or 1: 3 ≠ 2",
  },
  "add of an array": {
    call: () => add(any([1, 2]), x23),
    kind: TypeError,
    message:
      "add: operand is not a tensor: got an array of 2, expected a tensor or a number; wrap data with tensor(…)",
  },
  "exp of integers": {
    call: () => c.exp(tensor([1], { dtype: "i32" })),
    kind: TypeError,
    message: 'exp: dtype is not a float: got i32, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "pow of integers": {
    call: () => c.pow(tensor([1], { dtype: "i32" }), 2),
    kind: TypeError,
    message: 'pow: dtype is not a float: got i32, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "a power of integers": {
    call: () => c.pow(tensor([1, 2]), tensor([1, 2], { dtype: "i32" })),
    kind: TypeError,
    message: 'pow: dtype is not a float: got i32, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "atan2 of shapes that do not fit": {
    call: () => c.atan2(loose(tensor([1, 2])), tensor([1, 2, 3])),
    kind: RangeError,
    message:
      "atan2: shapes do not broadcast: got [2] and [3], expected axis −1 to be equal or 1: 2 ≠ 3",
  },
  "integers and a fraction": {
    call: () => tensor([1], { dtype: "i32" }).mul(0.5),
    kind: TypeError,
    message:
      "mul: number is not a 32-bit integer: got 0.5 beside an i32 tensor, expected one; cast the tensor to a float",
  },
  "where without a condition": {
    call: () => c.where(tensor([1]), 1, 2),
    kind: TypeError,
    message: "where: condition is no condition: got f32, expected bool; compare it, as in ne(x, 0)",
  },
  "logic of numbers": {
    call: () => c.logicalNot(tensor([1])),
    kind: TypeError,
    message:
      "logicalNot: operand is no condition: got f32, expected bool; compare it, as in ne(x, 0)",
  },
  "logic of labels": {
    call: () => c.logicalAnd(tensor([true]), tensor([1], { dtype: "i32" })),
    kind: TypeError,
    message:
      "logicalAnd: operand is no condition: got i32, expected bool; compare it, as in ne(x, 0)",
  },
  "a bool and a number that is none": {
    call: () => tensor([true]).eq(2),
    kind: TypeError,
    message:
      "eq: number is no truth value: got 2 beside a bool tensor, expected 0 or 1; cast the tensor to a float",
  },
  "a sum of bools": {
    call: () => tensor([true]).add(1),
    kind: TypeError,
    message:
      'add: dtype is not a float: got bool, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "where of two kinds": {
    call: () => c.where(tensor([true]), tensor([1]), tensor([1], { dtype: "i32" })),
    kind: TypeError,
    message: "where: dtypes differ: got f32 and i32, expected equal ones; cast one of them",
  },
  "where of shapes that do not fit": {
    call: () => c.where(tensor([true, false]), tensor([1, 2, 3]), 0),
    kind: RangeError,
    message:
      "where: shapes do not broadcast: got [2] and [3], expected axis −1 to be equal or 1: 2 ≠ 3",
  },
  "gelu of labels": {
    call: () => c.gelu(tensor([1], { dtype: "i32" })),
    kind: TypeError,
    message:
      'gelu: dtype is not a float: got i32, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "gelu, unknown approximation": {
    call: () => c.gelu(x23, { approximate: any("sigmoid") }),
    kind: TypeError,
    message: 'gelu: unknown approximation: got "sigmoid", expected "none" or "tanh"',
  },
  "clamp to NaN": {
    call: () => c.clamp(x23, Number.NaN),
    kind: TypeError,
    message: "clamp: low is not a number: got NaN, expected one",
  },
  "leakyRelu by a tensor": {
    call: () => c.leakyRelu(x23, any(x23)),
    kind: TypeError,
    message: "leakyRelu: slope is not a number: got a Tensor, expected one",
  },
  "full of fractions as integers": {
    call: () => c.full([2], 0.5, { dtype: "i32" }),
    kind: TypeError,
    message: "full: element 0 is not a 32-bit integer: got 0.5, expected one for dtype i32",
  },
  "arange of bools": {
    call: () => c.arange(0, 2, 1, { dtype: "bool" }),
    kind: TypeError,
    message: "arange: dtype does not count: got bool, expected f32, f64 or i32",
  },
  "a comparison of kinds": {
    call: () => c.lt(tensor([1]), tensor([1], { dtype: "i32" })),
    kind: TypeError,
    message: "lt: dtypes differ: got f32 and i32, expected equal ones; cast one of them",
  },
  "a cast between precisions": {
    call: () => c.cast(tensor([1]), "f64"),
    kind: TypeError,
    message:
      'cast: precisions are mixed: got f32, expected to stay so; a program has one: read it and write tensor(x.toArray(), { dtype: "f64" })',
  },
  "mixed precisions": {
    call: () => mul(tensor([1]), tensor(new Float64Array([1]))),
    kind: TypeError,
    message: "mul: dtypes differ: got f32 and f64, expected equal ones",
  },
  "f64 on WebAssembly": {
    call: () =>
      tensor(new Float64Array([1]))
        .neg()
        .item(),
    kind: TypeError,
    message:
      'evaluate: dtype f64 is not supported by the backend: got wasm, expected ts; import { ts } from "chainrule/pure" ' +
      'and call init({ backend: ts, dtype: "f64" })',
  },
  "init with f64": {
    call: () => init({ dtype: "f64" }),
    kind: TypeError,
    message:
      "init: dtype f64 is not supported by the backend: got wasm, expected ts; " +
      'import { ts } from "chainrule/pure" and call init({ backend: ts, dtype: "f64" })',
  },
  "init with relaxed SIMD in a given backend": {
    call: () => init({ backend: ts, relaxedSimd: true }),
    kind: TypeError,
    message:
      "init: relaxedSimd and backend exclude each other: got relaxedSimd true and backend ts, " +
      "expected one; createWasmBackend({ relaxedSimd }) makes a backend",
  },
  "axis out of range": {
    call: () => sum(loose(zeros([2, 2])), [3]),
    kind: RangeError,
    message: "sum: axis is out of range: got 3, expected −2 ≤ axis < 2",
  },
  "axes that repeat": {
    call: () => sum(zeros([2, 2]), [0, -2]),
    kind: RangeError,
    message: "sum: axes repeat: got [0,-2], expected each axis once",
  },
  "max of nothing": {
    call: () => max(zeros([3, 0]), 1),
    kind: RangeError,
    message: "max: nothing to reduce: got [3, 0] over axes [1], expected at least one element",
  },
  "reshape, sizes": {
    call: () => reshape(loose(zeros([3, 4])), [2, 5]),
    kind: RangeError,
    message:
      "reshape: sizes differ: got [3, 4] (12 elements), expected a shape of as many, not [2, 5]",
  },
  "reshape, two unknowns": {
    call: () => reshape(zeros([3, 4]), [-1, -1]),
    kind: RangeError,
    message: "reshape: bad shape: got [-1], expected non-negative integers",
  },
  "transpose, axes": {
    call: () => transpose(x23, [0, 0]),
    kind: RangeError,
    message: "transpose: axes are not a permutation: got [0,0], expected each of 2 axes once",
  },
  broadcastTo: {
    call: () => broadcastTo(x23, [3]),
    kind: RangeError,
    message: "broadcastTo: shape does not stretch: got [2, 3], expected one that broadcasts to [3]",
  },
  "tensor, ragged": {
    call: () => tensor([[1, 2], [3]]),
    kind: RangeError,
    message:
      "tensor: nested arrays are ragged: got an array of 1 at depth 1, expected an array of 2",
  },
  "tensor of text": {
    call: () => tensor(any(["1"])),
    kind: TypeError,
    message: 'tensor: element 0 is not a number: got "1", expected a number',
  },
  "tensor, shape": {
    call: () => tensor([1, 2, 3], { shape: [2, 2] }),
    kind: RangeError,
    message: "tensor: data does not fill the shape: got 3 elements, expected 4 for [2, 2]",
  },
  "tensor, dtype": {
    call: () => tensor([1], { dtype: any("f16") }),
    kind: TypeError,
    message: 'tensor: unknown dtype: got "f16", expected f32, f64, i32 or bool',
  },
  "tensor, fractional label": {
    call: () => tensor([1, 1.5], { dtype: "i32" }),
    kind: TypeError,
    message: "tensor: element 1 is not a 32-bit integer: got 1.5, expected one for dtype i32",
  },
  full: {
    call: () => full([-1], 0),
    kind: RangeError,
    message: "full: bad shape: got [-1], expected non-negative integers",
  },
  eye: {
    call: () => eye(1.5),
    kind: RangeError,
    message: "eye: bad shape: got [1.5], expected non-negative integers",
  },
  arange: {
    call: () => arange(0, 5, 0),
    kind: RangeError,
    message: "arange: bad range: got 0, 5, 0, expected finite numbers and a step other than 0",
  },
  "item of several": {
    call: () => x23.item(),
    kind: RangeError,
    message: "item: more or less than one element: got [2, 3], expected a tensor of one",
  },
  "arithmetic on a tensor": {
    call: () => any(x23) * 2,
    kind: TypeError,
    message:
      "Tensor(f32[2, 3]): a tensor is not a number: got an arithmetic operator, expected a method such as add or mul, " +
      "or item() for the value",
  },
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
    message: "maxPool2d: dtype is not a float: got i32, expected f32 or f64",
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
  "learning rate NaN": {
    call: () => new SGD([p()], { lr: Number.NaN }),
    kind: RangeError,
    message: "SGD: bad lr: got NaN, expected a finite number ≥ 0",
  },
  "learning rate negative": {
    call: () => new Adam([p()], { lr: -1 }),
    kind: RangeError,
    message: "Adam: bad lr: got -1, expected a finite number ≥ 0",
  },
  "beta of one": {
    call: () => new Adam([p()], { betas: [0.9, 1] }),
    kind: RangeError,
    message: "Adam: bad beta2: got 1, expected 0 ≤ beta2 < 1",
  },
  "nesterov without momentum": {
    call: () => new SGD([p()], { lr: 1, nesterov: true }),
    kind: RangeError,
    message: "SGD: nesterov needs momentum: got momentum 0, expected more than 0",
  },
  "an optimizer of tensors": {
    call: () => new SGD(any([x23]), { lr: 1 }),
    kind: TypeError,
    message: "SGD: not a parameter: got a Tensor, expected Parameters, as from model.parameters()",
  },
  "an optimizer with a misspelt option": {
    call: () => new Adam([p()], { learningRate: 1 } as never),
    kind: TypeError,
    message:
      "Adam: unknown option: got learningRate, expected some of [lr, betas, eps, weightDecay, maximize]",
  },
  "an array in matmul": {
    call: () => c.matmul([1, 2] as never, x23),
    kind: TypeError,
    message:
      "matmul: operand is not a tensor: got an array of 2, expected a tensor; wrap data with tensor(…)",
  },
  "a number in concat": {
    call: () => c.concat([x23, 1 as never]),
    kind: TypeError,
    message: "concat: operand is not a tensor: got 1, expected a tensor; wrap data with tensor(…)",
  },
  "an axis that is a text": {
    call: () => x23.sum("0" as never),
    kind: TypeError,
    message: 'sum: axes are no numbers: got "0", expected a whole number or an array of them',
  },
  "slice of a number": {
    call: () => x23.slice(1 as never),
    kind: TypeError,
    message: "slice: ranges are no list: got 1, expected one for each axis, as in [[0, 2], null]",
  },
  "aux that is missing": {
    call: () => c.grad((x: Tensor) => x.sum() as never, { aux: true })(x23),
    kind: TypeError,
    message: "grad: result has no aux: got a Tensor, expected [scalar, aux] with aux: true",
  },
  "an optimizer of nothing": {
    call: () => new SGD([], { lr: 1 }),
    kind: RangeError,
    message: "SGD: bad list of parameters: got 0, expected at least one and each once",
  },
  "apply with too few gradients": {
    call: () => new SGD([p()], { lr: 1 }).apply([]),
    kind: RangeError,
    message: "apply: number of gradients differs: got 0, expected 1, one per parameter",
  },
  "apply with a gradient of another shape": {
    call: () => new SGD([p()], { lr: 1 }).apply([x23]),
    kind: RangeError,
    message:
      "apply: gradient 0 does not fit: got f32 [2, 3], expected that of Parameter(w: f32[2])",
  },
  "assign, shapes": {
    call: () => assign(p(), x23),
    kind: RangeError,
    message: "assign: shapes differ: got [2, 3] for Parameter(w: f32[2]), expected [2]",
  },
  "assign, dtypes": {
    call: () => assign(p(), ints),
    kind: TypeError,
    message: "assign: dtypes differ: got i32 for Parameter(w: f32[2]), expected f32",
  },
  "grad of a vector": {
    call: () => grad((x: Tensor) => x)(x23),
    kind: RangeError,
    message:
      "grad: result is not a scalar: got [2, 3], expected []; reduce it with sum or mean, or use vjp",
  },
  "grad of integers": {
    call: () => grad((x: Tensor) => x.reshape([2]).sum())(ints),
    kind: TypeError,
    message: 'sum: dtype is not a float: got i32, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "grad of a number": {
    call: () => grad(any((x: Tensor) => x))(any(3)),
    kind: TypeError,
    message:
      "grad: argument[0] is not a tensor: got 3, expected a tensor; wrap data with tensor(…)",
  },
  "gradients of a tensor": {
    call: () => gradients(x23.sum(), any([x23])),
    kind: TypeError,
    message: "gradients: not a parameter: got a Tensor, expected a Parameter",
  },
  "jvp, tangent": {
    call: () => jvp((x: Tensor) => x.exp(), x23, zeros([2])),
    kind: RangeError,
    message: "jvp: tensor 0 does not fit: got Tensor(f32[2]), expected Tensor(f32[2, 3])",
  },
  "pullback, cotangent": {
    call: () => vjp((x: Tensor) => x.exp(), x23).pullback(zeros([2])),
    kind: RangeError,
    message: "pullback: tensor 0 does not fit: got Tensor(f32[2]), expected Tensor(f32[2, 3])",
  },
  seed: {
    call: () => random.seed(-1),
    kind: RangeError,
    message: "seed: not a seed: got -1, expected an integer from 0 to 2⁵³ − 1",
  },
  "uniform, shape": {
    call: () => random.uniform([2.5]),
    kind: RangeError,
    message: "uniform: bad shape: got [2.5], expected non-negative integers",
  },
  "compile, typed array": {
    call: () => compile((x: Tensor) => x)(any(new Float32Array(2))),
    kind: TypeError,
    message:
      "compile: argument[0] is of the wrong kind: got a Float32Array, expected tensors, numbers, strings, booleans or null, " +
      "in arrays or plain objects; wrap data with tensor(…)",
  },
};

describe("exact messages", () => {
  test.each(Object.entries(rows))("%s", (_, { call, kind, message }) => {
    let error: unknown;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toBe(message);
    expect((error as Error).stack).toContain("errors.test.ts");
    expect(tensor([1, 2]).add(1).toArray()).toEqual([2, 3]);
  });
});

test("mixed homes are refused, each backend works on", () => {
  const a = parameter([1]);
  init({ backend: ts });
  const b = parameter([2]);
  expect(() => a.add(b).item()).toThrow(
    "evaluate: parameters live in different backends: got Parameter(f32[1]) in ts and others in wasm, expected one",
  );
  expect([a.add(1).item(), b.add(1).item()]).toEqual([2, 3]);
});

test("a learning rate that turns NaN stops the step before it runs", () => {
  const w = parameter([1, 2]);
  const optimizer = new SGD([w], { lr: 0.1 });
  const step = compile((x: Tensor) => {
    const loss = w.mul(x).sum();
    optimizer.minimize(loss);
    return loss;
  });
  step(tensor([1, 1]));
  const before = w.toArray();
  optimizer.lr = Number.NaN;
  expect(() => step(tensor([1, 1]))).toThrow("SGD: bad lr: got NaN, expected a finite number ≥ 0");
  expect(w.toArray()).toEqual(before);
  optimizer.lr = 0.1;
  step(tensor([1, 1]));
  expect(w.toArray()).not.toEqual(before);
});
