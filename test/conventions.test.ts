/** The conventions where mathematics leaves a choice: ties, kinks, empty axes, NaN. */
import { describe, expect, test } from "vitest";
import * as c from "../src/index.js";
import {
  add,
  atan2,
  avgPool1d,
  avgPool2d,
  conv1d,
  conv2d,
  exp,
  full,
  globalMaxPool,
  grad,
  hypot,
  matmul,
  max,
  maximum,
  maxPool1d,
  maxPool2d,
  mean,
  minimum,
  pow,
  relu,
  square,
  sum,
  type Tensor,
  tensor,
  zeros,
} from "../src/index.js";
import * as nn from "../src/nn/index.js";

describe("values", () => {
  test.each<{ what: string; got: () => unknown; want: unknown }>([
    { what: "sum of nothing", got: () => sum(tensor([])).item(), want: 0 },
    { what: "mean of nothing", got: () => mean(tensor([])).item(), want: Number.NaN },
    { what: "add", got: () => add(tensor([]), 1).toArray(), want: [] },
    {
      what: "sum over an empty axis",
      got: () => sum(tensor([], { shape: [2, 0] }), 1).toArray(),
      want: [0, 0],
    },
    {
      what: "matmul with k = 0",
      got: () => matmul(tensor([], { shape: [2, 0] }), tensor([], { shape: [0, 2] })).toArray(),
      want: [
        [0, 0],
        [0, 0],
      ],
    },
    {
      what: "matmul with m = 0",
      got: () => matmul(tensor([], { shape: [0, 2] }), tensor([[1], [2]])).shape,
      want: [0, 1],
    },
    { what: "NaN to 0", got: () => pow(Number.NaN, tensor([0, -0])).toArray(), want: [1, 1] },
    { what: "NaN to the constant 0", got: () => pow(tensor([Number.NaN]), 0).toArray(), want: [1] },
    { what: "1 to NaN", got: () => pow(1, tensor([Number.NaN, Infinity])).toArray(), want: [1, 1] },
    {
      what: "negative to a fraction",
      got: () => pow(tensor([-8, -Infinity, -0]), 0.5).toArray(),
      want: [Number.NaN, Infinity, 0],
    },
    {
      what: "zero to an odd power",
      got: () => pow(tensor([0, -0]), -5).toArray(),
      want: [Infinity, -Infinity],
    },
    {
      what: "atan2 of signed zeros",
      got: () => atan2(tensor([0, -0, 0, -0]), tensor([0, 0, -0, -0])).toArray(),
      want: [0, -0, Math.fround(Math.PI), -Math.fround(Math.PI)],
    },
    {
      what: "hypot of Infinity and NaN",
      got: () => hypot(tensor([Number.NaN, 3e38]), tensor([-Infinity, 1])).toArray(),
      want: [Infinity, Math.fround(3e38)],
    },
    { what: "NaN is not itself", got: () => c.ne(tensor(NaN), NaN).toArray(), want: true },
    { what: "sign of NaN", got: () => c.sign(tensor(NaN)).item(), want: 0 },
    { what: "round, half to even", got: () => c.round(tensor([0.5, 1.5])).toArray(), want: [0, 2] },
    {
      what: "clamp, relu6, hardtanh, leakyRelu and elu of NaN",
      got: () =>
        [(x: Tensor) => c.clamp(x, 0, 1), c.relu6, c.hardtanh, c.leakyRelu, c.elu].map((f) =>
          f(tensor(NaN)).item(),
        ),
      want: [NaN, NaN, NaN, NaN, NaN],
    },
    {
      what: "gelu and silu of −Infinity",
      got: () => [c.gelu, c.silu].map((f) => f(tensor(-Infinity)).item()),
      want: [NaN, NaN],
    },
    {
      what: "softplus does not become x above 20",
      got: () => c.softplus(tensor(20.5, { dtype: "f32" })).item() > 20.5 - 1e-6,
      want: true,
    },
    {
      what: "cast of NaN",
      got: () => c.cast(tensor([NaN, 1e10]), "i32").toArray(),
      want: [0, 2147483647],
    },
    {
      what: "NaN is true",
      got: () => c.cast(tensor([NaN, 0]), "bool").toArray(),
      want: [true, false],
    },
    { what: "scalar", got: () => exp(tensor(0)).toArray(), want: 1 },
    {
      what: "gradient through nothing",
      got: () => grad((x: Tensor) => square(x).sum())(tensor([])).toArray(),
      want: [],
    },
    {
      what: "NaN wins its window of maxPool2d",
      got: () => maxPool2d(tensor([1, Number.NaN, 3, 2]).reshape([1, 1, 1, 4]), [1, 2]).toArray(),
      want: [[[[Number.NaN, 3]]]],
    },
    {
      what: "a last window of ceilMode, wider than the padded input",
      got: () => {
        const x = c.arange(6).reshape([1, 1, 6]);
        const wide = { stride: 3, ceilMode: true };
        return [
          maxPool1d(x, 4, { ...wide, dilation: 2 }).toArray(),
          avgPool1d(x, 7, wide).toArray(),
          avgPool1d(x, 8, { ...wide, padding: 1, countIncludePad: false }).toArray(),
        ];
      },
      want: [[[[4]]], [[[2.5]]], [[[2.5]]]],
    },
    {
      what: "adaptiveAvgPool2d: NaN and Infinity stay in their parts",
      got: () =>
        c.adaptiveAvgPool2d(tensor([[[[1, Infinity, 3, 4, 5, NaN, 7]]]]), [1, 3]).toArray(),
      want: [[[[Infinity, 4, NaN]]]],
    },
    {
      what: "upsampleNearest by a scale that is not whole, as PyTorch",
      got: () =>
        [
          [1, 1, 3],
          [1, 1, 1, 3],
        ].map((shape) =>
          [2.1, 3.1, 1.2].map((scale) =>
            c.upsampleNearest(c.arange(3).reshape(shape), scale).toTypedArray().join(" "),
          ),
        ),
      want: [
        ["0 0 0 1 1 2", "0 0 0 0 1 1 1 2 2", "0 0 1"],
        [
          "0 0 1 1 2 2 0 0 1 1 2 2",
          "0 0 0 0 1 1 1 2 2 0 0 0 0 1 1 1 2 2 0 0 0 0 1 1 1 2 2",
          "0 1 2",
        ],
      ],
    },
    {
      what: "padding counts as −Infinity in maxPool2d",
      got: () => maxPool2d(full([1, 1, 2, 2], -1), 2, { padding: 1 }).toArray(),
      want: [
        [
          [
            [-1, -1],
            [-1, -1],
          ],
        ],
      ],
    },
    {
      what: "padding counts as zeros in avgPool2d",
      got: () => avgPool2d(full([1, 1, 2, 2], 4), 2, { padding: 1 }).toArray(),
      want: [
        [
          [
            [1, 1],
            [1, 1],
          ],
        ],
      ],
    },
    {
      what: "or not",
      got: () => avgPool2d(full([1, 1, 1, 1], 4), 2, { padding: 1, countIncludePad: false }).item(),
      want: 4,
    },
    {
      what: "a last window of ceilMode is divided by what is inside, padding included",
      got: () => avgPool1d(tensor([[[2, 4, 6]]]), 2, { ceilMode: true }).toArray(),
      want: [[[3, 6]]],
    },
    {
      what: "a last window of ceilMode that starts in the padding is left out",
      got: () =>
        maxPool1d(tensor([[[1, 2, 3]]]), 2, { stride: 2, padding: 1, ceilMode: true }).shape,
      want: [1, 1, 2],
    },
    {
      what: "convolution of no images",
      got: () => conv2d(zeros([0, 2, 4, 4]), zeros([3, 2, 3, 3])).shape,
      want: [0, 3, 2, 2],
    },
    {
      what: "an infinite weight over padding",
      got: () =>
        conv1d(tensor([[[1]]]), tensor([[[Infinity, 1]]]), undefined, { padding: 1 }).toArray(),
      want: [[[Number.NaN, Infinity]]],
    },
  ])("$what", ({ got, want }) => expect(got()).toEqual(want));
});

describe("gradients at ties and kinks", () => {
  test.each<{ what: string; f: (x: Tensor) => Tensor; at: number[]; gradient: number[] }>([
    { what: "relu", f: relu, at: [0, -0], gradient: [0, 0] },
    {
      what: "maximum at a tie",
      f: (x) => maximum(x, tensor([1, 2])),
      at: [1, 3],
      gradient: [0.5, 1],
    },
    {
      what: "minimum at a tie",
      f: (x) => minimum(x, tensor([1, 2])),
      at: [1, 3],
      gradient: [0.5, 0],
    },
    { what: "max over ties", f: (x) => max(x), at: [2, 2], gradient: [0.5, 0.5] },
    { what: "abs", f: c.abs, at: [0, -0], gradient: [0, 0] },
    { what: "sign, floor", f: (x) => c.add(c.sign(x), c.floor(x)), at: [0, 2], gradient: [0, 0] },
    { what: "round, ceil", f: (x) => c.add(c.round(x), c.ceil(x)), at: [0, 2.5], gradient: [0, 0] },
    { what: "leakyRelu", f: (x) => c.leakyRelu(x, 0.25), at: [0, -0], gradient: [0.25, 0.25] },
    { what: "elu", f: (x) => c.elu(x, 0.5), at: [0], gradient: [0.5] },
    { what: "clamp passes it", f: (x) => c.clamp(x, -1, 2), at: [-1, 2, 3], gradient: [1, 1, 0] },
    { what: "hardtanh blocks it", f: (x) => c.hardtanh(x), at: [-1, 0, 1], gradient: [0, 1, 0] },
    { what: "relu6 blocks it", f: c.relu6, at: [0, 1, 6], gradient: [0, 1, 0] },
    { what: "hardSigmoid blocks it", f: c.hardSigmoid, at: [-3, 3], gradient: [0, 0] },
    { what: "hardSwish", f: c.hardSwish, at: [-3, 3, -4, 4], gradient: [-0.5, 1.5, 0, 1] },
    {
      what: "where, of what was not chosen",
      f: (x) => c.where(c.gt(x, 0), square(x), 7),
      at: [0, 3],
      gradient: [0, 6],
    },
    {
      what: "maskedFill",
      f: (x) => c.maskedFill(square(x), tensor([true, false]), 0),
      at: [4, 4],
      gradient: [0, 8],
    },
    { what: "pow to 0", f: (x) => pow(x, 0), at: [0, NaN], gradient: [0, 0] },
    { what: "pow to 0, a tensor", f: (x) => pow(x, tensor([0, 0])), at: [0, 2], gradient: [0, 0] },
    { what: "pow to ½ at 0", f: (x) => pow(x, 0.5), at: [0], gradient: [Infinity] },
    {
      what: "pow of 0, by the exponent",
      f: (x) => pow(0, x),
      at: [0, 2, -1],
      gradient: [0, 0, -Infinity],
    },
    {
      what: "pow of a negative number, by the exponent",
      f: (x) => pow(-2, x),
      at: [2],
      gradient: [NaN],
    },
    { what: "std of equal numbers", f: (x) => c.std(x), at: [2, 2, 2], gradient: [0, 0, 0] },
    {
      what: "norm of order ½, of a 0",
      f: (x) => c.norm(x, undefined, { order: 0.5 }),
      at: [0, 1, 1],
      gradient: [0, 2, 2],
    },
    {
      what: "huber, far out",
      f: (x) => nn.huber(x, zeros([5])),
      at: [Infinity, -Infinity, 1e38, NaN, 1],
      gradient: [0.2, -0.2, 0.2, NaN, 0.2].map(Math.fround),
    },
    {
      what: "smoothL1, far out",
      f: (x) => nn.smoothL1(x, zeros([5]), { beta: 0.5 }),
      at: [Infinity, -Infinity, 1e38, NaN, 0.5],
      gradient: [0.2, -0.2, 0.2, NaN, 0.2].map(Math.fround),
    },
    {
      what: "hingeEmbedding at the margin",
      f: (x) => nn.hingeEmbedding(x, tensor([-1, -1, 1, -1]), { reduction: "sum" }),
      at: [1, 2, 1, 0],
      gradient: [-1, 0, 1, -1],
    },
    { what: "hypot at (0, 0)", f: (x) => hypot(x, 0), at: [0], gradient: [NaN] },
    { what: "atan2 at (0, 0)", f: (x) => atan2(x, 0), at: [0], gradient: [NaN] },
    {
      what: "equal maxima of maxPool2d: all to the first in row-major order",
      f: (x) => maxPool2d(x.reshape([1, 1, 2, 2]), 2),
      at: [1, 3, 3, 3],
      gradient: [0, 1, 0, 0],
    },
    {
      what: "equal maxima of globalMaxPool: shared",
      f: (x) => globalMaxPool(x.reshape([1, 1, 4])),
      at: [1, 3, 3, 2],
      gradient: [0, 0.5, 0.5, 0],
    },
  ])("$what", ({ f, at, gradient }) => {
    expect(grad((x: Tensor) => sum(f(x)))(tensor(at)).toArray()).toEqual(gradient);
  });
});
