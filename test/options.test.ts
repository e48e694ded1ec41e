/** What JavaScript lets through and would silently do nothing, or fail without a reason: refused. */
import { expect, test } from "vitest";
import * as c from "../src/index.js";
import * as io from "../src/io/index.js";
import * as nn from "../src/nn/index.js";
import * as optim from "../src/optim/index.js";
import * as random from "../src/random.js";

// biome-ignore lint/suspicious/noExplicitAny: the calls are wrong on purpose
type Loose = any;
const core = c as Loose;
const layers = nn as Loose;
const draws = random as Loose;
const optimizers = optim as Loose;
const files = io as Loose;

const v = c.tensor([1, 2, 3]) as Loose;
const image = c.ones([1, 1, 4, 4]) as Loose;
const line = c.ones([1, 1, 4]);
const w = c.ones([1, 1, 2, 2]);
const scores = c.tensor([[1, 2]]);
const labels = c.tensor([1], { dtype: "i32" });
const p = c.parameter([1, 2]);

/** A call, and the start of what it throws. */
const refused: readonly (readonly [string, () => unknown, string])[] = [
  // A number where options are: PyTorch's places.
  ["stride of maxPool2d", () => core.maxPool2d(image, 3, 2), "maxPool2d: bad options: got 2"],
  [
    "stride of MaxPool2d",
    () => new layers.MaxPool2d(3, 2).forward(image),
    "maxPool2d: bad options: got 2",
  ],
  ["stride of Conv2d", () => new layers.Conv2d(1, 1, 3, 1, 1), "Conv2d: bad options: got 1"],
  ["stride of conv2d", () => core.conv2d(image, w, undefined, 2), "conv2d: bad options: got 2"],
  ["bias of Linear", () => new layers.Linear(2, 3, false), "Linear: bad options: got a boolean"],
  ["eps of BatchNorm1d", () => new layers.BatchNorm1d(2, 0.1), "BatchNorm1d: bad options: got 0.1"],
  ["eps of LayerNorm", () => new layers.LayerNorm(2, 0.1), "LayerNorm: bad options: got 0.1"],
  ["padding of Embedding", () => new layers.Embedding(3, 2, 0), "Embedding: bad options: got 0"],
  ["mode of pad", () => v.pad(1, "reflect"), 'pad: bad options: got "reflect"'],
  ["kind of gelu", () => core.gelu(v, "tanh"), 'gelu: bad options: got "tanh"'],
  ["ddof of variance", () => v.variance(0, 1), "variance: bad options: got 1"],
  ["descending", () => v.sort(-1, true), "argsort: bad options: got a boolean"],
  ["null", () => core.norm(v, 0, null), "norm: bad options: got null"],
  [
    "relaxedSimd",
    () => core.init({ relaxedSimd: 1 }),
    "init: bad relaxedSimd: got 1, expected true or",
  ],
  ["no relaxedSimd", () => core.init({ relaxedSimd: null }), "init: bad relaxedSimd: got null"],
  [
    "relaxedSimd of a backend",
    () => core.createWasmBackend({ relaxedSimd: "false" }),
    'createWasmBackend: bad relaxedSimd: got "false", expected true or false',
  ],
  // A part that a saved file lacks, and a Map.
  [
    "state of a module",
    () => new layers.Linear(1, 1).loadStateDict(undefined),
    "loadStateDict: no state: got undefined, expected one as of stateDict()",
  ],
  [
    "state of an optimizer",
    () => new optimizers.SGD([p], { lr: 1 }).loadStateDict(null),
    "loadStateDict: no state: got null",
  ],
  ["state of the stream", () => draws.loadStateDict(undefined), "loadStateDict: no state: got"],
  [
    "tensors to save",
    () => files.saveSafetensors(new Map()),
    "saveSafetensors: no state: got a Map",
  ],
  // Names of other libraries.
  ["norm", () => v.norm(null, { p: 1 }), "norm: unknown option: got p, expected order or keepdims"],
  [
    "variance",
    () => v.variance(null, { correction: 1 }),
    "variance: unknown option: got correction, expected ddof or keepdims",
  ],
  [
    "crossEntropy",
    () => layers.crossEntropy(scores, labels, { label_smoothing: 0.1 }),
    "crossEntropy: unknown option: got label_smoothing, expected reduction, weight, ignoreIndex or labelSmoothing",
  ],
  [
    "nllLoss",
    () => layers.nllLoss(scores, labels, { ignore_index: 0 }),
    "nllLoss: unknown option: got ignore_index",
  ],
  ["mse", () => layers.mse(v, v, { reduce: "sum" }), "mse: unknown option: got reduce, expected"],
  ["huber", () => layers.huber(v, v, { beta: 1 }), "huber: unknown option: got beta, expected"],
  ["l1", () => layers.smoothL1(v, v, { delta: 1 }), "smoothL1: unknown option: got delta"],
  ["bce", () => layers.bceWithLogits(v, v, { pos_weight: v }), "bceWithLogits: unknown option"],
  ["klDiv", () => layers.klDiv(v, v, { log_target: true }), "klDiv: unknown option"],
  ["hinge", () => layers.multiMargin(scores, labels, { C: 1 }), "multiMargin: unknown option"],
  [
    "conv2d",
    () => core.conv2d(image, w, undefined, { strides: 2 }),
    "conv2d: unknown option: got strides, expected stride, padding, dilation or groups",
  ],
  [
    "convTranspose2d",
    () => core.convTranspose2d(image, w, undefined, { output_padding: 1 }),
    "convTranspose2d: unknown option: got output_padding",
  ],
  [
    "Conv1d",
    () => new layers.Conv1d(1, 1, 2, { padding_mode: "circular" }),
    "Conv1d: unknown option: got padding_mode",
  ],
  ["avgPool2d", () => core.avgPool2d(image, 2, { dilation: 2 }), "avgPool2d: unknown option"],
  ["AvgPool1d", () => new layers.AvgPool1d(2, { ceil_mode: true }).forward(line), "avgPool1d: unk"],
  ["topK", () => v.topK(1, 0, { sorted: true }), "topK: unknown option: got sorted"],
  ["RNN", () => new layers.RNN(1, 1, { num_layers: 2 }), "RNN: unknown option: got num_layers"],
  ["GRU", () => new layers.GRU(1, 1, { nonlinearity: "relu" }), "GRU: unknown option"],
  ["attention", () => new layers.MultiheadAttention(2, 1, { batch_first: true }), "Multihead"],
  ["RMSNorm", () => new layers.RMSNorm(2, { bias: true }), "RMSNorm: unknown option: got bias"],
  ["GroupNorm", () => new layers.GroupNorm(1, 2, { bias: true }), "GroupNorm: unknown option"],
  ["uniform", () => draws.uniform([2], { min: 0 }), "uniform: unknown option: got min, expected"],
  ["normal", () => draws.normal([2], { stddev: 2 }), "normal: unknown option: got stddev"],
  // Values that no option has.
  [
    "RNN",
    () => new layers.RNN(1, 1, { nonlinearity: "gelu" }),
    'RNN: unknown nonlinearity: got "g',
  ],
  [
    "pad",
    () => v.pad(1, { mode: "wrap" }),
    'pad: unknown mode: got "wrap", expected constant, reflect, replicate or circular',
  ],
  ["std", () => draws.normal([2], { std: -1 }), "normal: bad std: got -1, expected a number ≥ 0"],
  ["range", () => draws.uniform([2], { low: 1, high: 0 }), "uniform: bad interval: got [1, 0)"],
  [
    "groups",
    () => new layers.GroupNorm(2, 3),
    "GroupNorm: groups do not divide the channels: got 2",
  ],
  ["full", () => core.full([2], "a"), 'full: value is no number: got "a", expected one'],
  [
    "bigint",
    () => core.tensor(new BigInt64Array(1)),
    "tensor: elements are no numbers: got a BigInt",
  ],
  // Numbers one after the other where an array is asked for.
  ["zeros", () => core.zeros(3), "zeros: shape is no array: got 3, expected one, as in [2, 3]"],
  ["random", () => draws.normal(3), "normal: shape is no array: got 3"],
  ["reshape", () => v.reshape(3, 1), "reshape: shape is no array: got 3"],
  ["broadcastTo", () => v.broadcastTo(2, 3), "broadcastTo: shape is no array: got 2"],
  ["permute", () => core.ones([1, 2]).permute(1, 0), "transpose: order of axes is no array: got 1"],
  ["expandDims", () => v.expandDims(), "expandDims: axis is no array: got undefined"],
  ["squeeze", () => v.squeeze(null), "squeeze: axis is no array: got null"],
  ["tile", () => v.tile(), "tile: list of repeats is no array: got undefined"],
  ["split", () => v.split(), "split: list of lengths is no array: got undefined"],
  ["pad", () => v.pad(), "pad: list of widths is no array: got undefined"],
  // What is no tensor, parameter or list of them.
  ["conv2d", () => core.conv2d([[1]], w), "conv2d: operand is not a tensor: got an array of 1"],
  ["weight", () => core.conv1d(image, undefined), "conv1d: operand is not a tensor: got undefined"],
  [
    "bias",
    () => core.conv2d(image, w, { stride: 2 }),
    "conv2d: operand is not a tensor: got an Obj",
  ],
  ["pool", () => core.avgPool2d([1], 2), "avgPool2d: operand is not a tensor: got an array of 1"],
  ["fold", () => core.fold(undefined, 2, 1), "fold: operand is not a tensor: got undefined"],
  ["SGD", () => new optimizers.SGD([p]), "SGD: bad options: got undefined, expected { lr, … }"],
  [
    "Adam",
    () => new optimizers.Adam(p),
    "Adam: parameters are no list: got a Parameter, expected model.parameters(), or groups of them",
  ],
  ["clip", () => optimizers.clipGradNorm(v, 1), "gradNorm: gradients are no list: got a Tensor"],
  [
    "minimize",
    () => new optim.SGD([p], { lr: 1 }).minimize(3 as Loose),
    "minimize: operand is not",
  ],
  ["gradients", () => core.gradients(p.sum(), p), "gradients: list of parameters is no array: got"],
  [
    "compile",
    () => core.compile(new nn.ReLU()),
    "compile: no function: got a ReLU, expected one, as in compile((x) => …)",
  ],
  [
    "init",
    () => core.init({ backend: "ts" }),
    'init: unknown backend: got "ts", expected wasm, or',
  ],
  ["init", () => core.init({ precision: "f64" }), "init: unknown option: got precision, expected"],
  [
    "write",
    () => p.write(new Float32Array(1)),
    "write: number of values differs: got 1 for Parameter(f32[2]), expected 2",
  ],
  [
    "Parameter",
    () => new core.Parameter(v),
    "Parameter: made with new: got a Tensor, expected parameter(data), which makes one",
  ],
];

test.each(refused)("%s", (_, call, message) => {
  expect(call).toThrow(message);
});

test("a Parameter that was refused takes no memory", () => {
  const live = p.backend.memory.liveBytes;
  expect(() => new core.Parameter([undefined], "f32", new Float32Array(1))).toThrow("Parameter: ");
  expect(p.backend.memory.liveBytes).toBe(live);
  expect(c.parameter([3]).item()).toBe(3);
});

test("a Parameter that two modules share is trained once and saved under both names", () => {
  const tied = new nn.Linear(1, 1, { bias: false });
  const model = new nn.Sequential(tied, new nn.Tanh(), tied);
  expect(model.parameters()).toEqual([tied.weight]);
  expect(Object.keys(model.stateDict())).toEqual(["0.weight", "2.weight"]);
  tied.weight.write(Float32Array.of(1));
  const loss = model.forward(c.tensor([[1]])).sum();
  new optim.SGD(model.parameters(), { lr: 1 }).minimize(loss);
  const slope = 1 - Math.tanh(1) ** 2;
  expect(tied.weight.item()).toBeCloseTo(1 - (Math.tanh(1) + slope), 6);
});

test("undefined stands for an option that is not given", () => {
  const options: Loose = { stride: undefined, padding: undefined };
  expect(c.maxPool2d(image, 2, options).shape).toEqual([1, 1, 2, 2]);
  expect(v.norm(0, { order: undefined }).item()).toBe(v.norm().item());
});

test.each<[number, number[]]>([
  [1, [3, 1, 2, 3, 1]],
  [3, [1, 2, 3, 1, 2, 3, 1, 2, 3]],
])("pad, circular by %i", (width, want) => {
  expect(v.pad(width, { mode: "circular" }).toArray()).toEqual(want);
  const wide = () => v.pad(4, { mode: "circular" });
  expect(wide).toThrow("expected at most 3 in mode circular");
});
