/** Transforms together: with layers, optimizers, refusals, empty axes. */
import { expect, test } from "vitest";
import * as c from "../src/index.js";
import * as nn from "../src/nn/index.js";
import { Adam } from "../src/optim/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";

const { tensor } = c;
test("per-example parameter gradients", () => {
  const layer = new nn.Linear(3, 2);
  const x = random.normal([4, 3]);
  const y = tensor([0, 1, 1, 0], { dtype: "i32" });
  const each = (t: c.Tensor, labels: c.Tensor): c.Tensor[] =>
    c.vmap(
      (a: c.Tensor, b: c.Tensor) =>
        c.gradients(nn.crossEntropy(layer.forward(a), b), layer.parameters()) as c.Tensor[],
    )(t, labels);
  for (const f of [each, c.compile(each)]) {
    const [dw, db] = f(x, y) as [c.Tensor, c.Tensor];
    expect([dw.shape, db.shape]).toEqual([
      [4, 2, 3],
      [4, 2],
    ]);
    const whole = c.gradients(
      nn.crossEntropy(layer.forward(x), y, { reduction: "sum" }),
      layer.parameters(),
    );
    const a = dw.sum(0).toTypedArray(),
      b = (whole[0] as c.Tensor).toTypedArray();
    for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i] as number, 5);
  }
});
test("empty vmap", () => {
  expect(c.vmap((a: c.Tensor) => a.square().sum())(c.zeros([0, 3])).shape).toEqual([0]);
  expect(
    c.grad((x: c.Tensor) =>
      c
        .vmap((a: c.Tensor) => a.square())(x)
        .sum(),
    )(c.zeros([0, 3])).shape,
  ).toEqual([0, 3]);
});
test("captured constant mapped, scalar results, conv", () => {
  const w = random.normal([2, 1, 3, 3]);
  const f = c.compile((x: c.Tensor) =>
    c.vmap((img: c.Tensor) => c.conv2d(img.expandDims(0), w).sum())(x),
  );
  const x = random.normal([3, 1, 5, 5]);
  const a = f(x).toArray() as number[];
  const b = c.conv2d(x, w).sum([1, 2, 3]).toArray() as number[];
  for (const i of [0, 1, 2]) expect(a[i]).toBeCloseTo(b[i] as number, 4);
});
test("training inside compile with checkpoint and several minimize", () => {
  random.seed(1);
  const run = (wrap: boolean) => {
    random.seed(1);
    const net = new nn.Sequential(
      new nn.Linear(4, 8),
      new nn.BatchNorm1d(8),
      new nn.GELU(),
      new nn.Dropout(0.2),
      new nn.Linear(8, 3),
    );
    const opt = new Adam(net.parameters(), { lr: 0.01 });
    const step = c.compile((x: c.Tensor, y: c.Tensor) => {
      const f = (t: c.Tensor) => net.forward(t);
      const loss = nn.crossEntropy((wrap ? c.checkpoint(f) : f)(x), y);
      opt.minimize(loss);
      return loss;
    });
    const x = random.normal([6, 4]);
    const y = tensor([0, 1, 2, 0, 1, 2], { dtype: "i32" });
    random.setState({ seed: [0, 5], run: 0 });
    return [
      ...Array.from({ length: 5 }, () => step(x, y).item()),
      Object.values(net.stateDict()).map(({ data }) =>
        Array.from(data as ArrayLike<number>, Number),
      ),
    ];
  };
  expect(run(true)).toEqual(run(false));
});
test("hessian of network wrt parameters as inputs in ts f64; jvp of vmap of jvp", () => {
  c.init({ backend: ts, dtype: "f64" });
  const x = random.normal([3]);
  const g = (x: c.Tensor) =>
    c
      .vmap((s: c.Tensor) => c.derivative(c.sin, 2)(s.mul(s)))(x)
      .sum();
  const r = c.gradCheck(g, x);
  expect(r.passed).toBe(true);
  const h = c.gradCheck((t: c.Tensor) => c.jacobian((a: c.Tensor) => c.softmax(a))(t), x);
  expect(h.passed).toBe(true);
  c.init({ backend: c.wasm });
});
test("repeat with refusal", () => {
  const t = c.parameter([
    [1, 2],
    [3, 4],
  ]);
  expect(() =>
    c
      .vmap((i: c.Tensor) => c.embedding(t, i))(tensor([0, 5], { dtype: "i32" }))
      .toArray(),
  ).toThrow("embedding: index 5 at position 0");
  expect(
    c
      .vmap((i: c.Tensor) => c.embedding(t, i))(tensor([0, 1], { dtype: "i32" }))
      .toArray(),
  ).toEqual([
    [1, 2],
    [3, 4],
  ]);
});
test("minimize inside vmap refused", () => {
  const w = c.parameter([1, 2]);
  const o = new Adam([w]);
  expect(() =>
    c.compile((x: c.Tensor) =>
      c.vmap((a: c.Tensor) => {
        const l = w.mul(a).sum();
        o.minimize(l);
        return l;
      })(x),
    )(tensor([1, 2])),
  ).toThrow("assigned once for each index");
  expect(() =>
    c.vmap((a: c.Tensor) => {
      const l = w.mul(a).sum();
      o.minimize(l);
      return l;
    })(tensor([1, 2])),
  ).toThrow();
});
