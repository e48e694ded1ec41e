/**
 * Our own transcendental functions: their error in ULP (`ulp.ts`), the same bits from WebAssembly
 * and TypeScript, special values.
 */
import { describe, expect, test } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import * as double from "../../src/ts/doubleMath.js";
import * as gelu from "../../src/ts/gelu.js";
import * as single from "../../src/ts/math.js";
import * as wide from "../../src/ts/wideMath.js";
import * as trig from "../../src/ts/wideTrig.js";
import { onBoth, onWasm } from "./harness.js";
import { errorOf, functions, type MeasuredFunction, maxUlp, sweep, ulpOf } from "./ulp.js";

const scalars: Record<MeasuredFunction, (x: number) => number> = {
  exp: single.exp1,
  log: single.log1,
  sigmoid: single.sigmoid1,
  tanh: single.tanh1,
  erf: wide.erfOf,
  sin: trig.sinOf,
  cos: trig.cosOf,
  tan: trig.tanOf,
  log1p: wide.log1pOf,
  expm1: wide.expm1Of,
  sinh: wide.sinhOf,
  cosh: wide.coshOf,
  atan: trig.atanOf,
  gelu: gelu.geluOf,
  geluTanh: gelu.geluTanhOf,
};
const names = Object.keys(functions) as MeasuredFunction[];

const run = (opcode: Opcode, x: Float32Array): Float32Array =>
  onWasm([x, new Float32Array(x.length)], (at, out) => [[opcode, [out, at, x.length]]])
    .buffers[1] as Float32Array;

describe.each(names)("%s", (name) => {
  const { opcode, bound } = functions[name];

  test(`is within ${bound} ULP, and TypeScript gives the same bits`, () => {
    let different = 0;
    const { ulp, at } = maxUlp(
      name,
      (x) => {
        const y = run(opcode, x);
        for (const [i, value] of x.entries())
          if (!Object.is(y[i], scalars[name](value))) different++;
        return y;
      },
      { stride: 4099, window: 300 },
    );
    expect(ulp, `at ${at}`).toBeLessThanOrEqual(bound);
    expect(different).toBe(0);
  });
});

test.each([
  { name: "gelu", slope: gelu.geluSlopeOf, truth: double.geluSlopeOf, value: double.geluOf },
  {
    name: "geluTanh",
    slope: gelu.geluTanhSlopeOf,
    truth: double.geluTanhSlopeOf,
    value: double.geluTanhOf,
  },
])(
  "the derivative of $name is within 0.51 ULP of it or its larger term",
  ({ slope, truth, value }) => {
    const centres = [0, 0.75, 4, 10.8, 11, 14.3, 15, Infinity].flatMap((x) => [x, -x]);
    let [worst, at] = [0, 0];
    for (const inputs of sweep(centres, { stride: 4099, window: 300 }))
      for (const x of inputs) {
        const wanted = truth(x);
        const first = x === 0 ? 0.5 : value(x) / x;
        const size = Math.max(...[first, wanted - first, wanted].map(Math.abs)) || 1;
        const exact = Object.is(slope(x), Math.fround(wanted));
        const error = exact ? 0 : Math.abs(slope(x) - wanted) / ulpOf(size);
        if (!(error <= worst)) [worst, at] = [error, x];
      }
    expect(worst, `at ${at}`).toBeLessThan(0.51);
  },
);

test.each<[MeasuredFunction, readonly (readonly [x: number, y: number])[]]>([
  [
    "exp",
    [
      [0, 1],
      [-Infinity, 0],
      [Infinity, Infinity],
      [-104, 0],
      [89, Infinity],
    ],
  ],
  [
    "log",
    [
      [1, 0],
      [0, -Infinity],
      [-0, -Infinity],
      [-(2 ** -149), NaN],
      [Infinity, Infinity],
    ],
  ],
  [
    "sigmoid",
    [
      [0, 0.5],
      [-Infinity, 0],
      [Infinity, 1],
      [-80, single.exp1(-80)],
    ],
  ],
  [
    "tanh",
    [
      [-0, -0],
      [2 ** -149, 2 ** -149],
      [Infinity, 1],
      [-Infinity, -1],
    ],
  ],
  [
    "erf",
    [
      [-0, -0],
      [0, 0],
      [4, 1],
      [-Infinity, -1],
      [2 ** -149, 2 ** -149],
    ],
  ],
  [
    "sin",
    [
      [-0, -0],
      [0, 0],
      [2 ** -149, 2 ** -149],
      [Infinity, NaN],
      [-Infinity, NaN],
    ],
  ],
  [
    "cos",
    [
      [-0, 1],
      [2 ** -149, 1],
      [Infinity, NaN],
      [-Infinity, NaN],
    ],
  ],
  [
    "tan",
    [
      [-0, -0],
      [2 ** -149, 2 ** -149],
      [Infinity, NaN],
    ],
  ],
  [
    "log1p",
    [
      [-0, -0],
      [0, 0],
      [-1, -Infinity],
      [-2, NaN],
      [Infinity, Infinity],
      [1e-30, Math.fround(1e-30)],
    ],
  ],
  [
    "expm1",
    [
      [-0, -0],
      [0, 0],
      [-Infinity, -1],
      [Infinity, Infinity],
      [1e-30, Math.fround(1e-30)],
    ],
  ],
  [
    "sinh",
    [
      [-0, -0],
      [-Infinity, -Infinity],
      [1e-30, Math.fround(1e-30)],
      [90, Infinity],
    ],
  ],
  [
    "cosh",
    [
      [-0, 1],
      [-Infinity, Infinity],
      [90, Infinity],
    ],
  ],
  [
    "gelu",
    [
      [-0, -0],
      [0, 0],
      [-15, -0],
      [-3e38, -0],
      [-Infinity, NaN],
      [15, 15],
      [Infinity, Infinity],
    ],
  ],
  [
    "geluTanh",
    [
      [-0, -0],
      [0, 0],
      [-15, -0],
      [-3e38, -0],
      [-Infinity, NaN],
      [15, 15],
      [Infinity, Infinity],
    ],
  ],
  [
    "atan",
    [
      [-0, -0],
      [Infinity, Math.fround(Math.PI / 2)],
      [-Infinity, -Math.fround(Math.PI / 2)],
    ],
  ],
])("exact values of %s", (name, table) => {
  const x = Float32Array.from([...table.map(([given]) => given), NaN]);
  const outcome = onBoth([x, new Float32Array(x.length)], (at, out) => [
    [functions[name].opcode, [out, at, x.length]],
  ]);
  expect([...(outcome.buffers[1] as Float32Array)]).toEqual([...table.map(([, y]) => y), NaN]);
});

/** Eight pairs a row, so that each lane of a vector is met by each case. */
const onPairs = (opcode: Opcode, a: Float32Array, b: Float32Array): Float32Array =>
  onBoth([a, b, new Float32Array(a.length)], (atA, atB, out) => [
    [opcode, [out, atA, atB, 1, a.length, a.length, 1, a.length, 1]],
  ]).buffers[2] as Float32Array;

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  -2,
  3,
  -3,
  2.5,
  -2.5,
  1e-45,
  -1e-45,
  1e-20,
  1e20,
  -1e20,
  3.4e38,
  16777215,
  -16777215,
  16777216,
  1.0000001,
  0.99999994,
  150.5,
  -150,
  Infinity,
  -Infinity,
  NaN,
].map(Math.fround);

const binary = [
  { name: "pow", opcode: Opcode.Pow, of: wide.powOf, truth: double.powOf },
  { name: "atan2", opcode: Opcode.Atan2, of: trig.atan2Of, truth: double.atan2Of },
  { name: "hypot", opcode: Opcode.Hypot, of: wide.hypotOf, truth: double.hypotOf },
];

describe.each(binary)("$name", ({ opcode, truth }) => {
  test("special values, every pair of them", () => {
    const a = Float32Array.from(NUMBERS.flatMap((x) => NUMBERS.map(() => x)));
    const b = Float32Array.from(NUMBERS.flatMap(() => NUMBERS));
    const y = onPairs(opcode, a, b);
    for (const [i, value] of y.entries())
      expect(
        errorOf(value, truth(a[i] as number, b[i] as number)),
        `${a[i]}, ${b[i]}`,
      ).toBeLessThan(0.51);
  });

  test("is within 0.51 ULP over random pairs of all sizes", () => {
    let state = 1;
    const word = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state ^ (state >>> 15);
    };
    const any = (n: number): Float32Array =>
      new Float32Array(Int32Array.from({ length: n }, word).buffer);
    const near = (n: number): Float32Array =>
      Float32Array.from({ length: n }, () => (word() / 2 ** 31) * 20);
    const n = 2 ** 16;
    for (const [a, b] of [
      [any(n), any(n)],
      [any(n), near(n)],
      [near(n).map(Math.abs), near(n)],
      [near(n).map((x) => 1 + x * 1e-4), near(n).map((x) => x * 1e4)],
    ] as const) {
      const y = onPairs(opcode, a, b);
      let [worst, at] = [0, 0];
      for (const [i, value] of y.entries()) {
        const error = errorOf(value, truth(a[i] as number, b[i] as number));
        if (error > worst) [worst, at] = [error, i];
      }
      expect(worst, `at ${a[at]}, ${b[at]}`).toBeLessThanOrEqual(0.51);
    }
  });
});

test("x² is x · x and √x the square root, to the bit", () => {
  const x = Float32Array.from({ length: 5000 }, (_, i) => Math.fround((i + 1) * 0.37 * 1.01 ** i));
  const twos = new Float32Array(x.length).fill(2);
  const halves = new Float32Array(x.length).fill(0.5);
  expect(onPairs(Opcode.Pow, x, twos)).toEqual(x.map((value) => value * value));
  expect(onPairs(Opcode.Pow, x, halves)).toEqual(x.map(Math.sqrt));
});
