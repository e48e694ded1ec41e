/** Kernels that move by indices, sort, scan and normalise rows, across vector steps and tails. */
import { describe, expect, test } from "vitest";
import { Opcode, Refusal } from "../../assembly/opcodes.js";
import { type Block, onBoth, onDouble } from "./harness.js";
import { expectClose, numbers } from "./values.js";

const INNER = [1, 2, 3, 4, 5, 8, 17];
const [outer, n, count] = [2, 5, 4];
const pick = Int32Array.of(4, 0, 4, 2);

describe.each(INNER)("rows of %d", (inner) => {
  const x = numbers(outer * n * inner, 1);
  const y = numbers(outer * count * inner, 2);
  const each = Int32Array.from({ length: outer * count * inner }, (_, i) => (i * 3 + 1) % n);
  const at = (o: number, i: number, k: number, length: number): number =>
    (o * length + i) * inner + k;
  const every = (length: number, visit: (o: number, i: number, k: number) => void): void => {
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < length; i++) for (let k = 0; k < inner; k++) visit(o, i, k);
  };
  const sizes = [outer, n, count, inner];

  test("take and takeAdd", () => {
    const taken = new Float32Array(y.length);
    every(count, (o, i, k) => {
      taken[at(o, i, k, count)] = x[at(o, pick[i] as number, k, n)] as number;
    });
    const got = onBoth([x, pick, new Float32Array(y.length)], (from, list, to) => [
      [Opcode.Take, [to, from, list, ...sizes] as number[]],
    ]);
    expect(got.buffers[2]).toEqual(taken);
    const added = x.slice();
    every(count, (o, i, k) => {
      const to = at(o, pick[i] as number, k, n);
      added[to] = Math.fround((added[to] as number) + (y[at(o, i, k, count)] as number));
    });
    const sums = onBoth([y, pick, x], (from, list, to) => [
      [Opcode.TakeAdd, [to, from, list, ...sizes] as number[]],
    ]);
    expect(sums.buffers[2]).toEqual(added);
    const double = onDouble([y, pick, x], (from, list, to) => [
      [Opcode.TakeAdd, [to, from, list, ...sizes] as number[]],
    ]);
    expectClose(double.buffers[2], [...added], 1e-6);
  });

  test("gather and scatterAdd", () => {
    const gathered = new Float32Array(y.length);
    const added = x.slice();
    every(count, (o, i, k) => {
      const place = at(o, i, k, count);
      const there = at(o, each[place] as number, k, n);
      gathered[place] = x[there] as number;
      added[there] = Math.fround((added[there] as number) + (y[place] as number));
    });
    const got = onBoth([x, each, new Float32Array(y.length)], (from, list, to) => [
      [Opcode.Gather, [to, from, list, ...sizes, 1] as number[]],
    ]);
    expect(got.buffers[2]).toEqual(gathered);
    const double = onDouble([x, each, new Float32Array(y.length)], (from, list, to) => [
      [Opcode.Gather, [to, from, list, ...sizes, 2] as number[]],
    ]);
    expect(double.buffers[2]).toEqual(Float64Array.from(gathered));
    const sums = onBoth([y, each, x], (from, list, to) => [
      [Opcode.ScatterAdd, [to, from, list, ...sizes] as number[]],
    ]);
    expect(sums.buffers[2]).toEqual(added);
  });

  test("cumsum and argmax, both ways", () => {
    for (const reverse of [0, 1]) {
      const sums = new Float64Array(x.length);
      every(n, (o, i, k) => {
        const order = reverse ? n - 1 - i : i;
        const before = reverse ? order + 1 : order - 1;
        const own = x[at(o, order, k, n)] as number;
        sums[at(o, order, k, n)] = i === 0 ? own : (sums[at(o, before, k, n)] as number) + own;
      });
      const want = Float32Array.from(sums);
      const got = onBoth([x, new Float32Array(x.length)], (from, to) => [
        [Opcode.Cumsum, [to, from, outer, n, inner, reverse] as number[]],
      ]);
      expect(got.buffers[1]).toEqual(want);
      const places = onBoth([x, new Int32Array(outer * inner)], (from, to) => [
        [Opcode.Argmax, [to, from, outer, n, inner, reverse] as number[]],
      ]).buffers[1] as Block;
      for (let o = 0; o < outer; o++)
        for (let k = 0; k < inner; k++) {
          const line = Array.from({ length: n }, (_, i) => x[at(o, i, k, n)] as number);
          const best = reverse ? Math.min(...line) : Math.max(...line);
          expect(places[o * inner + k]).toBe(line.indexOf(best));
        }
    }
  });

  test("cumsum keeps what a sum in f32 would lose", () => {
    const line = Float32Array.of(3e38, 3e38, -3e38, -3e38, 1, 2 ** -30, -1, -0);
    const sums = [3e38, 6e38, 3e38, 0, 1, 1 + 2 ** -30, 2 ** -30, 2 ** -30];
    const got = onBoth([line, new Float32Array(8)], (from, to) => [
      [Opcode.Cumsum, [to, from, 1, 8, 1, 0]],
    ]);
    const three = line[0] as number;
    const want = Float32Array.from(sums, (sum) => (sum === 3e38 ? three : sum));
    expect(got.buffers[1]).toEqual(want);
  });

  test.each([
    [-1, 1],
    [5, 3],
    [2 ** 31 - 1, 0],
  ])("refuse index %d at %d and write nothing", (index, position) => {
    for (const opcode of [Opcode.Take, Opcode.TakeAdd, Opcode.Gather, Opcode.ScatterAdd]) {
      const list =
        opcode === Opcode.Take || opcode === Opcode.TakeAdd ? pick.slice() : each.slice();
      list[position] = index;
      const out = new Float32Array(x.length + y.length).fill(7);
      const outcome = onBoth([x, y, list, out], (from, _, indices, to) => [
        [
          opcode,
          [to, from, indices, ...sizes, 1].slice(0, opcode === Opcode.Gather ? 8 : 7) as number[],
        ],
      ]);
      expect([outcome.status, outcome.refusal]).toEqual([
        1,
        [Refusal.IndexOutOfRange, 0, position, index >>> 0],
      ]);
      expect(outcome.buffers[3]).toEqual(out);
    }
  });
});

const LENGTHS = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 100];

test.each(LENGTHS)("argsort of %d: stable, NaN greatest", (length) => {
  const x = numbers(3 * length, 4, 3).map((v, i) => (i % 6 === 4 ? Number.NaN : Math.round(v)));
  const key = (v: number): number => (Number.isNaN(v) ? Infinity : v);
  for (const descending of [0, 1]) {
    const want = [0, 1, 2].flatMap((r) => {
      const row = Array.from(x.subarray(r * length, (r + 1) * length));
      const sign = descending ? -1 : 1;
      return row
        .map((_, i) => i)
        .sort(
          (a, b) =>
            sign *
              (key(row[a] as number) < key(row[b] as number)
                ? -1
                : key(row[a] as number) > key(row[b] as number)
                  ? 1
                  : 0) || a - b,
        );
    });
    const buffers = [x, new Int32Array(x.length), new Int32Array(length)];
    const run = (from: number, to: number, scratch: number) =>
      [[Opcode.Argsort, [to, scratch, from, 3, length, descending]]] as const;
    expect(onBoth(buffers, run as never).buffers[1]).toEqual(Int32Array.from(want));
    expect(onDouble(buffers, run as never).buffers[1]).toEqual(Int32Array.from(want));
  }
});

describe.each([...LENGTHS, 4095, 4096, 4097])("rows of %d", (length) => {
  const rows = 2;
  const x = numbers(rows * length, 5, 3);
  const dy = numbers(rows * length, 6);
  const byRow = (f: (x: number[], d: number[]) => number[]): number[] =>
    Array.from({ length: rows }, (_, r) => {
      const part = (all: Float32Array): number[] => [...all.subarray(r * length, (r + 1) * length)];
      return f(part(x), part(dy));
    }).flat();
  const total = (v: readonly number[]): number => v.reduce((s, w) => s + w, 0);

  test.each([0, 1])("softmax, logarithm %d", (logarithm) => {
    const p = (v: number[]): number[] => {
      const top = Math.max(...v);
      const e = v.map((w) => Math.exp(w - top));
      return e.map((w) => w / total(e));
    };
    const want = byRow((v) => (logarithm ? p(v).map(Math.log) : p(v)));
    const run = (from: number, to: number) =>
      [[Opcode.Softmax, [to, from, rows, length, logarithm]]] as const;
    const y = onBoth([x, new Float32Array(x.length)], run as never).buffers[1] as Float32Array;
    expectClose(y, want, 2e-6);
    expectClose(onDouble([x, new Float32Array(x.length)], run as never).buffers[1], want, 1e-13);
    const slope = byRow((v, d) => {
      const q = p(v);
      const mean = total(d.map((w, i) => w * (q[i] as number)));
      return d.map((w, i) =>
        logarithm ? w - (q[i] as number) * total(d) : (w - mean) * (q[i] as number),
      );
    });
    const back = onBoth(
      [y, dy, new Float32Array(x.length), new Float32Array(length)],
      (a, b, to, scratch) => [
        [Opcode.SoftmaxBackward, [to, scratch, a, b, rows, length, logarithm] as number[]],
      ],
    );
    expectClose(back.buffers[2], slope, 1e-5);
  });

  test("rmsNorm", () => {
    const eps = Float32Array.of(2 ** -10);
    const rstd = (v: number[]): number =>
      1 / Math.sqrt(total(v.map((w) => w * w)) / length + 2 ** -10);
    const want = byRow((v) => v.map((w) => w * rstd(v)));
    const forward = (from: number, small: number, to: number) =>
      [[Opcode.RmsNorm, [to, from, rows, length, small]]] as const;
    expectClose(
      onBoth([x, eps, new Float32Array(x.length)], forward as never).buffers[2],
      want,
      2e-6,
    );
    expectClose(
      onDouble([x, eps, new Float32Array(x.length)], forward as never).buffers[2],
      want,
      1e-13,
    );
    const slope = byRow((v, d) => {
      const hat = v.map((w) => w * rstd(v));
      const share = total(d.map((w, i) => w * (hat[i] as number))) / length;
      return d.map((w, i) => rstd(v) * (w - (hat[i] as number) * share));
    });
    const back = onBoth(
      [x, dy, eps, new Float32Array(x.length), new Float32Array(length)],
      (a, b, small, to, scratch) => [
        [Opcode.RmsNormBackward, [to, scratch, a, b, rows, length, small] as number[]],
      ],
    );
    expectClose(back.buffers[3], slope, 2e-6);
  });
});

test("stridedPlace is the transpose of stridedCopy, backwards too", () => {
  const x = numbers(12, 7);
  for (const [offset, dims] of [
    [1, [3, 4, 8, 2]],
    [23, [12, -2]],
    [22, [3, 4, -8, -1]],
    [5, [12, 1]],
  ] as const) {
    const rank = dims.length / 2;
    const out = new Float32Array(40);
    const placed = onBoth([x, out], (from, to) => [
      [Opcode.StridedPlace, [to, offset, from, rank, ...dims.map((d) => d >>> 0)] as number[]],
    ]).buffers[1] as Float32Array;
    expect([...placed].filter((v) => v !== 0).length).toBe(12);
    const back = onBoth([placed, new Float32Array(12)], (from, to) => [
      [Opcode.StridedCopy, [to, from, offset, rank, ...dims.map((d) => d >>> 0)] as number[]],
    ]).buffers[1];
    expect(back).toEqual(x);
  }
});
