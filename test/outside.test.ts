/**
 * Outside `compile`: ops record, reading runs, effects ride on what is read, updates run at once.
 */
import { afterEach, describe, expect, test } from "vitest";
import {
  assign,
  compile,
  grad,
  gradients,
  init,
  type Parameter,
  parameter,
  stopGradient,
  type Tensor,
  tensor,
  vjp,
  wasm,
} from "../src/index.js";
import { BatchNorm1d, crossEntropy, Linear, Sequential, Sigmoid } from "../src/nn/index.js";
import { Adam, AdamW, type Optimizer, SGD } from "../src/optim/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";

afterEach(() => init({ backend: wasm }));

const x2 = tensor([1, 2]);
const named = (value: number): Parameter => parameter([value], { name: "w" });

/** How often `fn` entered the backend. */
function runs(fn: () => unknown): number {
  const before = wasm.calls;
  fn();
  return wasm.calls - before;
}

describe("reading", () => {
  test("runs once what it needs, then keeps the value and drops the graph", () => {
    const y = x2.mul(3);
    const z = y.exp().log().add(y);
    expect(runs(() => z.mul(2))).toBe(0);
    expect(runs(() => z.toArray())).toBe(1);
    expect(runs(() => [z.toArray(), z.toTypedArray(), z.add(0)])).toBe(0);
    expect([z.node.inputs, y.node.inputs]).toEqual([[], [x2, y.node.inputs[1]]]);
    const copy = z.toTypedArray();
    copy.fill(0);
    expect(z.sub(y).toArray()).toEqual(y.toArray());
  });

  test("long chains need no stack", () => {
    const chain = (x: Tensor): Tensor => {
      let y = x;
      for (let k = 0; k < 100_000; k++) y = y.neg();
      return y;
    };
    expect(grad((x: Tensor) => chain(x).sum())(x2).toArray()).toEqual([1, 1]);
  });

  test("a value may be read and used again: broadcast, in a transform, before its pullback", () => {
    const rows = x2.broadcastTo([2, 2]);
    rows.toArray();
    expect(
      rows
        .mul(
          tensor([
            [1, 2],
            [3, 4],
          ]),
        )
        .toArray(),
    ).toEqual([
      [1, 4],
      [3, 8],
    ]);
    const squares = (x: Tensor): Tensor => {
      const wide = x.mul(2).broadcastTo([3, 2]);
      wide.toArray();
      return wide.mul(wide).sum();
    };
    expect(grad(squares)(x2).toArray()).toEqual([24, 48]);
    const { value, pullback } = vjp((x: Tensor) => x.exp().mul(x), x2);
    const before = pullback(tensor([1, 1])).toArray();
    value.toArray();
    expect(pullback(tensor([1, 1])).toArray()).toEqual(before);
    expect(grad((x: Tensor) => x.mul(stopGradient(x.mul(x))).sum())(x2).toArray()).toEqual([1, 4]);
  });

  test("draws are made when recorded, whatever is read first", () => {
    random.seed(7);
    const expected = [random.normal([3]), random.normal([3])].map((draw) => draw.toArray());
    random.seed(7);
    const [a, b] = [random.normal([3]), random.normal([3])];
    expect([b.toArray(), a.toArray()]).toEqual(expected.reverse());
  });

  const writers: [string, (p: Parameter) => unknown][] = [
    ["assign", (p) => assign(p, tensor([5]))],
    ["assign of a parameter", (p) => assign(p, named(5))],
    ["a compiled step", (p) => compile((x: Tensor) => void assign(p, x.reshape([1])))(5)],
    ["an optimizer", (p) => new SGD([p], { lr: 1 }).minimize(p.sum().mul(-4))],
  ];
  test.each(writers)("after %s wrote its parameter: an error that names both", (_, write) => {
    const p = named(1);
    const held = p.mul(2);
    const own = p.add(1);
    write(p);
    const stale = (name: string): Error =>
      new Error(
        `${name}: Tensor(f32[1]) reads Parameter(w: f32[1]), which was written after it was ` +
          "recorded: got version 1, expected 0; read it before the update, or record it again",
      );
    expect(() => held.item()).toThrow(stale("mul"));
    expect(() => own.item()).toThrow(stale("add"));
    expect([p.item(), p.mul(2).item()]).toEqual([5, 10]);
    // An effect's own read of what it assigns is taken when it commits.
    assign(p, own);
    expect([own.item(), p.item()]).toEqual([6, 6]);
  });
});

describe("effects", () => {
  const batch = tensor([1, 2, 3, 6], { shape: [4, 1] });
  const statistics = (norm: BatchNorm1d): unknown[] =>
    [norm.runningMean, norm.runningVar, norm.numBatchesTracked].map((p) => p?.item());
  /** Running statistics after `count` batches of mean 3 and unbiased variance 14/3. */
  const moved = (count: number): unknown[] => {
    let [mean, variance] = [0, 1];
    const f = Math.fround;
    const [rest, batchVar] = [f(0.9), f(f(3.5) * f(0.4 / 3))];
    for (let k = 0; k < count; k++) {
      mean = f(f(mean * rest) + f(3 * f(0.1)));
      variance = f(f(variance * rest) + batchVar);
    }
    return [mean, variance, count];
  };

  test("running statistics ride on the output, and commit once", () => {
    const norm = new BatchNorm1d(1);
    const y = norm.forward(batch);
    expect(statistics(norm)).toEqual(moved(0));
    y.mul(2).toArray();
    expect(statistics(norm)).toEqual(moved(1));
    for (const again of [y, y, y.add(1), y.sum()]) again.toArray();
    expect(statistics(norm)).toEqual(moved(1));
  });

  test("two forwards before a read follow one another, in one program or in two", () => {
    for (const together of [true, false]) {
      const norm = new BatchNorm1d(1);
      const [a, b] = [norm.forward(batch), norm.forward(batch.mul(1))];
      if (together) expect(runs(() => a.add(b).toArray())).toBe(1);
      else for (const y of [b, a]) y.toArray();
      expect(statistics(norm)).toEqual(moved(2));
    }
  });

  test("never read, never run; refused, not lost", () => {
    const norm = new BatchNorm1d(1);
    norm.forward(batch);
    const y = norm.forward(batch);
    const labels = tensor([0, 0, 0, 1], { dtype: "i32" });
    expect(() => crossEntropy(y, labels).item()).toThrow(RangeError);
    expect(statistics(norm)).toEqual(moved(0));
    y.toArray();
    expect(statistics(norm)).toEqual(moved(1));
  });

  test("assign: when the value is computed; at once if it is known", () => {
    const [p, q] = [parameter([1]), parameter([10])];
    const value = assign(p, q.add(1));
    expect(p.item()).toBe(1);
    expect(value.mul(2).item()).toBe(22);
    expect(p.item()).toBe(11);
    assign(p, tensor([3]));
    expect(value.item()).toBe(11);
    expect(p.item()).toBe(3);
    assign(p, q);
    assign(q, tensor([4]));
    expect([p.item(), q.item()]).toEqual([10, 4]);
    expect(assign(p, p.add(q)).item()).toBe(14);
    expect(p.item()).toBe(14);
  });
});

describe("updates", () => {
  test("minimize runs at once, in one program, and the loss keeps its value", () => {
    const p = parameter([3]);
    const loss = p.square().sum();
    const optimizer = new SGD([p], { lr: 0.25 });
    expect(runs(() => optimizer.minimize(loss))).toBe(1);
    expect(runs(() => expect([loss.item(), p.item()]).toEqual([9, 1.5]))).toBe(0);
    expect(() => optimizer.minimize(loss)).toThrow(
      "minimize: the loss was read before: got a value without its graph, " +
        "expected minimize(loss) first; the loss keeps its value",
    );
    expect(p.item()).toBe(1.5);
  });

  test("a path that was dropped is an error, not a missing gradient", () => {
    const [p, teacher] = [named(2), parameter([5])];
    const optimizer = new SGD([p], { lr: 0.5 });
    const step = compile((x: Tensor) => x.mul(p));
    const seen = p.mul(3);
    seen.item();
    expect(() => optimizer.minimize(seen.mul(p).sum())).toThrow(
      "gradients: the graph behind Tensor(f32[1]) was dropped when its value was read: got no path to",
    );
    // What a compiled function returned is data, as from a teacher network.
    const [fromStep] = gradients(
      step(tensor([3]))
        .mul(p)
        .sum(),
      [p],
    );
    expect(fromStep?.item()).toBe(6);
    // What others depend on is a constant, and so is everything captured.
    const target = teacher.mul(2);
    target.item();
    optimizer.minimize(p.mul(target).sum());
    expect(p.item()).toBe(-3);
    compile(() => optimizer.minimize(p.mul(seen).sum()))();
    expect(p.item()).toBe(-6);
  });

  test("a loss of an earlier value is an error", () => {
    const p = named(2);
    const [one, other] = [p.square().sum(), p.mul(2).sum()];
    const optimizer = new SGD([p], { lr: 0.5 });
    optimizer.minimize(one);
    expect(() => optimizer.minimize(other)).toThrow(
      "gradients: Tensor(f32[]) reads Parameter(w: f32[1]), which was written after it was " +
        "recorded: got version 1, expected 0; compute the loss again",
    );
    expect(p.item()).toBe(0);
  });

  test("apply: undefined skips a parameter whole", () => {
    const [p, q] = [parameter([1]), parameter([2])];
    const optimizer = new AdamW([p, q], { lr: 0.5, weightDecay: 0.5 });
    const found = gradients(p.square().sum(), [p, q]);
    expect(found[1]).toBeUndefined();
    expect(runs(() => optimizer.apply(found))).toBe(1);
    expect(p.item()).not.toBe(1);
    expect(q.item()).toBe(2);
    const kept = Object.keys(optimizer.stateDict()).filter((key) => key.startsWith("state."));
    expect(kept).toEqual(["state.0.exp_avg", "state.0.exp_avg_sq", "state.0.step"]);
  });

  const optimizers: [string, (parameters: Parameter[]) => Optimizer][] = [
    ["SGD", (p) => new SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 })],
    ["Adam", (p) => new Adam(p, { lr: 0.01, weightDecay: 0.1 })],
    ["AdamW", (p) => new AdamW(p, { lr: 0.01 })],
  ];
  test.each(optimizers)("%s: the bits of the compiled step, in both builds", (_, make) => {
    const train = (compiled: boolean): unknown => {
      random.seed(2);
      const layers = [new Linear(3, 5), new BatchNorm1d(5), new Sigmoid(), new Linear(5, 3)];
      const model = new Sequential(...layers);
      const optimizer = make(model.parameters());
      const body = (x: Tensor, labels: Tensor): Tensor => {
        const loss = crossEntropy(model.forward(x), labels);
        optimizer.minimize(loss);
        return loss;
      };
      const step = compiled ? compile(body) : body;
      const losses = Array.from({ length: 4 }, (_, k) =>
        step(random.normal([6, 3]), tensor([0, 1, 2, 2, k % 3, 0], { dtype: "i32" })).item(),
      );
      return [losses, model.stateDict(), optimizer.stateDict()];
    };
    const bits = train(true);
    expect(train(false)).toEqual(bits);
    init({ backend: ts });
    expect([train(true), train(false)]).toEqual([bits, bits]);
  });
});

test("f64 in the TypeScript backend; words are moved unchanged in all", () => {
  init({ backend: ts, dtype: "f64" });
  const p = parameter([0.1]);
  const loss = p.exp().sum();
  new SGD([p], { lr: 1 }).minimize(loss);
  expect([p.dtype, loss.dtype, loss.item()]).toEqual(["f64", "f64", Math.exp(0.1)]);
  expect(p.item()).toBe(0.1 - Math.exp(0.1));
  const third = grad((x: Tensor) =>
    grad((y: Tensor) => grad((z: Tensor) => z.tanh().sum())(y).sum())(x).sum(),
  );
  const t = Math.tanh(0.3);
  expect(third(tensor([0.3])).item()).toBeCloseTo((1 - t * t) * (6 * t * t - 2), 14);
  const words = tensor([0x7f800001, -1, -8388607, 5], { shape: [2, 2], dtype: "i32" });
  for (const backend of [ts, wasm]) {
    init({ backend, dtype: backend === ts ? "f64" : "f32" });
    expect([...words.transpose().toTypedArray()]).toEqual([0x7f800001, -8388607, -1, 5]);
    expect([...words.broadcastTo([1, 2, 2]).toTypedArray()]).toEqual([...words.toTypedArray()]);
  }
});
