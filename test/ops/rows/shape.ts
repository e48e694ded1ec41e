import { broadcastTo, reshape, type Tensor, transpose } from "../../../src/index.js";
import { type Row, unary } from "../row.js";

export const rows: Row[] = [
  unary("reshape", (x) => reshape(x, [5, -1])),
  unary("transpose", (x) => transpose(x)),
  { op: "transpose", use: "3-d", f: (x) => transpose(x as Tensor, [1, 2, 0]), shapes: [[2, 3, 4]] },
  unary("broadcastTo", (x) => broadcastTo(x, [2, 3, 5])),
  unary("broadcastTo", (x) => broadcastTo(reshape(x, [3, 5, 1]), [3, 5, 4]), { use: "inner" }),
];
