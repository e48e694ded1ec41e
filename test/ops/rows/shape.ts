import * as c from "../../../src/index.js";
import { broadcastTo, reshape, type Tensor, tensor, transpose } from "../../../src/index.js";
import { type Row, unary } from "../row.js";

const ints = (...data: number[]): Tensor => tensor(data, { dtype: "i32" });
const table = (data: number[][]): Tensor => tensor(data, { dtype: "i32" });
const distinct = { distinct: true };
type X = Tensor;

export const rows: Row[] = [
  unary("reshape", (x) => reshape(x, [5, -1])),
  unary("transpose", (x) => transpose(x)),
  { op: "transpose", use: "3-d", f: (x) => transpose(x as X, [1, 2, 0]), shapes: [[2, 3, 4]] },
  { op: "permute", f: (x) => c.permute(x as X, [2, 0, 1]), shapes: [[2, 3, 4]] },
  { op: "swapAxes", f: (x) => c.swapAxes(x as X, 0, -1), shapes: [[2, 3, 4]] },
  unary("expandDims", (x) => c.expandDims(x, [0, -1])),
  { op: "squeeze", f: (x) => c.squeeze(x as X), shapes: [[1, 3, 1]] },
  { op: "flatten", f: (x) => c.flatten(x as X, 1), shapes: [[2, 3, 4]] },
  unary("broadcastTo", (x) => broadcastTo(x, [2, 3, 5])),
  unary("broadcastTo", (x) => broadcastTo(reshape(x, [3, 5, 1]), [3, 5, 4]), { use: "inner" }),
  unary("slice", (x) => c.slice(x, [[1], [0, 4, 2]])),
  unary("slice", (x) => c.slice(x, [-1, [null, null, -2]]), { use: "index and negative step" }),
  unary("slice", (x) => c.slice(x, [[2, 1]]), { use: "nothing" }),
  unary("flip", (x) => c.flip(x)),
  unary("flip", (x) => c.flip(x, 1), { use: "one axis" }),
  unary("pad", (x) => c.pad(x, [1, [0, 2]], { value: 3 })),
  unary("pad", (x) => c.pad(x, [1, [2, 3]], { mode: "reflect" }), { use: "reflect" }),
  unary("pad", (x) => c.pad(x, [4, [2, 3]], { mode: "replicate" }), { use: "replicate" }),
  unary("pad", (x) => c.pad(x, [3, [2, 4]], { mode: "circular" }), { use: "circular" }),
  unary("diagonal", (x) => c.diagonal(x, 1)),
  { op: "diagonal", use: "below", f: (x) => c.diagonal(x as X, -1, 2, 0), shapes: [[3, 2, 4]] },
  unary("triu", (x) => c.triu(x, 1)),
  unary("tril", (x) => c.tril(x, -1)),
  {
    op: "concat",
    f: (a, b) => c.concat([a as X, b as X]),
    shapes: [
      [2, 3],
      [4, 3],
    ],
  },
  {
    op: "concat",
    use: "last axis, one twice",
    f: (a, b) => c.concat([a as X, b as X, a as X], -1),
    shapes: [
      [2, 3],
      [2, 1],
    ],
  },
  {
    op: "stack",
    f: (a, b) => c.stack([a as X, b as X], 1),
    shapes: [
      [2, 3],
      [2, 3],
    ],
  },
  unary("split", (x) => c.mul(...(c.split(x, [2, 2, 1], 1) as [X, X]))),
  unary("tile", (x) => c.tile(x, [2, 1, 3])),
  unary("roll", (x) => c.roll(x, -2, 1)),
  unary("indexSelect", (x) => c.indexSelect(x, 1, ints(4, 0, 4, 4))),
  unary(
    "indexSelect",
    (x) =>
      c.indexSelect(
        x,
        0,
        table([
          [2, 0],
          [1, 1],
        ]),
      ),
    { use: "2-d indices" },
  ),
  unary("embedding", (x) =>
    c.embedding(
      x,
      table([
        [2, 0, 2],
        [2, 1, 0],
      ]),
    ),
  ),
  unary("gather", (x) =>
    c.gather(
      x,
      1,
      table([
        [0, 0],
        [4, 1],
        [2, 2],
      ]),
    ),
  ),
  unary(
    "gather",
    (x) =>
      c.gather(
        x,
        0,
        table([
          [0, 2, 2],
          [1, 1, 0],
        ]),
      ),
    { use: "shorter outside" },
  ),
  unary("takeAlongAxis", (x) => c.takeAlongAxis(x, table([[0], [4], [2]]), 1)),
  {
    op: "scatterAdd",
    f: (x, y) =>
      c.scatterAdd(
        x as X,
        0,
        table([
          [0, 2, 2, 1, 0],
          [2, 2, 2, 0, 0],
        ]),
        y as X,
      ),
    shapes: [
      [3, 5],
      [2, 5],
    ],
  },
  {
    op: "scatterAdd",
    use: "a corner",
    f: (x, y) =>
      c.scatterAdd(
        x as X,
        1,
        table([
          [0, 0],
          [3, 1],
        ]),
        y as X,
      ),
    shapes: [
      [3, 5],
      [3, 4],
    ],
  },
  {
    op: "indexAdd",
    f: (x, y) => c.indexAdd(x as X, 0, ints(2, 2), y as X),
    shapes: [
      [3, 5],
      [2, 5],
    ],
  },
  unary("sort", (x) => c.sort(x).values, distinct),
  unary("sort", (x) => c.sort(x, 0, { descending: true }).values, {
    use: "descending",
    ...distinct,
  }),
  unary("topK", (x) => c.topK(x, 2).values, distinct),
  unary("topK", (x) => c.topK(x, 2, 0, { largest: false }).values, { use: "least", ...distinct }),
  unary("argsort", (x) => c.argsort(x), { constant: true, ...distinct }),
];
