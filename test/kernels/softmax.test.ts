/** Causal softmax against plain softmax of scaled and masked scores; greatest elements. */
import { describe, expect, test } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import { type Block, bits, onBoth, onDouble } from "./harness.js";
import { expectClose, numbers } from "./values.js";

const SCALE = 0.3;

describe.each([1, 3, 5, 17, 40])("causal softmax of %d queries", (queries) => {
  test.each([1, 2, 3, 4, 7, 8, 15, 16, 17, 33, 64])("and %d keys", (n) => {
    const rows = 2 * queries;
    const seen = (i: number): boolean => i % n <= Math.floor(i / n) % queries;
    const given = numbers(rows * n, 3, 4);
    const scale = Float32Array.of(SCALE);
    // What is not seen is not read.
    const x = given.map((value, i) => (seen(i) ? value : Number.NaN));
    const masked = given.map((value, i) =>
      seen(i) ? Math.fround(value * (scale[0] as number)) : Number.NEGATIVE_INFINITY,
    );
    const empty = new Float32Array(rows * n);
    const forward = (from: number, small: number, to: number) =>
      [
        [Opcode.CausalSoftmax, [to, from, rows, n, queries, small]],
        [Opcode.CausalSoftmax, [from, from, rows, n, queries, small]],
      ] as const;
    const [inPlace, , y] = onBoth([x, scale, empty], forward as never).buffers as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    expect(bits(inPlace)).toEqual(bits(y));
    const plain = onBoth([masked, empty], (from, to) => [[Opcode.Softmax, [to, from, rows, n, 0]]]);
    expect(bits(y)).toEqual(bits(plain.buffers[1] as Block));
    expectClose(onDouble([x, scale, empty], forward as never).buffers[2], [...y], 2e-6);

    const dy = numbers(rows * n, 4).map((value, i) => (seen(i) ? value : Number.NaN));
    const [, , , dx, same] = onBoth(
      [y, dy, scale, empty, dy, new Float32Array(n)],
      (a, b, small, to, over, scratch) => [
        [Opcode.CausalSoftmaxBackward, [to, scratch, a, b, rows, n, queries, small]],
        [Opcode.CausalSoftmaxBackward, [over, scratch, a, over, rows, n, queries, small]],
      ],
    ).buffers as [Block, Block, Block, Block, Block];
    expect(bits(same)).toEqual(bits(dx));
    const back = onBoth(
      [y, dy.map((value) => value || 0), empty, new Float32Array(n)],
      (a, b, to, scratch) => [[Opcode.SoftmaxBackward, [to, scratch, a, b, rows, n, 0]]],
    );
    expectClose(
      dx,
      [...(back.buffers[2] as Block)].map((value) => value * SCALE),
      1e-6,
    );
  });
});

test.each([
  ["zeros of both signs", [-0, 0, -0, -0, -1, -0, -0, -0, 0]],
  ["−0 alone", [-0]],
  ["NaN first, in the middle, last", [Number.NaN, 1, 2, 3, 4, 5, 6, 7, 8]],
  ["NaN in the middle", [0, 1, 2, Number.NaN, 4, 5, 6, 7, 8]],
  ["NaN last", [0, 1, 2, 3, 4, 5, 6, 7, Number.NaN]],
  ["−Infinity throughout", new Array(9).fill(Number.NEGATIVE_INFINITY)],
  [
    "exponentials that vanish, and those that nearly do",
    [0, -103, -103.9, -104, -105, -200, -3e38],
  ],
])("softmax and cross-entropy of %s", (_, row) => {
  const x = Float32Array.from(row);
  const n = x.length;
  const one = new Float32Array(1);
  onBoth([x, new Float32Array(n), new Float32Array(n)], (from, to, log) => [
    [Opcode.Softmax, [to, from, 1, n, 0]],
    [Opcode.Softmax, [log, from, 1, n, 1]],
  ]);
  const rowMax = onBoth([x, Int32Array.of(0), one, one, one], (from, label, loss, top, sum) => [
    [Opcode.SoftmaxCrossEntropyForward, [loss, top, sum, from, label, 1, n]],
  ]).buffers[3] as Block;
  expect(rowMax[0]).toBe(Math.max(...x));
});
