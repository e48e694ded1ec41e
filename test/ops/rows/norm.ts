import type { Tensor } from "../../../src/index.js";
import { batchNormEval, batchNormTrain } from "../../../src/ops/norm.js";
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
];
