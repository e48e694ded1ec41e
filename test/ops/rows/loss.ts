import type { Tensor } from "../../../src/index.js";
import { crossEntropy } from "../../../src/nn/index.js";
import { labels, type Row } from "../row.js";

const loss = (use: string, f: (x: Tensor) => Tensor): Row => ({
  op: "crossEntropy",
  use,
  f: (x) => f(x as Tensor),
  shapes: [[6, 5]],
});

export const rows: Row[] = [
  loss("", (x) => crossEntropy(x, labels(6, 5))),
  loss("sum", (x) => crossEntropy(x, labels(6, 5), { reduction: "sum" })),
  loss("none", (x) => crossEntropy(x, labels(6, 5), { reduction: "none" })),
];
