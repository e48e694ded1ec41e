import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Activation, Opcode } from "../../assembly/opcodes.js";
import { type Block, bits, type Instruction, onBoth, onDouble } from "./harness.js";
import { expectClose, numbers } from "./values.js";

interface Shape {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}
const shape = (outer: number, channels: number, inner: number): Shape => ({
  outer,
  channels,
  inner,
});

/**
 * Across KC = 256 rows, across 16 columns, across 4 lanes, and across blocks of 4,096 within a
 * row.
 */
const SHAPES: readonly Shape[] = [
  shape(1, 1, 1),
  shape(2, 1, 1),
  shape(5, 3, 1),
  shape(8, 4, 1),
  shape(33, 5, 1),
  shape(64, 100, 1),
  shape(255, 7, 1),
  shape(256, 16, 1),
  shape(257, 17, 1),
  shape(600, 18, 1),
  shape(3, 1, 2),
  shape(4, 3, 3),
  shape(2, 4, 4),
  shape(5, 5, 7),
  shape(2, 3, 17),
  shape(3, 100, 9),
  shape(300, 3, 6),
  shape(600, 2, 5),
  shape(1, 2, 4096),
  shape(2, 2, 4097),
  shape(1, 1, 70001),
];

const EPS = Math.fround(1e-5);

/** Buffers y, mean, variance, dx, dGamma, dBeta, x, gamma, beta, dy, eps. */
function buffersOf(
  s: Shape,
  x: Float32Array,
  dy: Float32Array,
  gamma: Float32Array,
  beta: Float32Array,
): Float32Array[] {
  const filled = (n: number) => new Float32Array(n).fill(9);
  return [
    filled(x.length),
    filled(s.channels),
    filled(s.channels),
    filled(x.length),
    filled(s.channels),
    filled(s.channels),
    x,
    gamma,
    beta,
    dy,
    Float32Array.of(EPS),
  ];
}

function randomBuffers(s: Shape, scale = 2, offset = 0.5): Float32Array[] {
  const n = s.outer * s.channels * s.inner;
  return buffersOf(
    s,
    numbers(n, 1, scale, offset),
    numbers(n, 2),
    numbers(s.channels, 3, 2),
    numbers(s.channels, 4),
  );
}

type Alias = "none" | "y is x" | "dx is x" | "dx is dy";
function training(s: Shape, alias: Alias = "none"): (...a: number[]) => Instruction[] {
  return (
    y = 0,
    mean = 0,
    variance = 0,
    dx = 0,
    dGamma = 0,
    dBeta = 0,
    x = 0,
    gamma = 0,
    beta = 0,
    dy = 0,
    eps = 0,
  ) => {
    const sizes = [s.outer, s.channels, s.inner, s.channels, eps];
    const out = alias === "dx is x" ? x : alias === "dx is dy" ? dy : dx;
    const forward: Instruction = [
      Opcode.BatchNormForward,
      [alias === "y is x" ? x : y, mean, variance, x, gamma, beta, ...sizes, Activation.None],
    ];
    if (alias === "y is x") return [forward];
    return [
      forward,
      [Opcode.BatchNormBackward, [out, dGamma, dBeta, x, mean, variance, gamma, dy, ...sizes, 0]],
    ];
  };
}

/** The formulas in f64, sums in the plain order: [y, mean, variance, dx, dGamma, dBeta]. */
function reference(
  s: Shape,
  [, , , , , , x, gamma, beta, dy]: readonly Float32Array[],
): number[][] {
  const n = s.outer * s.inner;
  const out = [0, 0, 0, 0, 0, 0].map(() => [] as number[]);
  const [y, mean, variance, dx, dGamma, dBeta] = out as [
    number[],
    number[],
    number[],
    number[],
    number[],
    number[],
  ];
  for (let c = 0; c < s.channels; c++) {
    const places: number[] = [];
    for (let o = 0; o < s.outer; o++)
      for (let i = 0; i < s.inner; i++) places.push((o * s.channels + c) * s.inner + i);
    const at = (block: Float32Array | undefined, i: number) => (block as Float32Array)[i] as number;
    const sum = (term: (i: number) => number) => places.reduce((total, i) => total + term(i), 0);
    const mu = sum((i) => at(x, i)) / n;
    const sigma2 = sum((i) => (at(x, i) - mu) ** 2) / n;
    const rstd = 1 / Math.sqrt(sigma2 + EPS);
    const xhat = (i: number) => (at(x, i) - mu) * rstd;
    const db = sum((i) => at(dy, i));
    const dg = sum((i) => at(dy, i) * xhat(i));
    mean.push(mu);
    variance.push(sigma2);
    dGamma.push(dg);
    dBeta.push(db);
    for (const i of places) {
      y[i] = xhat(i) * at(gamma, c) + at(beta, c);
      dx[i] = at(gamma, c) * rstd * (at(dy, i) - db / n - xhat(i) * (dg / n));
    }
  }
  return out;
}

const NAMES = ["y", "mean", "variance", "dx", "dGamma", "dBeta"];
const label = (s: Shape) => `[${s.outer}, ${s.channels}, ${s.inner}]`;

describe("batch normalisation", () => {
  it.each(SHAPES.map((s) => [label(s), s] as const))("%s: the formulas, equal bits", (_, s) => {
    const buffers = randomBuffers(s);
    const single = onBoth(buffers, training(s));
    const double = onDouble(buffers, training(s));
    reference(s, buffers).forEach((wanted, k) => {
      // One element a channel has variance 0, and 1 / √eps magnifies the rounding of what should
      // be 0.
      const magnified = s.outer * s.inner < 3 ? 100 : 1;
      const name = NAMES[k] as string;
      expectClose(
        single.buffers[k] as Block,
        wanted,
        2e-6 * magnified * (name.startsWith("d") ? 10 : 1),
        name,
      );
      expectClose(double.buffers[k] as Block, wanted, 1e-12 * magnified, `${name} in f64`);
    });
    for (let k = 6; k < buffers.length; k++)
      expect(bits(single.buffers[k] as Block), "inputs are kept").toEqual(
        bits(buffers[k] as Block),
      );
  });

  const small = SHAPES.filter((s) => s.outer * s.channels * s.inner < 3000);
  it.each(small.map((s) => [label(s), s] as const))(
    "%s: outputs on inputs give the same bits",
    (_, s) => {
      const buffers = randomBuffers(s);
      const apart = onBoth(buffers, training(s));
      const where: readonly [Alias, number, number][] = [
        ["y is x", 0, 6],
        ["dx is x", 3, 6],
        ["dx is dy", 3, 9],
      ];
      for (const [alias, output, input] of where) {
        const aliased = onBoth(buffers, training(s, alias));
        expect(bits(aliased.buffers[input] as Block), alias).toEqual(
          bits(apart.buffers[output] as Block),
        );
      }
    },
  );

  // gamma and beta with which elements are exactly 0, −0, NaN and infinite behind the norm.
  const ordinary = [
    [-0, 1, 2],
    [0, Number.NaN, 1],
  ] as const;
  const infinite = [
    [3e38, -3e38, 3e38],
    [Infinity, -Infinity, -3e38],
  ] as const;
  it.each(small.flatMap((s) => [ordinary, infinite].map((given) => [label(s), given, s] as const)))(
    "%s, gamma and beta %o: a relu after it gives the bits of two instructions",
    (_, [gammas, betas], s) => {
      const buffers = randomBuffers(s);
      const size = (buffers[6] as Float32Array).length;
      if (s.channels > 2) {
        (buffers[7] as Float32Array).set(gammas);
        (buffers[8] as Float32Array).set(betas);
      }
      for (const alias of ["none", "dx is x", "dx is dy"] as const) {
        const program =
          (fused: boolean) =>
          (...at: number[]): Instruction[] => {
            const [y = 0, mean = 0, variance = 0, dx = 0, dGamma = 0, dBeta = 0] = at;
            const [x = 0, gamma = 0, beta = 0, dy = 0, eps = 0, evaluated = 0] = at.slice(6);
            const out = alias === "dx is x" ? x : alias === "dx is dy" ? dy : dx;
            const sizes = [s.outer, s.channels, s.inner];
            const training = [...sizes, s.channels, eps];
            const forward = [y, mean, variance, x, gamma, beta, ...training];
            const evaluate = [evaluated, x, mean, variance, gamma, beta, ...sizes, eps];
            const backward = [out, dGamma, dBeta, x, mean, variance, gamma, dy, ...training];
            if (fused)
              return [
                [Opcode.BatchNormForward, [...forward, Activation.Relu]],
                [Opcode.BatchNormEval, [...evaluate, Activation.Relu]],
                [Opcode.BatchNormBackward, [...backward, beta]],
              ];
            return [
              [Opcode.BatchNormForward, [...forward, Activation.None]],
              [Opcode.Relu, [y, y, size]],
              [Opcode.BatchNormEval, [...evaluate, Activation.None]],
              [Opcode.Relu, [evaluated, evaluated, size]],
              [Opcode.ReluBackward, [dy, y, dy, size]],
              [Opcode.BatchNormBackward, [...backward, 0]],
            ];
          };
        const all = [...buffers, new Float32Array(size)];
        const [one, two] = [onBoth(all, program(true)), onBoth(all, program(false))];
        const written = [0, 1, 2, 4, 5, 11, alias === "dx is x" ? 6 : alias === "none" ? 3 : 9];
        for (const k of written)
          expect(bits(one.buffers[k] as Block), `${alias} ${k}`).toEqual(
            bits(two.buffers[k] as Block),
          );
      }
    },
  );

  it.each([shape(3, 5, 7), shape(1, 4, 16), shape(9, 3, 2)])(
    "some channels of an image by themselves: the bits of all, %o",
    (s) => {
      const buffers = randomBuffers(s);
      const whole = onBoth(buffers, training(s));
      const [first, channels] = [1, s.channels - 2];
      const some = onBoth(buffers, (...at) => {
        const image = (index: number) => (at[index] as number) + 4 * first * s.inner;
        const channel = (index: number) => (at[index] as number) + 4 * first;
        const [mean, variance, gamma] = [channel(1), channel(2), channel(7)];
        const sizes = [s.outer, channels, s.inner, s.channels, at[10] as number];
        const forward = [image(0), mean, variance, image(6), gamma, channel(8), ...sizes];
        const given = [image(6), mean, variance, gamma, image(9)];
        const backward = [image(3), channel(4), channel(5), ...given, ...sizes];
        return [
          [Opcode.BatchNormForward, [...forward, Activation.None]],
          [Opcode.BatchNormBackward, [...backward, 0]],
        ];
      });
      const inside = (c: number): boolean => c >= first && c < first + channels;
      for (const k of [0, 1, 2, 3, 4, 5]) {
        const inner = k % 3 === 0 ? s.inner : 1;
        const expected = Array.from(whole.buffers[k] as Block, (value, i) =>
          inside(Math.floor(i / inner) % s.channels) ? value : (buffers[k]?.[i] as number),
        );
        expect(bits(some.buffers[k] as Block), NAMES[k]).toEqual(bits(Float32Array.from(expected)));
      }
    },
  );

  it.each([shape(20, 6, 1), shape(9, 3, 7)])("evaluates with given statistics: %o", (s) => {
    const n = s.outer * s.channels * s.inner;
    const x = numbers(n, 1);
    const [mean, variance] = [numbers(s.channels, 2), numbers(s.channels, 3, 1, 1.5)];
    const [gamma, beta] = [numbers(s.channels, 4), numbers(s.channels, 5)];
    const buffers = [new Float32Array(n), x, mean, variance, gamma, beta, Float32Array.of(EPS)];
    const program =
      (inPlace: boolean) =>
      (...a: number[]): Instruction[] => {
        const [y = 0, at = 0, m = 0, v = 0, g = 0, b = 0, eps = 0] = a;
        const sizes = [s.outer, s.channels, s.inner, eps];
        return [[Opcode.BatchNormEval, [inPlace ? at : y, at, m, v, g, b, ...sizes, 0]]];
      };
    const { buffers: out } = onBoth(buffers, program(false));
    const wanted = Array.from(x, (value, i) => {
      const c = Math.floor(i / s.inner) % s.channels;
      const xhat = (value - (mean[c] as number)) / Math.sqrt((variance[c] as number) + EPS);
      return xhat * (gamma[c] as number) + (beta[c] as number);
    });
    expectClose(out[0] as Block, wanted, 1e-6, "y");
    expectClose(onDouble(buffers, program(false)).buffers[0] as Block, wanted, 1e-12, "y in f64");
    expect(bits(onBoth(buffers, program(true)).buffers[1] as Block)).toEqual(bits(out[0] as Block));
  });

  it.each([shape(300, 5, 1), shape(10, 3, 21)])(
    "keeps its accuracy at an offset of 100: %o",
    (s) => {
      const buffers = randomBuffers(s, 1, 100);
      const { buffers: out } = onBoth(buffers, training(s));
      const wanted = reference(s, buffers);
      expectClose(out[1] as Block, wanted[1] as number[], 1e-6, "mean");
      expectClose(out[2] as Block, wanted[2] as number[], 1e-5, "variance");
      // The spacing of f32 at 100 is 8e-6, and rstd is about 1.7.
      expectClose(out[0] as Block, wanted[0] as number[], 2e-4, "y");
    },
  );

  it.each([shape(40, 5, 1), shape(8, 5, 5)])("gives beta where a channel is constant: %o", (s) => {
    const buffers = randomBuffers(s);
    const x = buffers[6] as Float32Array;
    const places = [...x.keys()].filter((i) => Math.floor(i / s.inner) % s.channels === 2);
    for (const i of places) x[i] = 0.75;
    const { buffers: out } = onBoth(buffers, training(s));
    expect((out[1] as Block)[2]).toBe(0.75);
    expect((out[2] as Block)[2]).toBe(0);
    expect((out[4] as Block)[2]).toBe(0);
    for (const i of places) expect((out[0] as Block)[i]).toBe((buffers[8] as Float32Array)[2]);
  });

  it.each([shape(300, 6, 1), shape(300, 20, 1), shape(4, 3, 9)])(
    "keeps NaN in its channel: %o",
    (s) => {
      const buffers = randomBuffers(s);
      const clean = onBoth(buffers, training(s));
      (buffers[6] as Float32Array)[s.inner] = Number.NaN;
      const { buffers: out } = onBoth(buffers, training(s));
      for (const k of [0, 1, 2, 3, 4]) {
        const inner = k === 0 || k === 3 ? s.inner : 1;
        (out[k] as Block).forEach((value, i) => {
          const wanted =
            Math.floor(i / inner) % s.channels === 1 ? Number.NaN : (clean.buffers[k] as Block)[i];
          if (!Object.is(value, wanted))
            throw new Error(`${NAMES[k]} ${i}: got ${value}, expected ${wanted}`);
        });
      }
      expect(bits(out[5] as Block)).toEqual(bits(clean.buffers[5] as Block));
    },
  );

  it("has no mean without rows", () => {
    const { buffers } = onBoth(randomBuffers(shape(0, 3, 1)), training(shape(0, 3, 1)));
    expect([...(buffers[1] as Block)]).toEqual([NaN, NaN, NaN]);
    expect([...(buffers[5] as Block)]).toEqual([0, 0, 0]);
  });

  it("gives equal bits on random shapes and values", () => {
    const value = fc.oneof(fc.float(), fc.float({ min: -4, max: 4, noNaN: true }));
    const size = fc.record({
      outer: fc.integer({ min: 1, max: 9 }),
      channels: fc.integer({ min: 1, max: 21 }),
      inner: fc.integer({ min: 1, max: 6 }),
    });
    const problem = size.chain((s) => {
      const length = s.outer * s.channels * s.inner;
      const floats = (n: number) => fc.array(value, { minLength: n, maxLength: n });
      return fc.tuple(
        fc.constant(s),
        floats(length),
        floats(length),
        floats(s.channels),
        floats(s.channels),
      );
    });
    fc.assert(
      fc.property(problem, ([s, x, dy, gamma, beta]) => {
        const f = (values: number[]) => Float32Array.from(values);
        onBoth(buffersOf(s, f(x), f(dy), f(gamma), f(beta)), training(s));
      }),
      { numRuns: 150, seed: 1 },
    );
  });
});
