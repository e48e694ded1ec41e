import { add, einsum, gemm, linear, matmul, outer } from "../../../src/index.js";
import { binary, type Programs } from "../program.js";

export const programs: Programs = {
  matmul: ([a, b], { transA, transB }) => [
    matmul(transA ? a.transpose() : a, transB ? b.transpose() : b),
  ],
  matmul_nd: binary(matmul),
  linear: ([x, w, b]) => [linear(x, w, b)],
  affine: ([x, w, b]) => [add(matmul(x, w), b)],
  gemm: ([a, b, c], { alpha, beta, transA, transB }) => [
    gemm(a, b, c, { alpha, beta, transA, transB }),
  ],
  outer: binary(outer),
  einsum: (inputs, { equation, subscripts, expr }) => [
    einsum(equation ?? subscripts ?? expr, ...inputs),
  ],
};
