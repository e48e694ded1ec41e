/** Recurrent networks, attention, norms and embeddings: keys, formulas, gradients. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  compile,
  grad,
  gradCheck,
  hvp,
  init,
  jvp,
  mul,
  square,
  sum,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import {
  BatchNorm2d,
  crossEntropy,
  Embedding,
  Flatten,
  GRU,
  GroupNorm,
  LayerNorm,
  Linear,
  LSTM,
  ModuleList,
  MultiheadAttention,
  RMSNorm,
  RNN,
  Sequential,
  scaledDotProductAttention,
} from "../src/nn/index.js";
import { Adam } from "../src/optim/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";

beforeEach(() => {
  init({ backend: ts, dtype: "f64" });
  random.seed(1);
});
afterEach(() => init({ backend: wasm }));

type Masks = Parameters<typeof scaledDotProductAttention>[3];
type Matrix = readonly (readonly number[])[];
const at = (
  state: Record<string, { shape: readonly number[]; data: ArrayLike<number | bigint> }>,
  key: string,
): Matrix => {
  const { shape, data } = state[key] as { shape: readonly number[]; data: ArrayLike<number> };
  const [rows = 1, cols = 1] = shape.length === 1 ? [shape[0], 1] : shape;
  return Array.from({ length: rows as number }, (_, r) =>
    Array.from({ length: cols as number }, (_, c) => data[r * (cols as number) + c] as number),
  );
};
const affine = (w: Matrix, b: Matrix, x: readonly number[]): number[] =>
  w.map((row, r) => row.reduce((s, v, c) => s + v * (x[c] as number), b[r]?.[0] as number));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** One step of each cell by hand: gates from input and hidden, the state → the next state. */
const cells = {
  RNN: (i: number[], h: number[], [_]: number[][]) => [
    i.map((v, k) => Math.tanh(v + (h[k] as number))),
  ],
  GRU: (i: number[], h: number[], [old = []]: number[][]) => {
    const n = i.length / 3;
    return [
      old.map((value, k) => {
        const r = sigmoid((i[k] as number) + (h[k] as number));
        const z = sigmoid((i[n + k] as number) + (h[n + k] as number));
        const next = Math.tanh((i[2 * n + k] as number) + r * (h[2 * n + k] as number));
        return (1 - z) * next + z * value;
      }),
    ];
  },
  LSTM: (i: number[], h: number[], [, c = []]: number[][]) => {
    const n = i.length / 4;
    const gate = (g: number, k: number): number =>
      (i[g * n + k] as number) + (h[g * n + k] as number);
    const cell = c.map(
      (old, k) => sigmoid(gate(1, k)) * old + sigmoid(gate(0, k)) * Math.tanh(gate(2, k)),
    );
    return [cell.map((v, k) => sigmoid(gate(3, k)) * Math.tanh(v)), cell];
  },
};

describe.each([
  ["RNN", RNN, 1],
  ["GRU", GRU, 1],
  ["LSTM", LSTM, 2],
] as const)("%s", (name, Kind, states) => {
  const x = [
    [
      [0.1, -0.4],
      [0.7, 0.2],
    ],
    [
      [-0.3, 0.5],
      [1, -1],
    ],
    [
      [0.2, 0.9],
      [0, 0.3],
    ],
  ];

  test("is the formula, step by step, both ways", () => {
    const model = new Kind(2, 3, { bidirectional: true });
    const state = model.stateDict() as never;
    const { output, hidden } = model.forward(tensor(x));
    const rows = output.toArray() as number[][][];
    for (const [direction, suffix] of ["", "_reverse"].entries())
      for (const example of [0, 1]) {
        let now: number[][] = Array.from({ length: states }, () => [0, 0, 0]);
        for (const step of direction ? [2, 1, 0] : [0, 1, 2]) {
          const i = affine(
            at(state, `weight_ih_l0${suffix}`),
            at(state, `bias_ih_l0${suffix}`),
            x[step]?.[example] as number[],
          );
          const h = affine(
            at(state, `weight_hh_l0${suffix}`),
            at(state, `bias_hh_l0${suffix}`),
            now[0] as number[],
          );
          now = cells[name](i, h, now);
          for (const k of [0, 1, 2])
            expect(rows[step]?.[example]?.[3 * direction + k]).toBeCloseTo(
              now[0]?.[k] as number,
              12,
            );
        }
        expect((hidden.toArray() as number[][][])[direction]?.[example]?.[0]).toBeCloseTo(
          now[0]?.[0] as number,
          12,
        );
      }
  });

  test("has PyTorch's keys and shapes; gradients are right; batch first is a transpose", () => {
    const model = new Kind(2, 3, { numLayers: 2, batchFirst: true });
    const gates = { RNN: 1, GRU: 3, LSTM: 4 }[name];
    expect(Object.entries(model.stateDict()).map(([key, { shape }]) => [key, shape])).toEqual(
      [0, 1].flatMap((layer) => [
        [`weight_ih_l${layer}`, [gates * 3, layer === 0 ? 2 : 3]],
        [`weight_hh_l${layer}`, [gates * 3, 3]],
        [`bias_ih_l${layer}`, [gates * 3]],
        [`bias_hh_l${layer}`, [gates * 3]],
      ]),
    );
    expect(gradCheck((t: Tensor) => model.forward(t).output, tensor(x)).passed).toBe(true);
    expect(model.forward(tensor(x)).output.shape).toEqual([3, 2, 3]);
    expect(model.parameters().length).toBe(8);
  });
});

test("a recurrent step is one call, and its program does not depend on JS per step", () => {
  init({ backend: wasm });
  const model = new LSTM(2, 4);
  const head = new Linear(4, 3);
  const optimizer = new Adam([...model.parameters(), ...head.parameters()], { lr: 0.05 });
  const step = compile((x: Tensor, labels: Tensor) => {
    const { output } = model.forward(x);
    const loss = crossEntropy(head.forward(output).reshape([-1, 3]), labels);
    optimizer.minimize(loss);
    return loss;
  });
  const x = random.uniform([5, 2, 2]);
  const labels = tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], { dtype: "i32" });
  const first = step(x, labels).item();
  for (let k = 0; k < 60; k++) step(x, labels);
  expect(step(x, labels).item()).toBeLessThan(first / 2);
  expect(step.callsPerStep).toBe(1);
});

describe("attention", () => {
  const [q, k, v] = [
    [
      [1, 0],
      [0, 1],
      [1, 1],
    ],
    [
      [1, 2],
      [0, 1],
      [2, 0],
    ],
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  ];
  const reference = (allowed: (i: number, j: number) => boolean): number[][] =>
    (q as number[][]).map((row, i) => {
      const scores = (k as number[][]).map((key, j) =>
        allowed(i, j)
          ? Math.exp(
              ((row[0] as number) * (key[0] as number) + (row[1] as number) * (key[1] as number)) /
                Math.SQRT2,
            )
          : 0,
      );
      const total = scores.reduce((a, b) => a + b);
      return [0, 1].map((c) =>
        scores.reduce((s, w, j) => s + (w / total) * ((v as number[][])[j]?.[c] as number), 0),
      );
    });
  const close = (got: unknown, want: number[][]): void => {
    for (const [i, row] of want.entries())
      for (const [j, x] of row.entries()) expect((got as number[][])[i]?.[j]).toBeCloseTo(x, 12);
  };

  test("is the formula; causal and masked", () => {
    const [Q, K, V] = [tensor(q as number[][]), tensor(k as number[][]), tensor(v as number[][])];
    close(
      scaledDotProductAttention(Q, K, V).toArray(),
      reference(() => true),
    );
    close(
      scaledDotProductAttention(Q, K, V, { causal: true }).toArray(),
      reference((i, j) => j <= i),
    );
    const mask = tensor([[true, false, true]]);
    close(
      scaledDotProductAttention(Q, K, V, { mask, causal: true }).toArray(),
      reference((i, j) => j <= i && j !== 1),
    );
  });

  test("causal is the mask of what came before, in every derivative", () => {
    const before = tensor([
      [true, false, false],
      [true, true, false],
    ]);
    const u = random.normal([2, 2]);
    const [Q, K, V] = [random.normal([2, 2]), random.normal([3, 2]), random.normal([3, 2])];
    const values = (masks: Masks): number[] => {
      const f = (x: Tensor): Tensor =>
        sum(mul(square(scaledDotProductAttention(x, K, V, masks)), u));
      const { tangent } = jvp((x: Tensor) => grad(f)(x) as Tensor, Q, u);
      return [f(Q), grad(f)(Q), tangent, hvp(f, Q, u)].flatMap((t) => [
        ...(t as Tensor).toTypedArray(),
      ]);
    };
    const wanted = values({ mask: before });
    for (const [i, value] of values({ causal: true }).entries())
      expect(value).toBeCloseTo(wanted[i] as number, 10);
  });

  test("a later token changes nothing before it", () => {
    const model = new MultiheadAttention(4, 2, { batchFirst: true });
    const x = random.normal([2, 5, 4]);
    const changed = x.add(tensor([0, 0, 0, 0, 9]).reshape([5, 1]));
    const run = (t: Tensor): number[][][] =>
      model.forward(t, t, t, { causal: true }).toArray() as number[][][];
    const [a, b] = [run(x), run(changed)];
    expect(b.map((rows) => rows.slice(0, 4))).toEqual(a.map((rows) => rows.slice(0, 4)));
    expect(b).not.toEqual(a);
  });

  test("has PyTorch's keys, and the same result from one tensor or three", () => {
    const model = new MultiheadAttention(4, 2);
    expect(Object.entries(model.stateDict()).map(([key, { shape }]) => [key, shape])).toEqual([
      ["in_proj_weight", [12, 4]],
      ["in_proj_bias", [12]],
      ["out_proj.weight", [4, 4]],
      ["out_proj.bias", [4]],
    ]);
    const x = random.normal([3, 4]);
    const [one, three] = [model.forward(x), model.forward(x, x.mul(1), x.mul(1))].map((y) =>
      y.toTypedArray(),
    );
    for (const [i, value] of (one as Float64Array).entries())
      expect(three?.[i]).toBeCloseTo(value, 12);
    expect(gradCheck((t: Tensor) => model.forward(t), x).passed).toBe(true);
    const turned = new MultiheadAttention(4, 2);
    expect(turned.forward(random.normal([5, 2, 4])).shape).toEqual([5, 2, 4]);
  });

  test("bad input", () => {
    expect(() => new MultiheadAttention(4, 3)).toThrow(
      "MultiheadAttention: heads do not divide the size: got 3 for 4, expected a divisor",
    );
    expect(() => new MultiheadAttention(4, 2).forward(tensor([[1, 2]]))).toThrow(
      "MultiheadAttention: input does not fit: got [1, 2], expected [..., length, 4] of two or three axes",
    );
    expect(() => new GRU(2, 3).forward(tensor([[[1]]]))).toThrow(
      "GRU: input does not fit: got [1, 1, 1], expected [time, batch, 2]",
    );
  });
});

describe("norms and others", () => {
  test.each([
    ["LayerNorm", new LayerNorm(4), ["weight", "bias"], [3, 4]],
    ["RMSNorm", new RMSNorm([4]), ["weight"], [3, 4]],
    ["GroupNorm", new GroupNorm(2, 4), ["weight", "bias"], [3, 4, 2]],
    [
      "BatchNorm2d",
      new BatchNorm2d(4),
      ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"],
      [3, 4, 2, 2],
    ],
    [
      "BatchNorm2d, bare",
      new BatchNorm2d(4, { affine: false, trackRunningStats: false }),
      [],
      [3, 4, 2, 2],
    ],
  ] as const)("%s", (_, model, keys, shape) => {
    init({ backend: wasm });
    expect(Object.keys(model.stateDict())).toEqual(keys);
    const x = random.normal(shape as unknown as number[]);
    const y = model.forward(x);
    expect(y.shape).toEqual(shape);
    if (keys.length !== 1) expect(sum(y).item()).toBeCloseTo(0, 3);
    model.eval();
    expect(model.forward(x).shape).toEqual(shape);
  });

  test("an embedding's padding row stays", () => {
    const table = new Embedding(4, 2, { paddingIdx: 1 });
    const optimizer = new Adam(table.parameters(), { lr: 0.1 });
    optimizer.minimize(
      sum(
        table.forward(
          tensor(
            [
              [1, 2],
              [1, 0],
            ],
            { dtype: "i32" },
          ),
        ),
      ),
    );
    expect((table.weight.toArray() as number[][])[1]).toEqual([0, 0]);
    expect(() => new Embedding(4, 2, { paddingIdx: 4 })).toThrow(
      "Embedding: bad paddingIdx: got 4, expected a whole number from 0 to 3",
    );
  });

  test("lists and flattening name their parameters as PyTorch does", () => {
    const list = new ModuleList([new Linear(2, 2), new Linear(2, 1)]);
    expect(Object.keys(list.stateDict())).toEqual(["0.weight", "0.bias", "1.weight", "1.bias"]);
    expect(() => list.forward()).toThrow(
      "ModuleList: a list has no forward: call those of its modules",
    );
    const net = new Sequential(new Flatten(), new Linear(4, 1));
    expect(net.forward(random.normal([3, 2, 2])).shape).toEqual([3, 1]);
  });
});
