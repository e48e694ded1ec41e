/**
 * The character GPT in TensorFlow.js ops. Embedding is a product with one-hot rows: the gradient of
 * gather needs UnsortedSegmentSum, which the WebAssembly backend lacks.
 */

/** Layer norm over the last axis: scale · (x − mean) / √(variance + ε) + shift. */
function layerNorm(tf, x, [scale, shift]) {
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
  return tf.add(tf.mul(normal, scale), shift);
}

/** x·(1 + erf(x / √2)) / 2. */
export const gelu = (tf, x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

const affine = (tf, x, [weight, bias]) => tf.add(tf.matMul(x, weight), bias);

/** Causal self-attention; x [batch·context, width]. */
function attention(tf, { batch, context, width, heads }, inward, outward, x) {
  const size = width / heads;
  const parts = tf.reshape(affine(tf, x, inward), [batch, context, 3, heads, size]);
  const [q, k, v] = tf
    .unstack(tf.transpose(parts, [2, 0, 3, 1, 4]), 0)
    .map((part) => tf.reshape(part, [batch * heads, context, size]));
  const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(size));
  // Added: 0 where a query may look, else what makes the weight exactly 0.
  const past = tf.linalg.bandPart(tf.ones([context, context]), -1, 0);
  const weights = tf.softmax(tf.add(scores, tf.mul(tf.sub(past, 1), 1e9)));
  const mixed = tf.reshape(tf.matMul(weights, v), [batch, heads, context, size]);
  const joined = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch * context, width]);
  return affine(tf, joined, outward);
}

/** @returns logits [batch·context, classes] of tokens [batch, context] */
export function gptLogits(tf, workload, variables, tokens) {
  const { batch, context, width, blocks, classes } = workload;
  const of = (name) => [variables[`${name}.weight`], variables[`${name}.bias`]];
  const hot = tf.cast(tf.oneHot(tf.reshape(tokens, [-1]), classes), "float32");
  const rows = tf.reshape(tf.matMul(hot, variables["tokens.weight"]), [batch, context, width]);
  let x = tf.reshape(tf.add(rows, variables["positions.weight"]), [batch * context, width]);
  for (let at = 0; at < blocks; at++) {
    const name = `blocks.${at}`;
    const [inward, outward] = ["in_proj", "out_proj"].map((part) =>
      of(`${name}.attention.${part}`),
    );
    const seen = layerNorm(tf, x, of(`${name}.norm1`));
    x = tf.add(x, attention(tf, workload, inward, outward, seen));
    const hidden = gelu(tf, affine(tf, layerNorm(tf, x, of(`${name}.norm2`)), of(`${name}.mlp.0`)));
    x = tf.add(x, affine(tf, hidden, of(`${name}.mlp.2`)));
  }
  return affine(tf, layerNorm(tf, x, of("norm")), of("head"));
}
