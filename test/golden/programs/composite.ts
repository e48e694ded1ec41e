import {
  add,
  div,
  elu,
  gelu,
  leakyRelu,
  maskedFill,
  matmul,
  ne,
  ones,
  relu,
  sigmoid,
  silu,
  sin,
  softmax,
  softplus,
  type Tensor,
  tanh,
  triu,
} from "../../../src/index.js";
import { crossEntropy, mse } from "../../../src/nn/index.js";
import { batchNormTrain } from "../../../src/ops/norm.js";
import type { Programs } from "../program.js";

const activations: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  ...{ relu, tanh, sigmoid, silu, softplus, sin, elu },
  gelu: (x) => gelu(x),
  leaky_relu: (x) => leakyRelu(x),
};

function activated(name: string, x: Tensor): Tensor {
  const f = activations[name];
  if (!f) throw new RangeError(`${name} is not offered`);
  return f(x);
}

export const programs: Programs = {
  mlp: ([x, w1, b1, w2, b2, y], { activation = "relu", loss = "cross_entropy mean" }) => {
    const [name, reduction = "mean"] = loss.split(" ");
    const z = add(matmul(activated(activation, add(matmul(x, w1), b1)), w2), b2);
    return [name === "mse" ? mse(z, y, { reduction }) : crossEntropy(z, y, { reduction })];
  },
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
