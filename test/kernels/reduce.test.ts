import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import { rowSumOf } from "../../src/ts/reduce.js";
import { bits, onBoth, onDouble } from "./harness.js";

const F = Math.fround;
type Round = (x: number) => number;

/** The contract's order of rows, as it is written there. */
function rowReference(x: readonly number[], round: Round): number {
  const blocks: number[] = [];
  for (let from = 0; from < Math.max(x.length, 1); from += 4096) {
    const p = new Array<number>(16).fill(0);
    x.slice(from, from + 4096).forEach((value, q) => {
      p[q % 16] = round((p[q % 16] as number) + value);
    });
    for (const half of [8, 4, 2, 1])
      for (let q = 0; q < half; q++) p[q] = round((p[q] as number) + (p[q + half] as number));
    blocks.push(p[0] as number);
  }
  return blocks.length === 1 ? (blocks[0] as number) : rowReference(blocks, round);
}

/** A product with ones: blocks of 256, each from 0. */
function columnReference(x: readonly number[], round: Round): number {
  let total = 0;
  for (let from = 0; from < x.length; from += 256) {
    const s = x.slice(from, from + 256).reduce((sum, value) => round(sum + value), 0);
    total = from === 0 ? s : round(total + s);
  }
  return total;
}

const kinds: Record<
  string,
  readonly [Opcode, (x: readonly number[], inner: number, round: Round) => number]
> = {
  sum: [Opcode.Sum, (x, inner, round) => (inner === 1 ? rowReference : columnReference)(x, round)],
  mean: [
    Opcode.Mean,
    (x, inner, round) => round((inner === 1 ? rowReference : columnReference)(x, round) / x.length),
  ],
  max: [Opcode.Max, (x) => x.reduce((a, b) => Math.max(a, b), -Infinity)],
  min: [Opcode.Min, (x) => x.reduce((a, b) => Math.min(a, b), Infinity)],
};
const names = Object.keys(kinds);

function numbers(length: number, seed: number): Float32Array {
  let state = seed * 2654435761 + 12345;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function check(name: string, x: Float32Array, outer: number, n: number, inner: number): void {
  const [opcode, reduce] = kinds[name] as (typeof kinds)[string];
  const expectedBy = (round: Round): number[] =>
    Array.from({ length: outer * inner }, (_, i) => {
      const from = Math.floor(i / inner) * n * inner + (i % inner);
      return reduce(
        Array.from({ length: n }, (_, r) => x[from + r * inner] as number),
        inner,
        round,
      );
    });
  const buffers = [new Float32Array(outer * inner), x];
  const program = (out: number, at: number): [[number, number[]]] => [
    [opcode, [out, at, outer, n, inner]],
  ];
  const label = `${name} [${outer}, ${n}, ${inner}]`;
  const run = program as (...addresses: number[]) => [[number, number[]]];
  const got = onBoth(buffers, run).buffers[0] as Float32Array;
  expect(bits(got), label).toEqual(bits(Float32Array.from(expectedBy(F))));
  const double = Array.from(onDouble(buffers, run).buffers[0] as Float64Array);
  expect(double, label).toEqual(expectedBy((value) => value));
}

describe.each(names)("%s", (name) => {
  const least = name === "max" || name === "min" ? 1 : 0;

  it("reduces rows of every length around a vector, sixteen partials and a block", () => {
    for (const n of [0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 18, 20, 23, 31, 32, 33])
      if (n >= least) check(name, numbers(6 * n, n), 6, n, 1);
    for (const n of [4095, 4096, 4097, 4112, 8191, 8193]) check(name, numbers(2 * n, n), 2, n, 1);
    if (least === 0) check(name, numbers(70000, 5), 1, 70000, 1);
  });

  it("reduces columns of every width and depth", () => {
    for (const inner of [2, 3, 4, 5, 8, 15, 16, 17, 20, 23, 37])
      for (const n of [0, 1, 2, 5, 17])
        if (n >= least) check(name, numbers(3 * n * inner, n), 3, n, inner);
    for (const n of [255, 256, 257, 512, 513, 700]) check(name, numbers(2 * n * 23, n), 2, n, 23);
  });

  it("accepts nothing to reduce into", () => {
    check(name, new Float32Array(0), 0, 5, 1);
    check(name, new Float32Array(0), 0, 5, 7);
    check(name, new Float32Array(0), 3, 5, 0);
  });

  it("treats NaN, infinities and zeros of both signs as the contract says", () => {
    const odd = [Number.NaN, Infinity, -Infinity, 0, -0, 1e-40, -1e-40, 3e38, -3e38, 1];
    for (const [outer, n, inner] of [
      [40, 6, 1],
      [40, 19, 1],
      [5, 6, 21],
    ] as const)
      for (let seed = 1; seed < 6; seed++) {
        const x = numbers(outer * n * inner, seed);
        for (let i = seed; i < x.length; i += 2 * seed + 3)
          x[i] = odd[(i * seed + (i >> 3)) % odd.length] as number;
        check(name, x, outer, n, inner);
      }
    check(name, new Float32Array(24).fill(-0), 2, 12, 1);
    check(name, new Float32Array(24).fill(-0), 1, 2, 12);
  });

  it("agrees with the reference on random shapes", () => {
    fc.assert(
      fc.property(
        fc.nat(6),
        fc.integer({ min: least, max: 300 }),
        fc.nat(24),
        fc.nat(1000),
        (outer, n, inner, seed) => {
          check(name, numbers(outer * n * inner, seed), outer, n, inner);
        },
      ),
      { numRuns: 30, seed: 1 },
    );
  });
});

/** Special values meet in every place of a vector, of a step of rows and of what is left over. */
describe.each(["max", "min"])("%s of NaN, infinities and zeros of both signs", (name) => {
  const zeros = fc.constantFrom(0, -0);
  const special = fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1, -1, 3e38, -3e38);
  const most = fc.float({ min: -2, max: 2, noNaN: true });
  it.each([
    ["zeros", zeros],
    ["zeros and few others", fc.oneof({ arbitrary: zeros, weight: 20 }, special)],
    [
      "numbers of one sign and zeros",
      fc.oneof(
        zeros,
        most.map((x) => (name === "max" ? -1 : 1) * Math.abs(x)),
      ),
    ],
    ["numbers and few special ones", fc.oneof({ arbitrary: most, weight: 50 }, special)],
  ])("%s", (_, value) => {
    const values = fc.array(value, { minLength: 97, maxLength: 97 });
    const size = fc.integer({ min: 1, max: 75 });
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 6),
        size,
        fc.oneof(fc.constant(1), size),
        values,
        (outer, n, inner, from) => {
          const x = Float32Array.from(
            { length: outer * n * inner },
            (_, i) => from[(i * 31) % 97] as number,
          );
          check(name, x, outer, n, inner);
        },
      ),
      { numRuns: 60, seed: 2 },
    );
  });
});

it.each(names)("%s of more columns than a strip has, over several blocks", (name) => {
  const [n, inner] = [515, 4099];
  const x = numbers(n * inner, 7);
  const [opcode] = kinds[name] as (typeof kinds)[string];
  const wide = onBoth([new Float32Array(inner), x], (out, at) => [
    [opcode, [out, at, 1, n, inner]],
  ]);
  const columns = Float32Array.from(
    { length: n * 3 },
    (_, i) => x[Math.floor(i / 3) * inner + inner - 3 + (i % 3)] as number,
  );
  const few = onBoth([new Float32Array(3), columns], (out, at) => [[opcode, [out, at, 1, n, 3]]]);
  expect(bits((wide.buffers[0] as Float32Array).slice(-3))).toEqual(
    bits(few.buffers[0] as Float32Array),
  );
});

describe("rows longer than 4,096 blocks", () => {
  it("add the sums of their blocks by the rule of a row", () => {
    // 4,097 blocks, one above what a single level holds, each with one element that is not 0. The
    // harness's memory is too small for them.
    const sums = numbers(4097, 1);
    const x = new Float32Array(4096 * 4096 + 5);
    sums.forEach((value, block) => {
      x[block * 4096] = value;
    });
    expect(rowSumOf(x, 0, x.length, 0, undefined)).toBe(rowReference(Array.from(sums), F));
  });

  it("map each element before it is added", () => {
    const x = numbers(5000, 1);
    const expected = rowReference(
      Array.from(x, (value) => F(value * 0.3)),
      F,
    );
    expect(rowSumOf(x, 0, x.length, 0.3, (value, c) => F(value * c))).toBe(expected);
  });
});
