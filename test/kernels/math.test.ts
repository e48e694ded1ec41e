/**
 * The accuracy of our own exp, log, sigmoid, tanh and erfinv, in ULP against the engine's double
 * precision, and the equality of their WebAssembly and TypeScript bits, over every 4,099th pattern
 * of f32: the whole range, subnormals, infinities and NaNs included.
 */
import { describe, expect, test } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import * as double from "../../src/ts/doubleMath.js";
import * as single from "../../src/ts/math.js";
import { onBoth, onWasm } from "./harness.js";

const STRIDE = 4099;
const patterns = Uint32Array.from(
  { length: Math.ceil(2 ** 32 / STRIDE) },
  (_, index) => index * STRIDE,
);
const sweep = new Float32Array(patterns.buffer);

const functions = [
  { name: "exp", opcode: Opcode.Exp, of: single.exp1, truth: Math.exp, ulp: 1 },
  { name: "log", opcode: Opcode.Log, of: single.log1, truth: Math.log, ulp: 1 },
  {
    name: "sigmoid",
    opcode: Opcode.Sigmoid,
    of: single.sigmoid1,
    truth: double.sigmoid1,
    ulp: 2.4,
  },
  { name: "tanh", opcode: Opcode.Tanh, of: single.tanh1, truth: Math.tanh, ulp: 1.3 },
] as const;

/** The distance between neighbouring f32 at the size of a value. */
function ulpOf(value: number): number {
  const size = Math.abs(value);
  if (size < 2 ** -126) return 2 ** -149;
  const exponent = Math.floor(Math.log2(size));
  return 2 ** (Math.min(exponent - (2 ** exponent > size ? 1 : 0), 127) - 23);
}

/** The error of y in ULP; Infinity counts as 2¹²⁸. A NaN is right only where the truth is NaN. */
function errorOf(y: number, truth: number): number {
  if (Number.isNaN(y) || Number.isNaN(truth)) return Object.is(y, truth) ? 0 : Infinity;
  if (Math.fround(truth) === y) return 0;
  const finite = Number.isFinite(y) ? y : Math.sign(y) * 2 ** 128;
  return Math.abs(finite - truth) / ulpOf(truth);
}

describe.each(functions)("$name", ({ opcode, of, truth, ulp }) => {
  const run = (x: Float32Array): Float32Array =>
    onWasm([x, new Float32Array(x.length)], (at, out) => [[opcode, [out, at, x.length]]])
      .buffers[1] as Float32Array;

  test(`is within ${ulp} ULP, and TypeScript gives the same bits`, () => {
    const y = run(sweep);
    let worst = 0;
    let worstAt = 0;
    let different = 0;
    for (let i = 0; i < sweep.length; i++) {
      const x = sweep[i] as number;
      const error = errorOf(y[i] as number, truth(x));
      if (error > worst) [worst, worstAt] = [error, x];
      if (!Object.is(y[i], Math.fround(of(x)))) different++;
    }
    expect(worst, `at ${worstAt}`).toBeLessThanOrEqual(ulp);
    expect(different).toBe(0);
  });

  test("is right at the ends of its range", () => {
    const ends = [
      0,
      -0,
      1,
      -1,
      Infinity,
      -Infinity,
      NaN,
      1e-45,
      -1e-45,
      1e-40,
      1.17549435e-38,
      3.4028235e38,
      -3.4028235e38,
      0.625,
      0.62499994,
      88.72283,
      88.72284,
      89,
      -87.4,
      -103.28,
      -103.97,
      -103.98,
      -104,
      -80,
      44,
      Math.SQRT1_2,
      Math.SQRT1_2 - 2 ** -24,
      Math.SQRT2,
      Math.SQRT2 - 2 ** -23,
    ];
    const x = Float32Array.from(ends);
    const y = run(x);
    x.forEach((value, i) => {
      expect(errorOf(y[i] as number, truth(value)), `at ${value}`).toBeLessThanOrEqual(ulp);
    });
    onBoth([x, new Float32Array(x.length)], (at, out) => [[opcode, [out, at, x.length]]]);
  });
});

test("exact values", () => {
  expect(single.exp1(0)).toBe(1);
  expect(single.exp1(-Infinity)).toBe(0);
  expect(single.log1(1)).toBe(0);
  expect(single.log1(0)).toBe(-Infinity);
  expect(single.log1(-0)).toBe(-Infinity);
  expect(single.log1(-(2 ** -149))).toBeNaN();
  expect(single.sigmoid1(0)).toBe(0.5);
  expect(single.sigmoid1(-Infinity)).toBe(0);
  expect(single.sigmoid1(-80)).toBe(single.exp1(-80));
  expect(single.tanh1(-0)).toBe(-0);
  expect(single.tanh1(2 ** -149)).toBe(2 ** -149);
  expect(single.tanh1(Infinity)).toBe(1);
});

describe("erfinv", () => {
  // Computed with 60 digits by Newton's method on the series of erf.
  test.each([
    [1e-10, 8.862269254527581e-11],
    [0.1, 0.08885599049425769],
    [0.5, 0.4769362762044699],
    [0.9, 1.1630871536766743],
    [0.99, 1.8213863677184494],
    [0.9990234375, 2.331467773621948],
    [0.9999999403953552, 3.832506856900711],
    [0.9999999999990905, 5.05125408524939],
  ])("of %d in double precision", (x, truth) => {
    expect(Math.abs(double.erfinv1(x) - truth) / truth).toBeLessThan(2e-15);
    expect(double.erfinv1(-x)).toBe(-double.erfinv1(x));
  });

  test("in single precision is within 4e-7", () => {
    let worst = 0;
    for (let i = 1; i < 2 ** 24; i += 61) {
      const x = i * 2 ** -23 - 0.9999999403953552;
      const truth = double.erfinv1(x);
      worst = Math.max(worst, Math.abs(single.erfinv1(x) - truth) / Math.abs(truth));
    }
    expect(worst).toBeLessThan(4e-7);
  });
});
