import {
  add,
  div,
  exp,
  log,
  maximum,
  minimum,
  mul,
  neg,
  relu,
  sigmoid,
  sqrt,
  square,
  sub,
  tanh,
} from "../../../src/index.js";
import { binary, type Programs, unary } from "../program.js";

export const programs: Programs = {
  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary(div),
  maximum: binary(maximum),
  minimum: binary(minimum),
  exp: unary(exp),
  log: unary(log),
  sqrt: unary(sqrt),
  square: unary(square),
  neg: unary(neg),
  sigmoid: unary(sigmoid),
  tanh: unary(tanh),
  relu: unary(relu),
};
