import {
  einsum,
  gemm,
  linear,
  matmul,
  outer,
  relu,
  type Tensor,
  transpose,
} from "../../../src/index.js";
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
  ...(
    [
      [
        [2, 3, 4],
        [2, 4, 5],
      ],
      [
        [2, 1, 2, 3],
        [4, 3, 2],
      ],
      [
        [2, 3, 4],
        [4, 5],
      ],
      [
        [3, 4],
        [2, 4, 5],
      ],
      [[2, 3, 4], [4]],
      [[3], [2, 3, 4]],
    ] as const
  ).map((shapes) => ({
    op: "matmul",
    use: `batched ${JSON.stringify(shapes)}`,
    f: product,
    shapes,
  })),
  {
    op: "matmul",
    use: "batched, of transposes",
    f: (a, b) => matmul(transpose(a as Tensor, [0, 2, 1]), transpose(b as Tensor, [0, 2, 1])),
    shapes: [
      [2, 4, 3],
      [2, 5, 4],
    ],
  },
  {
    op: "linear",
    use: "of three axes",
    f: (x, w, b) => linear(x as Tensor, w as Tensor, b),
    shapes: [[2, 3, 4], [5, 4], [5]],
  },
  { op: "outer", f: (a, b) => outer(a as Tensor, b as Tensor), shapes: [[3], [4]] },
  {
    op: "gemm",
    f: (a, b, c) => gemm(a as Tensor, b as Tensor, c, { alpha: 0.5, beta: 2, transA: true }),
    shapes: [[4, 3], [4, 5], [5]],
  },
  ...(
    [
      ["bij,bjk->bik", [2, 3, 4], [2, 4, 5]],
      ["ij,jk", [3, 4], [4, 5]],
      ["ijk,kl->lji", [2, 3, 4], [4, 5]],
      ["i,i->", [4], [4]],
      ["i,j->ij", [3], [4]],
      ["...ij,...j->...i", [2, 3, 4], [2, 4]],
      ["ijk,jk->i", [2, 3, 4], [3, 4]],
      ["iij,jk->ik", [3, 3, 2], [2, 4]],
      ["...ij,...jk->...ik", [2, 1, 3, 4], [5, 4, 2]],
      ["ij,jk,kl->il", [2, 3], [3, 4], [4, 2]],
      ["a,b,c->cab", [2], [3], [4]],
      ["i,ij,j->", [2], [2, 3], [3]],
    ] as const
  ).map(([subscripts, ...shapes]) => ({
    op: "einsum",
    use: subscripts,
    f: ((...operands) => einsum(subscripts, ...(operands as Tensor[]))) as F,
    shapes,
  })),
  ...(["ii->i", "ii", "ij->ji", "ij->j"] as const).map((subscripts) => ({
    op: "einsum",
    use: subscripts,
    f: ((a) => einsum(subscripts, a as Tensor)) as F,
    shapes: [[3, 3]],
  })),
];
