/**
 * The accuracy of the f32 functions in ULP, against f64: over every `stride`-th pattern of f32
 * (subnormals, infinities and NaNs among them), and every pattern in windows around the places
 * where an approximation would fail first. The truth is the engine's double precision, which is
 * right to an ULP of f64, and our own for sigmoid, erf and gelu; `erf.test.ts` checks the last two.
 */
import { Opcode } from "../../assembly/opcodes.js";
import * as double from "../../src/ts/doubleMath.js";

export interface Measured {
  readonly opcode: Opcode;
  /** Given an f32 in f64. */
  readonly truth: (x: number) => number;
  /** The largest error allowed. */
  readonly bound: number;
  /** Where to look at every pattern. */
  readonly centres: readonly number[];
}

/** The ends of every function: zeros, subnormals, 1, where FAR begins, the largest, infinities. */
const ENDS = [0, 2 ** -126, 2 ** -24, 2 ** -12, 0.5, 1, 2, 8192, 2 ** 20, 2 ** 127, Infinity];
const bothSigns = (centres: readonly number[]): number[] =>
  [...ENDS, ...centres].flatMap((x) => [x, -x]);

/**
 * Near multiples of π/2, the f32 nearest to one of all first: found by continued fractions, they
 * are 2⁻²⁷ to 2⁻³⁰ of a quarter turn away.
 */
const quarterTurns = bothSigns([
  16367173 * 2 ** 72,
  10741887 * 2 ** 11,
  16367173 * 2 ** 73,
  16573937 * 2 ** -16,
  10057457 * 2 ** 62,
  11617958 * 2 ** 17,
  9012376 * 2 ** 53,
  14173733 * 2 ** 88,
  10695401 * 4,
  ...Array.from({ length: 20 }, (_, k) => ((2 * k + 1) * Math.PI) / 4),
  ...Array.from({ length: 20 }, (_, k) => ((k + 1) * Math.PI) / 2),
  ...Array.from({ length: 20 }, (_, k) => (Math.floor(3 ** k / 2) * Math.PI) / 2),
]);

export const functions = {
  exp: {
    opcode: Opcode.Exp,
    truth: Math.exp,
    bound: 0.98,
    centres: bothSigns([88.72284, 87.33654, 103.97208, Math.LN2 / 2, Math.LN2]),
  },
  log: {
    opcode: Opcode.Log,
    truth: Math.log,
    bound: 0.82,
    centres: bothSigns([Math.SQRT1_2, Math.SQRT2, Math.E]),
  },
  sigmoid: {
    opcode: Opcode.Sigmoid,
    truth: double.sigmoid1,
    bound: 1.41,
    centres: bothSigns([88.72284, 87.33654, 103.97208, 104, 40, 3.4564779, 16.6]),
  },
  tanh: {
    opcode: Opcode.Tanh,
    truth: Math.tanh,
    bound: 1.33,
    centres: bothSigns([0.625, 9.01, 0.34657]),
  },
  erf: { opcode: Opcode.Erf, truth: double.erfOf, bound: 0.51, centres: bothSigns([3.9192059, 4]) },
  sin: { opcode: Opcode.Sin, truth: Math.sin, bound: 0.51, centres: quarterTurns },
  cos: { opcode: Opcode.Cos, truth: Math.cos, bound: 0.51, centres: quarterTurns },
  tan: { opcode: Opcode.Tan, truth: Math.tan, bound: 0.51, centres: quarterTurns },
  log1p: {
    opcode: Opcode.Log1p,
    truth: Math.log1p,
    bound: 0.51,
    centres: bothSigns([Math.SQRT1_2 - 1, Math.SQRT2 - 1, 2 ** -29]),
  },
  expm1: {
    opcode: Opcode.Expm1,
    truth: Math.expm1,
    bound: 0.51,
    centres: bothSigns([88.72284, 17.32868, Math.LN2 / 2]),
  },
  sinh: {
    opcode: Opcode.Sinh,
    truth: Math.sinh,
    bound: 0.51,
    centres: bothSigns([89.41599, Math.LN2 / 2]),
  },
  cosh: {
    opcode: Opcode.Cosh,
    truth: Math.cosh,
    bound: 0.51,
    centres: bothSigns([89.41599, Math.LN2 / 2]),
  },
  atan: {
    opcode: Opcode.Atan,
    truth: Math.atan,
    bound: 0.51,
    centres: bothSigns([Math.SQRT2 - 1, Math.SQRT2 + 1]),
  },
  gelu: {
    opcode: Opcode.Gelu,
    truth: double.geluOf,
    bound: 0.51,
    centres: bothSigns([4, 13.012, 14.12, 15]),
  },
  geluTanh: {
    opcode: Opcode.GeluTanh,
    truth: double.geluTanhOf,
    bound: 0.51,
    centres: bothSigns([4, 9.8, 10.1, 11, 15]),
  },
} as const satisfies Record<string, Measured>;

export type MeasuredFunction = keyof typeof functions;

export interface SweepOptions {
  /** Of all 2³² patterns, every how many; odd, so that it meets all low bits. */
  readonly stride: number;
  /** Patterns on either side of a centre. */
  readonly window: number;
}

const CHUNK = 2 ** 20;

/** The inputs, in chunks. */
export function* sweep(
  centres: readonly number[],
  { stride, window }: SweepOptions,
): Generator<Float32Array> {
  for (let first = 0; first < 2 ** 32; first += CHUNK * stride) {
    const length = Math.min(CHUNK, Math.ceil((2 ** 32 - first) / stride));
    const patterns = Uint32Array.from({ length }, (_, i) => first + i * stride);
    yield new Float32Array(patterns.buffer);
  }
  for (const centre of centres) {
    const at = new Uint32Array(Float32Array.of(centre).buffer)[0] as number;
    const patterns = Uint32Array.from({ length: 2 * window + 1 }, (_, i) => at + i - window);
    yield new Float32Array(patterns.buffer);
  }
}

const words = new Float64Array(1);
const bits = new Uint32Array(words.buffer);

/** The distance between neighbouring f32 at the size of a value. */
export function ulpOf(value: number): number {
  words[0] = value;
  const exponent = (((bits[1] as number) >>> 20) & 0x7ff) - 1023;
  return 2 ** (Math.min(Math.max(exponent, -126), 127) - 23);
}

/**
 * The error of y in ULP; Infinity counts as 2¹²⁸. A NaN is right only where the truth is NaN, a
 * zero only with its sign, and what is correctly rounded has no error.
 */
export function errorOf(y: number, truth: number): number {
  if (Number.isNaN(y) || Number.isNaN(truth)) return Object.is(y, truth) ? 0 : Infinity;
  if (truth === 0) return Object.is(y, truth) ? 0 : Infinity;
  if (Math.fround(truth) === y) return 0;
  const finite = Number.isFinite(y) ? y : Math.sign(y) * 2 ** 128;
  return Math.abs(finite - truth) / ulpOf(truth);
}

/** The largest error of `run` over the sweep, and where. */
export function maxUlp(
  kernel: MeasuredFunction,
  run: (inputs: Float32Array) => Float32Array,
  options: SweepOptions,
): { readonly ulp: number; readonly at: number } {
  const { truth, centres } = functions[kernel];
  let [ulp, at] = [0, 0];
  for (const inputs of sweep(centres, options)) {
    const y = run(inputs);
    for (let i = 0; i < inputs.length; i++) {
      const x = inputs[i] as number;
      const error = errorOf(y[i] as number, truth(x));
      if (error > ulp) [ulp, at] = [error, x];
    }
  }
  return { ulp, at };
}
