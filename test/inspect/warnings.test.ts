/** What a monitor warns of, and what not. */
import { expect, test } from "vitest";
import { compile, type Parameter, sigmoid, type Tensor, tensor } from "../../src/index.js";
import { monitor } from "../../src/inspect/index.js";
import * as nn from "../../src/nn/index.js";
import { Adam, SGD } from "../../src/optim/index.js";
import * as random from "../../src/random.js";

const labels = (n: number, classes: number): Tensor =>
  tensor(Int32Array.from({ length: n }, (_, i) => i % classes));

function deep(activation: () => nn.Module & { forward(x: Tensor): Tensor }, layers: number) {
  random.seed(1);
  const parts = Array.from({ length: layers }, () => [new nn.Linear(16, 16), activation()]).flat();
  return new nn.Sequential(...parts, new nn.Linear(16, 4));
}

/** Bounded, and steep. */
class Wave extends nn.Module {
  forward(x: Tensor): Tensor {
    return x.mul(8).sin();
  }
}

function warningsOf(model: nn.Sequential, lr = 1e-3, scale = 1): (readonly string[])[] {
  const optimizer = new SGD(model.parameters(), { lr });
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = nn.crossEntropy(model.forward(x).mul(scale), y);
    optimizer.minimize(loss);
    return loss;
  });
  const watched = monitor(step);
  random.seed(2);
  const x = random.normal([8, 16]).add(0);
  watched(x, labels(8, 4));
  return watched.warnings.map(({ kind, key, text }) => [kind, key, text]);
}

const fill = (parameter: Parameter | undefined, value: (w: number) => number): void =>
  (parameter as Parameter).write((parameter as Parameter).value().map(value));

test.each<[string, () => ReturnType<typeof warningsOf>, (readonly [string, string, RegExp])[]]>([
  ["nothing", () => warningsOf(deep(() => new nn.ReLU(), 2)), []],
  [
    "a gradient that vanishes",
    () => warningsOf(deep(() => new nn.Sigmoid(), 10)),
    [
      [
        "vanishing",
        "0.weight",
        /^the gradient vanishes on its way to 0\.weight: [\d.e-]+ per entry against [\d.e-]+ in 20\.weight; use ReLU/,
      ],
    ],
  ],
  [
    "a gradient that explodes",
    () => warningsOf(deep(() => new Wave(), 10)),
    [["exploding", "0.weight", /^the gradient explodes on its way to 0\.weight: .*; clip it/]],
  ],
  [
    "dead units",
    () => {
      const model = deep(() => new nn.ReLU(), 2);
      fill((model.layers[2] as nn.Linear).bias as Parameter, () => -100);
      return warningsOf(model);
    },
    [
      [
        "dead",
        "3 relu",
        /^100 % of the units of 3 relu are 0 for the whole batch, and 100 % of all entries: they get no gradient/,
      ],
    ],
  ],
  [
    "saturated units",
    () => {
      const model = deep(() => new nn.Tanh(), 1);
      fill((model.layers[0] as nn.Linear).weight, (w) => 100 * w);
      return warningsOf(model);
    },
    [
      [
        "saturated",
        "1 tanh",
        /^[89]\d(\.\d)? % of 1 tanh are saturated, beyond ±0\.97: the gradient/,
      ],
    ],
  ],
  [
    "a rate that is too high",
    () =>
      warningsOf(
        deep(() => new nn.ReLU(), 0),
        1,
      ),
    [
      [
        "rate",
        "0.weight",
        /^the learning rate is high for 0\.weight: one step moves it by [\d.]+, [\d.]+ % of its norm of [\d.]+, about 0\.1 % is healthy; lower the rate$/,
      ],
    ],
  ],
  [
    "a first loss that is not ln C",
    () =>
      warningsOf(
        deep(() => new nn.ReLU(), 1),
        1e-9,
        100,
      ),
    [
      [
        "initialLoss",
        "",
        /^the first loss is [\d.]+, and would be ln 4 = 1\.39 for a network that knows nothing: it is confident and wrong; scale the inputs, or initialise the last layer smaller$/,
      ],
    ],
  ],
  [
    "a loss that is no number",
    () =>
      warningsOf(
        deep(() => new nn.ReLU(), 1),
        1e-3,
        Number.NaN,
      ),
    [
      [
        "nonFinite",
        "",
        /^the loss is NaN: firstBadOp\(step, inputs\) names the op that made it so$/,
      ],
    ],
  ],
])("it warns of %s", (_, found, expected) => {
  const got = found();
  const kinds = new Set(expected.map(([kind]) => kind));
  const relevant = got.filter(([kind]) => kinds.size === 0 || kinds.has(kind as string));
  expect(relevant.map(([kind, key]) => [kind, key])).toEqual(
    expected.map(([kind, key]) => [kind, key]),
  );
  for (const [index, [, , text]] of expected.entries()) expect(relevant[index]?.[2]).toMatch(text);
});

test("a gradient that jumps", () => {
  const w = new nn.Linear(1, 1);
  const step = compile((x: Tensor) => {
    const loss = sigmoid(w.forward(x)).sub(w.forward(x)).mul(x).sum();
    new SGD(w.parameters(), { lr: 0 }).minimize(loss);
    return loss;
  });
  const watched = monitor(step, { every: 1 });
  for (let k = 0; k < 6; k++) watched(tensor([[1]]));
  expect(watched.warnings).toEqual([]);
  watched(tensor([[1000]]));
  expect(watched.warnings.map(({ kind, key }) => [kind, key])).toContainEqual(["exploding", ""]);
  expect(watched.warnings[0]?.text).toMatch(
    /^the gradient has grown to .*, the median so far is .*: clip it/,
  );
});

test("Adam's first step is let off, and dead units are not said to vanish", () => {
  random.seed(1);
  const model = new nn.Sequential(new nn.Linear(64, 32), new nn.ReLU(), new nn.Linear(32, 4));
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = nn.crossEntropy(model.forward(x), y);
    optimizer.minimize(loss);
    return loss;
  });
  const watched = monitor(step);
  const x = random.normal([8, 64]).add(0);
  watched(x, labels(8, 4));
  expect(watched.latest?.layers[0]?.updateRatio).toBeGreaterThan(0.1);
  expect(watched.warnings).toEqual([]);
  fill((model.layers[0] as nn.Linear).bias, () => -100);
  const dead = monitor(step);
  dead(x, labels(8, 4));
  expect(dead.warnings.map(({ kind }) => kind)).toEqual(["dead"]);
});
