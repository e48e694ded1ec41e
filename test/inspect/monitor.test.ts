/** The monitor: it changes nothing, and its numbers are those of a plain recomputation. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  type Backend,
  checkpoint,
  compile,
  conv2d,
  grad,
  init,
  mean,
  type Parameter,
  relu,
  type Tensor,
  tanh,
  tensor,
  train,
  wasm,
} from "../../src/index.js";
import { type MonitorRecord, monitor } from "../../src/inspect/index.js";
import * as nn from "../../src/nn/index.js";
import { Adam } from "../../src/optim/index.js";
import { ts } from "../../src/pure.js";
import * as random from "../../src/random.js";
import type { FloatDtype } from "../../src/tensor.js";

const norm = (x: ArrayLike<number>): number =>
  Math.sqrt(Array.from(x).reduce((s, v) => s + v * v, 0));

const labels = (n: number, classes: number): Tensor =>
  tensor(Int32Array.from({ length: n }, (_, i) => i % classes));

function convolutional() {
  random.seed(3);
  const model = new nn.Sequential(
    new nn.Conv2d(1, 4, 3),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Dropout(0.3),
    new nn.Flatten(),
    new nn.Linear(36, 8),
    new nn.Tanh(),
    new nn.Linear(8, 3),
  );
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = nn.crossEntropy(model.forward(x), y);
    optimizer.minimize(loss);
    return { loss, name: "loss" };
  });
  const batches = Array.from({ length: 5 }, () => ({
    x: random.uniform([6, 1, 8, 8]).add(0),
    y: labels(6, 3),
  }));
  for (const { x } of batches) x.toArray();
  const state = () => ({
    model: model.stateDict(),
    optimizer: optimizer.stateDict(),
    random: random.stateDict(),
  });
  return { model, optimizer, step, batches, state };
}

describe.each<[string, Backend, FloatDtype]>([
  ["wasm", wasm, "f32"],
  ["ts", ts, "f32"],
  ["ts", ts, "f64"],
])("in %s %s %s", (_, backend, dtype) => {
  beforeEach(() => {
    init({ backend, dtype });
    return () => init({ backend: wasm, dtype: "f32" });
  });
  const digits = dtype === "f64" ? 1e-12 : 2e-6;
  const close = (got: number | undefined, want: number, scale = Math.abs(want)): void =>
    expect(Math.abs((got as number) - want)).toBeLessThanOrEqual(digits * Math.max(scale, 1e-3));

  test("a step trains to the same bits with and without", () => {
    const runs = [false, true].map((watching) => {
      const { step, batches, state } = convolutional();
      const called = watching ? monitor(step, { every: 3 }) : step;
      const losses = Array.from({ length: 10 }, (_, k) => {
        const { x, y } = batches[k % 5] as { x: Tensor; y: Tensor };
        const { loss, name } = called(x, y);
        expect(name).toBe("loss");
        return loss.item();
      });
      return { losses, state: state(), called };
    });
    const [plain, watched] = runs.map(({ losses, state }) => ({ losses, state }));
    expect(watched).toEqual(plain);
    const { history } = (runs[1] as (typeof runs)[number]).called as ReturnType<typeof monitor>;
    expect(history.map(({ step }) => step)).toEqual([0, 3, 6, 9]);
    expect(history.map(({ loss }) => loss)).toEqual([0, 3, 6, 9].map((k) => plain?.losses[k]));
  });

  test("its numbers are those of a plain recomputation", () => {
    const { model, step, batches } = convolutional();
    (model.layers[4] as nn.Dropout).eval();
    const watched = monitor(step, { every: 1, bins: 7 });
    const { x, y } = batches[0] as { x: Tensor; y: Tensor };
    watched(x, y);
    const named = model.namedParameters();
    const before = new Map([...named].map(([key, parameter]) => [key, parameter.value()]));
    const trained = [...named].filter(([, parameter]) => parameter.trainable);
    const mid: Tensor[] = [];
    const forward = (parameters: Tensor[]) => {
      const [w, b, gamma, beta, w1, b1, w2, b2] = parameters as [
        ...[Tensor, Tensor, Tensor, Tensor],
        ...[Tensor, Tensor, Tensor, Tensor],
      ];
      const conv = conv2d(x, w, b);
      const axes = [0, 2, 3];
      const centre = mean(conv, axes, true);
      const spread = mean(conv.sub(centre).square(), axes, true);
      const hat = conv.sub(centre).div(spread.add(1e-5).sqrt());
      const a = relu(hat.mul(gamma.reshape([1, 4, 1, 1])).add(beta.reshape([1, 4, 1, 1])));
      const h = tanh(pool(a).reshape([6, 36]).matmul(w1.transpose()).add(b1));
      mid.push(centre, spread, a, h);
      return nn.crossEntropy(h.matmul(w2.transpose()).add(b2), y);
    };
    const pool = (a: Tensor) => new nn.MaxPool2d(2).forward(a);
    const leaves = trained.map(([key, { shape }]) =>
      tensor(before.get(key) as Float32Array, { shape }),
    );
    const loss = forward(leaves).item();
    const [centre, spread, a, h] = mid.map((t) => Array.from(t.toTypedArray())) as [
      ...[number[], number[], number[], number[]],
    ];
    const gradients = grad((all: Tensor[]) => forward(all))(leaves).map((g) => g.toTypedArray());

    watched(x, y);
    const record = watched.latest as MonitorRecord;
    expect(record.step).toBe(1);
    close(record.loss, loss);
    expect(record.layers.map(({ key }) => key)).toEqual(trained.map(([key]) => key));
    for (const [index, layer] of record.layers.entries()) {
      const parameter = named.get(layer.key) as Parameter;
      const old = before.get(layer.key) as Float32Array;
      const moved = norm(parameter.value().map((v, i) => v - (old[i] as number)));
      expect(layer.shape).toEqual(parameter.shape);
      close(layer.weightNorm, norm(old));
      close(layer.updateNorm, moved);
      close(layer.updateRatio, moved / norm(old));
      const scale = dtype === "f64" ? undefined : 1 + norm(gradients[index] as Float32Array);
      close(layer.gradientNorm, norm(gradients[index] as Float32Array), scale);
    }
    expect(record.activations.map(({ key, op }) => [key, op])).toEqual([
      ["2 relu", "relu"],
      ["7 tanh", "tanh"],
    ]);
    for (const [index, values] of [a, h].entries()) {
      const found = record.activations[index] as MonitorRecord["activations"][number];
      const average = values.reduce((s, v) => s + v, 0) / values.length;
      close(found.mean, average, 1);
      close(
        found.std,
        Math.sqrt(values.reduce((s, v) => s + (v - average) ** 2, 0) / values.length),
        1,
      );
      const [min, max] = [Math.min(...values), Math.max(...values)];
      close(found.min, min, 1);
      close(found.max, max, 1);
      expect(found.zeros).toBe(values.filter((v) => v === 0).length / values.length);
      const { edges, counts } = found.histogram;
      expect(edges.length).toBe(8);
      expect(counts.reduce((s, n) => s + n, 0)).toBe(values.length);
      const plain = counts.map(
        (_, k) =>
          values.filter(
            (v) => v >= (edges[k] as number) && (k === 6 || v < (edges[k + 1] as number)),
          ).length,
      );
      // An entry may lie at an edge, within rounding.
      for (const [k, n] of counts.entries())
        expect(Math.abs(n - (plain[k] as number))).toBeLessThanOrEqual(1);
      expect(found.nonFinite).toBe(0);
    }
    const units = [0, 1, 2, 3].map((c) =>
      a.filter((_, i) => Math.floor(i / 36) % 4 === c).every((v) => v === 0),
    );
    expect(record.activations[0]).toMatchObject({
      dead: units.filter(Boolean).length / 4,
      saturated: undefined,
    });
    expect(record.activations[1]).toMatchObject({
      dead: undefined,
      saturated: h.filter((v) => Math.abs(v) > 0.97).length / h.length,
    });
    const [batchNorm] = record.norms;
    expect([batchNorm?.key, batchNorm?.channels]).toEqual(["1", 4]);
    const running = (name: string) => Array.from(before.get(`1.${name}`) as Float32Array);
    for (const [found, values] of [
      [batchNorm?.mean, centre],
      [batchNorm?.variance, spread],
      [batchNorm?.runningMean, running("running_mean")],
      [batchNorm?.runningVariance, running("running_var")],
    ] as const) {
      close(found?.mean, values.reduce((s, v) => s + v, 0) / values.length, 1);
      close(found?.min, Math.min(...values), 1);
      close(found?.max, Math.max(...values), 1);
    }
  });

  test("dead units, by the shape of what comes before", () => {
    const weight = tensor([1, -1, 0, 2]);
    const dense = compile((x: Tensor) => relu(x.mul(weight)));
    const conv = new nn.Conv1d(1, 2, 1, { bias: false });
    conv.weight.write(conv.weight.value().map((_: number, i: number) => (i === 0 ? 1 : -1)));
    const mapped = compile((x: Tensor) => relu(conv.forward(x)));
    const dead = (step: (x: Tensor) => Tensor, shape: number[]) => {
      const watched = monitor(step as ReturnType<typeof compile<[Tensor], Tensor>>);
      watched(
        tensor(
          Array.from({ length: shape.reduce((n, s) => n * s) }, (_, i) => i + 1),
          { shape },
        ),
      );
      return watched.latest?.activations[0]?.dead;
    };
    expect(dead(dense, [3, 4])).toBe(0.5);
    expect(dead(dense, [2, 3, 4])).toBe(0.5);
    expect(dead(dense, [4])).toBeUndefined();
    expect(dead(mapped, [2, 1, 5])).toBe(0.5);
  });
});

test("it goes on with other shapes, in evaluation, inside of others, and ends with off", () => {
  const { model, step, batches } = convolutional();
  const watched = monitor(step, { every: 2 });
  const { x, y } = batches[0] as { x: Tensor; y: Tensor };
  watched(x, y);
  watched(x, y);
  watched(x.slice([[0, 3]]).add(0), y.slice([[0, 3]]).add(0));
  model.eval();
  watched(x, y);
  watched(x, y);
  expect(watched.history.map(({ step: at, norms }) => [at, norms.length])).toEqual([
    [0, 1],
    [2, 1],
    [4, 0],
  ]);
  expect(JSON.parse(JSON.stringify(watched.history))).toHaveLength(3);
  compile((a: Tensor, b: Tensor) => watched(a, b).loss)(x, y);
  expect(watched.history).toHaveLength(3);
  watched.off();
  for (let k = 0; k < 4; k++) watched(x, y);
  expect(watched.history).toHaveLength(3);
  expect(watched.latest).toBe(watched.history.at(-1));
});

test("inside of a transform it is the step's own function, and records nothing", () => {
  const watched = monitor(compile((x: Tensor) => x.tanh().square().sum()));
  const x = tensor([0.5, -1, 2]);
  const dx = grad((v: Tensor) => watched(v) as Tensor)(x);
  expect(dx.toArray()).toEqual(grad((v: Tensor) => v.tanh().square().sum())(x).toArray());
  expect(watched.history).toHaveLength(0);
});

test("in train, and with a label that is refused", () => {
  const { step, batches } = convolutional();
  const watched = monitor(step, { every: 2 });
  train(({ x, y }) => watched(x, y), batches).steps({ maxSteps: 5 });
  expect(watched.history.map(({ step: at }) => at)).toEqual([0, 2, 4]);
  const { x } = batches[0] as { x: Tensor };
  watched(x, labels(6, 3));
  expect(() => watched(x, labels(6, 4))).toThrow("crossEntropy: label 3 at row 3 is out of range");
  expect(watched.history).toHaveLength(3);
  watched(x, labels(6, 3));
  expect(watched.latest?.step).toBe(6);
});

test("what is inside of checkpoint is left out, and loss of another step is NaN", () => {
  const step = compile((x: Tensor) => checkpoint((z: Tensor) => relu(z))(x).tanh());
  const watched = monitor(step);
  watched(tensor([[1, -1]]));
  expect(watched.latest?.activations.map(({ key }) => key)).toEqual(["tanh"]);
  expect(watched.latest?.loss).toBeNaN();
});

const compiled = compile((x: Tensor) => x.mul(2));
test.each<[string, () => unknown, typeof Error | typeof RangeError, string]>([
  [
    "a plain function",
    () => monitor((x: Tensor) => x),
    TypeError,
    "monitor: not a compiled function: got a function, expected what compile returned",
  ],
  [
    "another option",
    () => monitor(compiled, { evry: 1 } as never),
    TypeError,
    "monitor: unknown option: got evry, expected every or bins",
  ],
  [
    "no whole number",
    () => monitor(compiled, { every: 0.5 }),
    RangeError,
    "monitor: bad every: got 0.5, expected a whole number from 1",
  ],
  [
    "too many bins",
    () => monitor(compiled, { bins: 2000 }),
    RangeError,
    "monitor: bad bins: got 2000, expected a whole number from 1 to 1024",
  ],
])("%s is refused", (_, call, kind, message) => {
  expect(call).toThrow(kind);
  expect(call).toThrow(message);
});
