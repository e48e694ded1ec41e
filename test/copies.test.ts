/** Copies of copies, composed by the planner; `split` and its derivatives. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Opcode } from "../assembly/opcodes.js";
import * as c from "../src/index.js";
import { compile, type Tensor, tensor } from "../src/index.js";
import { composed } from "../src/plan/copies.js";
import { sizeOf, stridesOf } from "../src/shape.js";

interface Layout {
  readonly offset: number;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
}

/** The positions that a layout reads, in order. */
function positions({ offset, sizes, strides }: Layout): number[] {
  return Array.from({ length: sizeOf(sizes) }, (_, i) =>
    stridesOf(sizes).reduce(
      (at, step, axis) =>
        at + (Math.floor(i / step) % (sizes[axis] as number)) * (strides[axis] as number),
      offset,
    ),
  );
}

const size = fc.integer({ min: 1, max: 4 });
const layout = fc
  .array(fc.record({ size, stride: fc.integer({ min: 0, max: 40 }) }), { maxLength: 4 })
  .chain((axes) =>
    fc.record({
      offset: fc.nat(5),
      sizes: fc.constant(axes.map((axis) => axis.size)),
      strides: fc.constant(axes.map((axis) => axis.stride)),
    }),
  );

describe("a copy of a copy", () => {
  test("reads what the two would, wherever one can", () => {
    let some = 0;
    const readable = fc.tuple(layout, layout).filter(([first, second]) => {
      const from = positions(first).length;
      return positions(second).every((at) => at < from);
    });
    fc.assert(
      fc.property(readable, ([first, second]) => {
        const both = composed(first, second);
        if (!both) return;
        some++;
        const from = positions(first);
        expect(positions(both)).toEqual(positions(second).map((at) => from[at]));
      }),
      { numRuns: 2000, seed: 1 },
    );
    expect(some).toBeGreaterThan(500);
  });

  test.each<[string, Layout, Layout, Layout | undefined]>([
    [
      "a slice of columns into swapped heads",
      { offset: 8, sizes: [2, 3, 8], strides: [72, 24, 1] },
      { offset: 0, sizes: [2, 4, 3, 2], strides: [24, 2, 8, 1] },
      { offset: 8, sizes: [2, 4, 3, 2], strides: [72, 2, 24, 1] },
    ],
    [
      "a slice in rows of another length",
      { offset: 0, sizes: [2, 3], strides: [5, 1] },
      { offset: 0, sizes: [3, 2], strides: [2, 1] },
      undefined,
    ],
    [
      "the other way round",
      { offset: 0, sizes: [4], strides: [1] },
      { offset: 3, sizes: [4], strides: [-1] },
      undefined,
    ],
  ])("%s", (_, first, second, both) => {
    expect(composed(first, second)).toEqual(both);
  });

  test("is one instruction", () => {
    const step = compile((x: Tensor) => c.transpose(c.slice(x, [null, [1, 3]])));
    const x = tensor(
      Float32Array.from({ length: 12 }, (_, i) => i),
      { shape: [3, 4] },
    );
    expect(step(x).toArray()).toEqual([
      [1, 5, 9],
      [2, 6, 10],
    ]);
    expect(step.plan.instructions.map(({ opcode }) => opcode)).toEqual([Opcode.StridedCopy]);
  });
});

describe("split", () => {
  const x = tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3] });
  const square = (part: Tensor | undefined): Tensor => c.sum(c.square(part as Tensor));

  test("of which every part is used puts its cotangents together without adding", () => {
    const f = (v: Tensor): Tensor => {
      const [a, b] = c.split(v, [1, 2], 1) as [Tensor, Tensor];
      return c.sub(c.sum(c.mul(a, 3)), c.sum(c.mul(b, 5)));
    };
    const gradient = compile((t: Tensor) => c.grad(f)(t) as Tensor);
    expect(gradient(x).toArray()).toEqual([
      [3, -5, -5],
      [3, -5, -5],
    ]);
    const opcodes = gradient.plan.instructions.map(({ opcode }) => opcode);
    expect(opcodes).not.toContain(Opcode.Add);
  });

  test("of which one part is used gives the others zeros, and the second derivative", () => {
    const f = (v: Tensor): Tensor => square(c.split(v, 3, 1)[1]);
    expect(c.grad(f)(x).toArray()).toEqual([
      [0, 4, 0],
      [0, 10, 0],
    ]);
    expect((c.hvp(f, x, c.ones([2, 3])) as Tensor).toArray()).toEqual([
      [0, 2, 0],
      [0, 2, 0],
    ]);
  });
});
