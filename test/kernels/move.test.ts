/** Kernels that move elements: the same bytes on every backend, and those of the contract. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Opcode, Refusal } from "../../assembly/opcodes.js";
import { bits, onBoth, onDouble } from "./harness.js";

const LENGTHS = [0, 1, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 100];
const ramp = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i + 0.5);

describe.each(LENGTHS)("n = %d", (n) => {
  test("copy", () => {
    const x = Uint32Array.from({ length: n }, (_, i) => 0x7f800001 + i * 0x01234567);
    const { buffers } = onBoth([x, new Uint32Array(n)], (at, out) => [
      [Opcode.Copy, [out, at, 4 * n]],
    ]);
    expect(buffers[1]).toEqual(x);
  });

  test("fill", () => {
    const buffers = [Float32Array.of(-2.5), new Float32Array(n)];
    const program = (value: number, out: number) => [[Opcode.Fill, [out, value, n]]] as const;
    expect(onBoth(buffers, (value = 0, out = 0) => program(value, out)).buffers[1]).toEqual(
      new Float32Array(n).fill(-2.5),
    );
    expect(onDouble(buffers, (value = 0, out = 0) => program(value, out)).buffers[1]).toEqual(
      new Float64Array(n).fill(-2.5),
    );
  });

  test("increment, wrapping, also in place", () => {
    const x = Int32Array.from(
      { length: n },
      (_, i) => [2147483647, -1, 0, -2147483648][i % 4] as number,
    );
    const { buffers } = onBoth([x, new Int32Array(n), x], (at, out, same) => [
      [Opcode.Increment, [out, at, n]],
      [Opcode.Increment, [same, same, n]],
    ]);
    expect(buffers[1]).toEqual(x.map((value) => (value + 1) | 0));
    expect(buffers[2]).toEqual(buffers[1]);
  });
});

/** The contract's own words: one loop over the elements of out. */
function gather(x: Float32Array, sizes: readonly number[], strides: readonly number[]): number[] {
  const count = sizes.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, index) => {
    let at = 0;
    let rest = index;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const size = sizes[axis] as number;
      at += (rest % size) * (strides[axis] as number);
      rest = Math.floor(rest / size);
    }
    return x[at] as number;
  });
}

function checkCopy(sizes: readonly number[], strides: readonly number[]): void {
  const x = ramp(
    strides.reduce((sum, stride, i) => sum + Math.max((sizes[i] as number) - 1, 0) * stride, 1),
  );
  const expected = gather(x, sizes, strides);
  const buffers = [x, new Float32Array(expected.length)];
  const operands = [sizes.length, ...sizes, ...strides];
  // An f64 is two words, one axis more.
  const wide = [sizes.length + 1, ...sizes, 2, ...strides.map((stride) => 2 * stride), 1];
  const single = onBoth(buffers, (at, out) => [
    [Opcode.StridedCopy, [out as number, at as number, 0, ...operands]],
  ]);
  expect(bits(single.buffers[1] as Float32Array)).toEqual(bits(Float32Array.from(expected)));
  const double = onDouble(buffers, (at, out) => [
    [Opcode.StridedCopy, [out as number, at as number, 0, ...wide]],
  ]);
  expect(double.buffers[1]).toEqual(Float64Array.from(expected));
}

test.each<[string, number[], number[]]>([
  ["rank 0", [], []],
  ["a vector", [9], [1]],
  ["every third of a vector", [9], [3]],
  ["a scalar to a vector", [9], [0]],
  ["an empty axis", [3, 0, 2], [4, 2, 1]],
  ["a row to rows", [6, 10], [0, 1]],
  ["a column to columns", [6, 10], [1, 0]],
  ["a scalar to a matrix", [6, 10], [0, 0]],
  ["rows of a wider matrix", [6, 10], [13, 1]],
  ["a matrix of every second column", [6, 5], [10, 2]],
  ["a strided sub-matrix", [5, 6], [40, 3]],
  ["a column of a matrix", [7, 1], [5, 1]],
  ["channels to an image batch", [2, 3, 4, 5], [0, 1, 0, 0]],
  ["channels last", [2, 5, 6, 7], [210, 6, 1, 30]],
  ["the axes of rank 5 reversed", [2, 3, 4, 5, 6], [1, 2, 6, 24, 120]],
])("stridedCopy: %s", (_, sizes, strides) => checkCopy(sizes, strides));

test("stridedCopy: transposes of every small size, and past a band", () => {
  for (const rows of [1, 2, 3, 4, 5, 7, 8, 9, 16, 21])
    for (const cols of [1, 2, 3, 4, 5, 8, 15, 16, 17, 20, 37]) {
      checkCopy([rows, cols], [1, rows]);
      checkCopy([rows, cols], [1, rows + 3]);
    }
});

test("stridedCopy: any axes", () => {
  const axis = fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 12 }));
  fc.assert(
    fc.property(fc.array(axis, { maxLength: 5 }), (axes) => {
      checkCopy(
        axes.map(([size]) => size),
        axes.map(([, stride]) => stride),
      );
    }),
    { numRuns: 300 },
  );
});

describe("oneHot", () => {
  test.each([
    [0, 3],
    [1, 1],
    [4, 4],
    [5, 3],
    [7, 10],
    [3, 100],
  ])("[%d, %d]", (rows, cols) => {
    const labels = Int32Array.from({ length: rows }, (_, r) => (r * 7 + 2) % cols);
    const buffers = [labels, new Float32Array(rows * cols)];
    const expected = Array.from({ length: rows * cols }, (_, i) =>
      labels[Math.floor(i / cols)] === i % cols ? 1 : 0,
    );
    const single = onBoth(buffers, (at, out) => [
      [Opcode.OneHot, [out as number, at as number, rows, cols]],
    ]);
    expect(single.buffers[1]).toEqual(Float32Array.from(expected));
    const double = onDouble(buffers, (at, out) => [
      [Opcode.OneHot, [out as number, at as number, rows, cols]],
    ]);
    expect(double.buffers[1]).toEqual(Float64Array.from(expected));
  });

  test.each([
    [3, 1],
    [-1, 2],
    [2147483647, 0],
    [-2147483648, 0],
  ])("refuses label %d at row %d and writes nothing", (label, row) => {
    const labels = Int32Array.of(0, 1, 2);
    labels[row] = label;
    const out = new Float32Array(9).fill(7);
    const outcome = onBoth([labels, out], (at, to) => [
      [Opcode.OneHot, [to as number, at as number, 3, 3]],
    ]);
    expect(outcome.status).toBe(1);
    expect(outcome.refusal).toEqual([Refusal.IndexOutOfRange, 0, row, label >>> 0]);
    expect(outcome.buffers[1]).toEqual(out);
  });
});
