import {
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  fold,
  globalAvgPool,
  globalMaxPool,
  maxPool1d,
  maxPool2d,
  type Tensor,
  unfold,
  upsampleNearest,
} from "../../../src/index.js";
import type { Row } from "../row.js";

/** A function of one image or more. */
const image = (
  op: string,
  use: string,
  f: (x: Tensor) => Tensor,
  shape: readonly number[],
  extra: Partial<Row> = {},
): Row => ({ op, use, f: (x) => f(x as Tensor), shapes: [shape], ...extra });

const conv2ds: readonly [string, readonly (readonly number[])[], ConvOptions][] = [
  ["", [[2, 3, 5, 4], [4, 3, 3, 2], [4]], {}],
  [
    "no bias",
    [
      [1, 2, 4, 4],
      [3, 2, 2, 2],
    ],
    {},
  ],
  ["padding", [[2, 2, 4, 5], [3, 2, 3, 3], [3]], { padding: 1 }],
  ["padding same, even kernel", [[1, 2, 5, 4], [2, 2, 2, 4], [2]], { padding: "same" }],
  ["stride and padding", [[2, 2, 7, 6], [2, 2, 3, 3], [2]], { stride: [2, 3], padding: [1, 2] }],
  ["dilation", [[1, 2, 7, 6], [2, 2, 3, 2], [2]], { dilation: [2, 3] }],
  ["groups", [[2, 4, 4, 3], [6, 2, 2, 2], [6]], { groups: 2 }],
  ["depthwise", [[2, 3, 5, 5], [3, 1, 3, 3], [3]], { groups: 3, padding: 1 }],
  ["1 × 1", [[2, 3, 3, 4], [5, 3, 1, 1], [5]], {}],
  ["1 × 1, groups", [[2, 4, 3, 3], [4, 2, 1, 1], [4]], { groups: 2 }],
  [
    "1 × 1, stride",
    [
      [1, 3, 5, 5],
      [2, 3, 1, 1],
    ],
    { stride: 2 },
  ],
  ["wider padding than kernel", [[1, 1, 2, 2], [1, 1, 2, 2], [1]], { padding: 3 }],
  [
    "everything",
    [[2, 4, 8, 9], [4, 2, 3, 2], [4]],
    { stride: [2, 1], padding: [2, 1], dilation: [1, 2], groups: 2 },
  ],
  ["blocks of k across images", [[3, 2, 10, 12], [3, 2, 3, 3], [3]], { padding: 1 }],
];

const transposed: readonly [string, readonly (readonly number[])[], ConvTransposeOptions][] = [
  ["", [[2, 3, 3, 4], [3, 2, 3, 2], [2]], {}],
  [
    "no bias, stride",
    [
      [1, 2, 3, 3],
      [2, 3, 3, 3],
    ],
    { stride: 2, padding: 1 },
  ],
  [
    "output padding",
    [[2, 2, 3, 4], [2, 2, 3, 3], [2]],
    { stride: 2, padding: 1, outputPadding: 1 },
  ],
  [
    "output padding by dilation",
    [[1, 1, 3, 3], [1, 1, 2, 2], [1]],
    { dilation: 3, outputPadding: 2 },
  ],
  ["groups and dilation", [[1, 4, 3, 3], [4, 2, 2, 2], [4]], { groups: 2, dilation: 2 }],
  ["1 × 1", [[2, 3, 2, 2], [3, 2, 1, 1], [2]], {}],
];

const rows1d: Row[] = [
  {
    op: "conv1d",
    use: "stride and padding",
    f: (x, w, b) => conv1d(x as Tensor, w as Tensor, b, { stride: 2, padding: 1 }),
    shapes: [[2, 2, 7], [3, 2, 3], [3]],
  },
  {
    op: "conv1d",
    use: "groups, dilation",
    f: (x, w) => conv1d(x as Tensor, w as Tensor, undefined, { groups: 2, dilation: 2 }),
    shapes: [
      [2, 4, 7],
      [2, 2, 3],
    ],
  },
  {
    op: "convTranspose1d",
    use: "stride",
    f: (x, w, b) =>
      convTranspose1d(x as Tensor, w as Tensor, b, { stride: 3, padding: 1, outputPadding: 2 }),
    shapes: [[2, 2, 4], [2, 3, 3], [3]],
  },
];

const apart = { distinct: true };

export const rows: Row[] = [
  ...conv2ds.map(
    ([use, shapes, options]): Row => ({
      op: "conv2d",
      use,
      f: (x, w, b) => conv2d(x as Tensor, w as Tensor, b, options),
      shapes,
      ulp: 16,
    }),
  ),
  ...transposed.map(
    ([use, shapes, options]): Row => ({
      op: "convTranspose2d",
      use,
      f: (x, w, b) => convTranspose2d(x as Tensor, w as Tensor, b, options),
      shapes,
      ulp: 16,
    }),
  ),
  ...rows1d,
  image("unfold", "", (x) => unfold(x, [2, 3]), [2, 2, 4, 5]),
  image(
    "unfold",
    "all options",
    (x) => unfold(x, 2, { stride: [1, 2], padding: [1, 2], dilation: [2, 1] }),
    [1, 2, 4, 5],
  ),
  image("fold", "", (x) => fold(x, [4, 5], [2, 3]), [2, 12, 9]),
  image(
    "fold",
    "all options",
    (x) => fold(x, [4, 5], 2, { stride: [1, 2], padding: [1, 2], dilation: [2, 1] }),
    [1, 8, 16],
  ),
  image("maxPool2d", "", (x) => maxPool2d(x, 2), [2, 2, 4, 5], apart),
  image(
    "maxPool2d",
    "strided",
    (x) => maxPool2d(x, 3, { stride: 2, padding: 1 }),
    [1, 2, 5, 11],
    apart,
  ),
  image(
    "maxPool2d",
    "overlapping",
    (x) => maxPool2d(x, [2, 3], { stride: 1 }),
    [1, 2, 4, 9],
    apart,
  ),
  image("maxPool2d", "ceil mode", (x) => maxPool2d(x, 2, { ceilMode: true }), [1, 2, 5, 3], apart),
  image(
    "maxPool2d",
    "dilation",
    (x) => maxPool2d(x, 2, { stride: 1, dilation: [2, 3], padding: 1 }),
    [1, 2, 5, 5],
    apart,
  ),
  image("maxPool1d", "", (x) => maxPool1d(x, 3, { stride: 2, padding: 1 }), [2, 2, 7], apart),
  image("avgPool2d", "", (x) => avgPool2d(x, 2), [2, 2, 4, 11]),
  image("avgPool2d", "padding", (x) => avgPool2d(x, 3, { stride: 2, padding: 1 }), [1, 2, 5, 5]),
  image(
    "avgPool2d",
    "padding not counted",
    (x) => avgPool2d(x, [2, 3], { stride: 1, padding: 1, countIncludePad: false }),
    [1, 2, 4, 7],
  ),
  image(
    "avgPool2d",
    "ceil mode",
    (x) => avgPool2d(x, 3, { stride: 2, padding: 1, ceilMode: true }),
    [1, 2, 6, 6],
  ),
  image("avgPool2d", "divisor", (x) => avgPool2d(x, 2, { divisorOverride: 3 }), [1, 2, 4, 4]),
  image("avgPool1d", "", (x) => avgPool1d(x, 3, { stride: 2, padding: 1 }), [2, 2, 7]),
  image("globalAvgPool", "", globalAvgPool, [2, 3, 3, 2]),
  image("globalMaxPool", "", globalMaxPool, [2, 3, 3, 2], apart),
  image("adaptiveAvgPool2d", "even", (x) => adaptiveAvgPool2d(x, [2, 1]), [1, 2, 4, 3]),
  image("adaptiveAvgPool2d", "uneven", (x) => adaptiveAvgPool2d(x, [3, 2]), [1, 2, 5, 7]),
  image("upsampleNearest", "", (x) => upsampleNearest(x, [2, 3]), [2, 2, 2, 3]),
  image("upsampleNearest", "by 1.5", (x) => upsampleNearest(x, 1.5), [1, 2, 3, 4]),
  image("upsampleNearest", "to a size", (x) => upsampleNearest(x, { size: [5, 2] }), [1, 2, 3, 4]),
];
