/** Random expressions: every mode, every way of running, every build must agree. */
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import * as c from "../src/index.js";
import {
  add,
  type Backend,
  checkpoint,
  compile,
  grad,
  init,
  jvp,
  mul,
  sub,
  sum,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
  wasm,
} from "../src/index.js";
import { ts } from "../src/pure.js";
import { like, sizeOf, stream } from "./ops/checks.js";

afterEach(() => init({ backend: wasm }));

/** One op on what there is already: which, on what, along which axis. All are taken modulo. */
interface Step {
  readonly op: number;
  readonly a: number;
  readonly b: number;
  readonly axis: number;
}
interface Expression {
  readonly shapes: readonly (readonly number[])[];
  readonly steps: readonly Step[];
}

type Apply = (a: Tensor, b: Tensor, axis: number) => Tensor;

/** An axis of x, or one that is added when there is none. */
const withAxis = (x: Tensor): Tensor => (x.rank === 0 ? x.expandDims(0) : x);
const at = (x: Tensor, axis: number): number => axis % x.rank;
/** b as it broadcasts against a: whole when it does, else its sum. */
const fitting = (a: Tensor, b: Tensor): Tensor => {
  const fits = b.shape.every((n, k) => {
    const m = a.shape[a.rank - b.rank + k];
    return n === 1 || n === m;
  });
  return fits && b.rank <= a.rank ? b : b.mean();
};
const square2 = (x: Tensor): Tensor => (x.rank < 2 ? x.reshape([1, x.size]) : x);

/** Smooth, and of moderate size for operands of moderate size. */
const ops: readonly Apply[] = [
  (a) => c.tanh(a),
  (a) => c.sigmoid(a),
  (a) => c.sin(a),
  (a) => c.cos(a),
  (a) => c.softplus(a),
  (a) => c.gelu(a),
  (a) => c.exp(c.tanh(a)),
  (a) => c.log(c.softplus(a).add(0.1)),
  (a) => c.sqrt(c.square(a).add(0.5)),
  (a) => c.atan(a),
  (a) => c.erf(a),
  (a) => c.silu(a),
  (a, b) => add(a, fitting(a, b)),
  (a, b) => sub(a, fitting(a, b)),
  (a, b) => mul(a, c.tanh(fitting(a, b))),
  (a, b) => c.div(a, c.softplus(fitting(a, b)).add(0.5)),
  (a, _, axis) => withAxis(a).mean(at(withAxis(a), axis)),
  (a, _, axis) =>
    withAxis(a)
      .sum(at(withAxis(a), axis), true)
      .mul(0.3),
  (a, _, axis) => withAxis(a).softmax(at(withAxis(a), axis)),
  (a, _, axis) => withAxis(a).logSumExp(at(withAxis(a), axis)),
  (a) => c.variance(a),
  (a) => a.transpose(),
  (a, _, axis) => withAxis(a).flip(at(withAxis(a), axis)),
  (a, _, axis) =>
    withAxis(a).slice(
      withAxis(a).shape.map((n, k) => (k === at(withAxis(a), axis) ? [0, Math.ceil(n / 2)] : null)),
    ),
  (a, _, axis) => c.concat([withAxis(a), c.tanh(withAxis(a))], at(withAxis(a), axis)),
  (a, _, axis) =>
    withAxis(a)
      .cumsum(at(withAxis(a), axis))
      .mul(0.5),
  (a) => c.matmul(square2(a), c.tanh(square2(a)).swapAxes(-1, -2)).mul(0.3),
  (a, b) => c.outer(a.reshape([a.size]), c.tanh(b.reshape([b.size])).slice([[0, 3]])).mean(1),
  (a, b) => c.where(c.gt(fitting(a, b).add(0), 9e9), a, c.mul(a, 0.7)),
];

const MOST = 200;

/** The expression's value, a scalar: the mean of everything that was computed. */
function evaluate({ steps }: Expression, inputs: readonly Tensor[]): Tensor {
  const made = [...inputs];
  for (const { op, a, b, axis } of steps) {
    const apply = ops[op % ops.length] as Apply;
    const result = apply(made[a % made.length] as Tensor, made[b % made.length] as Tensor, axis);
    if (result.size > 0 && result.size <= MOST && result.rank <= 4) made.push(result);
  }
  return made
    .slice(inputs.length)
    .reduce((total, x) => add(total, x.mean()), made[0]?.sum() as Tensor);
}

const nat = fc.nat({ max: 1000 });
const expression: fc.Arbitrary<Expression> = fc.record({
  shapes: fc.array(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }), {
    minLength: 1,
    maxLength: 3,
  }),
  steps: fc.array(fc.record({ op: nat, a: nat, b: nat, axis: nat }), {
    minLength: 1,
    maxLength: 12,
  }),
});

function inputsOf({ shapes }: Expression, dtype: "f32" | "f64", seed = 1): Tensor[] {
  const next = stream(seed);
  return shapes.map((shape) =>
    tensor(
      Array.from({ length: sizeOf(shape) }, () => Math.fround(next(-1.5, 1.5))),
      { shape, dtype },
    ),
  );
}

const dot = (a: readonly Tensor[], b: readonly Tensor[]): number =>
  a.reduce((total, x, i) => total + sum(mul(x, b[i] as Tensor)).item(), 0);
const bits = (tensors: readonly Tensor[]): number[][] =>
  tensors.map((t) => [...new Uint32Array((t.toTypedArray() as Float32Array).buffer)]);

test("reverse = forward = finite differences", () => {
  fc.assert(
    fc.property(expression, (e) => {
      init({ backend: ts, dtype: "f64" });
      const x = inputsOf(e, "f64");
      const v = x.map((xi, i) => like(xi, 7 + i));
      const f = (all: readonly Tensor[]): Tensor => evaluate(e, all);
      const reverse = dot(vjp(f, x).pullback(tensor(1, { dtype: "f64" })) as Tensor[], v);
      const forward = jvp(f, x, v).tangent.item();
      const h = 1e-5;
      const moved = (sign: number): number =>
        f(x.map((xi, i) => add(xi, mul(v[i] as Tensor, sign * h)))).item();
      const numeric = (moved(1) - moved(-1)) / (2 * h);
      const scale = Math.max(1, Math.abs(numeric));
      expect(Math.abs(reverse - forward) / scale).toBeLessThan(1e-11);
      expect(Math.abs(reverse - numeric) / scale).toBeLessThan(1e-7);
    }),
    { numRuns: 150, seed: 1 },
  );
});

test("reverse over forward = forward over reverse", () => {
  fc.assert(
    fc.property(expression, (e) => {
      init({ backend: ts, dtype: "f64" });
      const x = inputsOf(e, "f64");
      const v = x.map((xi, i) => like(xi, 7 + i));
      const f = (all: readonly Tensor[]): Tensor => evaluate(e, all);
      const one = c.hvp(f, x, v);
      const two = grad((all: readonly Tensor[]) => jvp(f, all, v).tangent)(x);
      for (const [i, a] of one.entries()) {
        const b = two[i] as Tensor;
        const difference = a.sub(b).abs().max().item();
        expect(difference / Math.max(1, a.abs().max().item())).toBeLessThan(1e-10);
      }
    }),
    { numRuns: 40, seed: 2 },
  );
});

/** Bits of the value and the gradients. */
function run(
  e: Expression,
  backend: Backend,
  how: "plain" | "compiled" | "recomputed",
): number[][] {
  init({ backend });
  const x = inputsOf(e, "f32");
  const f = (all: readonly Tensor[]): Tensor => evaluate(e, all);
  const g = how === "recomputed" ? checkpoint(f) : f;
  const both = (all: readonly Tensor[]): Tensor[] => {
    const { value, grad: gradients } = valueAndGrad(g)(all);
    return [value, ...gradients];
  };
  return bits(how === "plain" ? both(x) : compile(both)(x));
}

test("compiled = uncompiled = recomputed, and WebAssembly = TypeScript, to the bit", () => {
  fc.assert(
    fc.property(expression, (e) => {
      const want = run(e, wasm, "plain");
      for (const backend of [wasm, ts])
        for (const how of ["plain", "compiled", "recomputed"] as const)
          expect(run(e, backend, how), `${backend.name}, ${how}`).toEqual(want);
    }),
    { numRuns: 60, seed: 3 },
  );
});

test("the gradient of a sum is the sum of the gradients", () => {
  fc.assert(
    fc.property(
      expression,
      fc.array(fc.record({ op: nat, a: nat, b: nat, axis: nat }), { minLength: 1, maxLength: 6 }),
      (e, steps) => {
        init({ backend: ts, dtype: "f64" });
        const x = inputsOf(e, "f64");
        const f = (all: readonly Tensor[]): Tensor => evaluate(e, all);
        const g = (all: readonly Tensor[]): Tensor => evaluate({ ...e, steps }, all);
        const whole = grad((all: readonly Tensor[]) => add(f(all), g(all)))(x);
        const [one, two] = [grad(f)(x), grad(g)(x)];
        for (const [i, got] of whole.entries()) {
          const want = add(one[i] as Tensor, two[i] as Tensor);
          const difference = got.sub(want).abs().max().item();
          expect(difference / Math.max(1, want.abs().max().item())).toBeLessThan(1e-12);
        }
      },
    ),
    { numRuns: 60, seed: 4 },
  );
});
