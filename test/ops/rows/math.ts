import {
  atan,
  atan2,
  cos,
  cosh,
  erf,
  expm1,
  hypot,
  log1p,
  pow,
  reciprocal,
  rsqrt,
  sin,
  sinh,
  type Tensor,
  tan,
} from "../../../src/index.js";
import { binary, type Row, unary } from "../row.js";

const power = (exponent: number, domain: readonly [number, number] = [-2, 2]): Row =>
  unary("pow", (x) => pow(x, exponent), { use: `to ${exponent}`, domain });

export const rows: Row[] = [
  unary("log1p", log1p, { domain: [-0.6, 3] }),
  unary("log1p", log1p, { use: "near 0", domain: [-1e-3, 1e-3] }),
  unary("expm1", expm1),
  unary("expm1", expm1, { use: "near 0", domain: [-1e-3, 1e-3] }),
  unary("rsqrt", rsqrt, { domain: [0.3, 3] }),
  unary("reciprocal", reciprocal, { domain: [0.3, 3] }),
  unary("sin", sin),
  unary("sin", sin, { use: "far", domain: [50, 55] }),
  unary("cos", cos),
  unary("cos", cos, { use: "far", domain: [50, 55] }),
  unary("tan", tan, { domain: [-1.2, 1.2] }),
  unary("sinh", sinh),
  unary("cosh", cosh),
  unary("atan", atan, { domain: [-4, 4] }),
  unary("erf", erf),
  ...binary("pow", pow, { domain: [0.3, 2] }),
  ...[0, 1, 2, 3, 4, 5].map((exponent) => power(exponent)),
  ...[-1, -2, 0.5, -0.5, 1.7, 2.5].map((exponent) => power(exponent, [0.4, 3])),
  unary("pow", (x) => pow(2.5, x), { use: "of a number" }),
  ...binary("atan2", atan2, { domain: [0.3, 2] }),
  {
    op: "atan2",
    use: "all quadrants",
    f: (y, x) => atan2(y as Tensor, x as Tensor),
    shapes: [[11], [11]],
    kinks: [0],
  },
  ...binary("hypot", hypot, { domain: [0.3, 2] }),
  { op: "hypot", use: "by a number", f: (a) => hypot(a as Tensor, -3), shapes: [[3, 4]] },
];
