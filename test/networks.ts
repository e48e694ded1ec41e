/** Networks of random kinds and sizes, for what the planner promises of all of them. */
import { add, checkpoint, type Tensor } from "../src/index.js";
import * as nn from "../src/nn/index.js";
import type { Case } from "./models.js";

export interface Network extends Case {
  readonly name: string;
  readonly rule: "SGD" | "Adam" | "RMSprop";
  readonly clips: boolean;
}

/** A whole number from `least` to `most`. */
type Random = (least: number, most: number) => number;

/** The same numbers in every engine (Park & Miller 1988, with the factor of 1993). */
function randomFrom(seed: number): Random {
  let state = seed * 7919 + 1;
  return (least, most) => {
    for (let k = 0; k < 2; k++) state = (state * 48271) % 2147483647;
    return least + (state % (most - least + 1));
  };
}

type Layer = nn.Module & { forward(x: Tensor): Tensor };

const through = (layers: readonly Layer[], x: Tensor): Tensor =>
  layers.reduce((value, layer) => layer.forward(value), x);

class Residual extends nn.Module {
  readonly layers: readonly Layer[];

  constructor(...layers: Layer[]) {
    super();
    this.layers = layers;
  }

  override parameters() {
    return this.layers.flatMap((layer) => layer.parameters());
  }

  forward(x: Tensor): Tensor {
    return add(x, through(this.layers, x));
  }
}

class Attention extends nn.Module {
  readonly attention: nn.MultiheadAttention;

  constructor(width: number, heads: number) {
    super();
    this.attention = new nn.MultiheadAttention(width, heads, { batchFirst: true });
  }

  forward(x: Tensor): Tensor {
    return this.attention.forward(x, x, x, { causal: true });
  }
}

class LastStep extends nn.Module {
  readonly recurrent: nn.LSTM;

  constructor(width: number, size: number) {
    super();
    this.recurrent = new nn.LSTM(width, size, { batchFirst: true });
  }

  forward(x: Tensor): Tensor {
    return this.recurrent.forward(x).output.slice([null, -1]);
  }
}

function activation(random: Random): Layer {
  const kinds = [nn.ReLU, nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU];
  return new (kinds[random(0, kinds.length - 1)] as typeof nn.ReLU)();
}

/** The layers of a network, and how many numbers they leave of a row. */
interface Made {
  readonly layers: readonly Layer[];
  readonly width: number;
}

/** Layers of `batch` rows of `width` numbers. */
function dense(random: Random, batch: number, width: number, most: number): Made {
  const layers: Layer[] = [];
  const norm = random(0, 3);
  const [drops, skips] = [random(0, 3) === 0, random(0, 3) === 0];
  let from = width;
  for (let left = random(1, 8); left > 0; left--) {
    const to = random(1, most);
    layers.push(new nn.Linear(from, to, { bias: random(0, 5) > 0 }));
    if (norm === 1 && batch > 1) layers.push(new nn.BatchNorm1d(to));
    if (norm === 2) layers.push(new nn.LayerNorm(to));
    layers.push(activation(random));
    if (drops) layers.push(new nn.Dropout(0.2));
    if (skips && random(0, 1) === 0) {
      const inner = random(1, most);
      layers.push(
        new Residual(new nn.Linear(to, inner), activation(random), new nn.Linear(inner, to)),
      );
    }
    from = to;
  }
  return { layers, width: from };
}

/** Layers of images [batch, channels, size, size]. */
function convolutions(random: Random, batch: number, channels: number, size: number): Made {
  const layers: Layer[] = [];
  const norm = random(0, 2) > 0 && batch > 1;
  let [from, side] = [channels, size];
  for (let left = random(1, 5); left > 0; left--) {
    const to = random(1, 24);
    const [padding, stride] = [random(0, 2), random(0, 4) === 0 ? 2 : 1];
    layers.push(new nn.Conv2d(from, to, 2 * padding + 1, { padding, stride }));
    side = Math.floor((side - 1) / stride) + 1;
    if (norm) layers.push(new nn.BatchNorm2d(to));
    layers.push(activation(random));
    if (side >= 2 && random(0, 1) === 0) {
      layers.push(random(0, 2) > 0 ? new nn.MaxPool2d(2) : new nn.AvgPool2d(2));
      side = Math.floor(side / 2);
    }
    from = to;
  }
  return { layers: [...layers, new nn.Flatten()], width: from * side * side };
}

/** Layers of sequences of `heads` times `size` numbers. */
function transformer(random: Random, size: number, heads: number): Layer[] {
  const width = size * heads;
  return Array.from({ length: random(1, 4) }, () => {
    const inner = random(1, 5 * width);
    const [into, out] = [new nn.Linear(width, inner), new nn.Linear(inner, width)];
    return [
      new Residual(new nn.LayerNorm(width), new Attention(width, heads)),
      new Residual(new nn.LayerNorm(width), into, activation(random), out),
    ];
  }).flat();
}

const kinds = ["MLP", "MLP", "narrow MLP", "CNN", "CNN", "transformer", "LSTM"] as const;

/** The network of a seed, which classifies; some recompute their first layers. */
export function randomNetwork(seed: number): Network {
  const random = randomFrom(seed);
  const kind = kinds[random(0, kinds.length - 1)] as (typeof kinds)[number];
  const [batch, width] = [random(1, 130), random(1, 300)];
  let shape = [batch, width];
  let made: Made;
  if (kind === "CNN") {
    const [channels, side] = [random(1, 4), random(5, 30)];
    const images = random(1, 40);
    shape = [images, channels, side, side];
    made = convolutions(random, images, channels, side);
  } else if (kind === "transformer") {
    const [size, heads] = [random(1, 24), random(1, 4)];
    shape = [random(1, 8), random(1, 40), size * heads];
    made = { layers: transformer(random, size, heads), width: size * heads };
  } else if (kind === "LSTM") {
    const size = random(1, 40);
    shape = [random(1, 20), random(1, 12), random(1, 20)];
    made = { layers: [new LastStep(shape[2] as number, size)], width: size };
  } else made = dense(random, batch, width, kind === "MLP" ? 300 : 40);

  const [recomputes, classes] = [random(0, 4) === 0, random(1, 20)];
  const head = new nn.Linear(made.width, classes);
  const layers = [...made.layers, head];
  const cut = random(1, layers.length - 1);
  const [first, second] = [layers.slice(0, cut), layers.slice(cut)];
  const rows = kind === "transformer" ? shape.slice(0, 2) : shape.slice(0, 1);
  return {
    name: `${seed}: ${kind} ${shape.join("×")}`,
    parameters: layers.flatMap((layer) => layer.parameters()),
    loss: (x, y) => {
      const forward = (v: Tensor): Tensor => through(first, v);
      const h = (recomputes ? checkpoint(forward) : forward)(x as Tensor);
      const logits = through(second, h).reshape([-1, classes]);
      return nn.crossEntropy(logits, (y as Tensor).reshape([-1]));
    },
    args: [{ shape }, { shape: rows, dtype: "i32" }],
    rule: (["SGD", "Adam", "RMSprop"] as const)[random(0, 2)] as Network["rule"],
    clips: random(0, 1) === 0,
  };
}
