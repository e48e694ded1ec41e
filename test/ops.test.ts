/**
 * Every op is a row: in f64 its derivatives are checked against central differences, forward mode
 * against reverse mode (⟨Jv, u⟩ = ⟨v, Jᵀu⟩), first and second order; in f32 both builds must give
 * equal bits for values and gradients.
 */
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  compile,
  grad,
  init,
  jvp,
  mul,
  square,
  stopGradient,
  sum,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
  wasm,
} from "../src/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";
import {
  BOUNDS,
  bitsOf,
  type Check,
  derivativeErrors,
  inputsOf,
  like,
  sizeOf,
} from "./ops/checks.js";
import { nameOf } from "./ops/row.js";
import { rows } from "./ops/rows/index.js";

const named = rows.map((row) => ({ name: nameOf(row), row }));

afterEach(() => init({ backend: wasm }));

describe("derivatives in f64", () => {
  test.each(named.filter(({ row }) => !row.constant))("$name", ({ row }) => {
    for (const [check, error] of Object.entries(derivativeErrors(row)))
      expect(error, check).toBeLessThan(BOUNDS[check as Check]);
  });
});

const special = fc.constantFrom(
  Number.NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  1e-45,
  -1e-40,
  3.4e38,
  1e4,
  -1e4,
  88.7,
  -104,
);
const number = fc.oneof(
  { weight: 4, arbitrary: fc.float({ noNaN: true, min: -8, max: 8 }) },
  { weight: 1, arbitrary: special },
);

describe("equal bits in both builds", () => {
  test.each(named)("$name", ({ row }) => {
    const data = fc.tuple(
      ...row.shapes.map((shape) =>
        fc.array(number, { minLength: sizeOf(shape), maxLength: sizeOf(shape) }),
      ),
    );
    fc.assert(
      fc.property(data, (inputs) => {
        expect(bitsOf(row, inputs, ts)).toEqual(bitsOf(row, inputs, wasm));
      }),
      { numRuns: 15, seed: 1 },
    );
  });
});

describe("bytes planned are bytes written", () => {
  test.each(named.filter(({ row }) => !row.constant))("$name", ({ row }) => {
    const x = inputsOf(row, 1, "f32");
    const step = compile((all: readonly Tensor[]) => {
      const { value, grad: gradients } = valueAndGrad((moving: readonly Tensor[]) =>
        sum(square(row.f(...moving))),
      )(all);
      return [value, ...gradients];
    });
    step(x);
    step.program.poison();
    step(x);
    expect(step.program.bytesWritten()).toBe(step.plan.peakBytes);
    expect(step.callsPerStep).toBe(1);
  });
});

describe("equal bits around every number of lanes", () => {
  const along = named.filter(
    ({ row }) => row.f.length === 1 && String(row.shapes) === "3,5" && !row.constant,
  );
  /** Ops of one input that take any shape, along an axis of 0 to 33. */
  const lengths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 31, 32, 33];
  test.each(along)("$name", ({ row }) => {
    for (const n of lengths) {
      const wide = { ...row, shapes: [[3, n]] };
      const x = inputsOf(wide, n, "f32").map((t) => [...t.toTypedArray()]);
      let here: number[][];
      try {
        here = bitsOf(wide, x, wasm);
      } catch (error) {
        // Written for five columns: refused before anything ran.
        expect(error).toBeInstanceOf(RangeError);
        continue;
      }
      expect(bitsOf(wide, x, ts), `${n} columns`).toEqual(here);
    }
  });
});

test("dropout is linear with one mask in both modes, and random draws have no gradient", () => {
  init({ backend: ts, dtype: "f64" });
  random.seed(4);
  const x = like(tensor(new Array(50).fill(0)), 1);
  const state = random.getState();
  const f = (t: Tensor): Tensor => {
    random.setState(state);
    return random.dropout(t, 0.4);
  };
  const ones = tensor(new Array(50).fill(1));
  const mask = f(ones).toArray();
  expect(vjp(f, x).pullback(ones).toArray()).toEqual(mask);
  expect(jvp(f, x, ones).tangent.toArray()).toEqual(mask);
  expect(grad((t: Tensor) => mul(t, random.uniform([50])).sum())(x).size).toBe(50);
});

test("stopGradient lets nothing through", () => {
  const f = (x: Tensor): Tensor => mul(x, stopGradient(x)).sum();
  expect(grad(f)(tensor([2, 3])).toArray()).toEqual([2, 3]);
});
