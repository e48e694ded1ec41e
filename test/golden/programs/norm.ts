import { add, div, full, mul, sqrt, type Tensor } from "../../../src/index.js";
import { batchNormEval, batchNormTrain } from "../../../src/ops/norm.js";
import { groupNorm, layerNorm, rmsNorm } from "../../../src/ops/rowNorm.js";
import { moved, type Programs } from "../program.js";

/** A vector with one value for each channel of x. */
const channels = (x: Tensor, value: number): Tensor =>
  full([x.shape[1] ?? 0], value, { dtype: x.dtype as "f32" | "f64" });

export const programs: Programs = {
  batch_norm_train: (inputs, { momentum = 0.1, eps = 1e-5 }) => {
    const [x, ...given] = inputs;
    const [one, zero] = [channels(x, 1), channels(x, 0)];
    const [gamma = one, beta = zero, runningMean = zero, runningVar = one] = given;
    const { y, mean: mu, variance, count } = batchNormTrain(x, gamma, beta, eps);
    const unbiased = mul(variance, count / (count - 1));
    return [
      y,
      moved(runningMean, mu, momentum),
      moved(runningVar, unbiased, momentum),
      mu,
      div(1, sqrt(add(variance, eps))),
    ];
  },
  batch_norm_eval: ([x, gamma, beta, mu, variance], { eps }) => [
    batchNormEval(x, mu, variance, gamma, beta, eps),
  ],
  layer_norm: ([x, gamma, beta], { normalized_shape, eps = 1e-5 }) => [
    layerNorm(x, normalized_shape, gamma, beta, eps),
  ],
  rms_norm: ([x, gamma], { normalized_shape, eps = 1e-5 }) => [
    rmsNorm(x, normalized_shape, gamma, eps),
  ],
  group_norm: ([x, gamma, beta], { groups, num_groups, eps = 1e-5 }) => [
    groupNorm(x, groups ?? num_groups, gamma, beta, eps),
  ],
  batch_norm_train_y: ([x], { eps }) => [batchNormTrain(x, channels(x, 1), channels(x, 0), eps).y],
};
