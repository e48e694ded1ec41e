import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Activation, Opcode } from "../../assembly/opcodes.js";
import * as double from "../../src/ts/doubleMath.js";
import * as single from "../../src/ts/math.js";
import { bits, type Instruction, onBoth, onDouble } from "./harness.js";

const F = Math.fround;
const KC = 256;

type Form = "AB" | "AtB" | "ABt" | "AtBt" | "gaps" | "gapsBt";
const forms: readonly Form[] = ["AB", "AtB", "ABt", "AtBt", "gaps", "gapsBt"];

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly form: Form;
  readonly alpha?: number;
  readonly beta?: number;
  readonly bias?: boolean;
  readonly activation?: Activation;
  /** Elements between the rows of C, and of y, beyond n. */
  readonly gap?: number;
}

/** [rsA, csA, rsB, csB] of each way that two matrices may lie. */
function stridesOf({ m, n, k, form }: Case): readonly [number, number, number, number] {
  switch (form) {
    case "AB":
      return [k, 1, n, 1];
    case "AtB":
      return [1, m, n, 1];
    case "ABt":
      return [k, 1, 1, k];
    case "AtBt":
      return [1, m, 1, k];
    case "gaps":
      return [2 * k + 1, 2, 3 * n + 2, 3];
    case "gapsBt":
      return [2 * k + 1, 2, 1, k + 3];
  }
}

type Curve = (x: number, y: number) => number;
const itself: Curve = (x) => x;
// Not Math.max, which would make −0 into 0.
const relu: Curve = (x) => (x < 0 ? 0 : x);
const reluBackward: Curve = (dy, y) => (y <= 0 ? 0 : dy);
/** Indexed by `Activation`; the derivatives take dy and y. */
const activations = {
  single: [
    itself,
    relu,
    single.sigmoid1,
    single.tanh1,
    reluBackward,
    (dy: number, y: number) => F(F(dy * F(1 - y)) * y),
    (dy: number, y: number) => F(dy * F(1 - F(y * y))),
  ],
  double: [
    itself,
    relu,
    double.sigmoid1,
    double.tanh1,
    reluBackward,
    (dy: number, y: number) => dy * (1 - y) * y,
    (dy: number, y: number) => dy * (1 - y * y),
  ],
} as const satisfies Record<string, readonly Curve[]>;

const isBackward = ({ activation = 0 }: Case): boolean => activation >= Activation.ReluBackward;

/** The contract, entry by entry, with one rounding function. */
function reference(
  test: Case,
  round: (x: number) => number,
  curves: readonly Curve[],
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  bias: Float32Array,
): number[] {
  const { m, n, k, alpha = 1, beta = 0, gap = 0 } = test;
  const [rsA, csA, rsB, csB] = stridesOf(test);
  const out = Array.from(c);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const at = i * (n + gap) + j;
      let v = beta === 0 ? 0 : round(F(beta) * (c[at] as number));
      for (let pc = 0; pc < k; pc += KC) {
        let s = 0;
        for (let p = pc; p < Math.min(pc + KC, k); p++) {
          const product = (a[i * rsA + p * csA] as number) * (b[p * rsB + j * csB] as number);
          s = round(s + round(product));
        }
        const scaled = round(F(alpha) * s);
        v = pc === 0 && beta === 0 ? scaled : round(v + scaled);
      }
      if (test.bias && !isBackward(test)) v = round(v + (bias[j] as number));
      const y = isBackward(test) ? (bias[at] as number) : 0;
      out[at] = (curves[test.activation ?? 0] as Curve)(v, y);
    }
  }
  return out;
}

/** Numbers of mixed sizes and signs, the same ones for the same seed. */
function numbers(length: number, seed: number): Float32Array {
  let state = seed * 2654435761 + 12345;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function inputs(test: Case): [Float32Array, Float32Array, Float32Array, Float32Array] {
  const { m, n, k, gap = 0 } = test;
  const [rsA, csA, rsB, csB] = stridesOf(test);
  const extent = (rows: number, rs: number, cols: number, cs: number): number =>
    rows && cols ? (rows - 1) * rs + (cols - 1) * cs + 1 : 0;
  return [
    numbers(extent(m, rsA, k, csA), 1),
    numbers(extent(k, rsB, n, csB), 2),
    numbers(extent(m, n + gap, n, 1), 3),
    isBackward(test) ? numbers(extent(m, n + gap, n, 1), 4) : numbers(n, 4),
  ];
}

const program =
  (test: Case) =>
  (...at: number[]): readonly Instruction[] => {
    const [a, b, c, bias, alpha, beta] = at as [number, number, number, number, number, number];
    const { m, n, k, gap = 0 } = test;
    return [
      [
        isBackward(test) ? Opcode.GemmBackward : Opcode.Gemm,
        [
          c,
          a,
          b,
          test.bias || isBackward(test) ? bias : 0,
          m,
          n,
          k,
          n + gap,
          ...stridesOf(test),
          test.alpha === undefined ? 0 : alpha,
          test.beta === undefined ? 0 : beta,
          test.activation ?? Activation.None,
        ],
      ],
    ];
  };

function check(test: Case, [a, b, c, bias] = inputs(test)): void {
  const scalars = [Float32Array.of(test.alpha ?? 1), Float32Array.of(test.beta ?? 0)];
  const buffers = [a, b, c, bias, ...scalars];
  const got = onBoth(buffers, program(test)).buffers[2] as Float32Array;
  const gotBits = bits(got);
  const expected = reference(test, F, activations.single, a, b, c, bias);
  const expectedBits = bits(Float32Array.from(expected));
  // A loop is much faster than toEqual, which then only reports.
  if (gotBits.some((word, i) => word !== expectedBits[i]))
    expect(gotBits, JSON.stringify(test)).toEqual(expectedBits);

  const gotDouble = onDouble(buffers, program(test)).buffers[2] as Float64Array;
  const near = reference(test, (x) => x, activations.double, a, b, c, bias);
  near.forEach((value, i) => {
    const error = Math.abs((gotDouble[i] as number) - value);
    if (error > 1e-12 * Math.max(1, Math.abs(value)))
      expect(gotDouble[i], `f64, ${i}: ${JSON.stringify(test)}`).toBe(value);
  });
}

describe("gemm", () => {
  const sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 17];
  it.each(forms)("gives the contract's bits around the edges of a tile: %s", (form) => {
    for (const m of sizes)
      for (const n of sizes) for (const k of [0, 1, 4, 7]) check({ m, n, k, form });
  });

  it.each(forms)("gives them for every remainder of rows and columns: %s", (form) => {
    for (const m of [1, 2, 3, 4, 5, 6, 7, 11, 13, 66])
      for (let n = 8; n <= 36; n++)
        check({ m, n, k: 1 + ((m * n) % 9), form, bias: n % 2 === 0, gap: n % 3 });
    for (const n of [9, 12, 17, 33])
      for (const activation of [1, 2, 4, 6] as Activation[])
        check({ m: 5 + n, n, k: 258, form, activation, alpha: -0.5, beta: 0.25 });
  });

  it.each(forms)("gives them for one row and for one column: %s", (form) => {
    for (const long of [1, 2, 7, 8, 15, 16, 17, 31, 40, 530])
      for (const k of [0, 1, 6, 257]) {
        check({ m: 1, n: long, k, form, beta: 0.5 });
        for (const gap of [0, 2]) check({ m: long, n: 1, k, form, gap, alpha: 2, beta: -1 });
        check({ m: long, n: 1, k, form, bias: true, activation: Activation.Relu });
        check({ m: long, n: 1, k, form, activation: Activation.TanhBackward });
      }
  });

  it.each(forms)("gives them for one row of each remainder of columns and of k: %s", (form) => {
    for (let n = 1; n <= 35; n++)
      for (const k of [2, 3, 4, 5, 7, 8, 255, 256, 258, 513]) {
        const activation = (n % 7) as Activation;
        check({ m: 1, n, k, form, bias: k % 2 === 0, activation, alpha: -0.5, beta: n % 3 });
      }
    const odd = [Number.NaN, Infinity, -Infinity, 0, -0, 1e-40, -1e-40, 3e38, -3e38, 1];
    for (const n of [4, 15, 16, 33]) {
      const test: Case = { m: 1, n, k: 23, form, bias: true };
      const [a, b, c, bias] = inputs(test);
      for (let i = 3; i < b.length; i += 17) b[i] = odd[i % odd.length] as number;
      check(test, [a, b, c, bias]);
    }
  });

  it.each(forms)(
    "gives them for one term, zeros of both signs and other odd numbers: %s",
    (form) => {
      const odd = [Number.NaN, Infinity, -Infinity, 0, -0, 1e-40, -1e-40, 3e38, -3e38, 1];
      for (const n of [1, 3, 4, 7, 8, 15, 16, 17, 31, 33])
        for (const alpha of [1, -0.5])
          for (const gap of [0, 3]) {
            const test: Case = { m: 10, n, k: 1, form, alpha, gap };
            const [a, b, c, bias] = inputs(test);
            const sources = [a, b].map((x) => x.map((_, i) => odd[i % odd.length] as number));
            check(test, [sources[0] as Float32Array, sources[1] as Float32Array, c, bias]);
          }
    },
  );

  it.each(forms)("adds in blocks of 256 along k: %s", (form) => {
    for (const k of [255, 256, 257, 511, 512, 513, 600])
      check({ m: 6, n: 11, k, form, alpha: 0.3, beta: -1.7, bias: true });
  });

  it.each(forms)("crosses its own blocks of rows and columns: %s", (form) => {
    check({ m: 131, n: 5, k: 19, form });
    check({ m: 3, n: 1033, k: 9, form, beta: 2 });
    check({ m: 133, n: 521, k: 1, form, bias: true, activation: Activation.Relu });
    check({ m: 37, n: 29, k: 261, form });
  });

  it("applies alpha, beta, bias and activation in this order", () => {
    for (const alpha of [undefined, 0, 1, -2.5])
      for (const beta of [undefined, 0, 1, 0.1])
        for (const bias of [false, true])
          for (const activation of [0, 1, 2, 3, 4, 5, 6] as Activation[])
            for (const k of [0, 258])
              check({
                m: 5,
                n: 9,
                k,
                form: "AB",
                bias,
                activation,
                ...(alpha === undefined ? {} : { alpha }),
                ...(beta === undefined ? {} : { beta }),
              });
  });

  it("leaves what lies between the rows of C as it is", () => {
    for (const gap of [1, 3, 8]) {
      check({ m: 7, n: 13, k: 5, form: "AB", gap });
      check({
        m: 8,
        n: 16,
        k: 5,
        form: "ABt",
        gap,
        beta: 1,
        bias: true,
        activation: Activation.Tanh,
      });
      check({ m: 9, n: 21, k: 5, form: "ABt", gap, activation: Activation.ReluBackward });
    }
  });

  it("never reads C when beta is 0", () => {
    for (const k of [0, 3, 300])
      for (const test of [
        { m: 5, n: 9, k, form: "AB" },
        { m: 5, n: 9, k, form: "AB", beta: 0 },
      ] as const) {
        const [a, b, c, bias] = inputs(test);
        check(test, [a, b, c.fill(Number.NaN), bias]);
      }
  });

  it("multiplies NaN, infinities, zeros of both signs and subnormals like any other number", () => {
    const odd = [Number.NaN, Infinity, -Infinity, 0, -0, 1e-40, -1e-40, 3e38, -3e38, 1];
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
      const test: Case = {
        m: 9,
        n: 11,
        k: 6,
        form: "AB",
        beta: 1,
        bias: true,
        activation: (seed % 7) as Activation,
      };
      const [a, b, c, bias] = inputs(test);
      for (const block of [a, b, c, bias])
        for (let i = seed; i < block.length; i += 7 + seed)
          block[i] = odd[(i * seed) % odd.length] as number;
      const scalars = [Float32Array.of(1), Float32Array.of(1)];
      const got = onBoth([a, b, c, bias, ...scalars], program(test)).buffers[2] as Float32Array;
      const expected = reference(test, F, activations.single, a, b, c, bias);
      expect(bits(got)).toEqual(bits(Float32Array.from(expected)));
    }
  });

  it("keeps −0 of beta·C when k = 0", () => {
    const test: Case = { m: 5, n: 9, k: 0, form: "AB", alpha: Infinity, beta: 1 };
    const [a, b, c, bias] = inputs(test);
    check(test, [a, b, c.fill(-0), bias]);
    check({ ...test, beta: 0 }, [a, b, c, bias]);
  });

  it("agrees with the reference on random shapes and scalars", () => {
    const scalar = fc.option(fc.constantFrom(0, 1, -1, 0.5, 3), { nil: undefined });
    const shape = fc.record({
      m: fc.nat(24),
      n: fc.nat(24),
      k: fc.oneof(fc.nat(24), fc.integer({ min: 250, max: 530 })),
      form: fc.constantFrom(...forms),
      gap: fc.nat(3),
      bias: fc.boolean(),
      activation: fc.constantFrom(0, 1, 2, 3, 4, 5, 6),
      alpha: scalar,
      beta: scalar,
    });
    fc.assert(
      fc.property(shape, ({ alpha, beta, ...rest }) => {
        check({
          ...rest,
          ...(alpha === undefined ? {} : { alpha }),
          ...(beta === undefined ? {} : { beta }),
        });
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});

describe("gemmSums", () => {
  it("is the sum of the columns of the stored A and the product, in two instructions", () => {
    const sizes = [0, 1, 2, 3, 4, 5, 15, 16, 17, 35, 70];
    for (const m of sizes)
      for (const [n, k] of [
        [5, 0],
        [8, 1],
        [1, 3],
        [9, 64],
        [3, 256],
        [4, 257],
        [2, 600],
      ] as const) {
        // A row of the stored A is longer than m, as it is for a part of its columns.
        const row = m + 3;
        const a = numbers(k * row, 1);
        const b = numbers(k * n, 2);
        if (m > 2 && k > 2) a.set([Number.NaN, -0, Infinity], row + 1);
        const packed = Float32Array.from({ length: k * m }, (_, i) => {
          return a[Math.floor(i / m) * row + (i % m)] as number;
        });
        const buffers = [numbers(m * n, 3), numbers(m, 4), a, b, packed];
        const strides = [n, row, n, 1];
        const together = onBoth(buffers, (c, sums, a, b) => [
          [
            Opcode.GemmSums,
            [c as number, sums as number, a as number, b as number, m, n, k, ...strides],
          ],
        ]);
        const apart = onBoth(buffers, (...at) => {
          const [c, sums, a, b, x] = at as [number, number, number, number, number];
          const product: Instruction = [
            Opcode.Gemm,
            [c, a, b, 0, m, n, k, n, 1, row, n, 1, 0, 0, 0],
          ];
          // A sum of one column would be in the order of rows.
          const sum: Instruction = [Opcode.Sum, [sums, x, 1, k, m]];
          return m === 1 ? [product] : [product, sum];
        });
        expect(bits(together.buffers[0] as Float32Array)).toEqual(
          bits(apart.buffers[0] as Float32Array),
        );
        if (m !== 1)
          expect(bits(together.buffers[1] as Float32Array)).toEqual(
            bits(apart.buffers[1] as Float32Array),
          );
      }
  });
});
