/** Convolutional networks as a whole: layers, plan, training. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Activation, Opcode } from "../assembly/opcodes.js";
import { compile, conv2d, grad, init, relu, type Tensor, tensor, wasm } from "../src/index.js";
import * as nn from "../src/nn/index.js";
import { Adam } from "../src/optim/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";
import { numbers } from "./kernels/values.js";

beforeEach(() => random.seed(5));
afterEach(() => init({ backend: wasm }));

const image = (...shape: number[]): Tensor =>
  tensor(
    numbers(
      shape.reduce((n, length) => n * length, 1),
      7,
    ),
    { shape },
  );

describe("layers", () => {
  test("keys and shapes are PyTorch's", () => {
    const model = new nn.Sequential(
      new nn.Conv2d(4, 6, [3, 2], { groups: 2 }),
      new nn.ConvTranspose2d(6, 4, 3, { groups: 2 }),
      new nn.Conv2d(4, 2, 1, { bias: false }),
    );
    const entries = Object.entries(model.stateDict());
    expect(entries.map(([key, { shape }]) => `${key} [${shape}]`)).toEqual([
      "0.weight [6,2,3,2]",
      "0.bias [6]",
      "1.weight [6,2,3,3]",
      "1.bias [4]",
      "2.weight [2,4,1,1]",
    ]);
    const lines = new nn.Sequential(new nn.Conv1d(4, 6, 3), new nn.ConvTranspose1d(6, 4, 5));
    const shapes = Object.values(lines.stateDict()).map(({ shape }) => shape);
    expect(shapes).toEqual([[6, 4, 3], [6], [6, 4, 5], [4]]);
  });

  test("weights and biases start uniform in ±1/√fanIn", () => {
    const { weight, bias } = new nn.Conv2d(16, 64, 3, { groups: 4 });
    const bound = 1 / Math.sqrt(4 * 9);
    for (const start of [weight, bias as Tensor]) {
      const values = [...start.toTypedArray()];
      expect(Math.max(...values)).toBeLessThanOrEqual(bound);
      expect(Math.max(...values)).toBeGreaterThan(0.9 * bound);
      expect(Math.min(...values)).toBeLessThan(-0.9 * bound);
    }
    const up = Math.max(...new nn.ConvTranspose2d(16, 64, 3).weight.toTypedArray());
    expect(up).toBeLessThanOrEqual(1 / Math.sqrt(64 * 9));
  });

  test("shapes on the way through", () => {
    const shapes: (readonly number[])[] = [];
    let x = image(2, 3, 8, 6);
    for (const layer of [
      new nn.Conv2d(3, 4, 3, { padding: 1, stride: 2 }),
      new nn.MaxPool2d(2, { ceilMode: true }),
      new nn.ConvTranspose2d(4, 2, 2, { stride: 2 }),
      new nn.AvgPool2d(3, { stride: 1, padding: 1 }),
      new nn.Upsample([2, 3]),
      new nn.AdaptiveAvgPool2d([4, 3]),
      new nn.GlobalMaxPool(),
      new nn.GlobalAvgPool(),
    ]) {
      x = layer.forward(x);
      shapes.push(x.shape);
    }
    expect(shapes).toEqual([
      [2, 4, 4, 3],
      [2, 4, 2, 2],
      [2, 2, 4, 4],
      [2, 2, 4, 4],
      [2, 2, 8, 12],
      [2, 2, 4, 3],
      [2, 2, 1, 1],
      [2, 2, 1, 1],
    ]);
    const line = new nn.Sequential(
      new nn.Conv1d(2, 3, 3),
      new nn.MaxPool1d(2),
      new nn.AvgPool1d(2, { stride: 1 }),
      new nn.ConvTranspose1d(3, 1, 4),
    );
    expect(line.forward(image(1, 2, 10)).shape).toEqual([1, 1, 6]);
  });

  test("channels that groups do not divide are refused", () => {
    expect(() => new nn.Conv2d(4, 6, 3, { groups: 4 })).toThrow(
      "Conv2d: groups do not divide the output channels: got 4 groups, expected a divisor of 6",
    );
    expect(() => new nn.Conv1d(4, 6, 0)).toThrow(
      "Conv1d: bad kernel size: got 0, expected an integer ≥ 1",
    );
  });
});

describe("plan", () => {
  const x = image(4, 3, 12, 12);
  const w = image(8, 3, 3, 3);

  test("the activation is applied by the convolution", () => {
    const f = compile((a: Tensor, b: Tensor) => relu(conv2d(a, b)));
    const plain = compile((a: Tensor, b: Tensor) => conv2d(a, b));
    const opcodes = f
      .trace(x, w)
      .plan.instructions.map(({ opcode, rest }) => [opcode, rest.at(-1)]);
    expect(opcodes).toEqual([[Opcode.Conv2dForward, Activation.Relu]]);
    expect(f(x, w).toTypedArray()).toEqual(relu(plain(x, w)).toTypedArray());
  });

  test("columns are made in parts: of a large image far less than all of them is kept", () => {
    const f = compile((a: Tensor, b: Tensor) => conv2d(a, b));
    const { plan } = f.trace(
      { shape: [1, 16, 256, 256], dtype: "f32" },
      { shape: [4, 16, 3, 3], dtype: "f32" },
    );
    const images = 4 * (16 * 256 * 256 + 4 * 254 * 254 + 4 * 16 * 9);
    expect(plan.peakBytes).toBeLessThan(images + 300_000);
  });

  test.each([
    { shape: [3, 2, 12, 12], options: { padding: 1 } },
    { shape: [2, 2, 20, 20], options: { stride: 2 } },
    { shape: [5, 4, 9, 10], options: { groups: 2 } },
    { shape: [2, 2, 16, 16], options: { padding: 1 } },
  ])("scratch is as large as needed: $shape", ({ shape, options }) => {
    // Whatever the plan gives is written by some instruction.
    const f = compile((a: Tensor, b: Tensor) =>
      grad((weight: Tensor) => conv2d(a, weight, undefined, options).sum())(b),
    );
    const filters = image(64, (shape[1] as number) / (options.groups ?? 1), 3, 3);
    const images = image(...shape);
    f(images, filters);
    f.program?.poison();
    f(images, filters);
    expect(f.program?.bytesWritten()).toBe(f.plan?.peakBytes);
  });
});

test("a network trains to the same bits in both builds, in one call per step", () => {
  const train = (): { losses: number[]; weights: number[][] } => {
    random.seed(3);
    const model = new nn.Sequential(
      new nn.Conv2d(2, 4, 3, { padding: "same" }),
      new nn.BatchNorm2d(4),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(4, 4, 3, { groups: 4, padding: 1 }),
      new nn.Tanh(),
      new nn.ConvTranspose2d(4, 3, 2, { stride: 2 }),
      new nn.AvgPool2d(2),
      new nn.Flatten(),
      new nn.Linear(3 * 4 * 4, 3),
    );
    const optimizer = new Adam(model.parameters(), { lr: 0.02 });
    const step = compile((x: Tensor, labels: Tensor) => {
      const loss = nn.crossEntropy(model.forward(x), labels);
      optimizer.minimize(loss);
      return loss;
    });
    const labels = tensor([0, 1, 2, 0, 1, 2], { dtype: "i32" });
    const x = image(6, 2, 8, 8);
    const losses = Array.from({ length: 20 }, () => step(x, labels).item());
    expect(step.callsPerStep).toBe(1);
    return { losses, weights: model.parameters().map((p) => [...p.toTypedArray()]) };
  };
  const fast = train();
  init({ backend: ts });
  expect(train()).toEqual(fast);
  expect(fast.losses.at(-1)).toBeLessThan((fast.losses[0] as number) / 10);
});
