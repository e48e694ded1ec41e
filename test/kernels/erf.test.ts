/** erf and gelu in double precision, against which f32 is measured, and the inverse of erf. */
import { describe, expect, test } from "vitest";
import * as double from "../../src/ts/doubleMath.js";
import * as single from "../../src/ts/math.js";

describe("erf in double precision", () => {
  const BITS = 400n;
  const ONE = 1n << BITS;
  /** arctan 1/n */
  const arctan = (n: bigint): bigint => {
    let [sum, term] = [0n, ONE / n];
    for (let k = 1n; term !== 0n; k += 2n, term /= -n * n) sum += term / k;
    return sum;
  };
  const root = (x: bigint): bigint => {
    let y = x;
    for (let next = (y + x / y) / 2n; next < y; next = (y + x / y) / 2n) y = next;
    return y;
  };
  const PI = 16n * arctan(5n) - 4n * arctan(239n);
  /** x = m · 2⁻⁵² as a fixed-point number of 400 bits: 2/√π · Σ (−1)ᵏ x²ᵏ⁺¹ / (k! (2k + 1)) */
  const truth = (m: bigint): bigint => {
    const x = m << (BITS - 52n);
    const square = (x * x) >> BITS;
    let [sum, term] = [0n, x];
    for (let k = 1n; term !== 0n; k++) {
      sum += term / (2n * k - 1n);
      term = -((term * square) >> BITS) / k;
    }
    return (2n * sum * ONE) / root(PI * ONE);
  };

  test("is within 2 ULP of the series in 400 bits", () => {
    let worst = 0;
    for (let i = 1; i < 1300; i++) {
      // Multiples of 2⁻⁵², so that the argument is exact.
      const x = Math.round((i / 200) * 2 ** 45) / 2 ** 45;
      const wanted = truth(BigInt(x * 2 ** 52));
      const got = double.erfOf(x);
      expect(double.erfOf(-x)).toBe(-got);
      const error = Number((BigInt(got * 2 ** 60) << (BITS - 60n)) - wanted) / 2 ** Number(BITS);
      const ulp = 2 ** (Math.floor(Math.log2(got)) - 52);
      worst = Math.max(worst, Math.abs(error) / ulp);
    }
    expect(worst).toBeLessThan(2);
  });

  test("keeps its relative accuracy at 0", () => {
    expect(double.erfOf(1e-300)).toBe(1e-300 * (2 / Math.sqrt(Math.PI)));
    expect(double.erfOf(-0)).toBe(-0);
    expect(double.erfOf(Infinity)).toBe(1);
    expect(double.erfOf(NaN)).toBeNaN();
  });
});

describe("gelu in double precision", () => {
  // Computed with 60 digits from erfc.
  test.each([
    [-30.5, -3.973960635193133e-203, -1.2120552074078686e-201],
    [-14.25, -3.1940038815884367e-45, -4.551240017521502e-44],
    [-8, -4.976768459417427e-15, -3.979607261086796e-14],
    [-5, -1.4332578593959695e-6, -7.146946001792295e-6],
    [-2.5, -0.015524163314440337, -0.03761108590814521],
    [-0.75, -0.16997051428265114, 0.0007742782607648957],
    [-0.001, -0.000499601057786089, 0.4992021157051586],
    [0.001, 0.000500398942213911, 0.5007978842948414],
    [0.3, 0.1853734266566858, 0.7323277668271099],
    [3, 2.99595030590511, 1.011945647204184],
    [8.5, 8.5, 1.0000000000000007],
  ])("at %d", (x, value, slope) => {
    expect(Math.abs(double.geluOf(x) / value - 1)).toBeLessThan(1e-15);
    // The terms of the derivative cancel at −0.75.
    expect(Math.abs(double.geluSlopeOf(x) - slope)).toBeLessThan(2e-15 * Math.abs(slope) + 2e-16);
  });
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
