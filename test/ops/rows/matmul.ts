import { linear, matmul, relu, type Tensor, transpose } from "../../../src/index.js";
import type { F, Row } from "../row.js";

const product: F = (a, b) => matmul(a as Tensor, b as Tensor);

export const rows: Row[] = [
  {
    op: "matmul",
    f: product,
    shapes: [
      [3, 4],
      [4, 5],
    ],
  },
  { op: "matmul", use: "of vectors", f: product, shapes: [[4], [4]] },
  { op: "matmul", use: "vector left", f: product, shapes: [[4], [4, 3]] },
  {
    op: "matmul",
    use: "of transposes",
    f: (a, b) => matmul(transpose(a as Tensor), transpose(b as Tensor)),
    shapes: [
      [4, 3],
      [5, 4],
    ],
  },
  {
    op: "linear",
    f: (x, w, b) => linear(x as Tensor, w as Tensor, b),
    shapes: [[3, 4], [5, 4], [5]],
  },
  {
    op: "linear",
    use: "without bias",
    f: (x, w) => linear(x as Tensor, w as Tensor),
    shapes: [
      [3, 4],
      [5, 4],
    ],
  },
  {
    op: "linear",
    use: "then relu",
    f: (x, w, b) => relu(linear(x as Tensor, w as Tensor, b)),
    shapes: [[3, 4], [5, 4], [5]],
  },
];
