/** Models as they are trained, for what the planner promises of them. */
import { add, arange, checkpoint, type Parameter, type Tensor } from "../src/index.js";
import * as nn from "../src/nn/index.js";

type Shape = readonly number[];
export type Spec = { readonly shape: Shape; readonly dtype?: "i32" };

/** A model, its loss of the arguments, and the arguments' kinds. */
export interface Case {
  readonly parameters: readonly Parameter[];
  readonly loss: (...args: Tensor[]) => Tensor;
  readonly args: readonly Spec[];
}

const classes = (batch: number): Spec => ({ shape: [batch], dtype: "i32" });

export function mlp(batch: number, ...sizes: number[]): Case {
  const layers = sizes.slice(1).flatMap((size, index) => {
    const linear = new nn.Linear(sizes[index] as number, size);
    return index < sizes.length - 2 ? [linear, new nn.ReLU()] : [linear];
  });
  const model = new nn.Sequential(...layers);
  return {
    parameters: model.parameters(),
    loss: (x, y) => nn.crossEntropy(model.forward(x as Tensor), y as Tensor),
    args: [{ shape: [batch, sizes[0] as number] }, classes(batch)],
  };
}

function normed(batch: number): Case {
  const block = (n: number, m: number) => [
    new nn.Linear(n, m),
    new nn.BatchNorm1d(m),
    new nn.ReLU(),
    new nn.Dropout(0.2),
  ];
  const model = new nn.Sequential(...block(784, 256), ...block(256, 128), new nn.Linear(128, 10));
  return {
    parameters: model.parameters(),
    loss: (x, y) => nn.crossEntropy(model.forward(x as Tensor), y as Tensor),
    args: [{ shape: [batch, 784] }, classes(batch)],
  };
}

export function cnn(batch: number, from = 1, channels = 16, side = 28): Case {
  const block = (from: number, to: number) => [
    new nn.Conv2d(from, to, 3, { padding: "same" }),
    new nn.BatchNorm2d(to),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
  ];
  const model = new nn.Sequential(
    ...block(from, channels),
    ...block(channels, 2 * channels),
    new nn.Flatten(),
    new nn.Linear(2 * channels * Math.floor(side / 4) ** 2, 10),
  );
  return {
    parameters: model.parameters(),
    loss: (x, y) => nn.crossEntropy(model.forward(x as Tensor), y as Tensor),
    args: [{ shape: [batch, from, side, side] }, classes(batch)],
  };
}

/** Convolutions without pooling: all activations are of one size. */
function deepCnn(batch: number): Case {
  const block = (from: number, to: number) => [
    new nn.Conv2d(from, to, 3, { padding: "same" }),
    new nn.BatchNorm2d(to),
    new nn.ReLU(),
  ];
  const model = new nn.Sequential(
    ...block(1, 8),
    ...Array.from({ length: 5 }, () => block(8, 8)).flat(),
    new nn.Flatten(),
    new nn.Linear(8 * 144, 10),
  );
  return {
    parameters: model.parameters(),
    loss: (x, y) => nn.crossEntropy(model.forward(x as Tensor), y as Tensor),
    args: [{ shape: [batch, 1, 12, 12] }, classes(batch)],
  };
}

function autoencoder(batch: number): Case {
  const sizes = [784, 256, 64, 16, 64, 256, 784];
  const model = new nn.Sequential(
    ...sizes
      .slice(1)
      .flatMap((size, index) => [new nn.Linear(sizes[index] as number, size), new nn.Tanh()]),
  );
  return {
    parameters: model.parameters(),
    loss: (x) => nn.mse(model.forward(x as Tensor), x as Tensor),
    args: [{ shape: [batch, 784] }],
  };
}

function lstm(batch: number, steps: number): Case {
  const recurrent = new nn.LSTM(16, 32, { batchFirst: true });
  const head = new nn.Linear(32, 5);
  return {
    parameters: [...recurrent.parameters(), ...head.parameters()],
    loss: (x, y) => {
      const { output } = recurrent.forward(x as Tensor);
      return nn.crossEntropy(head.forward(output.slice([null, -1])), y as Tensor);
    },
    args: [{ shape: [batch, steps, 16] }, classes(batch)],
  };
}

class Block extends nn.Module {
  readonly norm1: nn.LayerNorm;
  readonly attention: nn.MultiheadAttention;
  readonly norm2: nn.LayerNorm;
  readonly mlp: nn.Sequential;

  constructor(width: number) {
    super();
    this.norm1 = new nn.LayerNorm(width);
    this.attention = new nn.MultiheadAttention(width, 4, { batchFirst: true });
    this.norm2 = new nn.LayerNorm(width);
    this.mlp = new nn.Sequential(
      new nn.Linear(width, 4 * width),
      new nn.GELU(),
      new nn.Linear(4 * width, width),
    );
  }

  forward(x: Tensor): Tensor {
    const n = this.norm1.forward(x);
    const a = add(x, this.attention.forward(n, n, n, { causal: true }));
    return add(a, this.mlp.forward(this.norm2.forward(a)));
  }
}

function gpt(batch: number, time: number, width: number, layers: number, recompute = false): Case {
  const vocabulary = 65;
  const tokens = new nn.Embedding(vocabulary, width);
  const positions = new nn.Embedding(time, width);
  const blocks = Array.from({ length: layers }, () => new Block(width));
  const norm = new nn.LayerNorm(width);
  const head = new nn.Linear(width, vocabulary);
  const at = arange(time, undefined, 1, { dtype: "i32" });
  return {
    parameters: [tokens, positions, ...blocks, norm, head].flatMap((part) => part.parameters()),
    loss: (x, y) => {
      let h = add(tokens.forward(x as Tensor), positions.forward(at));
      for (const block of blocks) {
        const forward = (v: Tensor): Tensor => block.forward(v);
        h = (recompute ? checkpoint(forward) : forward)(h);
      }
      const logits = head.forward(norm.forward(h)).reshape([-1, vocabulary]);
      return nn.crossEntropy(logits, (y as Tensor).reshape([-1]));
    },
    args: [
      { shape: [batch, time], dtype: "i32" },
      { shape: [batch, time], dtype: "i32" },
    ],
  };
}

export const models: Record<string, () => Case> = {
  "MLP 784-256-128-10": () => mlp(64, 784, 256, 128, 10),
  "MLP 784-512-512-10": () => mlp(128, 784, 512, 512, 10),
  "MLP 64-32-10": () => mlp(32, 64, 32, 10),
  "MLP of 20 layers": () => mlp(256, 64, ...Array<number>(20).fill(64), 10),
  "MLP with batch norm and dropout": () => normed(64),
  CNN: () => cnn(32),
  "CNN without pooling": () => deepCnn(8),
  autoencoder: () => autoencoder(64),
  LSTM: () => lstm(16, 20),
  GPT: () => gpt(8, 64, 128, 4),
  "small GPT": () => gpt(2, 16, 32, 2),
  "GPT, checkpointed": () => gpt(8, 64, 128, 4, true),
};
