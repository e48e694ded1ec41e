import * as c from "../../../src/index.js";
import { binary, type Programs, unary } from "../program.js";

export const programs: Programs = {
  eq: binary(c.eq),
  ne: binary(c.ne),
  lt: binary(c.lt),
  le: binary(c.le),
  gt: binary(c.gt),
  ge: binary(c.ge),
  where: ([condition, a, b]) => [c.where(condition, a, b)],
  masked_fill: ([x, mask], { value }) => [c.maskedFill(x, mask, value)],
  abs: unary(c.abs),
  sign: unary(c.sign),
  floor: unary(c.floor),
  ceil: unary(c.ceil),
  round: unary(c.round),
  clamp: ([x], { min, max }) => [c.clamp(x, min ?? undefined, max ?? undefined)],
  hardtanh: ([x], { min, max, min_val, max_val }) => [
    c.hardtanh(x, min ?? min_val ?? -1, max ?? max_val ?? 1),
  ],
  relu6: unary(c.relu6),
  leaky_relu: ([x], { slope = 0.01, negative_slope }) => [c.leakyRelu(x, negative_slope ?? slope)],
  silu: unary(c.silu),
  elu: ([x], { alpha = 1 }) => [c.elu(x, alpha)],
  gelu_erf: unary((x) => c.gelu(x)),
  gelu_tanh: unary((x) => c.gelu(x, { approximate: "tanh" })),
  softplus: unary(c.softplus),
  logsigmoid: unary(c.logSigmoid),
  mish: unary(c.mish),
  softsign: unary(c.softsign),
  hardsigmoid: unary(c.hardSigmoid),
  hardswish: unary(c.hardSwish),
};
