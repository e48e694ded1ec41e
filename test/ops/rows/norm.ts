import type { Tensor } from "../../../src/index.js";
import { batchNormEval, batchNormTrain } from "../../../src/ops/norm.js";
import { groupNorm, layerNorm, rmsNorm } from "../../../src/ops/rowNorm.js";
import type { F, Row } from "../row.js";

const batchNorm: F = (x, gamma, beta) =>
  batchNormTrain(x as Tensor, gamma as Tensor, beta as Tensor).y;

const batchNormed: F = (x, mu, variance, gamma, beta) =>
  batchNormEval(x as Tensor, mu as Tensor, variance as Tensor, gamma as Tensor, beta as Tensor);

export const rows: Row[] = [
  { op: "batchNorm", f: batchNorm, shapes: [[6, 3], [3], [3]] },
  { op: "batchNorm", use: "with length", f: batchNorm, shapes: [[4, 3, 5], [3], [3]] },
  {
    op: "batchNorm",
    use: "evaluating",
    f: batchNormed,
    shapes: [[4, 3], [3], [3], [3], [3]],
    domain: [0.5, 2],
  },
  { op: "batchNorm", use: "of images", f: batchNorm, shapes: [[2, 3, 2, 2], [3], [3]] },
  {
    op: "layerNorm",
    f: (x, gamma, beta) => layerNorm(x as Tensor, [5], gamma, beta),
    shapes: [[2, 3, 5], [5], [5]],
  },
  {
    op: "layerNorm",
    use: "of two axes",
    f: (x, gamma, beta) => layerNorm(x as Tensor, [3, 4], gamma, beta),
    shapes: [
      [2, 3, 4],
      [3, 4],
      [3, 4],
    ],
  },
  {
    op: "layerNorm",
    use: "scaled only",
    f: (x, gamma) => layerNorm(x as Tensor, [5], gamma),
    shapes: [[2, 5], [5]],
  },
  {
    op: "layerNorm",
    use: "of two axes, bare",
    f: (x) => layerNorm(x as Tensor, [3, 4]),
    shapes: [[2, 3, 4]],
  },
  {
    op: "rmsNorm",
    f: (x, gamma) => rmsNorm(x as Tensor, [5], gamma),
    shapes: [[2, 3, 5], [5]],
  },
  {
    op: "groupNorm",
    f: (x, gamma, beta) => groupNorm(x as Tensor, 2, gamma, beta),
    shapes: [[2, 4, 3], [4], [4]],
  },
];
