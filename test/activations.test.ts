/** Activations far out and at infinities, fused against their decompositions, and as modules. */
import { afterEach, describe, expect, test } from "vitest";
import * as c from "../src/index.js";
import { grad, init, jvp, type Tensor, tensor, vjp, wasm } from "../src/index.js";
import * as nn from "../src/nn/index.js";
import { ts } from "../src/pure.js";

afterEach(() => init({ backend: wasm }));

const geluTanh = (x: Tensor): Tensor => c.gelu(x, { approximate: "tanh" });
const all = {
  relu: c.relu,
  leakyRelu: (x: Tensor) => c.leakyRelu(x),
  elu: (x: Tensor) => c.elu(x),
  gelu: (x: Tensor) => c.gelu(x),
  geluTanh,
  silu: c.silu,
  softplus: c.softplus,
  logSigmoid: c.logSigmoid,
  softsign: c.softsign,
  mish: c.mish,
  hardtanh: (x: Tensor) => c.hardtanh(x),
  relu6: c.relu6,
  hardSigmoid: c.hardSigmoid,
  hardSwish: c.hardSwish,
  sigmoid: c.sigmoid,
  tanh: c.tanh,
};
const first = (f: (x: Tensor) => Tensor) => grad((x: Tensor) => f(x).sum());

describe.each([
  { name: "wasm f32", backend: wasm, dtype: "f32" },
  { name: "ts f64", backend: ts, dtype: "f64" },
] as const)("in $name", ({ backend, dtype }) => {
  const far = [1e4, -1e4, 1e18, -1e18, 1e20, -1e20, 1e38, -1e38, 90, -90, 30, -30];

  test.each(Object.entries(all))("%s far out has derivatives that are numbers", (_, f) => {
    init({ backend, dtype });
    const x = tensor(far);
    const slope = first(f)(x).toTypedArray();
    const curvature = first(first(f))(x).toTypedArray();
    for (const [i, at] of far.entries()) {
      expect(f(x).toTypedArray()[i], `at ${at}`).not.toBeNaN();
      expect(slope[i], `at ${at}`).not.toBeNaN();
      expect(curvature[i], `at ${at}`).not.toBeNaN();
    }
  });

  test.each(["gelu", "geluTanh", "silu", "mish", "softplus", "hardSwish", "elu"] as const)(
    "%s is x far above 0, and its limit far below",
    (name) => {
      init({ backend, dtype });
      const below = { elu: -1 }[name as string] ?? 0;
      const [x, slope] = [tensor([1e4, -1e4]), first(all[name])(tensor([1e4, -1e4])).toArray()];
      expect(all[name](x).add(0).toArray()).toEqual([1e4, below]);
      expect(slope).toEqual([1, expect.closeTo(0, 12)]);
    },
  );

  test("at infinities", () => {
    init({ backend, dtype });
    const x = tensor([Infinity, -Infinity]);
    const slopes = Object.fromEntries(
      (["gelu", "geluTanh", "silu", "hardSwish"] as const).map((name) => [
        name,
        first(all[name])(x).add(0).toArray(),
      ]),
    );
    const limits = [1, 0];
    expect(slopes).toEqual({ gelu: limits, geluTanh: limits, silu: limits, hardSwish: limits });
    expect(c.hardSwish(x).toArray()).toEqual([Infinity, 0]);
    // As in PyTorch: −Infinity · 0.
    for (const f of [c.silu, all.gelu, geluTanh])
      expect(f(x).toArray()).toEqual([Infinity, Number.NaN]);
  });
});

test("softplus and logSigmoid keep what is added to x", () => {
  init({ backend: ts, dtype: "f64" });
  expect(c.softplus(tensor([25])).item() - 25).toBeCloseTo(Math.exp(-25), 14);
  expect(c.softplus(tensor([-40])).item()).toBe(Math.log1p(Math.exp(-40)));
  expect(c.logSigmoid(tensor([40])).item()).toBe(-Math.log1p(Math.exp(-40)));
});

/** The function and its decomposition into basic ops, taken from the op itself. */
function decomposed(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return (x) => {
    const { node } = f(x);
    return node.op.decomposition?.(node.inputs, node.attrs)[0] as Tensor;
  };
}

describe.each([
  ["silu", c.silu],
  ["gelu", all.gelu],
  ["gelu by tanh", geluTanh],
] as const)("%s", (_, f) => {
  const x = Array.from({ length: 241 }, (_, i) => (i - 120) / 10);

  test("and its gradients, fused, are those of the decomposition", () => {
    init({ backend: ts, dtype: "f64" });
    const g = decomposed(f);
    const at = tensor(x);
    for (const [fused, basic] of [
      [f, g],
      [first(f), first(g)],
      [first(first(f)), first(first(g))],
    ] as const) {
      const [a, b] = [fused(at).toTypedArray(), basic(at).toTypedArray()];
      for (const i of a.keys())
        expect(Math.abs((a[i] as number) - (b[i] as number)), `at ${x[i]}`).toBeLessThan(2e-14);
    }
  });

  test("takes one instruction forward and one backward", () => {
    const step = c.compile((t: Tensor) => {
      const { value, pullback } = vjp(f, t);
      return [value, pullback(t)];
    });
    step(tensor(x));
    expect(step.plan.instructions.length).toBe(2);
  });

  test("forward mode is the same instruction", () => {
    const [at, v] = [tensor(x), tensor(x.map((_, i) => 1 + (i % 3)))];
    expect(jvp(f, at, v).tangent.toArray()).toEqual(vjp(f, at).pullback(v).toArray());
  });
});

test.each<[nn.Module & { forward(x: Tensor): Tensor }, (x: Tensor) => Tensor]>([
  [new nn.ReLU(), c.relu],
  [new nn.LeakyReLU(), (x) => c.where(c.gt(x, 0), x, x.mul(0.01))],
  [new nn.LeakyReLU(0.2), (x) => c.leakyRelu(x, 0.2)],
  [new nn.ELU(), (x) => c.elu(x, 1)],
  [new nn.GELU(), (x) => c.gelu(x, { approximate: "none" })],
  [new nn.GELU({ approximate: "tanh" }), geluTanh],
  [new nn.SiLU(), c.silu],
  [new nn.Mish(), c.mish],
  [new nn.Softplus(), c.softplus],
  [new nn.Softsign(), c.softsign],
  [new nn.LogSigmoid(), c.logSigmoid],
  [new nn.Hardtanh(), (x) => c.hardtanh(x, -1, 1)],
  [new nn.ReLU6(), c.relu6],
  [new nn.Hardsigmoid(), c.hardSigmoid],
  [new nn.Hardswish(), c.hardSwish],
  [new nn.Sigmoid(), c.sigmoid],
  [new nn.Tanh(), c.tanh],
])("module %#", (module, f) => {
  const x = tensor([-7, -3, -0.5, 0, 0.5, 2, 8]);
  expect(module.forward(x).toArray()).toEqual(f(x).toArray());
  expect(module.parameters()).toEqual([]);
});

test("methods are the functions", () => {
  const x = tensor([-7, -0.5, 0, 2]);
  const mask = x.gt(0);
  const pairs: [Tensor, Tensor][] = [
    [x.clamp(0), c.clamp(x, 0)],
    [x.clamp(undefined, 1), c.minimum(x, 1)],
    [x.hardtanh(-2), c.hardtanh(x, -2, 1)],
    [x.relu6(), c.relu6(x)],
    [x.mish(), c.mish(x)],
    [x.logSigmoid(), c.logSigmoid(x)],
    [x.softsign(), c.softsign(x)],
    [x.hardSigmoid(), c.hardSigmoid(x)],
    [x.hardSwish(), c.hardSwish(x)],
    [x.gelu({ approximate: "tanh" }), geluTanh(x)],
    [x.maskedFill(mask, 9), c.maskedFill(x, mask, 9)],
    [mask.logicalNot(), x.le(0)],
    [mask.logicalAnd(x.lt(1)), c.logicalAnd(mask, x.lt(1))],
    [mask.logicalOr(x.lt(-1)), c.logicalOr(mask, x.lt(-1))],
  ];
  for (const [method, free] of pairs) expect(method.toArray()).toEqual(free.toArray());
});
