/** Windows: the contract, entry by entry. */
import { expect, test } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import { bits, onBoth, onDouble } from "./harness.js";
import { numbers } from "./values.js";

const F = Math.fround;

interface Geometry {
  readonly planes: number;
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly out: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
}

const geometry = (
  planes: number,
  size: Geometry["size"],
  kernel: Geometry["kernel"],
  out: Geometry["out"],
  rest: Partial<Geometry> = {},
): Geometry => ({
  ...{ planes, size, kernel, out },
  ...{ stride: [1, 1], padding: [0, 0], dilation: [1, 1], ...rest },
});

const wordsOf = (g: Geometry): number[] => [
  ...[1, g.planes, ...g.size, g.planes, ...g.kernel, ...g.out],
  ...[...g.stride, ...g.padding, ...g.dilation, 1],
];

/** Indices in the plane of the window at position l, in row-major order, and its padded size. */
function windowOf(g: Geometry, l: number): { inside: number[]; padded: number } {
  const start = [
    Math.floor(l / g.out[1]) * g.stride[0] - g.padding[0],
    (l % g.out[1]) * g.stride[1] - g.padding[1],
  ] as const;
  const inside: number[] = [];
  for (let ky = 0; ky < g.kernel[0]; ky++)
    for (let kx = 0; kx < g.kernel[1]; kx++) {
      const [y, x] = [start[0] + ky * g.dilation[0], start[1] + kx * g.dilation[1]];
      if (y >= 0 && y < g.size[0] && x >= 0 && x < g.size[1]) inside.push(y * g.size[1] + x);
    }
  const along = (axis: 0 | 1): number =>
    Math.min(start[axis] + g.kernel[axis], g.size[axis] + g.padding[axis]) - start[axis];
  return { inside, padded: along(0) * along(1) };
}

const shapes: readonly Geometry[] = [
  geometry(0, [2, 2], [2, 2], [1, 1]),
  geometry(1, [1, 1], [1, 1], [1, 1]),
  geometry(3, [4, 4], [2, 2], [2, 2], { stride: [2, 2] }),
  geometry(2, [5, 17], [2, 3], [4, 15]),
  geometry(2, [6, 29], [3, 3], [3, 15], { stride: [2, 2], padding: [1, 1] }),
  geometry(1, [5, 6], [2, 2], [3, 3], { stride: [2, 2] }),
  geometry(1, [6, 6], [3, 3], [4, 4], { stride: [2, 2], padding: [1, 1] }),
  geometry(2, [7, 8], [3, 2], [2, 3], { stride: [3, 3] }),
  // Squares side by side: vectors of windows, the last of a row overlapping, pixels left over.
  geometry(2, [4, 8], [2, 2], [2, 4], { stride: [2, 2] }),
  geometry(3, [5, 11], [2, 2], [2, 5], { stride: [2, 2] }),
  geometry(2, [6, 19], [2, 2], [3, 9], { stride: [2, 2] }),
  geometry(1, [7, 18], [2, 2], [4, 9], { stride: [2, 2] }),
  geometry(1, [4, 15], [2, 2], [2, 8], { stride: [2, 2] }),
  geometry(1, [5, 12], [2, 2], [4, 6], { stride: [1, 2] }),
  geometry(1, [4, 14], [2, 2], [3, 8], { stride: [2, 2], padding: [1, 1] }),
  // Steps of three and of one; a single column of the kernel, two apart.
  geometry(1, [4, 25], [2, 3], [3, 8], { stride: [1, 3] }),
  geometry(2, [3, 16], [3, 5], [3, 16], { padding: [1, 2] }),
  geometry(1, [3, 13], [2, 1], [2, 7], { stride: [1, 2] }),
  geometry(1, [4, 17], [3, 3], [2, 8], { stride: [1, 2] }),
];
const dilated: readonly Geometry[] = [
  geometry(2, [7, 19], [2, 3], [4, 15], { dilation: [3, 2] }),
  geometry(1, [5, 9], [2, 2], [5, 5], { dilation: [2, 4], padding: [1, 0] }),
  geometry(2, [5, 21], [2, 3], [4, 9], { stride: [1, 2], dilation: [1, 2] }),
  geometry(1, [4, 22], [2, 2], [3, 10], { stride: [1, 2], dilation: [1, 3] }),
  // No element lies under this window.
  geometry(1, [1, 3], [2, 1], [1, 3], { dilation: [2, 1], padding: [1, 0] }),
];

const specials = [Number.NaN, -Infinity, -0, 0, 1, 1, Number.NaN, 1e-45, Infinity];
/** Repeated over an image: none, all of these; equals without a NaN; a NaN here and there. */
const values: readonly (readonly number[])[] = [
  [],
  specials,
  [-0, 0, 1, 1, -0, 2, 0, 1e-45, -1],
  [1, 1, -Infinity, Infinity, 0, -0, 2],
  [...Array.from({ length: 36 }, (_, i) => (i * 5) % 7), Number.NaN],
];

test("the greatest of each window, where it is, and what goes back there", () => {
  for (const g of [...shapes, ...dilated])
    for (const special of values) {
      const [plane, area] = [g.size[0] * g.size[1], g.out[0] * g.out[1]];
      const x = numbers(g.planes * plane, 1);
      const { length } = special;
      for (let i = 0; length > 0 && i < x.length; i++) x[i] = special[(i * 5) % length] as number;
      const dy = numbers(g.planes * area, 2);
      for (let i = 0; length > 0 && i < dy.length; i += 3) dy[i] = specials[i % 9] as number;
      const want = { y: dy.slice(), indices: new Int32Array(dy.length), placed: x.map(() => 0) };
      for (let i = 0; i < dy.length; i++) {
        const from = Math.floor(i / area) * plane;
        let [best, at] = [-Infinity, -1];
        for (const place of windowOf(g, i % area).inside) {
          const v = x[from + place] as number;
          if (at < 0 || v > best || Number.isNaN(v)) [best, at] = [v, place];
        }
        want.y[i] = best;
        want.indices[i] = at;
        if (at >= 0)
          want.placed[from + at] = F((want.placed[from + at] as number) + (dy[i] as number));
      }
      const buffers = [
        ...[new Float32Array(dy.length), new Int32Array(dy.length)],
        ...[new Float32Array(x.length).fill(9), new Float32Array(dy.length), x, dy],
      ];
      const program = (y = 0, indices = 0, placed = 0, picked = 0, from = 0, d = 0) =>
        [
          [Opcode.MaxPool, [y, indices, from, ...wordsOf(g)]],
          [Opcode.PoolScatter, [placed, d, indices, ...wordsOf(g)]],
          [Opcode.PoolGather, [picked, from, indices, g.planes, plane, area]],
        ] as const;
      const [y, indices, placed, picked] = onBoth(buffers, program).buffers;
      expect(bits(y as Float32Array)).toEqual(bits(want.y));
      expect(indices).toEqual(want.indices);
      expect(bits(placed as Float32Array)).toEqual(bits(want.placed));
      const absent = want.y.map((v, i) => ((want.indices[i] as number) < 0 ? 0 : v));
      expect(bits(picked as Float32Array)).toEqual(bits(absent));
      expect(onDouble(buffers, program).buffers[1]).toEqual(want.indices);
    }
});

test("the mean of each window, and its transpose", () => {
  for (const g of shapes)
    for (const [countIncludePad, divisor] of [
      [1, 0],
      [0, 0],
      [1, 3],
    ] as const) {
      const [plane, area] = [g.size[0] * g.size[1], g.out[0] * g.out[1]];
      const x = numbers(g.planes * plane, 3);
      const dy = numbers(g.planes * area, 4);
      const want = { y: dy.slice(), dx: x.map(() => 0) };
      for (let i = 0; i < dy.length; i++) {
        const from = Math.floor(i / area) * plane;
        const { inside, padded } = windowOf(g, i % area);
        const by = divisor || (countIncludePad ? padded : inside.length);
        let s = 0;
        for (const at of inside) s = F(s + (x[from + at] as number));
        want.y[i] = F(s / by);
        const share = F((dy[i] as number) / by);
        for (const at of inside) want.dx[from + at] = F((want.dx[from + at] as number) + share);
      }
      const buffers = [
        ...[new Float32Array(dy.length), new Float32Array(x.length).fill(9), x, dy],
        Float32Array.of(divisor),
      ];
      const [y, dx] = onBoth(buffers, (to = 0, back = 0, from = 0, d = 0, scalar = 0) => {
        const options = [...wordsOf(g), countIncludePad, divisor ? scalar : 0];
        return [
          [Opcode.AvgPool, [to, from, ...options]],
          [Opcode.AvgPoolBackward, [back, d, ...options]],
        ];
      }).buffers;
      expect(y).toEqual(want.y);
      expect(dx).toEqual(want.dx);
    }
});
