import {
  add,
  div,
  maskedFill,
  matmul,
  ne,
  ones,
  relu,
  softmax,
  tanh,
  triu,
} from "../../../src/index.js";
import { crossEntropy } from "../../../src/nn/index.js";
import { batchNormTrain } from "../../../src/ops/norm.js";
import type { Programs } from "../program.js";

export const programs: Programs = {
  mlp: ([x, w1, b1, w2, b2, y]) => [
    crossEntropy(add(matmul(relu(add(matmul(x, w1), b1)), w2), b2), y),
  ],
  mlp_bn: ([x, w1, gamma, beta, w2, y], { eps }) => [
    crossEntropy(matmul(relu(batchNormTrain(matmul(x, w1), gamma, beta, eps).y), w2), y),
  ],
  residual: ([x, w1, w2]) => [add(x, matmul(tanh(matmul(x, w1)), w2))],
  causal_attention: ([q, k, v]) => {
    const [n, width] = q.shape as [number, number];
    const later = triu(ones([n, n], { dtype: q.dtype }), 1);
    const scores = div(matmul(q, k.transpose()), Math.sqrt(width));
    return [matmul(softmax(maskedFill(scores, ne(later, 0), Number.NEGATIVE_INFINITY)), v)];
  },
  deep_tanh: ([x, w], { depth }) => {
    let h = x;
    for (let layer = 0; layer < depth; layer++) h = tanh(matmul(h, w));
    return [h];
  },
};
