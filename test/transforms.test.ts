/** Transforms: Jacobians, Hessians, repeated derivatives, vmap, checkpoint, rules of one's own. */
import { afterEach, describe, expect, test } from "vitest";
import {
  add,
  checkpoint,
  compile,
  customGrad,
  derivative,
  exp,
  grad,
  gradCheck,
  gradients,
  hessian,
  hvp,
  init,
  jacobian,
  jvp,
  linear,
  matmul,
  mul,
  parameter,
  sigmoid,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
  wasm,
} from "../src/index.js";
import { BatchNorm1d, crossEntropy, Dropout, Linear } from "../src/nn/index.js";
import { SGD } from "../src/optim/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";

afterEach(() => init({ backend: wasm }));

const plus = (a: Tensor, b: Tensor): Tensor => add(a, b);
const numbers = (x: unknown): number[] => [x].flat(9) as number[];
const close = (got: Tensor, want: Tensor | number[], digits = 5): void => {
  const expected = Array.isArray(want) ? want : numbers(want.toArray());
  const found = numbers(got.toArray());
  expect(found.length).toBe(expected.length);
  for (const [i, x] of expected.entries()) expect(found[i]).toBeCloseTo(x, digits);
};

describe("aux outputs", () => {
  test("are handed on", () => {
    const f = (x: Tensor) => [sum(square(x)), { doubled: mul(x, 2), note: "kept" }] as const;
    const { value, grad: g, aux } = valueAndGrad(f, { aux: true })(tensor([1, 2]));
    expect([value.item(), g.toArray(), aux.doubled.toArray(), aux.note]).toEqual([
      5,
      [2, 4],
      [2, 4],
      "kept",
    ]);
    expect(grad(f, { aux: true })(tensor([3])).grad.toArray()).toEqual([6]);
  });
});

describe("jacobian", () => {
  const w = tensor([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const f = (x: Tensor): Tensor => sigmoid(matmul(w, x));

  test.each(["forward", "reverse", undefined] as const)("of a tensor, mode %s", (mode) => {
    const x = tensor([0.1, -0.3]);
    const J = jacobian(f, mode ? { mode } : {})(x);
    expect(J.shape).toEqual([3, 2]);
    const y = f(x).toArray() as number[];
    close(
      J,
      y.flatMap((p, i) => (w.toArray() as number[][])[i]?.map((v) => p * (1 - p) * v) as number[]),
    );
  });

  test("of structures, block by block", () => {
    const g = ({ a, b }: { a: Tensor; b: Tensor }) => ({ y: mul(a, sum(b)), z: [square(b)] });
    const J = jacobian(g)({ a: tensor([1, 2]), b: tensor([3, 4, 5]) });
    expect(J.y.a.toArray()).toEqual([
      [12, 0],
      [0, 12],
    ]);
    expect(J.y.b.shape).toEqual([2, 3]);
    expect((J.z as unknown as { a: Tensor; b: Tensor }[])[0]?.a.toArray()).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect((J.z as unknown as { a: Tensor; b: Tensor }[])[0]?.b.toArray()).toEqual([
      [6, 0, 0],
      [0, 8, 0],
      [0, 0, 10],
    ]);
  });

  test("inside one compiled step, one call, with a tape that does not grow with it", () => {
    const step = compile((x: Tensor) => jacobian((t: Tensor) => softmax(t))(x));
    const at = (n: number): number => {
      expect(step(tensor(new Array(n).fill(0))).shape).toEqual([n, n]);
      expect(step.callsPerStep).toBe(1);
      return step.tape.nodes.length;
    };
    expect(at(20)).toBe(at(5));
    close(step(tensor([0, 0])), [0.25, -0.25, -0.25, 0.25]);
  });
});

describe("second derivatives", () => {
  const rosenbrock = (x: Tensor): Tensor => {
    const [a, b] = x.split(2) as [Tensor, Tensor];
    return sum(add(square(sub(1, a)), mul(square(sub(b, square(a))), 100)));
  };

  test("hessian and hvp agree; reverse over forward too", () => {
    const x = tensor([1.5, 2]);
    const v = tensor([1, -2]);
    const H = hessian(rosenbrock)(x);
    close(H, [1200 * 1.5 ** 2 - 400 * 2 + 2, -600, -600, 200], 2);
    close(hvp(rosenbrock, x, v), matmul(H, v), 1);
    const forwardFirst = grad((t: Tensor) => jvp(rosenbrock, t, v).tangent)(x);
    close(forwardFirst, hvp(rosenbrock, x, v), 1);
  });

  test("of structures", () => {
    const H = hessian(({ a, b }: { a: Tensor; b: Tensor }) => sum(mul(square(a), b)))({
      a: tensor([3]),
      b: tensor([5]),
    });
    expect([H.a.a.item(), H.a.b.item(), H.b.a.item(), H.b.b.item()]).toEqual([10, 6, 6, 0]);
  });

  test("n-th derivatives", () => {
    const x = tensor([0.5, -1]);
    for (const n of [0, 1, 2, 3, 4]) close(derivative(exp, n)(x), exp(x));
    close(derivative((t) => t.mul(t).mul(t), 3)(x), [6, 6]);
    const thrice = grad((t: Tensor) =>
      sum(grad((s: Tensor) => sum(grad((r: Tensor) => sum(tanh(r)))(s)))(t)),
    )(x);
    close(derivative(tanh, 3)(x), thrice);
    expect(() => derivative(exp, -1)).toThrow(
      "derivative: bad order: got -1, expected a whole number ≥ 0",
    );
  });
});

describe("vmap", () => {
  test("per-example gradients add up to the gradient", () => {
    const loss = (w: Tensor, x: Tensor, y: Tensor): Tensor => square(sub(sum(tanh(mul(w, x))), y));
    const [w, x, y] = [
      tensor([0.1, 0.2, 0.3]),
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      tensor([1, -1]),
    ];
    const each = vmap(grad(loss), { inAxes: [null, 0, 0] })(w, x, y) as Tensor[];
    expect(each.map((g) => g.shape)).toEqual([[2, 3], [2, 3], [2]]);
    const whole = grad((t: Tensor) => sum(vmap(loss, { inAxes: [null, 0, 0] })(t, x, y)))(w);
    close(sum(each[0] as Tensor, 0), whole);
    for (const i of [0, 1])
      close(
        (each[0] as Tensor).slice([i]),
        grad((t: Tensor) => loss(t, x.slice([i]), y.slice([i])))(w),
      );
  });

  test("axes, structures, nesting", () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(vmap((t: Tensor) => sum(t), { inAxes: 1 })(x).toArray()).toEqual([5, 7, 9]);
    expect(vmap((t: Tensor) => mul(t, 2), { outAxes: -1 })(x).shape).toEqual([3, 2]);
    const pairs = vmap(({ a }: { a: Tensor }) => ({ s: sum(a), d: [a] }))({ a: x });
    expect([pairs.s.toArray(), (pairs.d[0] as Tensor).shape]).toEqual([
      [6, 15],
      [2, 3],
    ]);
    const outer = vmap((a: Tensor) => vmap((b: Tensor) => mul(a, b))(tensor([1, 10])))(
      tensor([1, 2, 3]),
    );
    expect(outer.toArray()).toEqual([
      [1, 10],
      [2, 20],
      [3, 30],
    ]);
  });

  test("compiled, differentiated forwards, with Parameters and their gradients", () => {
    const layer = new Linear(3, 2);
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const run = compile((t: Tensor) => {
      const y = vmap((row: Tensor) => tanh(layer.forward(row)))(t);
      return [y, ...gradients(sum(y), layer.parameters())] as Tensor[];
    });
    const direct = (t: Tensor): Tensor => tanh(layer.forward(t));
    const [y, dw, db] = run(x);
    close(y as Tensor, direct(x));
    const [ew, eb] = gradients(sum(direct(x)), layer.parameters()) as [Tensor, Tensor];
    close(dw as Tensor, ew);
    close(db as Tensor, eb);
    const v = tensor([
      [1, 0, 0],
      [0, 1, 1],
    ]);
    const mapped = jvp((t: Tensor) => vmap((row: Tensor) => tanh(layer.forward(row)))(t), x, v);
    close(mapped.tangent, jvp(direct, x, v).tangent);
    expect(gradCheck((t: Tensor) => vmap((row: Tensor) => exp(row))(t), x).passed).toBe(true);
  });

  test("random draws differ from index to index, and repeat with the seed", () => {
    const draw = (): unknown => {
      random.seed(9);
      return vmap((t: Tensor) => add(t, random.uniform([2])))(tensor([0, 0, 0])).toArray();
    };
    const [a, b] = [draw() as number[][], draw()];
    expect(a).toEqual(b);
    expect(new Set(a.flat()).size).toBe(6);
    const masks = vmap((t: Tensor) => random.dropout(t, 0.5))(tensor(new Array(40).fill([1, 1])));
    expect(new Set((masks.toArray() as number[][]).map(String)).size).toBe(4);
  });

  test.each<[string, () => unknown, string]>([
    [
      "lengths",
      () => vmap(plus)(tensor([1]), tensor([1, 2])),
      "vmap: lengths differ: got 2 and 1 along the mapped axes, expected equal ones",
    ],
    [
      "nothing",
      () => vmap((x: Tensor) => x, { inAxes: null })(tensor([1])),
      "vmap: nothing is mapped: got inAxes of null, expected one axis at least",
    ],
    [
      "axis",
      () => vmap((x: Tensor) => x, { inAxes: 1 })(tensor([1])),
      "vmap: axis is out of range: got 1 for Tensor(f32[1]), expected one of its 1",
    ],
    [
      "axes",
      () => vmap(plus, { inAxes: [0] })(tensor([1]), tensor([1])),
      "vmap: number of axes differs: got 1, expected 2, one per argument",
    ],
    [
      "an assignment",
      () =>
        vmap((x: Tensor) => new BatchNorm1d(2).forward(x))(
          tensor([
            [
              [1, 2],
              [3, 5],
            ],
          ]),
        ),
      "is assigned once for each index: got an assignment inside vmap or jacobian, expected it outside",
    ],
  ])("bad input: %s", (_, call, message) => expect(call).toThrow(message));
});

describe("checkpoint", () => {
  const deep =
    (wrap: (f: (x: Tensor) => Tensor) => (x: Tensor) => Tensor, w: Tensor) =>
    (x: Tensor): Tensor => {
      let y = x;
      for (let part = 0; part < 4; part++)
        y = wrap((t) => {
          let h = t;
          for (let k = 0; k < 6; k++) h = tanh(mul(sigmoid(h), add(w, k)));
          return h;
        })(y);
      return sum(square(y));
    };
  const plain = <T>(f: T): T => f;

  test.each([wasm, ts])("gives the same bits with less memory in $name", (backend) => {
    init({ backend });
    const w = parameter(random.uniform([500]));
    const run = (wrap: typeof plain) => {
      const step = compile((x: Tensor) => {
        const { value, grad: g } = valueAndGrad(deep(wrap as never, w))(x);
        return [value, g];
      });
      const x = random.uniform([500]);
      return { step, x };
    };
    const [a, b] = [run(plain), run(checkpoint as never)];
    const [one, two] = [a.step(a.x), b.step(a.x)].map((all) =>
      all.map((t) => [...t.toTypedArray()]),
    );
    expect(two).toEqual(one);
    expect(b.step.plan.peakBytes).toBeLessThan(0.55 * a.step.plan.peakBytes);
    expect(b.step.callsPerStep).toBe(1);
  });

  test("dropout has one mask, running statistics move once", () => {
    random.seed(4);
    const [norm, drop] = [new BatchNorm1d(3), new Dropout(0.5)];
    const block = (x: Tensor): Tensor => drop.forward(norm.forward(x));
    const step = (wrap: boolean) =>
      compile((x: Tensor) =>
        valueAndGrad((t: Tensor) => sum(square((wrap ? checkpoint(block) : block)(t))))(x),
      );
    const x = tensor([
      [1, 2, 3],
      [4, 0, 1],
      [2, 2, 7],
    ]);
    const state = random.getState();
    const want = step(false)(x);
    random.setState(state);
    const got = step(true)(x);
    expect(got.value.item()).toBe(want.value.item());
    expect(got.grad.toArray()).toEqual(want.grad.toArray());
    expect(norm.numBatchesTracked?.item()).toBe(2);
  });

  test("outside compile, at second order, with parameters and captured tensors", () => {
    const w = parameter([0.5, 2]);
    const c = tensor([3, 4]);
    const f = (x: Tensor): Tensor => sum(mul(tanh(mul(x, w)), c));
    const x = tensor([0.2, 0.1]);
    close(grad(checkpoint(f))(x), grad(f)(x));
    close(hvp(checkpoint(f), x, c), hvp(f, x, c));
    close(gradients(checkpoint(f)(x), [w])[0] as Tensor, gradients(f(x), [w])[0] as Tensor);
    expect(gradCheck(checkpoint(f), x).passed).toBe(true);
  });

  test("a bad label inside refuses the step and names itself", () => {
    const w = parameter([[1, 2]]);
    const optimizer = new SGD([w], { lr: 1 });
    const step = compile((labels: Tensor) => {
      const loss = checkpoint((t: Tensor) => crossEntropy(t, labels))(mul(w, 1));
      optimizer.minimize(loss);
      return loss;
    });
    expect(() => step(tensor([2], { dtype: "i32" }))).toThrow(
      "crossEntropy: label 2 at row 0 is out of range",
    );
    expect(w.toArray()).toEqual([[1, 2]]);
    expect(step(tensor([0], { dtype: "i32" })).item()).toBeGreaterThan(0);
  });
});

describe("customGrad", () => {
  const clipped = customGrad((x: Tensor) => mul(x, 1), {
    vjp: (dy) => [dy.clamp(-1, 1)],
    jvp: ([xDot]) => xDot.clamp(-1, 1),
  });

  test("uses the rules, in any order", () => {
    const f = (x: Tensor): Tensor => sum(square(clipped(x)));
    expect(grad(f)(tensor([0.2, 3])).toArray()).toEqual([Math.fround(0.4), 1]);
    expect(hvp(f, tensor([0.2, 3]), tensor([1, 1])).toArray()).toEqual([2, 0]);
    const slope = customGrad((x: Tensor) => exp(x), {
      vjp: (dy, { result }) => [mul(dy, result)],
      jvp: ([xDot], { args: [x] }) => mul(xDot, exp(x)),
    });
    expect(gradCheck(slope, tensor([0.3, 1])).passed).toBe(true);
    close(derivative(slope, 1)(tensor([1])), [Math.E]);
    expect(
      vjp(slope, tensor([0]))
        .pullback(tensor([2]))
        .toArray(),
    ).toEqual([2]);
  });

  test("a wrong rule is seen by gradCheck", () => {
    const wrong = customGrad((x: Tensor) => square(x), {
      vjp: (dy, { args: [x] }) => [mul(dy, x)],
      jvp: ([v], { args: [x] }) => mul(v, mul(x, 2)),
    });
    const report = gradCheck(wrong, tensor([3]));
    expect(report).toMatchObject({ passed: false, worst: { reverse: 3, forward: 6 } });
  });

  test("several arguments in structures, compiled", () => {
    const dot = customGrad(({ a, b }: { a: Tensor; b: Tensor }) => sum(mul(a, b)), {
      vjp: (dy, { args: [{ a, b }] }) => [{ a: mul(b, dy), b: mul(a, dy).mul(10) }],
    });
    const step = compile((a: Tensor, b: Tensor) =>
      grad((p: { a: Tensor; b: Tensor }) => dot(p))({ a, b }),
    );
    const g = step(tensor([1, 2]), tensor([3, 4]));
    expect([g.a.toArray(), g.b.toArray()]).toEqual([
      [3, 4],
      [10, 20],
    ]);
  });

  test("bad rules", () => {
    expect(() => customGrad((x: Tensor) => x, {} as never)).toThrow(
      "customGrad: no rule: got undefined for vjp, expected a function",
    );
    const only = customGrad((x: Tensor) => mul(x, 2), { vjp: () => [tensor([1, 2])] });
    expect(() => grad((x: Tensor) => sum(only(x)))(tensor([1]))).toThrow(
      "customGrad: vjp: tensor 0 does not fit: got f32 [2], expected f32 [1]",
    );
    expect(() => jvp(only, tensor([1]), tensor([1]))).toThrow(
      "customGrad: no rule for forward mode: got a function with vjp alone, expected jvp beside it",
    );
  });
});

test("everything nests: a Hessian by vmap of a checkpointed network, in one call", () => {
  init({ backend: ts, dtype: "f64" });
  const [w1, w2] = [random.normal([3, 2]), random.normal([1, 3])];
  const net = (x: Tensor): Tensor =>
    sum(linear(checkpoint((t: Tensor) => tanh(linear(t, w1)))(x.expandDims(0)), w2));
  const x = random.normal([4, 2]);
  const step = compile((t: Tensor) => vmap(hessian(net))(t));
  const H = step(x);
  expect([H.shape, step.callsPerStep]).toEqual([[4, 2, 2], 1]);
  const plain = (t: Tensor): Tensor => sum(linear(tanh(linear(t.expandDims(0), w1)), w2));
  for (let i = 0; i < 4; i++) close(H.slice([i]), hessian(plain)(x.slice([i])), 10);
});
