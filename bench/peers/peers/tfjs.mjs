/** TensorFlow.js, its WebAssembly (SIMD, one thread) or its plain JavaScript backend. */

import { createRequire } from "node:module";
import { dirname } from "node:path";
import { batchesIn, probe, transposed, weightsIn } from "../workloads.mjs";
import { gelu, gptLogits } from "./tfjsGpt.mjs";

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs");

const tensorOf = ({ data, shape }) =>
  tf.tensor(data, shape, data instanceof Int32Array ? "int32" : "float32");

/** Mean softmax cross-entropy; the labels are indices, as all contenders get them. */
function crossEntropy(logits, labels) {
  const [, classes] = logits.shape;
  return tf.losses.softmaxCrossEntropy(tf.oneHot(tf.reshape(labels, [-1]), classes), logits);
}

/**
 * Batch norm of a training step over all axes but the last: tfjs-core's op takes the statistics,
 * whose running averages are PyTorch's (unbiased variance, momentum 0.1).
 */
function batchNorm(x, { weight, bias, mean: runningMean, variance: runningVariance }) {
  const axes = x.shape.map((_, axis) => axis).slice(0, -1);
  const count = x.size / x.shape.at(-1);
  const { mean, variance } = tf.moments(x, axes);
  const follow = (running, value, part) =>
    running.assign(tf.tidy(() => tf.add(tf.mul(running, 0.9), tf.mul(value, part))));
  follow(runningMean, mean, 0.1);
  follow(runningVariance, variance, (0.1 * count) / (count - 1));
  return tf.batchNorm(x, mean, variance, bias, weight, 1e-5);
}

/** Weights in the layout that tfjs computes with: linear [in, out], convolution [y, x, in, out]. */
function variablesOf(workload, weights) {
  const variables = {};
  for (const [name, entry] of weights) {
    const embedding = /^(tokens|positions)\./.test(name);
    const native =
      entry.shape.length === 4
        ? tf.transpose(tensorOf(entry), [2, 3, 1, 0])
        : tensorOf(entry.shape.length === 2 && !embedding ? transposed(entry) : entry);
    variables[name] = tf.variable(native, true, name);
  }
  for (const [name, { shape }] of weights)
    if (/^norm\d+\.weight$/.test(name) && workload.kind !== "gpt") {
      const layer = name.split(".")[0];
      variables[`${layer}.mean`] = tf.variable(tf.zeros(shape), false, `${layer}.mean`);
      variables[`${layer}.variance`] = tf.variable(tf.ones(shape), false, `${layer}.variance`);
    }
  return variables;
}

const layerOf = (variables, layer) => ({
  ...{ weight: variables[`${layer}.weight`], bias: variables[`${layer}.bias`] },
  ...{ mean: variables[`${layer}.mean`], variance: variables[`${layer}.variance`] },
});

function mlpLogits({ sizes, batchNorm: normed }, variables, x) {
  const last = sizes.length - 2;
  let h = x;
  for (let layer = 0; layer <= last; layer++) {
    const { weight, bias } = layerOf(variables, `linear${layer}`);
    h = tf.add(tf.matMul(h, weight), bias);
    if (layer < last && normed) h = batchNorm(h, layerOf(variables, `norm${layer}`));
    if (layer < last) h = tf.relu(h);
  }
  return h;
}

/**
 * A 3×3 convolution whose gradients are convolutions too: the WebAssembly backend has no kernel for
 * the filter's gradient, which is the images, their channels as batch, convolved with dy.
 */
const conv = tf.customGrad((x, w, save) => {
  save([x, w]);
  const gradFunc = (dy, [x, w]) => [
    tf.conv2dTranspose(dy, w, x.shape, 1, "same"),
    tf.tidy(() => {
      const images = tf.transpose(x, [3, 1, 2, 0]);
      return tf.transpose(tf.conv2d(images, tf.transpose(dy, [1, 2, 0, 3]), 1, 1), [1, 2, 0, 3]);
    }),
  ];
  return { value: tf.conv2d(x, w, 1, "same"), gradFunc };
});

/** tfjs computes convolutions on images whose channels come last. */
function cnnLogits({ channels, batch }, variables, x) {
  const convolve = tf.getBackend() === "wasm" ? conv : (x, w) => tf.conv2d(x, w, 1, "same");
  let h = tf.transpose(x, [0, 2, 3, 1]);
  for (let layer = 0; layer < channels.length - 1; layer++) {
    const { weight, bias } = layerOf(variables, `conv${layer}`);
    h = tf.add(convolve(h, weight), bias);
    h = tf.relu(batchNorm(h, layerOf(variables, `norm${layer}`)));
    h = tf.maxPool(h, 2, 2, "valid");
  }
  const { weight, bias } = layerOf(variables, "linear");
  const flat = tf.reshape(tf.transpose(h, [0, 3, 1, 2]), [batch, -1]);
  return tf.add(tf.matMul(flat, weight), bias);
}

const LOGITS = { mlp: mlpLogits, cnn: cnnLogits, gpt: (...args) => gptLogits(tf, ...args) };

function makeTraining(workload, arrays) {
  const variables = variablesOf(workload, weightsIn(arrays));
  const { lr, momentum, betas, eps, kind } = workload;
  const optimizer = betas ? tf.train.adam(lr, ...betas, eps) : tf.train.momentum(lr, momentum);
  const batches = batchesIn(arrays);
  const logits = LOGITS[kind];
  return {
    call: (turn) =>
      tf.tidy(() => {
        const { x, y } = batches[turn % batches.length];
        const [input, labels] = [tensorOf(x), tensorOf(y)];
        const loss = () => crossEntropy(logits(workload, variables, input), labels);
        return optimizer.minimize(loss, true).dataSync()[0];
      }),
    finish: () => {
      optimizer.dispose();
      tf.disposeVariables();
    },
  };
}

const MAPS = {
  ...{ add: (a, b) => tf.add(a, b), exp: tf.exp, tanh: tf.tanh, sigmoid: tf.sigmoid },
  gelu: (a) => gelu(tf, a),
};

function makeOperation({ kind, op, form }, arrays) {
  const [a, b] = ["a", "b"].map((name) => tensorOf(arrays.get(name)));
  const apply =
    kind === "map"
      ? MAPS[op]
      : (left, right) => tf.matMul(left, right, form === "AtB", form === "ABt");
  return {
    call: () => tf.tidy(() => void apply(a, b)),
    values: () => tf.tidy(() => probe(apply(a, b).dataSync())),
    finish: () => tf.dispose([a, b]),
  };
}

export async function load({ backend }) {
  if (backend === "wasm") {
    const module = "@tensorflow/tfjs-backend-wasm";
    require(module).setWasmPaths(`${dirname(require.resolve(module))}/`);
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  }
  if (!(await tf.setBackend(backend))) return { cannot: `the ${backend} backend does not start` };
  await tf.ready();
  const simd = backend === "wasm" ? await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT") : undefined;
  return {
    about: { version: tf.version_core, ...(simd === undefined ? {} : { simd, threads: 1 }) },
    make: (workload, arrays) =>
      ["gemm", "map"].includes(workload.kind)
        ? makeOperation(workload, arrays)
        : makeTraining(workload, arrays),
  };
}
