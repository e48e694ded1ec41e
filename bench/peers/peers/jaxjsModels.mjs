/**
 * The models in jax-js. Its functions take ownership of their arguments: `.ref` keeps an array for a
 * later use. Weights: linear [in, out], convolution [out, in, y, x].
 */
import { lax, nn, numpy as np } from "@jax-js/jax";

const affine = (x, params, name) =>
  np.matmul(x, params[`${name}.weight`]).add(params[`${name}.bias`]);

/** Per channel of x [batch, channels, …]: (x − mean) / √(variance + ε) · scale + shift. */
function batchNorm(x, params, stats, next, name) {
  const channels = x.shape[1];
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const count = x.size / channels;
  const along = x.shape.map((_, axis) => (axis === 1 ? channels : 1));
  const mean = x.ref.mean(axes);
  const centred = x.sub(mean.ref.reshape(along));
  const variance = np.square(centred.ref).mean(axes);
  const follow = (entry, value, part) => {
    next[`${name}.${entry}`] = stats[`${name}.${entry}`]
      .mul(0.9)
      .add(lax.stopGradient(value).mul(part));
  };
  follow("mean", mean, 0.1);
  follow("variance", variance.ref, (0.1 * count) / (count - 1));
  const normal = centred.div(np.sqrt(variance.add(1e-5)).reshape(along));
  const scaled = normal.mul(params[`${name}.weight`].reshape(along));
  return scaled.add(params[`${name}.bias`].reshape(along));
}

export function mlpLogits({ sizes, batchNorm: normed }, params, stats, x) {
  const last = sizes.length - 2;
  const next = {};
  let h = x;
  for (let layer = 0; layer <= last; layer++) {
    h = affine(h, params, `linear${layer}`);
    if (layer < last && normed) h = batchNorm(h, params, stats, next, `norm${layer}`);
    if (layer < last) h = nn.relu(h);
  }
  return { out: h, stats: next };
}

/** 2×2 windows side by side: the maximum over the two axes inside a window. */
function maxPool(x) {
  const [batch, channels, height, width] = x.shape;
  return np.max(x.reshape([batch, channels, height / 2, 2, width / 2, 2]), [3, 5]);
}

export function cnnLogits({ channels, batch }, params, stats, x) {
  const next = {};
  let h = x;
  for (let layer = 0; layer < channels.length - 1; layer++) {
    const bias = params[`conv${layer}.bias`].reshape([1, channels[layer + 1], 1, 1]);
    h = lax.conv(h, params[`conv${layer}.weight`], [1, 1], "SAME").add(bias);
    h = maxPool(nn.relu(batchNorm(h, params, stats, next, `norm${layer}`)));
  }
  return { out: affine(h.reshape([batch, -1]), params, "linear"), stats: next };
}

/** Layer norm over the last axis: scale · (x − mean) / √(variance + ε) + shift. */
function layerNorm(x, params, name) {
  const mean = x.ref.mean(-1, { keepdims: true });
  const centred = x.sub(mean);
  const variance = np.square(centred.ref).mean(-1, { keepdims: true });
  const normal = centred.div(np.sqrt(variance.add(1e-5)));
  return normal.mul(params[`${name}.weight`]).add(params[`${name}.bias`]);
}

/** Causal self-attention; x [batch·context, width]. */
function attention({ batch, context, width, heads }, params, name, x) {
  const size = width / heads;
  const parts = affine(x, params, `${name}.in_proj`).reshape([batch, context, 3, heads, size]);
  const [q, k, v] = [0, 1, 2].map((at) =>
    np.transpose((at < 2 ? parts.ref : parts).slice([], [], at), [0, 2, 1, 3]),
  );
  const scores = np.matmul(q, np.transpose(k, [0, 1, 3, 2])).mul(1 / Math.sqrt(size));
  const past = np.tril(np.ones([context, context])).greater(0.5);
  const weights = nn.softmax(np.where(past, scores, -1e9));
  const mixed = np.transpose(np.matmul(weights, v), [0, 2, 1, 3]);
  return affine(mixed.reshape([batch * context, width]), params, `${name}.out_proj`);
}

/** @returns logits [batch·context, classes] of tokens [batch, context] */
export function gptLogits(workload, params, stats, tokens) {
  const { batch, context, width, blocks, classes } = workload;
  const hot = nn.oneHot(tokens.reshape([batch * context]), classes);
  const rows = np.matmul(hot, params["tokens.weight"]).reshape([batch, context, width]);
  let x = rows.add(params["positions.weight"]).reshape([batch * context, width]);
  for (let at = 0; at < blocks; at++) {
    const name = `blocks.${at}`;
    const seen = layerNorm(x.ref, params, `${name}.norm1`);
    x = x.add(attention(workload, params, `${name}.attention`, seen));
    const inner = affine(layerNorm(x.ref, params, `${name}.norm2`), params, `${name}.mlp.0`);
    x = x.add(affine(nn.gelu(inner, { approximate: false }), params, `${name}.mlp.2`));
  }
  return { out: affine(layerNorm(x, params, "norm"), params, "head"), stats };
}
