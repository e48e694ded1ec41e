/** What the planner promises of models as they are trained: memory at the bound, no copies. */
import { afterEach, describe, expect, test } from "vitest";
import { Opcode } from "../assembly/opcodes.js";
import {
  add,
  arange,
  checkpoint,
  compile,
  concat,
  gradients,
  init,
  type Parameter,
  type Plan,
  parameter,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import * as nn from "../src/nn/index.js";
import { Adam, AdamW, clipGradNorm, RMSprop, SGD } from "../src/optim/index.js";
import { ts } from "../src/pure.js";

afterEach(() => init({ backend: wasm }));

type Shape = readonly number[];
type Spec = { readonly shape: Shape; readonly dtype?: "i32" };

/** A model, its loss of the arguments, and the arguments' kinds. */
interface Case {
  readonly parameters: readonly Parameter[];
  readonly loss: (...args: Tensor[]) => Tensor;
  readonly args: readonly Spec[];
}

const classes = (batch: number): Spec => ({ shape: [batch], dtype: "i32" });

function mlp(batch: number, ...sizes: number[]): Case {
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

function cnn(batch: number): Case {
  const block = (from: number, to: number) => [
    new nn.Conv2d(from, to, 3, { padding: "same" }),
    new nn.BatchNorm2d(to),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
  ];
  const model = new nn.Sequential(
    ...block(1, 16),
    ...block(16, 32),
    new nn.Flatten(),
    new nn.Linear(32 * 49, 10),
  );
  return {
    parameters: model.parameters(),
    loss: (x, y) => nn.crossEntropy(model.forward(x as Tensor), y as Tensor),
    args: [{ shape: [batch, 1, 28, 28] }, classes(batch)],
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

const models: Record<string, () => Case> = {
  "MLP 784-256-128-10": () => mlp(64, 784, 256, 128, 10),
  "MLP 784-512-512-10": () => mlp(128, 784, 512, 512, 10),
  "MLP 64-32-10": () => mlp(32, 64, 32, 10),
  "MLP of 20 layers": () => mlp(256, 64, ...Array<number>(20).fill(64), 10),
  "MLP with batch norm and dropout": () => normed(64),
  CNN: () => cnn(32),
  autoencoder: () => autoencoder(64),
  LSTM: () => lstm(16, 20),
  GPT: () => gpt(8, 64, 128, 4),
  "small GPT": () => gpt(2, 16, 32, 2),
  "GPT, checkpointed": () => gpt(8, 64, 128, 4, true),
};
const rules = {
  SGD: (parameters: readonly Parameter[]) => new SGD(parameters, { lr: 0.1, momentum: 0.9 }),
  Adam: (parameters: readonly Parameter[]) => new Adam(parameters),
  AdamW: (parameters: readonly Parameter[]) => new AdamW(parameters),
  RMSprop: (parameters: readonly Parameter[]) => new RMSprop(parameters),
};

/** The plan of a training step, with or without clipping. */
function planOf(make: () => Case, rule: keyof typeof rules, clips: boolean): Plan {
  const { parameters, loss, args } = make();
  const optimizer = rules[rule](parameters);
  const step = compile((...given: Tensor[]) => {
    const value = loss(...given);
    if (clips) optimizer.apply(clipGradNorm(gradients(value, optimizer.parameters), 1).gradients);
    else optimizer.minimize(value);
    return value;
  });
  return step.trace(...args).plan;
}

describe.each(Object.keys(models))("%s", (name) => {
  test.each(Object.keys(rules) as (keyof typeof rules)[])(
    "%s: the peak is near the bound",
    (rule) => {
      for (const clips of [false, true]) {
        const { peakBytes, liveBytes } = planOf(models[name] as () => Case, rule, clips);
        expect(liveBytes).toBeLessThanOrEqual(peakBytes);
        expect(peakBytes).toBeLessThanOrEqual(1.05 * liveBytes);
      }
    },
  );
});

/** Bits of some tensors. */
const bits = (tensors: readonly Tensor[]): Uint32Array[] =>
  tensors.map((x) => new Uint32Array((x.toTypedArray() as Float32Array).slice().buffer));

describe("joined values", () => {
  test.each(Object.keys(models))("clipping of %s copies no gradient", (name) => {
    const make = models[name] as () => Case;
    const copies = ({ instructions }: Plan): number =>
      instructions.filter(({ opcode }) =>
        [Opcode.StridedCopy, Opcode.StridedPlace, Opcode.Copy].includes(opcode),
      ).length;
    expect(copies(planOf(make, "SGD", true))).toBe(copies(planOf(make, "SGD", false)));
  });

  type Program = (x: Tensor, y: Tensor) => readonly Tensor[];
  /** What is computed, and how many instructions it takes. */
  const cases: readonly [string, number, Program][] = [
    ["parts computed and joined", 3, (x, y) => [concat([x.exp(), y.neg()]).tanh()]],
    [
      "a part read as well",
      4,
      (x, y) => {
        const e = x.exp();
        return [concat([e, y.neg()]).tanh(), e.sin()];
      },
    ],
    [
      "a part twice",
      3,
      (x) => {
        const e = x.exp();
        return [concat([e, e]).neg()];
      },
    ],
    ["arguments are copied", 2, (x, y) => [concat([x, y])]],
    [
      "joins within joins",
      4,
      (x, y) => {
        const inner = concat([x.exp(), y.neg()]);
        return [concat([inner, y.sin()]).tanh()];
      },
    ],
    [
      "parts returned, too",
      3,
      (x, y) => {
        const [e, n] = [x.exp(), y.neg()];
        return [e, concat([e, n]).tanh(), n];
      },
    ],
    [
      "split again",
      4,
      (x, y) => {
        const both = concat([x.exp(), y.neg()]).tanh();
        return [both.slice([[0, 3]]).sin(), both.slice([[3]])];
      },
    ],
    [
      "a part of what dies is copied",
      4,
      (x, y) => [
        concat([x.exp(), y.exp()])
          .slice([[1, 3]])
          .neg(),
      ],
    ],
    [
      "a scalar of what is written over",
      3,
      (x) => {
        const e = x.exp();
        return [e.mul(e.slice([1])).neg()];
      },
    ],
    [
      "along another axis",
      4,
      (x, y) => [
        concat(
          [
            x.exp().reshape([1, -1]),
            y
              .exp()
              .slice([[0, 3]])
              .reshape([1, -1]),
          ],
          1,
        ),
      ],
    ],
    [
      "through a transpose",
      5,
      (x) => {
        const e = x.exp().reshape([3, 1]);
        return [concat([e, e.neg()], 1).transpose()];
      },
    ],
    ["an empty part", 3, (x, y) => [concat([x.exp(), y.slice([[2, 2]]).exp(), y.neg()])]],
  ];
  const x = tensor([1, -0, Number.NaN]);
  const y = tensor([0.5, -2, 3, Number.POSITIVE_INFINITY, 7]);
  test.each(cases)("%s: %i instructions at most, the bits of one by one", (_, most, program) => {
    const keep = (t: readonly Tensor[]) => bits(t);
    for (const backend of [wasm, ts]) {
      init({ backend });
      const step = compile(program);
      const got = keep(step(x, y));
      expect(step.plan.instructions.length).toBeLessThanOrEqual(most);
      // Read as they are made, no two values share anything.
      expect(got).toEqual(keep(program(x, y)));
      expect(got).toEqual(keep(step(x, y)));
      expect(step.plan.peakBytes).toBeLessThanOrEqual(step.plan.liveBytes + 64);
    }
  });
});

describe("updates", () => {
  const kinds = [Opcode.Sgd, Opcode.SgdMomentum, Opcode.Adam];
  test.each([
    ["SGD", (p: Parameter[]) => new SGD(p, { lr: 0.1 })],
    ["SGD with momentum", (p: Parameter[]) => new SGD(p, { lr: 0.1, momentum: 0.9 })],
    ["Adam", (p: Parameter[]) => new Adam(p)],
    [
      "AdamW of two groups",
      ([a, b, ...rest]: Parameter[]) =>
        new AdamW([{ parameters: [a, b] as Parameter[], lr: 0.5 }, { parameters: rest }]),
    ],
  ] as const)("%s of all parameters is one instruction", (_, make) => {
    const { parameters, loss, args } = mlp(8, 5, 7, 6, 3);
    const optimizer = make([...parameters]);
    const step = compile((...given: Tensor[]) => optimizer.minimize(loss(...given)));
    const { instructions } = step.trace(...args).plan;
    const updates = instructions.filter(({ opcode }) => kinds.includes(opcode));
    expect(updates).toHaveLength(1);
    expect(
      updates[0]?.writes.filter((value) => parameters.includes(value.parameter as Parameter)),
    ).toHaveLength(6);
  });

  test("a parameter that is read between two updates is updated in its turn", () => {
    const [p, q] = [parameter([1, 2]), parameter([3, 4])];
    const optimizer = new SGD([p, q], { lr: 0.5 });
    const step = compile((g: Tensor) => {
      optimizer.apply([g, undefined]);
      optimizer.apply([undefined, p.mul(2)]);
      optimizer.apply([g, g]);
    });
    for (let k = 0; k < 2; k++) step(tensor([1, -1]));
    // p: 1 → 0.5 → 0 → −0.5 → −1; q: 3 − 0.5 − 0.5 − (−0.5) − 0.5.
    expect([p.toArray(), q.toArray()]).toEqual([
      [-1, 4],
      [2, -1],
    ]);
  });
});
