/** Comparisons, whole numbers, selection and conversion, across vector steps and tails. */
import { describe, expect, test } from "vitest";
import { Comparison, IntegerOperation, Opcode } from "../../assembly/opcodes.js";
import { onBoth, onDouble } from "./harness.js";
import { numbers } from "./values.js";

const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 101];
const special = [Number.NaN, Infinity, -Infinity, 0, -0, 1e-45, -1e-45, 1];

/** Numbers with ties and special ones among them. */
const floats = (n: number, seed: number): Float32Array =>
  numbers(n, seed, 3).map((x, i) =>
    i % 5 === 2 ? (special[(i + seed) % 8] as number) : Math.round(x),
  );
const ints = (n: number, seed: number): Int32Array =>
  Int32Array.from(numbers(n, seed, 4), (x, i) => (i % 7 === 3 ? 2 ** 31 - 1 : Math.round(x)));
const whole = (n: number): readonly number[] => [1, n, n, 1, n, 1];

describe.each([
  ["equal", Comparison.Equal, (a: number, b: number) => a === b],
  ["notEqual", Comparison.NotEqual, (a: number, b: number) => a !== b],
  ["less", Comparison.Less, (a: number, b: number) => a < b],
  ["lessEqual", Comparison.LessEqual, (a: number, b: number) => a <= b],
] as const)("%s", (_, kind, holds) => {
  test.each(LENGTHS)("of %d", (n) => {
    for (const [opcode, a, b] of [
      [Opcode.Compare, floats(n, 1), floats(n, 2)],
      [Opcode.CompareIntegers, ints(n, 1), ints(n, 2)],
    ] as const) {
      const want = Int32Array.from(a, (x, i) => (holds(x, b[i] as number) ? 1 : 0));
      const run = (x: number, y: number, out: number) =>
        [[opcode, [out, x, y, ...whole(n), kind]]] as const;
      const buffers = [a, b, new Int32Array(n)];
      expect(onBoth(buffers, run as never).buffers[2]).toEqual(want);
      expect(onDouble(buffers, run as never).buffers[2]).toEqual(want);
    }
  });
});

test("a row against a column, and against one number", () => {
  const [a, b] = [Float32Array.of(1, 2, 3, 4, 5), Float32Array.of(3, 5)];
  const { buffers } = onBoth([a, b, new Int32Array(10)], (x, y, out) => [
    [Opcode.Compare, [out, x, y, 2, 5, 0, 1, 1, 0, Comparison.Less] as number[]],
  ]);
  expect(buffers[2]).toEqual(Int32Array.of(1, 1, 0, 0, 0, 1, 1, 1, 1, 0));
});

test.each([
  [IntegerOperation.Add, (a: number, b: number) => (a + b) | 0],
  [IntegerOperation.Sub, (a: number, b: number) => (a - b) | 0],
  [IntegerOperation.Mul, Math.imul],
  [IntegerOperation.Maximum, Math.max],
  [IntegerOperation.Minimum, Math.min],
])("whole numbers, operation %d", (operation, f) => {
  for (const n of LENGTHS) {
    const [a, b] = [ints(n, 3), ints(n, 4)];
    const { buffers } = onBoth([a, b, new Int32Array(n)], (x, y, out) => [
      [Opcode.Integers, [out, x, y, ...whole(n), operation] as number[]],
    ]);
    expect(buffers[2]).toEqual(Int32Array.from(a, (x, i) => f(x, b[i] as number)));
  }
});

test.each([
  [1, 1],
  [0, 1],
  [1, 0],
  [0, 0],
])("select with strides %d and %d", (sA, sB) => {
  for (const n of LENGTHS.filter((length) => length > 0)) {
    const [a, b] = [floats(n, 5), floats(n, 6)];
    const condition = Int32Array.from({ length: n }, (_, i) => ((i * 7) % 3) & 1);
    const want = Array.from(condition, (on, i) => (on ? a[i * sA] : b[i * sB]) as number);
    for (const opcode of [Opcode.Select, Opcode.SelectWords]) {
      const { buffers } = onBoth([condition, a, b, new Float32Array(n)], (c, x, y, out) => [
        [opcode, [out, c, x, y, n, sA, sB] as number[]],
      ]);
      expect(buffers[3]).toEqual(Float32Array.from(want));
    }
    const { buffers } = onDouble([condition, a, b, new Float32Array(n)], (c, x, y, out) => [
      [Opcode.Select, [out, c, x, y, n, sA, sB] as number[]],
    ]);
    expect(buffers[3]).toEqual(Float64Array.from(want));
  }
});

test.each(LENGTHS)("conversion of %d", (n) => {
  const x = numbers(n, 8, 3e9).map((v, i) => (i % 4 === 1 ? v / 1e9 : v));
  if (n > 2) x[2] = Number.NaN;
  const toInteger = (v: number): number =>
    Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(v)));
  const out = onBoth([x, new Int32Array(n)], (from, to) => [
    [Opcode.ToInteger, [to, from, n] as number[]],
  ]).buffers[1];
  expect(out).toEqual(Int32Array.from(x, toInteger));
  const i = ints(n, 9);
  const back = onBoth([i, new Float32Array(n)], (from, to) => [
    [Opcode.ToFloat, [to, from, n] as number[]],
  ]).buffers[1];
  expect(back).toEqual(Float32Array.from(i));
});

test.each([
  [Opcode.Abs, Math.abs],
  [Opcode.Sign, (x: number) => (x > 0 ? 1 : x < 0 ? -1 : 0)],
  [Opcode.Floor, Math.floor],
  [Opcode.Ceil, Math.ceil],
])("opcode %d", (opcode, f) => {
  for (const n of LENGTHS) {
    const x = floats(n, 7).map((v, i) => (i % 3 === 0 ? v / 2 : v));
    const run = (from: number, to: number) => [[opcode, [to, from, n]]] as const;
    expect(onBoth([x, new Float32Array(n)], run as never).buffers[1]).toEqual(x.map(f));
    expect(onDouble([x, new Float32Array(n)], run as never).buffers[1]).toEqual(
      Float64Array.from(x, f),
    );
  }
});
