import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compile, init, type Tensor, tensor, wasm } from "../src/index.js";
import { joinStates, loadSafetensors, saveSafetensors, splitStates } from "../src/io/index.js";
import {
  BatchNorm1d,
  crossEntropy,
  Dropout,
  Linear,
  ReLU,
  Sequential,
  Sigmoid,
  Tanh,
} from "../src/nn/index.js";
import { Adam, AdamW, type Optimizer, SGD } from "../src/optim/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";

beforeEach(() => random.seed(7));
afterEach(() => init({ backend: wasm }));

const network = (): Sequential =>
  new Sequential(
    new Linear(4, 6),
    new BatchNorm1d(6),
    new ReLU(),
    new Dropout(0.3),
    new Linear(6, 5),
    new Tanh(),
    new Linear(5, 3),
  );
const x = tensor(
  Array.from({ length: 40 }, (_, i) => Math.fround(((i * 37) % 23) / 11 - 1)),
  { shape: [10, 4] },
);
const y = tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], { dtype: "i32" });

function trainer(model: Sequential, optimizer: Optimizer): (a: Tensor, b: Tensor) => Tensor {
  return compile((a: Tensor, b: Tensor) => {
    const loss = crossEntropy(model.forward(a), b);
    optimizer.minimize(loss);
    return loss;
  });
}
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("a state dictionary has PyTorch's keys, layouts and types", () => {
  const state = network().stateDict();
  expect(
    Object.entries(state).map(([key, { dtype, shape }]) => `${key} ${dtype} [${shape}]`),
  ).toEqual([
    "0.weight F32 [6,4]",
    "0.bias F32 [6]",
    "1.weight F32 [6]",
    "1.bias F32 [6]",
    "1.running_mean F32 [6]",
    "1.running_var F32 [6]",
    "1.num_batches_tracked I64 []",
    "4.weight F32 [5,6]",
    "4.bias F32 [5]",
    "6.weight F32 [3,5]",
    "6.bias F32 [3]",
  ]);
  expect(network().parameters()).toHaveLength(8);
});

test("Linear starts uniform in ±1/√in, decided by the seed, the same in both builds", () => {
  const [a, b] = [new Linear(100, 50), new Linear(100, 50)];
  const weights = [...a.weight.toTypedArray()];
  expect(Math.max(...weights.map(Math.abs))).toBeLessThanOrEqual(0.1);
  const variance = weights.reduce((sum, w) => sum + w * w, 0) / weights.length;
  expect(variance).toBeCloseTo(0.01 / 3, 4);
  expect(b.weight.toArray()).not.toEqual(a.weight.toArray());
  random.seed(7);
  init({ backend: ts });
  expect(new Linear(100, 50).weight.toTypedArray()).toEqual(a.weight.toTypedArray());
  expect(new Linear(3, 2, { bias: false }).parameters()).toHaveLength(1);
});

test("eval uses the running statistics and no dropout; train and eval have programs of their own", () => {
  const model = network();
  const predict = compile((a: Tensor) => model.forward(a));
  const first = predict(x).toArray();
  expect(predict(x).toArray()).not.toEqual(first);
  model.eval();
  const calm = predict(x).toArray();
  expect(predict(x).toArray()).toEqual(calm);
  const before = model.stateDict()["1.running_mean"];
  predict(x);
  expect(model.stateDict()["1.running_mean"]).toEqual(before);
  expect(model.train().training).toBe(true);
  expect(predict(x).toArray()).not.toEqual(calm);
});

test("dropout keeps the expectation, and p = 0 and 1 are exact", () => {
  const ones = tensor(new Array<number>(10_000).fill(1));
  const kept = new Dropout(0.25).forward(ones).toTypedArray();
  expect(new Set(kept)).toEqual(new Set([0, Math.fround(4 / 3)]));
  expect(kept.filter((v) => v === 0).length / kept.length).toBeCloseTo(0.25, 1);
  expect(new Dropout(0).forward(ones)).toBe(ones);
  expect(new Set(new Dropout(1).forward(ones).toTypedArray())).toEqual(new Set([0]));
});

describe.each([
  { name: "SGD", make: (m: Sequential) => new SGD(m.parameters(), { lr: 0.1 }) },
  {
    name: "SGD, Nesterov",
    make: (m: Sequential) =>
      new SGD(m.parameters(), { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  },
  { name: "Adam", make: (m: Sequential) => new Adam(m.parameters(), { lr: 0.01 }) },
  { name: "AdamW", make: (m: Sequential) => new AdamW(m.parameters()) },
])("$name", ({ make }) => {
  test("lowers the loss", () => {
    const model = network();
    const step = trainer(model, make(model));
    const first = step(x, y).item();
    let last = first;
    for (let k = 0; k < 60; k++) last = step(x, y).item();
    expect(last).toBeLessThan(first);
  });

  test("a run resumed from its bytes goes on with identical bits", () => {
    const model = network();
    const original = make(model);
    const step = trainer(model, original);
    for (let k = 0; k < 5; k++) step(x, y);
    original.lr = 0.05;
    const bytes = saveSafetensors(
      joinStates({
        model: model.stateDict(),
        optimizer: original.stateDict(),
        random: random.stateDict(),
      }),
    );
    const onwards = Array.from({ length: 5 }, () => step(x, y).item());
    const final = hex(saveSafetensors(model.stateDict()));

    random.seed(99);
    const copy = network();
    const resumed = make(copy);
    const parts = splitStates(loadSafetensors(bytes));
    copy.loadStateDict(parts.model ?? {});
    resumed.loadStateDict(parts.optimizer ?? {});
    random.loadStateDict(parts.random ?? {});
    const again = trainer(copy, resumed);
    expect(Array.from({ length: 5 }, () => again(x, y).item())).toEqual(onwards);
    expect(hex(saveSafetensors(copy.stateDict()))).toBe(final);
  });
});

test("both builds train to the same bytes", () => {
  const run = (): string => {
    random.seed(3);
    const model = network();
    const step = trainer(model, new Adam(model.parameters(), { lr: 0.02 }));
    for (let k = 0; k < 20; k++) step(x, y);
    return hex(saveSafetensors(model.stateDict()));
  };
  const a = run();
  init({ backend: ts });
  expect(run()).toBe(a);
});

test("loading copies in place, after checking everything", () => {
  const model = network();
  const predict = compile((a: Tensor) => model.forward(a));
  model.eval();
  predict(x);
  const other = network().eval();
  const state = other.stateDict();
  const before = model.stateDict();
  const broken = {
    ...state,
    "6.bias": { shape: [4], dtype: "F32", data: new Float32Array(4) },
  } as typeof state;
  expect(() => model.loadStateDict(broken)).toThrow(
    'loadStateDict: shape of "6.bias" differs: got [4], expected [3]',
  );
  const { "6.bias": _, ...missing } = state;
  expect(() => model.loadStateDict({ ...missing, extra: state["6.bias"] as never })).toThrow(
    "loadStateDict: keys differ: missing [6.bias], unexpected [extra]",
  );
  const typed = {
    ...state,
    "6.bias": { shape: [3], dtype: "F64", data: new Float64Array(3) },
  } as typeof state;
  expect(() => model.loadStateDict(typed)).toThrow(
    'loadStateDict: dtype of "6.bias" differs: got F64, expected F32',
  );
  expect(model.stateDict()).toEqual(before);
  model.loadStateDict(state);
  expect(predict(x).toArray()).toEqual(compile((a: Tensor) => other.forward(a))(x).toArray());
});

test("an optimizer's saved state is refused whole when it does not fit", () => {
  const model = new Sequential(new Linear(2, 2), new Sigmoid());
  const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  const step = compile((a: Tensor) => {
    const loss = model.forward(a).sum();
    optimizer.minimize(loss);
    return loss;
  });
  step(tensor([[1, 2]]));
  const state = optimizer.stateDict();
  expect(Object.keys(state)).toEqual([
    "state.0.momentum_buffer",
    "state.1.momentum_buffer",
    "param_groups.0.lr",
    "param_groups.0.momentum",
    "param_groups.0.weight_decay",
  ]);
  const { "param_groups.0.lr": __, ...rest } = state;
  expect(() => optimizer.loadStateDict(rest)).toThrow(
    "loadStateDict: hyper-parameters differ: got [momentum, weight_decay], expected [lr, momentum, weight_decay]",
  );
  const buffer = { shape: [9], dtype: "F32", data: new Float32Array(9) } as const;
  expect(() => optimizer.loadStateDict({ ...state, "state.0.momentum_buffer": buffer })).toThrow(
    RangeError,
  );
  expect(optimizer.stateDict()).toEqual(state);
  const fresh = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  const untouched = fresh.stateDict();
  expect(() => fresh.loadStateDict({ ...state, "state.0.momentum_buffer": buffer })).toThrow(
    'loadStateDict: shape of "state.0.momentum_buffer" differs: got [9], expected [2, 2]',
  );
  expect(fresh.stateDict()).toEqual(untouched);
  fresh.loadStateDict(state);
  expect(fresh.stateDict()).toEqual(state);
});
