/** Bools, whole numbers, comparisons, choice, conversion. */
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  add,
  cast,
  ceil,
  compile,
  eq,
  eye,
  floor,
  full,
  ge,
  grad,
  gt,
  init,
  le,
  logicalAnd,
  logicalNot,
  logicalOr,
  lt,
  maximum,
  minimum,
  mul,
  ne,
  neg,
  parameter,
  round,
  sign,
  sqrt,
  sub,
  sum,
  type Tensor,
  tensor,
  wasm,
  where,
} from "../src/index.js";
import { loadSafetensors, saveSafetensors } from "../src/io/index.js";
import { Module } from "../src/nn/index.js";
import { ts } from "../src/pure.js";

afterEach(() => init({ backend: wasm }));

const i32 = { dtype: "i32" } as const;
const builds = [
  { name: "wasm f32", backend: wasm, dtype: "f32" },
  { name: "ts f32", backend: ts, dtype: "f32" },
  { name: "ts f64", backend: ts, dtype: "f64" },
] as const;

describe("bool", () => {
  test("comes from booleans and bytes, and goes back to them", () => {
    for (const made of [tensor([true, false]), tensor(Uint8Array.of(7, 0))]) {
      expect([made.dtype, made.toArray(), made.toTypedArray()]).toEqual([
        "bool",
        [true, false],
        Uint8Array.of(1, 0),
      ]);
    }
    expect(tensor([2, 0, Number.NaN], { dtype: "bool" }).toArray()).toEqual([true, false, false]);
    expect([tensor(true).item(), tensor(true).toArray()]).toEqual([1, true]);
    expect(full([2], true).toArray()).toEqual([true, true]);
    expect(full([], -3, { dtype: "bool" }).toTypedArray()).toEqual(Uint8Array.of(1));
    expect(eye(2, { dtype: "bool" }).toArray()).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  test("is saved and restored as BOOL, whatever byte stands for true", () => {
    class Masked extends Module {
      readonly mask = parameter(tensor([true, false, true]), { name: "mask", trainable: false });
      forward(x: Tensor): Tensor {
        return where(this.mask, x, 0);
      }
    }
    const module = new Masked();
    const saved = loadSafetensors(saveSafetensors(module.stateDict()));
    expect(saved.mask).toEqual({ shape: [3], dtype: "BOOL", data: Uint8Array.of(1, 0, 1) });
    module.loadStateDict({ mask: { shape: [3], dtype: "BOOL", data: Uint8Array.of(0, 255, 1) } });
    expect(module.mask.toTypedArray()).toEqual(Uint8Array.of(0, 1, 1));
  });

  test.each(builds)("is input, output and Parameter of a step in $name", ({ backend, dtype }) => {
    init({ backend, dtype });
    const mask = parameter(tensor([true, true, false]));
    const step = compile((x: Tensor, on: Tensor) => [where(logicalAnd(on, mask), x, 0), on]);
    const [y, on] = step(tensor([1, 2, 3]), tensor([false, true, true]));
    expect([y?.toArray(), on?.toArray()]).toEqual([
      [0, 2, 0],
      [false, true, true],
    ]);
    expect(mask.toArray()).toEqual([true, true, false]);
    expect(
      tensor([[true, false]])
        .transpose()
        .toArray(),
    ).toEqual([[true], [false]]);
  });
});

describe.each(builds)("in $name", ({ backend, dtype }) => {
  const comparisons: [string, typeof eq, (a: number, b: number) => boolean][] = [
    ["eq", eq, (a, b) => a === b],
    ["ne", ne, (a, b) => a !== b],
    ["lt", lt, (a, b) => a < b],
    ["le", le, (a, b) => a <= b],
    ["gt", gt, (a, b) => a > b],
    ["ge", ge, (a, b) => a >= b],
  ];
  test.each(comparisons)("%s, as numbers compare", (_, op, want) => {
    const number = fc.oneof(
      fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0, 1, 1e-45, -1e-45),
      fc.integer({ min: -3, max: 3 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { maxLength: 19 }), (pairs) => {
        init({ backend, dtype });
        const single = pairs.map((pair) => pair.map(Math.fround) as [number, number]);
        const [a, b] = [0, 1].map((side) => single.map((pair) => pair[side] as number));
        const got = op(tensor(a as number[]), tensor(b as number[]));
        expect(got.dtype).toBe("bool");
        expect(got.toArray()).toEqual(single.map(([x, y]) => want(x, y)));
        const whole = single.filter((pair) => pair.every((x) => x === (x | 0)));
        const ints = [0, 1].map((side) =>
          tensor(
            whole.map((pair) => pair[side] as number),
            i32,
          ),
        );
        expect(op(ints[0] as Tensor, ints[1] as Tensor).toArray()).toEqual(
          whole.map(([x, y]) => want(x, y)),
        );
      }),
      { numRuns: 30, seed: 2 },
    );
  });

  test("broadcasting, numbers, logic", () => {
    init({ backend, dtype });
    const x = tensor([[1, 2, 3]]);
    expect(lt(x, tensor([[2], [3]])).toArray()).toEqual([
      [true, false, false],
      [true, true, false],
    ]);
    const [a, b] = [tensor([true, true, false, false]), tensor([true, false, true, false])];
    expect(logicalAnd(a, b).toArray()).toEqual([true, false, false, false]);
    expect(logicalOr(a, b).toArray()).toEqual([true, true, true, false]);
    expect(logicalNot(a).toArray()).toEqual([false, false, true, true]);
    expect(eq(a, b).toArray()).toEqual([true, false, false, true]);
  });

  test("whole numbers wrap", () => {
    init({ backend, dtype });
    const [a, b] = [tensor([2 ** 31 - 1, 7, -8], i32), tensor([1, -3, 2], i32)];
    expect(add(a, b).toArray()).toEqual([-(2 ** 31), 4, -6]);
    expect(sub(a, b).toArray()).toEqual([2 ** 31 - 2, 10, -10]);
    expect(mul(a, tensor([2], i32)).toArray()).toEqual([-2, 14, -16]);
    expect([maximum(a, b).toArray(), minimum(a, 0).toArray()]).toEqual([
      [2 ** 31 - 1, 7, 2],
      [0, 0, -8],
    ]);
    expect(neg(b).toArray()).toEqual([-1, 3, -2]);
  });

  test("conversion", () => {
    init({ backend, dtype });
    const x = tensor([1.9, -1.9, -0.5, Number.NaN, Infinity, -Infinity, 3e9, -3e9]);
    const [top, bottom] = [2 ** 31 - 1, -(2 ** 31)];
    expect(cast(x, "i32").toArray()).toEqual([1, -1, 0, 0, top, bottom, top, bottom]);
    expect(cast(tensor([0, -0, 0.1, Number.NaN]), "bool").toArray()).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(cast(tensor([3, -4], i32), dtype).toArray()).toEqual([3, -4]);
    expect(cast(tensor([true, false]), dtype).toArray()).toEqual([1, 0]);
    expect(
      cast(tensor([true, false]), "i32")
        .add(1)
        .toArray(),
    ).toEqual([2, 1]);
    // Converting f32 rounds to nearest, half to even.
    if (dtype === "f32")
      expect(cast(tensor([16777217, 16777219], i32), "f32").toArray()).toEqual([
        16777216, 16777220,
      ]);
  });

  test("rounding keeps the sign of zero", () => {
    init({ backend, dtype });
    const x = [2.5, 3.5, -2.5, -0.5, -0.2, 0.5, 1e30, Infinity, Number.NaN, -0, 0.7, -0.7];
    const of = (op: (x: Tensor) => Tensor): number[] => [...op(tensor(x)).toTypedArray()];
    const big = Math.fround(1e30);
    expect(of(round)).toEqual([
      2,
      4,
      -2,
      -0,
      -0,
      0,
      dtype === "f32" ? big : 1e30,
      Infinity,
      Number.NaN,
      -0,
      1,
      -1,
    ]);
    expect(of(floor).slice(0, 6)).toEqual([2, 3, -3, -1, -1, 0]);
    expect(of(ceil).slice(0, 6)).toEqual([3, 4, -2, -0, -0, 1]);
    expect(of(sign)).toEqual([1, 1, -1, -1, -1, 1, 1, 1, 0, 0, 1, -1]);
  });

  test("where chooses, and its gradient sees nothing of what was not chosen", () => {
    init({ backend, dtype });
    const x = tensor([4, -1, 0, 9]);
    const f = (t: Tensor): Tensor => sum(where(gt(t, 0), sqrt(t), 1));
    expect(f(x).item()).toBe(7);
    expect(where(tensor([true, false]), tensor([1, 2], i32), 7).toArray()).toEqual([1, 7]);
    expect(where(tensor([true, false]), tensor(true), tensor([false, false])).toArray()).toEqual([
      true,
      false,
    ]);
    const g = grad(f)(x).toArray() as number[];
    expect([g[0], g[3]]).toEqual([0.25, dtype === "f32" ? Math.fround(1 / 6) : 1 / 6]);
  });
});

test("accuracy inside a step, from labels that are i32", () => {
  const step = compile((scores: Tensor, labels: Tensor) =>
    cast(eq(cast(scores, "i32"), labels), "f32").mean(),
  );
  expect(step(tensor([0, 1, 2, 2]), tensor([0, 1, 1, 2], i32)).item()).toBe(0.75);
  expect(step.callsPerStep).toBe(1);
});
