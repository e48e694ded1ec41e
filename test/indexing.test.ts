/** Shapes, slices, indices, order: values, conventions, refusals. */
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import * as c from "../src/index.js";
import { init, type Tensor, tensor, wasm } from "../src/index.js";
import { ts } from "../src/pure.js";

afterEach(() => init({ backend: wasm }));

const ints = (data: number | readonly number[] | readonly number[][]): Tensor =>
  tensor(data as number[], { dtype: "i32" });
const x23 = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const builds = [
  { name: "wasm f32", backend: wasm, dtype: "f32" },
  { name: "ts f64", backend: ts, dtype: "f64" },
] as const;

describe.each(builds)("in $name", ({ backend, dtype }) => {
  const grid = (): Tensor => tensor(x23.toArray(), { dtype });

  test.each<[string, (x: Tensor) => Tensor, unknown]>([
    [
      "slice",
      (x) => x.slice([null, [1]]),
      [
        [2, 3],
        [5, 6],
      ],
    ],
    ["slice, index", (x) => x.slice([-1]), [4, 5, 6]],
    [
      "slice, negative step",
      (x) =>
        x.slice([
          [null, null, -1],
          [-1, 0, -1],
        ]),
      [
        [6, 5],
        [3, 2],
      ],
    ],
    [
      "slice, clamped",
      (x) =>
        x.slice([
          [-9, 99],
          [2, 99],
        ]),
      [[3], [6]],
    ],
    ["slice, nothing", (x) => x.slice([[5, 9]]), []],
    [
      "flip",
      (x) => x.flip(1),
      [
        [3, 2, 1],
        [6, 5, 4],
      ],
    ],
    [
      "pad",
      (x) => x.pad([[1, 0], 1], { value: 9 }),
      [
        [9, 9, 9, 9, 9],
        [9, 1, 2, 3, 9],
        [9, 4, 5, 6, 9],
      ],
    ],
    ["pad, reflect", (x) => x.slice([0]).pad([[2, 1]], { mode: "reflect" }), [3, 2, 1, 2, 3, 2]],
    [
      "pad, replicate",
      (x) => x.slice([0]).pad([[2, 1]], { mode: "replicate" }),
      [1, 1, 1, 2, 3, 3],
    ],
    ["diagonal", (x) => x.diagonal(1), [2, 6]],
    ["diagonal, none", (x) => x.diagonal(3), []],
    [
      "triu",
      (x) => x.triu(),
      [
        [1, 2, 3],
        [0, 5, 6],
      ],
    ],
    [
      "tril",
      (x) => x.tril(-1),
      [
        [0, 0, 0],
        [4, 0, 0],
      ],
    ],
    [
      "tile",
      (x) => x.slice([0]).tile([2, 2]),
      [
        [1, 2, 3, 1, 2, 3],
        [1, 2, 3, 1, 2, 3],
      ],
    ],
    [
      "roll",
      (x) => x.roll(1, 1),
      [
        [3, 1, 2],
        [6, 4, 5],
      ],
    ],
    [
      "roll by more",
      (x) => x.roll(-7, 1),
      [
        [2, 3, 1],
        [5, 6, 4],
      ],
    ],
    [
      "expandDims",
      (x) => x.expandDims([0, -1]),
      [
        [
          [[1], [2], [3]],
          [[4], [5], [6]],
        ],
      ],
    ],
    ["squeeze", (x) => x.slice([[0, 1]]).squeeze(), [1, 2, 3]],
    [
      "swapAxes",
      (x) => x.swapAxes(0, 1),
      [
        [1, 4],
        [2, 5],
        [3, 6],
      ],
    ],
    [
      "stack",
      (x) => c.stack([x.slice([0]), x.slice([1])], -1),
      [
        [1, 4],
        [2, 5],
        [3, 6],
      ],
    ],
    [
      "concat",
      (x) => c.concat([x, x.slice([null, [0, 1]])], 1),
      [
        [1, 2, 3, 1],
        [4, 5, 6, 4],
      ],
    ],
    [
      "gather",
      (x) =>
        x.gather(
          1,
          ints([
            [2, 2],
            [0, 1],
          ]),
        ),
      [
        [3, 3],
        [4, 5],
      ],
    ],
    ["indexSelect", (x) => x.indexSelect(0, ints(1)), [4, 5, 6]],
    [
      "embedding",
      (x) => c.embedding(x, ints([[1, 0, 1]])),
      [
        [
          [4, 5, 6],
          [1, 2, 3],
          [4, 5, 6],
        ],
      ],
    ],
    [
      "indexAdd",
      (x) => x.indexAdd(1, ints([0, 0]), c.ones([2, 2], { dtype })),
      [
        [3, 2, 3],
        [6, 5, 6],
      ],
    ],
    [
      "scatterAdd",
      (x) => x.scatterAdd(0, ints([[1, 1, 0]]), c.ones([1, 3], { dtype })),
      [
        [1, 2, 4],
        [5, 6, 6],
      ],
    ],
    [
      "sort",
      (x) => x.sort(1, { descending: true }).values,
      [
        [3, 2, 1],
        [6, 5, 4],
      ],
    ],
    ["topK", (x) => x.topK(1, 0).values, [[4, 5, 6]]],
  ])("%s", (_, f, want) => {
    init({ backend, dtype });
    expect(f(grid()).toArray()).toEqual(want);
  });

  test("words of other kinds move too", () => {
    init({ backend, dtype });
    const mask = tensor([
      [true, false],
      [false, false],
    ]);
    expect(mask.pad(1).slice([1]).toArray()).toEqual([false, true, false, false]);
    expect(
      c
        .concat([ints([1, 2]), ints([3])])
        .flip()
        .toArray(),
    ).toEqual([3, 2, 1]);
    expect(
      ints([
        [1, 2],
        [3, 4],
      ])
        .pad([[0, 1], 0], { value: 7 })
        .toArray(),
    ).toEqual([
      [1, 2],
      [3, 4],
      [7, 7],
    ]);
    expect(mask.gather(0, ints([[1, 0]])).toArray()).toEqual([[false, false]]);
    expect(
      ints([5, 6, 7])
        .indexSelect(0, ints([2, 0]))
        .toArray(),
    ).toEqual([7, 5]);
    expect(c.oneHot(ints([[1], [0]]), 2).toArray()).toEqual([[[0, 1]], [[1, 0]]]);
  });

  test("sorting is stable, NaN is the greatest, −0 equals 0", () => {
    init({ backend, dtype });
    const data = [3, Number.NaN, -0, 0, -Infinity, 3, Infinity, Number.NaN];
    const x = tensor(data);
    expect(x.argsort().toArray()).toEqual([4, 2, 3, 0, 5, 6, 1, 7]);
    expect(x.argsort(0, { descending: true }).toArray()).toEqual([1, 7, 6, 0, 5, 2, 3, 4]);
    expect(tensor([], { shape: [2, 0] }).sort().values.shape).toEqual([2, 0]);
  });

  test("argsort is the order of any numbers", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 40 }), (data) => {
        init({ backend, dtype });
        const want = data
          .map((_, i) => i)
          .sort((a, b) => (data[a] as number) - (data[b] as number) || a - b);
        expect(tensor(data).argsort().toArray()).toEqual(want);
      }),
      { numRuns: 40, seed: 3 },
    );
  });

  test("a bad index commits nothing and names itself; the next call works", () => {
    init({ backend, dtype });
    const table = c.parameter(
      tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { dtype },
      ),
    );
    const step = c.compile((ids: Tensor) => {
      c.assign(table, table.mul(2));
      return c.embedding(table, ids);
    });
    for (const [bad, position] of [
      [2, 1],
      [-1, 1],
    ] as const)
      expect(() => step(ints([0, bad]))).toThrow(
        new RangeError(
          `embedding: index ${bad} at position ${position} is out of range: expected 0 ≤ index < 2`,
        ),
      );
    expect(table.toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(step(ints([1])).toArray()).toEqual([[6, 8]]);
    expect(() =>
      grid()
        .gather(1, ints([[3]]))
        .toArray(),
    ).toThrow("gather: index 3 at position 0 is out of range: expected 0 ≤ index < 3");
    expect(() =>
      grid()
        .scatterAdd(0, ints([[7]]), grid())
        .toArray(),
    ).toThrow("scatterAdd: index 7 at position 0 is out of range: expected 0 ≤ index < 2");
  });

  test("a concatenation that is assigned is not begun before what reads the old value", () => {
    init({ backend, dtype });
    const p = c.parameter(tensor([1, 2], { dtype }));
    const step = c.compile((x: Tensor) => {
      const next = c.concat([x, p.slice([[0, 1]])]);
      c.assign(p, next);
      return next;
    });
    for (const x of [7, 8]) step(tensor([x], { dtype }));
    expect(p.toArray()).toEqual([8, 7]);
  });
});

test.each<[string, () => unknown, string]>([
  [
    "slice, ranges",
    () => x23.slice([0, 0, 0]),
    "slice: too many ranges: got 3 for [2, 3], expected at most 2",
  ],
  [
    "slice, index",
    () => x23.slice([2]),
    "slice: index 2 on axis 0 is out of range: expected -2 ≤ index < 2",
  ],
  [
    "slice, step",
    () => x23.slice([[0, 1, 0]]),
    "slice: step is zero: got 0, expected another number",
  ],
  [
    "concat, shapes",
    () => c.concat([x23, tensor([[1]])], 1),
    "concat: shapes differ outside axis 1: got [1, 1] at 1 beside [2, 3]",
  ],
  [
    "concat, nothing",
    () => c.concat([]),
    "concat: nothing to join: got an array of 0, expected an array of tensors",
  ],
  [
    "concat, dtypes",
    () => c.concat([ints([1]), tensor([1])]),
    "concat: dtypes differ: got f32 at 1 beside i32, expected equal ones",
  ],
  [
    "stack",
    () => c.stack([x23, tensor([1])]),
    "stack: shapes differ: got [1] at 1, expected [2, 3]",
  ],
  [
    "split, parts",
    () => x23.split(2, 1),
    "split: axis 1 does not divide: got 3 elements in 2 parts, expected equal whole ones",
  ],
  [
    "split, lengths",
    () => x23.split([1, 3], 1),
    "split: lengths do not add up: got [1, 3] for 3 elements on axis 1, expected that sum",
  ],
  [
    "squeeze",
    () => x23.squeeze(0),
    "squeeze: axis 0 is not of length 1: got [2, 3], expected 1 there",
  ],
  [
    "pad, count",
    () => x23.pad([1]),
    "pad: number of widths differs: got 1, expected 2, one for each axis of [2, 3]",
  ],
  [
    "pad, negative",
    () => x23.pad(-1),
    "pad: bad width: got [-1, -1], expected two whole numbers ≥ 0",
  ],
  [
    "pad, reflect",
    () => x23.pad(2, { mode: "reflect" }),
    "pad: width is too large: got [2, 2] on an axis of 2, expected at most 1 in mode reflect",
  ],
  ["triu", () => tensor([1]).triu(), "triu: not a matrix: got [1], expected at least two axes"],
  ["tile", () => x23.tile(-1), "tile: bad repeats: got [-1], expected whole numbers ≥ 0"],
  [
    "gather, floats",
    () => x23.gather(0, x23),
    'gather: indices are not integers: got f32, expected i32; write tensor(indices, { dtype: "i32" })',
  ],
  [
    "gather, shapes",
    () => x23.gather(0, ints([[0, 0, 0, 0]])),
    "gather: shapes do not fit: got indices [1, 4] for [2, 3], expected no longer ones outside axis 0",
  ],
  [
    "indexAdd",
    () => x23.indexAdd(0, ints([0]), x23),
    "indexAdd: shapes do not fit: got source [2, 3] and indices [1], expected [1, 3] and [n]",
  ],
  [
    "scatterAdd",
    () => x23.scatterAdd(0, ints([[0, 1]]), tensor([[1]])),
    "scatterAdd: source is too short: got [1, 1], expected at least [1, 2]",
  ],
  [
    "topK",
    () => x23.topK(4),
    "topK: bad k: got 4 on an axis of 3, expected a whole number from 0 to that",
  ],
  [
    "oneHot",
    () => c.oneHot(ints([0]), 0),
    "oneHot: bad classes: got 0, expected a whole number ≥ 1",
  ],
  [
    "sort of integers",
    () => ints([1]).sort(),
    "argsort: dtype is not a float: got i32, expected f32 or f64",
  ],
  [
    "diagonal",
    () => x23.diagonal(0, 0, -2),
    "diagonal: axes are the same: got 0 and -2, expected two",
  ],
  [
    "flatten",
    () => x23.flatten(1, 0),
    "flatten: axes are reversed: got 1 and 0, expected start ≤ end",
  ],
])("bad input: %s", (_, call, message) => expect(call).toThrow(message));
