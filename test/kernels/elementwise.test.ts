/**
 * Elementwise kernels: WebAssembly and TypeScript give the same bits, and those of the formula of
 * the contract.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import * as double from "../../src/ts/doubleMath.js";
import * as singleGelu from "../../src/ts/gelu.js";
import * as single from "../../src/ts/math.js";
import * as wideMath from "../../src/ts/wideMath.js";
import * as wideTrig from "../../src/ts/wideTrig.js";
import { bits, onBoth, onDouble } from "./harness.js";

const LENGTHS = [0, 1, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 100];

/**
 * Pairs of neighbours meet in the binary kernels too: ties, signed zeros, infinities against NaN.
 */
const SPECIAL = [
  0,
  -0,
  1,
  -1,
  NaN,
  Infinity,
  -Infinity,
  1e-45,
  -1e-45,
  1.1754942e-38,
  -1.1754942e-38,
  3.4028235e38,
  -3.4028235e38,
  0.5,
  2,
  -2,
  0.1,
  -0.3,
  88.5,
  -88.5,
  1e-20,
  1e20,
  -1e20,
  3,
  7,
  -7,
];

/** Special values, each `shift` places on. */
const special = (n: number, shift = 0): Float32Array =>
  Float32Array.from(
    { length: n },
    (_, i) => SPECIAL[(i * (1 + shift) + shift) % SPECIAL.length] as number,
  );

/** One operation in either precision: `F` is Math.fround or nothing. */
type Rounding = (x: number) => number;
const exact: Rounding = (x) => x;
const wide = { ...wideMath, ...wideTrig };
const twin = (F: Rounding): typeof double | typeof wide => (F === exact ? double : wide);

const gelu = (F: Rounding): typeof double | typeof singleGelu =>
  F === exact ? double : singleGelu;
const sigmoid = (x: number, F: Rounding): number => (F === exact ? double : single).sigmoid1(x);

const unary: [string, Opcode, ((x: number, F: Rounding) => number) | undefined][] = [
  ["neg", Opcode.Neg, (x) => -x],
  ["sqrt", Opcode.Sqrt, (x, F) => F(Math.sqrt(x))],
  // Not Math.max, which would make −0 into 0.
  ["relu", Opcode.Relu, (x) => (x < 0 ? 0 : x)],
  // The accuracy of these is measured in math.test.ts.
  ["exp", Opcode.Exp, undefined],
  ["log", Opcode.Log, undefined],
  ["sigmoid", Opcode.Sigmoid, undefined],
  ["tanh", Opcode.Tanh, undefined],
  ["log1p", Opcode.Log1p, undefined],
  ["expm1", Opcode.Expm1, undefined],
  ["sin", Opcode.Sin, undefined],
  ["cos", Opcode.Cos, undefined],
  ["tan", Opcode.Tan, undefined],
  ["sinh", Opcode.Sinh, undefined],
  ["cosh", Opcode.Cosh, undefined],
  ["atan", Opcode.Atan, undefined],
  ["erf", Opcode.Erf, undefined],
  ["silu", Opcode.Silu, (x, F) => F(x * sigmoid(x, F))],
  ["gelu", Opcode.Gelu, (x, F) => gelu(F).geluOf(x)],
  ["geluTanh", Opcode.GeluTanh, (x, F) => gelu(F).geluTanhOf(x)],
];

describe.each(unary)("%s", (_, opcode, formula) => {
  test.each(LENGTHS)("n = %d", (n) => {
    const x = special(n);
    const [, y, inPlace] = onBoth([x, new Float32Array(n), x], (at, out, same) => [
      [opcode, [out, at, n]],
      [opcode, [same, same, n]],
    ]).buffers as [Float32Array, Float32Array, Float32Array];
    expect(bits(inPlace)).toEqual(bits(y));
    if (formula === undefined) return;
    expect(bits(y)).toEqual(bits(x.map((value) => formula(value, Math.fround))));
    const double = onDouble([x, new Float32Array(n)], (at, out) => [[opcode, [out, at, n]]]);
    expect(double.buffers[1]).toEqual(Float64Array.from(x, (value) => formula(value, exact)));
  });
});

type Formula = (a: number, b: number, F: Rounding) => number;

const backward: [string, Opcode, Formula][] = [
  ["sigmoidBackward", Opcode.SigmoidBackward, (y, dy, F) => F(F(dy * F(1 - y)) * y)],
  ["tanhBackward", Opcode.TanhBackward, (y, dy, F) => F(dy * F(1 - F(y * y)))],
  ["reluBackward", Opcode.ReluBackward, (y, dy) => (y <= 0 ? 0 : dy)],
  [
    "siluBackward",
    Opcode.SiluBackward,
    (x, dy, F) => {
      const c = Math.max(-800, Math.min(x, 800));
      const s = sigmoid(c, F);
      return F(dy * F(s * F(1 + F(c * F(1 - s)))));
    },
  ],
  ["geluBackward", Opcode.GeluBackward, (x, dy, F) => F(dy * gelu(F).geluSlopeOf(x))],
  ["geluTanhBackward", Opcode.GeluTanhBackward, (x, dy, F) => F(dy * gelu(F).geluTanhSlopeOf(x))],
];

describe.each(backward)("%s", (_, opcode, formula) => {
  test.each(LENGTHS)("n = %d", (n) => {
    const y = special(n);
    const dy = special(n, 1);
    const outcome = onBoth([y, dy, new Float32Array(n), y, dy], (a, b, out, sameY, sameDy) => [
      [opcode, [out, a, b, n]],
      [opcode, [sameY, sameY, b, n]],
      [opcode, [sameDy, a, sameDy, n]],
    ]);
    const expected = bits(y.map((value, i) => formula(value, dy[i] as number, Math.fround)));
    for (const index of [2, 3, 4])
      expect(bits(outcome.buffers[index] as Float32Array)).toEqual(expected);
    const double = onDouble([y, dy, new Float32Array(n)], (a, b, out) => [
      [opcode, [out, a, b, n]],
    ]);
    expect(double.buffers[2]).toEqual(
      Float64Array.from(y, (value, i) => formula(value, dy[i] as number, exact)),
    );
  });
});

test.each(LENGTHS)("geluForward: gelu and its slope, n = %d", (n) => {
  const x = special(n);
  const none = new Float32Array(n);
  const outcome = onBoth([x, none, none, x, none, none, x], (a, y, s, sameY, s2, y2, sameS) => [
    [Opcode.GeluForward, [y, s, a, n]],
    [Opcode.GeluForward, [sameY, s2, sameY, n]],
    [Opcode.GeluForward, [y2, sameS, sameS, n]],
  ]);
  for (const index of [1, 3, 5])
    expect(bits(outcome.buffers[index] as Float32Array)).toEqual(bits(x.map(singleGelu.geluOf)));
  for (const index of [2, 4, 6])
    expect(bits(outcome.buffers[index] as Float32Array)).toEqual(
      bits(x.map(singleGelu.geluSlopeOf)),
    );
  const wider = onDouble([x, none, none], (a, y, s) => [[Opcode.GeluForward, [y, s, a, n]]]);
  expect(wider.buffers[1]).toEqual(Float64Array.from(x, double.geluOf));
  expect(wider.buffers[2]).toEqual(Float64Array.from(x, double.geluSlopeOf));
});

const binary: [string, Opcode, Formula][] = [
  ["add", Opcode.Add, (a, b, F) => F(a + b)],
  ["sub", Opcode.Sub, (a, b, F) => F(a - b)],
  ["mul", Opcode.Mul, (a, b, F) => F(a * b)],
  ["div", Opcode.Div, (a, b, F) => F(a / b)],
  ["maximum", Opcode.Maximum, (a, b) => Math.max(a, b)],
  ["minimum", Opcode.Minimum, (a, b) => Math.min(a, b)],
  ["equal", Opcode.Equal, (a, b) => (a === b ? 1 : 0)],
  ["maximumShare", Opcode.MaximumShare, (a, b) => (a === b ? 0.5 : a < b ? 0 : 1)],
  ["pow", Opcode.Pow, (a, b, F) => twin(F).powOf(a, b)],
  ["atan2", Opcode.Atan2, (a, b, F) => twin(F).atan2Of(a, b)],
  ["hypot", Opcode.Hypot, (a, b, F) => twin(F).hypotOf(a, b)],
];

/** Row and column strides of an operand that has `cols` columns. */
const layouts: [string, (cols: number) => readonly [rs: number, cs: number]][] = [
  ["full", (cols) => [cols, 1]],
  ["row", () => [0, 1]],
  ["column", () => [1, 0]],
  ["scalar", () => [0, 0]],
  ["gapped rows", (cols) => [cols + 3, 1]],
  ["gapped column", () => [5, 0]],
];

/** The elements that an operand of these strides spans. */
const span = (rows: number, cols: number, [rs, cs]: readonly [number, number]): number =>
  rows === 0 || cols === 0 ? 1 : (rows - 1) * rs + (cols - 1) * cs + 1;

interface Case {
  readonly opcode: Opcode;
  readonly formula: Formula;
  readonly rows: number;
  readonly cols: number;
  readonly strides: readonly [readonly [number, number], readonly [number, number]];
  readonly a: Float32Array;
  readonly b: Float32Array;
}

function check({ opcode, formula, rows, cols, strides, a, b }: Case): void {
  const [[rsA, csA], [rsB, csB]] = strides;
  const shape = [rows, cols, rsA, csA, rsB, csB];
  const out = new Float32Array(rows * cols);
  const expected = (F: Rounding): number[] =>
    Array.from(out, (_, i) => {
      const [r, c] = [Math.floor(i / cols), i % cols];
      return formula(a[r * rsA + c * csA] as number, b[r * rsB + c * csB] as number, F);
    });
  const run = onBoth([a, b, out], (atA, atB, at) => [[opcode, [at, atA, atB, ...shape]]]);
  const inSingle = bits(Float32Array.from(expected(Math.fround)));
  expect(bits(run.buffers[2] as Float32Array)).toEqual(inSingle);
  const double = onDouble([a, b, out], (atA, atB, at) => [[opcode, [at, atA, atB, ...shape]]]);
  expect(double.buffers[2]).toEqual(Float64Array.from(expected(exact)));
  if (rows * cols === 0) return;
  if (rsA === cols && csA === 1) {
    const inPlace = onBoth([a, b], (atA, atB) => [[opcode, [atA, atA, atB, ...shape]]]);
    expect(bits(inPlace.buffers[0] as Float32Array)).toEqual(inSingle);
  }
  if (rsB === cols && csB === 1) {
    const inPlace = onBoth([a, b], (atA, atB) => [[opcode, [atB, atA, atB, ...shape]]]);
    expect(bits(inPlace.buffers[1] as Float32Array)).toEqual(inSingle);
  }
}

describe.each(binary)("%s", (_, opcode, formula) => {
  test.each(LENGTHS)("one row of %d", (cols) => {
    const strides = [
      [cols, 1],
      [cols, 1],
    ] as const;
    check({
      opcode,
      formula,
      rows: 1,
      cols,
      strides,
      a: special(cols || 1),
      b: special(cols || 1, 2),
    });
  });

  test.each(layouts.flatMap((a) => layouts.map((b) => [a[0], b[0], a[1], b[1]] as const)))(
    "%s with %s",
    (_a, _b, layoutA, layoutB) => {
      for (const [rows, cols] of [
        [0, 3],
        [3, 0],
        [1, 1],
        [9, 1],
        [1, 9],
        [2, 4],
        [3, 10],
        [5, 3],
        [7, 17],
      ] as const) {
        const strides = [layoutA(cols), layoutB(cols)] as const;
        const [a, b] = [
          special(span(rows, cols, strides[0])),
          special(span(rows, cols, strides[1]), 3),
        ];
        check({ opcode, formula, rows, cols, strides, a, b });
      }
    },
  );
});

test("binary kernels of any size, strides and values", () => {
  const size = fc.integer({ min: 1, max: 40 });
  const strides = fc.tuple(fc.integer({ min: 0, max: 45 }), fc.integer({ min: 0, max: 1 }));
  const value = fc.oneof(fc.float(), fc.constantFrom(...SPECIAL.map(Math.fround)));
  const values = fc.array(value, { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(
      fc.constantFrom(...binary),
      size,
      size,
      strides,
      strides,
      values,
      values,
      ([, opcode, formula], rows, cols, stridesA, stridesB, valuesA, valuesB) => {
        const tile = (v: readonly number[], n: number): Float32Array =>
          Float32Array.from({ length: n }, (_, i) => v[i % v.length] as number);
        const a = tile(valuesA, span(rows, cols, stridesA));
        const b = tile(valuesB, span(rows, cols, stridesB));
        check({ opcode, formula, rows, cols, strides: [stridesA, stridesB], a, b });
      },
    ),
    { numRuns: 300 },
  );
});
