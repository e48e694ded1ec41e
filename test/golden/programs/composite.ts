import { add, matmul, relu, tanh } from "../../../src/index.js";
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
  deep_tanh: ([x, w], { depth }) => {
    let h = x;
    for (let layer = 0; layer < depth; layer++) h = tanh(matmul(h, w));
    return [h];
  },
};
