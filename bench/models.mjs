/**
 * What the training steps of the bench train: for each model its loss as a function of a batch, its
 * optimizer, its batches, and what its matrix products cost.
 */
import { add, arange, tensor } from "chainrule";
import * as nn from "chainrule/nn";
import { AdamW, SGD } from "chainrule/optim";
import { uniform } from "chainrule/random";

/**
 * Flops of the products of one layer: 2mnk each for the forward pass, for the gradient of one
 * factor and, unless the other is the step's input, for that of the other.
 */
const products = (m, n, k, first = false) => 2 * m * n * k * (first ? 2 : 3);
const total = (flops) => flops.reduce((sum, part) => sum + part, 0);

const images = (batch, shape) =>
  tensor(uniform([batch, ...shape]).toTypedArray(), { shape: [batch, ...shape] });
const labels = (batch, classes, at) =>
  tensor(Int32Array.from({ length: batch }, (_, row) => (row * 7 + at) % classes));
const sgd = (parameters) => new SGD(parameters, { lr: 0.01, momentum: 0.9 });

/** A classifier's loss, optimizer and batches. */
const classifier = (module, batch, shape, classes) => ({
  loss: (x, y) => nn.crossEntropy(module.forward(x), y),
  optimizer: sgd(module.parameters()),
  batch: (at) => [images(batch, shape), labels(batch, classes, at)],
});

/** Linear layers with ReLU, and batch norm before it, between them. */
function perceptron(sizes, batch, batchNorm = false) {
  const last = sizes.length - 2;
  const layer = (out, at) => {
    const linear = new nn.Linear(sizes[at], out);
    if (at === last) return [linear];
    return batchNorm ? [linear, new nn.BatchNorm1d(out), new nn.ReLU()] : [linear, new nn.ReLU()];
  };
  return {
    name: `${sizes.join("-")}${batchNorm ? " batchnorm" : ""} batch ${batch}`,
    flops: total(sizes.slice(1).map((out, at) => products(batch, out, sizes[at], at === 0))),
    make: () => {
      const module = new nn.Sequential(...sizes.slice(1).flatMap(layer));
      return classifier(module, batch, [sizes[0]], sizes.at(-1));
    },
  };
}

/** MNIST's images: two 3×3 convolutions, each with batch norm, ReLU and pooling, then a linear layer. */
function convolutional(batch) {
  const [first, second, classes] = [16, 32, 10];
  const block = (from, to) => [
    new nn.Conv2d(from, to, 3, { padding: "same" }),
    new nn.BatchNorm2d(to),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
  ];
  return {
    name: `cnn 28x28-${first}-${second}-${classes} batch ${batch}`,
    flops: total([
      products(batch * 28 * 28, first, 3 * 3, true),
      products(batch * 14 * 14, second, first * 3 * 3),
      products(batch, classes, second * 7 * 7),
    ]),
    make: () => {
      const head = [new nn.Flatten(), new nn.Linear(second * 7 * 7, classes)];
      const module = new nn.Sequential(...block(1, first), ...block(first, second), ...head);
      return classifier(module, batch, [1, 28, 28], classes);
    },
  };
}

class Block extends nn.Module {
  constructor(width, heads) {
    super();
    this.norm1 = new nn.LayerNorm(width);
    this.attention = new nn.MultiheadAttention(width, heads, { batchFirst: true });
    this.norm2 = new nn.LayerNorm(width);
    this.mlp = new nn.Sequential(
      new nn.Linear(width, 4 * width),
      new nn.GELU(),
      new nn.Linear(4 * width, width),
    );
  }

  forward(x) {
    const n = this.norm1.forward(x);
    const attended = add(x, this.attention.forward(n, n, n, { causal: true }));
    return add(attended, this.mlp.forward(this.norm2.forward(attended)));
  }
}

class Transformer extends nn.Module {
  constructor(vocabulary, context, width, heads, layers) {
    super();
    this.tokens = new nn.Embedding(vocabulary, width);
    this.positions = new nn.Embedding(context, width);
    const blocks = Array.from({ length: layers }, () => new Block(width, heads));
    this.blocks = new nn.Sequential(...blocks);
    this.norm = new nn.LayerNorm(width);
    this.head = new nn.Linear(width, vocabulary);
  }

  forward(tokens) {
    const places = arange(tokens.shape[1], undefined, 1, { dtype: "i32" });
    const x = add(this.tokens.forward(tokens), this.positions.forward(places));
    return this.head.forward(this.norm.forward(this.blocks.forward(x)));
  }
}

/** A character GPT: attention with a causal mask, GELU, AdamW. */
function characters(batch) {
  const [vocabulary, context, width, heads, layers] = [65, 64, 128, 4, 4];
  const rows = batch * context;
  const ids = (shift) =>
    tensor(
      Int32Array.from({ length: rows }, (_, i) => (i * 7 + shift) % vocabulary),
      { shape: [batch, context] },
    );
  return {
    name: `gpt ${layers}x${width} context ${context} batch ${batch}`,
    flops: total([
      // Queries, keys and values, and the output of attention; the two layers of the MLP.
      layers * products(rows, width, (3 + 1 + 4 + 4) * width),
      // Queries by keys and weights by values, for every head of its share of the width.
      layers * 2 * products(rows, context, width),
      products(rows, vocabulary, width),
    ]),
    // Seconds in TypeScript.
    scarce: true,
    make: () => {
      const module = new Transformer(vocabulary, context, width, heads, layers);
      return {
        loss: (x, y) =>
          nn.crossEntropy(module.forward(x).reshape([-1, vocabulary]), y.reshape([-1])),
        optimizer: new AdamW(module.parameters(), { lr: 1e-3 }),
        batch: (at) => [ids(at), ids(at + 1)],
      };
    },
  };
}

/** Everything but products (activations, norms, loss, updates) counts as no flops. */
export const MODELS = [
  perceptron([784, 256, 128, 10], 64),
  perceptron([784, 256, 128, 10], 64, true),
  perceptron([64, 32, 10], 32),
  perceptron([784, 512, 512, 10], 128),
  convolutional(32),
  characters(8),
];
