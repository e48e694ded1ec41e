/** The library's names of the golden suite's ops, where they are not the same in camelCase. */
const others: Readonly<Record<string, string>> = {
  affine: "matmul",
  matmul_nd: "matmul",
  matmul_generated: "matmul",
  logsumexp: "logSumExp",
  var: "variance",
  var_unbiased: "variance",
  norm2: "norm",
  max_pick: "maxWithIndices",
  pow_scalar: "pow",
  gelu_erf: "gelu",
  gelu_tanh: "gelu",
  logsigmoid: "logSigmoid",
  hardsigmoid: "hardSigmoid",
  hardswish: "hardSwish",
  cross_entropy_soft: "crossEntropy",
  cross_entropy_nd: "crossEntropy",
  svm_hinge: "multiMargin",
  bce_with_logits: "bceWithLogits",
  smooth_l1: "smoothL1",
  batch_norm_train: "batchNorm",
  batch_norm_eval: "batchNorm",
  batch_norm_train_y: "batchNorm",
  conv_transpose2d: "convTranspose2d",
  topk: "topK",
};

const camel = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

export const publicName = (goldenOp: string): string => others[goldenOp] ?? camel(goldenOp);
