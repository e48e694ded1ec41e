import * as c from "../../../src/index.js";
import { type Row, reduced, unary } from "../row.js";

const distinct = { distinct: true };

export const rows: Row[] = [
  ...reduced("sum", c.sum),
  ...reduced("mean", c.mean),
  ...reduced("max", c.max, distinct),
  ...reduced("min", c.min, distinct),
  ...reduced("prod", c.prod),
  ...reduced("logSumExp", c.logSumExp),
  ...reduced("variance", (x, axes, keepdims) => c.variance(x, axes, { keepdims })),
  unary("variance", (x) => c.variance(x, 1, { ddof: 1 }), { use: "of a sample" }),
  unary("std", (x) => c.std(x, 0)),
  ...reduced("norm", (x, axes, keepdims) => c.norm(x, axes, { keepdims })),
  unary("norm", (x) => c.norm(x, 1, { order: 1 }), { use: "of order 1", kinks: [0] }),
  unary("norm", (x) => c.norm(x, 0, { order: 3 }), { use: "of order 3" }),
  unary("norm", (x) => c.norm(x, 0, { order: Number.POSITIVE_INFINITY }), {
    use: "of order ∞",
    domain: [0.1, 3],
    ...distinct,
  }),
  unary("cumsum", (x) => c.cumsum(x, 0)),
  unary("cumsum", (x) => c.cumsum(x, -1), { use: "last axis" }),
  unary("argmax", (x) => c.argmax(x, 1), { constant: true, ...distinct }),
  unary("argmin", (x) => c.argmin(x), { constant: true, ...distinct }),
  unary("maxWithIndices", (x) => c.maxWithIndices(x, 0).values, distinct),
];
