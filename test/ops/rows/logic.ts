import {
  abs,
  ceil,
  clamp,
  floor,
  gt,
  hardSigmoid,
  hardSwish,
  hardtanh,
  leakyRelu,
  maskedFill,
  relu6,
  round,
  sign,
  silu,
  softsign,
  type Tensor,
  where,
} from "../../../src/index.js";
import { binary, type Row, unary } from "../row.js";

const halves = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5];
const wholes = [-3, -2, -1, 0, 1, 2, 3];

export const rows: Row[] = [
  unary("abs", abs, { kinks: [0] }),
  unary("sign", sign, { kinks: [0] }),
  unary("floor", floor, { kinks: wholes }),
  unary("ceil", ceil, { kinks: wholes }),
  unary("round", round, { kinks: halves }),
  unary("clamp", (x) => clamp(x, -0.5, 1), { kinks: [-0.5, 1] }),
  unary("clamp", (x) => clamp(x, 0), { use: "below only", kinks: [0] }),
  unary("hardtanh", hardtanh, { kinks: [-1, 1] }),
  unary("relu6", relu6, { kinks: [0, 6], domain: [-8, 8] }),
  unary("leakyRelu", leakyRelu, { kinks: [0] }),
  unary("leakyRelu", (x) => leakyRelu(x, 0.3), { use: "slope 0.3", kinks: [0] }),
  unary("silu", silu),
  unary("softsign", softsign, { kinks: [0] }),
  unary("hardSigmoid", hardSigmoid, { kinks: [-3, 3], domain: [-5, 5] }),
  unary("hardSwish", hardSwish, { kinks: [-3, 3], domain: [-5, 5] }),
  ...binary("where", (a, b) => where(gt(a, 0.1), a, b), { kinks: [0.1] }),
  {
    op: "where",
    use: "three shapes",
    f: (c, a, b) => where(gt(c as Tensor, 0), a as Tensor, b as Tensor),
    shapes: [[3, 1], [4], [2, 1, 1]],
    kinks: [0],
  },
  unary("maskedFill", (x) => maskedFill(x, gt(x, 0.5), -1), { kinks: [0.5] }),
];
