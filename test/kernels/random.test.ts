/**
 * Random kernels: Threefry's published answers, the key derivation, the distributions, and
 * dropout's masks.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import { threefry } from "../../src/threefry.js";
import { onBoth, onDouble } from "./harness.js";

const LENGTHS = [0, 1, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 100];

function block(k0: number, k1: number, c0: number, c1: number): [number, number] {
  const out = new Uint32Array(2);
  threefry(out, k0, k1, c0, c1);
  return [out[0] as number, out[1] as number];
}

// Random123's kat_vectors, threefry2x32 with 20 rounds.
test.each([
  [
    [0, 0, 0, 0],
    [0x6b200159, 0x99ba4efe],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0x1cb996fc, 0xbb002be7],
  ],
  [
    [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3],
    [0xc4923a9c, 0x483df7a0],
  ],
] as const)("threefry of %j", ([k0, k1, c0, c1], expected) => {
  expect(block(k0, k1, c0, c1)).toEqual(expected);
});

/** The words of a draw by the definition of the contract. */
function words(
  n: number,
  [hi, lo, run]: readonly [number, number, number],
  ordinal: number,
): Uint32Array {
  const step = block(hi, lo, 0, run);
  const [k0, k1] = block(step[0], step[1], 0, ordinal);
  return Uint32Array.from({ length: n }, (_, i) => {
    const [x0, x1] = block(k0, k1, 0, i);
    return x0 ^ x1;
  });
}

function draw(opcode: Opcode, n: number, state: readonly number[], ordinal: number): Float32Array {
  return onBoth([Uint32Array.from(state), new Float32Array(n)], (at, out) => [
    [opcode, [out as number, n, at as number, ordinal]],
  ]).buffers[1] as Float32Array;
}

const STATE = [0x12345678, 0x9abcdef0, 7] as const;

describe.each(LENGTHS)("n = %d", (n) => {
  test("randomBits", () => {
    const { buffers } = onBoth([Uint32Array.from(STATE), new Uint32Array(n)], (at, out) => [
      [Opcode.RandomBits, [out as number, n, at as number, 3]],
    ]);
    expect(buffers[1]).toEqual(words(n, STATE, 3));
  });

  test("uniform, exact in both precisions", () => {
    const expected = Float64Array.from(words(n, STATE, 3), (word) => (word >>> 9) * 2 ** -23);
    expect(draw(Opcode.Uniform, n, STATE, 3)).toEqual(Float32Array.from(expected));
    const double = onDouble([Uint32Array.from(STATE), new Float32Array(n)], (at, out) => [
      [Opcode.Uniform, [out as number, n, at as number, 3]],
    ]);
    expect(double.buffers[1]).toEqual(expected);
  });

  test("normal, near its double-precision twin", () => {
    const single = draw(Opcode.Normal, n, STATE, 3);
    const double = onDouble([Uint32Array.from(STATE), new Float32Array(n)], (at, out) => [
      [Opcode.Normal, [out as number, n, at as number, 3]],
    ]).buffers[1] as Float64Array;
    for (const [i, value] of single.entries()) expect(value).toBeCloseTo(double[i] as number, 6);
  });
});

test("randomBits of any state and ordinal", () => {
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(
      fc.tuple(u32, u32, u32),
      u32,
      fc.integer({ min: 0, max: 40 }),
      (state, ordinal, n) => {
        const { buffers } = onBoth([Uint32Array.from(state), new Uint32Array(n)], (at, out) => [
          [Opcode.RandomBits, [out as number, n, at as number, ordinal]],
        ]);
        expect(buffers[1]).toEqual(words(n, state, ordinal));
      },
    ),
    { numRuns: 200 },
  );
});

const MANY = 200_000;

test("uniform has the moments of a uniform distribution, and every draw is another", () => {
  const x = draw(Opcode.Uniform, MANY, STATE, 0);
  const mean = x.reduce((sum, value) => sum + value, 0) / MANY;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / MANY;
  // Five standard errors.
  expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / MANY));
  expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / MANY));
  expect(x.every((value) => value >= 0 && value < 1)).toBe(true);
  const [hi, lo, run] = STATE;
  for (const other of [
    draw(Opcode.Uniform, 8, STATE, 1),
    draw(Opcode.Uniform, 8, [hi, lo, run + 1], 0),
  ])
    expect(other).not.toEqual(x.slice(0, 8));
  expect(draw(Opcode.Uniform, 8, STATE, 0)).toEqual(x.slice(0, 8));
});

test("normal has the moments and the tails of a normal distribution", () => {
  const x = draw(Opcode.Normal, MANY, STATE, 0);
  const moment = (power: number): number =>
    x.reduce((sum, value) => sum + value ** power, 0) / MANY;
  // Five standard errors: the variance of xᵏ is (2k − 1)!! − ((k − 1)!!)² (odd k: no second term).
  expect(Math.abs(moment(1))).toBeLessThan(5 * Math.sqrt(1 / MANY));
  expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / MANY));
  expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / MANY));
  expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / MANY));
  for (const [z, p] of [
    [1, 0.158655254],
    [2, 0.022750132],
    [3, 0.001349898],
  ] as const)
    for (const sign of [1, -1]) {
      const share = x.filter((value) => sign * value > z).length / MANY;
      expect(Math.abs(share - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / MANY));
    }
});

describe("dropout", () => {
  const run = (x: Float32Array, p: number, scale: number): Float32Array => {
    const buffers = [
      x,
      Uint32Array.from(STATE),
      Float32Array.of(p, scale),
      new Float32Array(x.length),
      x,
    ];
    const outcome = onBoth(buffers, (at, state, hyper, out, same) => [
      [Opcode.Dropout, [out, at, x.length, state, 5, hyper] as number[]],
      [Opcode.Dropout, [same, same, x.length, state, 5, hyper] as number[]],
    ]);
    expect(outcome.buffers[4]).toEqual(outcome.buffers[3]);
    return outcome.buffers[3] as Float32Array;
  };

  test.each(LENGTHS)("of %d drops where uniform < p and scales the rest, also in place", (n) => {
    const x = Float32Array.from({ length: n }, (_, i) => i + 1);
    const uniform = draw(Opcode.Uniform, n, STATE, 5);
    expect(run(x, 0.25, 1 / 0.75)).toEqual(
      x.map((value, i) => ((uniform[i] as number) < 0.25 ? 0 : value * Math.fround(1 / 0.75))),
    );
  });

  test("keeps everything at p = 0, nothing at p = 1, not even NaN", () => {
    const x = Float32Array.of(1, NaN, Infinity, -2, -0);
    expect(run(x, 0, 1)).toEqual(x);
    expect(run(x, 1, 0)).toEqual(new Float32Array(5));
  });

  test("masks the gradient where it masked the input, and drops a share of p", () => {
    const n = 10_000;
    const forward = run(new Float32Array(n).fill(3), 0.3, 1 / 0.7);
    const backward = run(new Float32Array(n).fill(-1), 0.3, 1 / 0.7);
    expect(backward.map((value) => (value === 0 ? 1 : 0))).toEqual(
      forward.map((value) => (value === 0 ? 1 : 0)),
    );
    const share = forward.filter((value) => value === 0).length / n;
    expect(Math.abs(share - 0.3)).toBeLessThan(5 * Math.sqrt((0.3 * 0.7) / n));
  });
});
