import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { Activation, Opcode } from "../../assembly/opcodes.js";
import { type Block, bits, type Instruction, onBoth, onDouble } from "./harness.js";
import { expectClose, numbers } from "./values.js";

/** Across a tile of 8 rows, KC = 256 rows, 4 and 8 columns, and blocks of 4,096 within a row. */
const SHAPES = [
  [0, 3],
  [1, 1],
  [3, 1],
  [2, 2],
  [5, 4],
  [8, 8],
  [9, 7],
  [7, 13],
  [17, 16],
  [5, 33],
  [255, 5],
  [256, 9],
  [257, 18],
  [600, 11],
  [2, 4096],
  [3, 4097],
] as const;
const small = SHAPES.filter(([rows, n]) => rows * n < 7000);

const EPS = Math.fround(1e-5);
const SCRATCH = 10;

/** y, mean, rstd, dx, dGamma, dBeta, x, gamma, beta, dy, scratch, eps. */
function buffersOf(
  n: number,
  x: Float32Array,
  dy: Float32Array,
  gamma: Float32Array,
  beta: Float32Array,
): Float32Array[] {
  const filled = (length: number) => new Float32Array(length).fill(9);
  const rows = n === 0 ? 0 : x.length / n;
  return [
    ...[filled(x.length), filled(rows), filled(rows), filled(x.length), filled(n), filled(n)],
    ...[x, gamma, beta, dy, filled(4 * n + 16), Float32Array.of(EPS)],
  ];
}

const random = (rows: number, n: number, offset = 0.5): Float32Array[] =>
  buffersOf(
    n,
    numbers(rows * n, 1, 2, offset),
    numbers(rows * n, 2),
    numbers(n, 3, 2),
    numbers(n, 4),
  );

type Alias = "none" | "y is x" | "dx is x" | "dx is dy";
const training =
  (rows: number, n: number, alias: Alias = "none") =>
  (...at: number[]): Instruction[] => {
    const [y = 0, mean = 0, rstd = 0, dx = 0, dGamma = 0, dBeta = 0] = at;
    const [x = 0, gamma = 0, beta = 0, dy = 0, scratch = 0, eps = 0] = at.slice(6);
    const to = alias === "y is x" ? x : y;
    const forward: Instruction = [
      Opcode.LayerNormForward,
      [to, mean, rstd, x, gamma, beta, rows, n, eps],
    ];
    if (alias === "y is x") return [forward];
    const out = alias === "dx is x" ? x : alias === "dx is dy" ? dy : dx;
    const operands = [out, dGamma, dBeta, scratch, x, mean, rstd, gamma, dy, rows, n];
    return [forward, [Opcode.LayerNormBackward, operands]];
  };

/** The formulas in f64, sums in the plain order: [y, mean, rstd, dx, dGamma, dBeta]. */
function reference(rows: number, n: number, buffers: readonly Float32Array[]): number[][] {
  const [x, gamma, beta, dy] = buffers.slice(6).map((b) => [...b]) as number[][];
  const out: number[][] = [[], [], [], [], Array(n).fill(0), Array(n).fill(0)];
  const [y, means, rstds, dx, dGamma, dBeta] = out as [
    ...[number[], number[], number[]],
    ...[number[], number[], number[]],
  ];
  const total = (v: readonly number[]) => v.reduce((sum, w) => sum + w, 0);
  for (let r = 0; r < rows; r++) {
    const row = (x as number[]).slice(r * n, r * n + n);
    const cotangent = (dy as number[]).slice(r * n, r * n + n);
    const mean = total(row) / n;
    const rstd = 1 / Math.sqrt(total(row.map((v) => (v - mean) ** 2)) / n + EPS);
    const hat = row.map((v) => (v - mean) * rstd);
    const d = cotangent.map((v, i) => v * (gamma?.[i] as number));
    const shift = total(d) / n;
    const slope = total(d.map((v, i) => v * (hat[i] as number))) / n;
    means.push(mean);
    rstds.push(rstd);
    hat.forEach((h, i) => {
      y.push(h * (gamma?.[i] as number) + (beta?.[i] as number));
      dx.push(rstd * ((d[i] as number) - shift - h * slope));
      dGamma[i] = (dGamma[i] as number) + (cotangent[i] as number) * h;
      dBeta[i] = (dBeta[i] as number) + (cotangent[i] as number);
    });
  }
  return out;
}

const NAMES = ["y", "mean", "rstd", "dx", "dGamma", "dBeta"];

describe("layer normalisation", () => {
  it.each(SHAPES)("[%d, %d]: the formulas, equal bits", (rows, n) => {
    const buffers = random(rows, n);
    const single = onBoth(buffers, training(rows, n), [SCRATCH]);
    const double = onDouble(buffers, training(rows, n));
    // Of one or two values the variance is next to 0, and 1 / √eps magnifies their rounding.
    const magnified = n < 3 ? 1000 : 1;
    reference(rows, n, buffers).forEach((wanted, k) => {
      const name = NAMES[k] as string;
      expectClose(single.buffers[k], wanted, 2e-5 * magnified, name);
      expectClose(double.buffers[k], wanted, 1e-11 * magnified, `${name} in f64`);
    });
    for (const k of [6, 7, 8, 9, 11])
      expect(bits(single.buffers[k] as Block), "inputs are kept").toEqual(
        bits(buffers[k] as Block),
      );
  });

  it.each(small)("[%d, %d]: outputs on inputs give the same bits", (rows, n) => {
    const buffers = random(rows, n);
    const apart = onBoth(buffers, training(rows, n), [SCRATCH]);
    const where: readonly [Alias, number, number][] = [
      ["y is x", 0, 6],
      ["dx is x", 3, 6],
      ["dx is dy", 3, 9],
    ];
    for (const [alias, output, input] of where) {
      const aliased = onBoth(buffers, training(rows, n, alias), [SCRATCH]);
      expect(bits(aliased.buffers[input] as Block), alias).toEqual(
        bits(apart.buffers[output] as Block),
      );
    }
  });

  it.each(small)("[%d, %d]: the bits of the norm and the instructions around it", (rows, n) => {
    const buffers = random(rows, n);
    const fused = onBoth(buffers, training(rows, n), [SCRATCH]);
    const size = rows * n;
    const ones = new Float32Array(rows).fill(1);
    const rest = [size, size, size, rows, rows, rows, rows].map((k) => new Float32Array(k));
    const unfused = onBoth([...buffers, ones, ...rest], (...at) => {
      const [y = 0, mean = 0, , dx = 0, dGamma = 0, dBeta = 0] = at;
      const [x = 0, gamma = 0, beta = 0, dy = 0, , eps = 0] = at.slice(6);
      const [one = 0, hat = 0, d = 0, product = 0, variance = 0, zeros = 0] = at.slice(12);
      const unused = at.slice(18);
      const byColumn = [rows, n, n, 1, 0, 1];
      const whole = [1, size, size, 1, size, 1];
      const norm = [1, rows, n, rows, eps];
      return [
        [Opcode.BatchNormForward, [hat, mean, variance, x, one, zeros, ...norm, Activation.None]],
        [Opcode.Mul, [y, hat, gamma, ...byColumn]],
        [Opcode.Add, [y, y, beta, ...byColumn]],
        [Opcode.Sum, [dBeta, dy, 1, rows, n]],
        [Opcode.Mul, [product, dy, hat, ...whole]],
        [Opcode.Sum, [dGamma, product, 1, rows, n]],
        [Opcode.Mul, [d, dy, gamma, ...byColumn]],
        [Opcode.BatchNormBackward, [dx, ...unused, x, mean, variance, one, d, ...norm, 0]],
      ];
    });
    for (const k of [0, 1, 3, 4, 5])
      expect(bits(unfused.buffers[k] as Block), NAMES[k]).toEqual(bits(fused.buffers[k] as Block));
  });

  test("keeps NaN in its row, and in every column's sum", () => {
    const [rows, n] = [11, 9];
    const buffers = random(rows, n);
    const clean = onBoth(buffers, training(rows, n), [SCRATCH]).buffers;
    (buffers[6] as Float32Array)[2 * n + 4] = Number.NaN;
    const out = onBoth(buffers, training(rows, n), [SCRATCH]).buffers;
    for (const [k, per] of [
      [0, n],
      [1, 1],
      [2, 1],
      [3, n],
    ] as const)
      out[k]?.forEach((value, i) => {
        expect(value).toBe(Math.floor(i / per) === 2 ? Number.NaN : clean[k]?.[i]);
      });
    expect([...(out[4] as Block)].every(Number.isNaN)).toBe(true);
    expect(bits(out[5] as Block)).toEqual(bits(clean[5] as Block));
  });

  test("gives beta where a row is constant", () => {
    const buffers = random(4, 6);
    (buffers[6] as Float32Array).fill(0.75, 6, 12);
    const out = onBoth(buffers, training(4, 6), [SCRATCH]).buffers;
    expect([...(out[0] as Block).slice(6, 12)]).toEqual([...(buffers[8] as Block)]);
    expect((out[1] as Block)[1]).toBe(0.75);
  });

  test("keeps its accuracy at an offset of 100", () => {
    const buffers = random(10, 40, 100);
    const out = onBoth(buffers, training(10, 40), [SCRATCH]).buffers;
    const wanted = reference(10, 40, buffers);
    expectClose(out[1], wanted[1] as number[], 1e-6, "mean");
    expectClose(out[2], wanted[2] as number[], 1e-5, "rstd");
    expectClose(out[0], wanted[0] as number[], 2e-4, "y");
  });

  test("gives equal bits on random shapes and values", () => {
    const value = fc.oneof(fc.float(), fc.float({ min: -4, max: 4, noNaN: true }));
    const sizes = fc.tuple(fc.integer({ min: 1, max: 19 }), fc.integer({ min: 1, max: 21 }));
    const problem = sizes.chain(([rows, n]) => {
      const floats = (length: number) => fc.array(value, { minLength: length, maxLength: length });
      const [all, each] = [floats(rows * n), floats(n)];
      return fc.tuple(fc.constant(rows), fc.constant(n), all, all, each, each);
    });
    fc.assert(
      fc.property(problem, ([rows, n, ...lists]) => {
        const [x, dy, gamma, beta] = lists.map((list) => Float32Array.from(list));
        const given = [x, dy, gamma, beta] as [
          Float32Array,
          Float32Array,
          Float32Array,
          Float32Array,
        ];
        onBoth(buffersOf(n, ...given), training(rows, n), [SCRATCH]);
      }),
      { numRuns: 150, seed: 1 },
    );
  });
});
