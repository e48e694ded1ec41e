/** The three products of convolution, and columns: the contract, entry by entry. */
import { describe, expect, test } from "vitest";
import { Activation, Opcode } from "../../assembly/opcodes.js";
import { forwardPart, inputPart, weightPart } from "../../src/ops/convScratch.js";
import { bits, type Instruction, onBoth, onDouble } from "./harness.js";
import { numbers } from "./values.js";

const F = Math.fround;
const KC = 256;

interface Geometry {
  readonly n: number;
  readonly c: number;
  readonly size: readonly [number, number];
  readonly o: number;
  readonly kernel: readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly padding?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly groups?: number;
  /** Positions more than fit: what a padding after the end, or an output padding, gives. */
  readonly more?: number;
}

/** All sixteen words, and what follows from them. */
function sizesOf(g: Geometry) {
  const { stride = [1, 1], padding = [0, 0], dilation = [1, 1], groups = 1, more = 0 } = g;
  const steps = (axis: 0 | 1): number =>
    Math.floor(
      (g.size[axis] + 2 * padding[axis] - dilation[axis] * (g.kernel[axis] - 1) - 1) / stride[axis],
    ) +
    1 +
    more;
  const out = [steps(0), steps(1)] as const;
  return {
    ...{ stride, padding, dilation, groups, out },
    words: [
      ...[g.n, g.c, ...g.size, g.o, ...g.kernel, ...out],
      ...[...stride, ...padding, ...dilation, groups],
    ],
    channels: g.c / groups,
    filters: g.o / groups,
    depth: (g.c / groups) * g.kernel[0] * g.kernel[1],
    area: out[0] * out[1],
    plane: g.size[0] * g.size[1],
  };
}

/** Where column row k of channel c's image looks at position l: index in the plane, or −1. */
function pixel(g: Geometry, k: number, l: number): number {
  const { stride, padding, dilation, out } = sizesOf(g);
  const inside = k % (g.kernel[0] * g.kernel[1]);
  const [ky, kx] = [Math.floor(inside / g.kernel[1]), inside % g.kernel[1]];
  const y = Math.floor(l / out[1]) * stride[0] + ky * dilation[0] - padding[0];
  const x = (l % out[1]) * stride[1] + kx * dilation[1] - padding[1];
  return y < 0 || y >= g.size[0] || x < 0 || x >= g.size[1] ? -1 : y * g.size[1] + x;
}

type Round = (x: number) => number;

/** Σ a(p)·b(p) in GEMM's order. */
function dot(k: number, a: (p: number) => number, b: (p: number) => number, round: Round): number {
  let total = 0;
  for (let from = 0; from < k; from += KC) {
    let s = 0;
    for (let p = from; p < Math.min(k, from + KC); p++) s = round(s + round(a(p) * b(p)));
    total = from === 0 ? s : round(total + s);
  }
  return total;
}

interface Data {
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly dy: Float32Array;
  readonly bias: Float32Array;
}

function reference(g: Geometry, { x, w, dy, bias }: Data, round: Round) {
  const { channels, filters, depth, area, plane, padding, stride, dilation, out } = sizesOf(g);
  const window = g.kernel[0] * g.kernel[1];
  const pixels = Array.from({ length: window * area }, (_, i) =>
    pixel(g, Math.floor(i / area), i % area),
  );
  const column = (n: number, group: number, k: number, l: number): number => {
    const at = pixels[(k % window) * area + l] as number;
    const channel = n * g.c + group * channels + Math.floor(k / window);
    return at < 0 ? 0 : (x[channel * plane + at] as number);
  };
  const y = Array.from(dy, (_, i) => {
    const [l, map] = [i % area, Math.floor(i / area)];
    const [o, n] = [map % g.o, Math.floor(map / g.o)];
    const group = Math.floor(o / filters);
    const s = dot(
      depth,
      (k) => w[o * depth + k] as number,
      (k) => column(n, group, k, l),
      round,
    );
    const v = round(s + (bias[o] as number));
    return v < 0 ? 0 : v;
  });
  const dx = Array.from(x, (_, i) => {
    const [at, c] = [i % plane, Math.floor(i / plane) % g.c];
    const n = Math.floor(i / plane / g.c);
    const group = Math.floor(c / channels);
    // The elements of a filter whose distance from the pixel is a multiple of the stride.
    const taps = Array.from({ length: window }, (_, tap) => {
      const distance = ([0, 1] as const).map((axis) => {
        const pixel = axis === 0 ? Math.floor(at / g.size[1]) : at % g.size[1];
        const k = axis === 0 ? Math.floor(tap / g.kernel[1]) : tap % g.kernel[1];
        return (pixel + padding[axis] - k * dilation[axis]) / stride[axis];
      });
      const [oy, ox] = distance as [number, number];
      const there = oy >= 0 && oy < out[0] && ox >= 0 && ox < out[1];
      return { tap, used: distance.every(Number.isInteger), l: there ? oy * out[1] + ox : -1 };
    }).filter(({ used }) => used);
    const weights = Array.from({ length: filters }, (_, j) =>
      taps.map(({ tap }) => w[(group * filters + j) * depth + (c % channels) * window + tap]),
    ).flat() as number[];
    const maps = Array.from({ length: filters }, (_, j) =>
      taps.map(({ l }) => (l < 0 ? 0 : dy[(n * g.o + group * filters + j) * area + l])),
    ).flat() as number[];
    const s = dot(
      weights.length,
      (p) => weights[p] as number,
      (p) => maps[p] as number,
      round,
    );
    return round(s + (bias[c] as number));
  });
  const dw = Array.from(w, (_, i) => {
    const [k, o] = [i % depth, Math.floor(i / depth)];
    const group = Math.floor(o / filters);
    return dot(
      g.n * area,
      (p) => dy[(Math.floor(p / area) * g.o + o) * area + (p % area)] as number,
      (p) => column(Math.floor(p / area), group, k, p % area),
      round,
    );
  });
  return { y, dx, dw };
}

/** As `src/ops` describes it. */
const described = (g: Geometry) => {
  const { stride, padding, dilation, groups, out } = sizesOf(g);
  return {
    ...{ batch: g.n, channels: g.c, input: g.size, filters: g.o, kernel: g.kernel, output: out },
    ...{ stride, padding, dilation, groups },
  };
};

type Spans = readonly [number, number, number];

/**
 * Buffers y, dx, dw, scratch, x, w, dy, bias; `span` of each kernel, otherwise those of the ops
 * with just the scratch that these ask for.
 */
function run(g: Geometry, data: Data, given?: Spans) {
  const s = sizesOf(g);
  const parts = [forwardPart, inputPart, weightPart].map((partOf) => partOf(described(g)));
  const spans = given ?? (parts.map(({ span }) => span) as unknown as Spans);
  const filled = (length: number) => new Float32Array(length).fill(9);
  const scratches = parts.map(({ scratch }) => filled(given ? 80_000 : scratch));
  const buffers = [
    ...[filled(data.dy.length), filled(data.x.length), filled(data.w.length)],
    ...[...scratches, data.x, data.w, data.dy, data.bias],
  ];
  const program = (...at: number[]): Instruction[] => {
    const [y, dx, dw, s0, s1, s2, x, w, dy, bias] = at as [
      ...[number, number, number, number, number],
      ...[number, number, number, number, number],
    ];
    return [
      [Opcode.Conv2dForward, [y, s0, x, w, bias, ...s.words, spans[0], Activation.Relu]],
      [Opcode.Conv2dInputGradient, [dx, s1, dy, w, bias, ...s.words, spans[1]]],
      // In two parts, of which the first may be empty.
      [Opcode.Conv2dWeightGradient, [dw, s2, x, dy, ...s.words, spans[2], 0, g.o >> 1]],
      [Opcode.Conv2dWeightGradient, [dw, s2, x, dy, ...s.words, spans[2], g.o >> 1, g.o]],
    ];
  };
  return {
    single: onBoth(buffers, program, [3, 4, 5]).buffers,
    double: onDouble(buffers, program).buffers,
  };
}

function dataOf(g: Geometry): Data {
  const { depth, area, plane } = sizesOf(g);
  return {
    x: numbers(g.n * g.c * plane, 1),
    w: numbers(g.o * depth, 2),
    dy: numbers(g.n * g.o * area, 3),
    bias: numbers(Math.max(g.o, g.c), 4),
  };
}

function check(g: Geometry, spans?: Spans, data = dataOf(g)): void {
  const { single, double } = run(g, data, spans);
  const exact = reference(g, data, F);
  const near = reference(g, data, (x) => x);
  for (const [index, name] of (["y", "dx", "dw"] as const).entries()) {
    const got = bits(single[index] as Float32Array);
    const want = bits(Float32Array.from(exact[name]));
    if (got.length !== want.length || got.some((word, i) => word !== want[i]))
      expect([...(single[index] as Float32Array)], `${name}, ${JSON.stringify(g)}`).toEqual(
        exact[name],
      );
    near[name].forEach((value, i) => {
      const got64 = double[index]?.[i] as number;
      if (!(Math.abs(got64 - value) <= 1e-12 * Math.max(1, Math.abs(value))))
        expect(got64, `f64 ${name} ${i}, ${JSON.stringify(g)}`).toBe(value);
    });
  }
}

const shapes: readonly Geometry[] = [
  { n: 0, c: 2, size: [3, 3], o: 2, kernel: [2, 2] },
  { n: 1, c: 1, size: [1, 1], o: 1, kernel: [1, 1] },
  { n: 2, c: 3, size: [5, 7], o: 4, kernel: [3, 2] },
  { n: 2, c: 2, size: [4, 17], o: 5, kernel: [3, 3], padding: [1, 1] },
  { n: 1, c: 2, size: [9, 8], o: 3, kernel: [3, 3], stride: [2, 3], padding: [1, 2] },
  { n: 1, c: 2, size: [9, 11], o: 2, kernel: [2, 3], dilation: [3, 2] },
  { n: 2, c: 4, size: [4, 5], o: 6, kernel: [2, 2], groups: 2 },
  { n: 2, c: 3, size: [6, 6], o: 3, kernel: [3, 3], padding: [1, 1], groups: 3 },
  { n: 3, c: 5, size: [4, 7], o: 9, kernel: [1, 1] },
  { n: 2, c: 4, size: [3, 3], o: 4, kernel: [1, 1], groups: 2 },
  { n: 2, c: 3, size: [5, 5], o: 2, kernel: [1, 1], stride: [2, 2] },
  { n: 1, c: 1, size: [2, 2], o: 1, kernel: [2, 2], padding: [3, 3] },
  { n: 1, c: 2, size: [4, 4], o: 2, kernel: [3, 3], stride: [2, 2], padding: [1, 1], more: 1 },
  { n: 1, c: 1, size: [1, 9], o: 2, kernel: [1, 3], stride: [1, 2], padding: [0, 1] },
  // Around tiles of four filters, four elements and vectors of four positions.
  { n: 2, c: 3, size: [5, 4], o: 8, kernel: [3, 3], padding: [1, 1] },
  { n: 1, c: 4, size: [4, 6], o: 9, kernel: [2, 2] },
  { n: 1, c: 5, size: [3, 9], o: 6, kernel: [1, 2], padding: [0, 1] },
  { n: 3, c: 2, size: [5, 5], o: 5, kernel: [5, 5], padding: [2, 2] },
  // Rows of one, two and three positions; a kernel wider than a row.
  { n: 2, c: 2, size: [9, 1], o: 5, kernel: [3, 1], padding: [1, 0] },
  { n: 2, c: 2, size: [5, 2], o: 4, kernel: [3, 3], padding: [1, 1] },
  { n: 2, c: 2, size: [7, 3], o: 4, kernel: [3, 3], padding: [1, 1] },
  { n: 1, c: 2, size: [6, 2], o: 3, kernel: [3, 5], padding: [1, 3] },
  // Residue classes: strides with dilations that divide them or not, that pass over pixels, crops.
  { n: 2, c: 3, size: [11, 10], o: 5, kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
  { n: 1, c: 2, size: [11, 13], o: 4, kernel: [3, 3], stride: [3, 3], padding: [1, 1] },
  { n: 1, c: 2, size: [10, 9], o: 3, kernel: [2, 2], stride: [3, 4] },
  { n: 1, c: 2, size: [9, 9], o: 3, kernel: [3, 3], stride: [2, 2], dilation: [2, 2] },
  { n: 1, c: 2, size: [13, 12], o: 2, kernel: [3, 4], stride: [4, 6], dilation: [2, 4], more: 1 },
  { n: 1, c: 2, size: [5, 4], o: 2, kernel: [2, 3], stride: [2, 1], padding: [4, 5] },
  { n: 2, c: 6, size: [6, 7], o: 4, kernel: [3, 3], stride: [2, 1], padding: [1, 1], groups: 2 },
  // Depthwise, with one and two filters a channel.
  { n: 2, c: 5, size: [6, 9], o: 5, kernel: [3, 3], padding: [1, 1], groups: 5 },
  { n: 2, c: 3, size: [7, 5], o: 6, kernel: [3, 3], stride: [2, 2], padding: [1, 1], groups: 3 },
];

describe("convolution and its gradients", () => {
  test.each([
    [Activation.Sigmoid, Opcode.Sigmoid],
    [Activation.Tanh, Opcode.Tanh],
    [Activation.Relu, Opcode.Relu],
  ])("activation %i has the bits of the function after the convolution", (activation, opcode) => {
    for (const g of shapes) {
      const { words } = sizesOf(g);
      const { x, w, bias, dy } = dataOf(g);
      const { span, scratch } = forwardPart(described(g));
      const out = new Float32Array(dy.length).fill(9);
      const { buffers } = onBoth(
        [out, out.slice(), new Float32Array(scratch), x, w, bias],
        (fused, apart, s0, toX, toW, toBias) => {
          const conv = (y: number, kind: Activation): Instruction => [
            Opcode.Conv2dForward,
            [y, s0 as number, toX as number, toW as number, toBias as number, ...words, span, kind],
          ];
          return [
            conv(fused as number, activation),
            conv(apart as number, Activation.None),
            [opcode, [apart as number, apart as number, out.length]],
          ];
        },
        [2],
      );
      expect(bits(buffers[0] as Float32Array)).toEqual(bits(buffers[1] as Float32Array));
    }
  });

  test.each(shapes.map((g) => [JSON.stringify(g), g] as const))("%s", (_, g) => {
    check(g);
    check(g, [3, 1, 5]);
    check(g, [8, 12, 1]);
  });

  test("k runs over several blocks: elements of a filter, filters, positions of all images", () => {
    check({ n: 1, c: 60, size: [3, 4], o: 2, kernel: [3, 3], padding: [1, 1] }, [5, 7, 100]);
    check({ n: 1, c: 2, size: [3, 3], o: 300, kernel: [2, 2] });
    check({ n: 7, c: 2, size: [10, 10], o: 3, kernel: [3, 3], padding: [1, 1] }, [64, 1, 10]);
    check({ n: 30, c: 2, size: [5, 4], o: 3, kernel: [2, 2] });
    check({ n: 4, c: 3, size: [16, 16], o: 2, kernel: [1, 1] });
    check({ n: 1, c: 3, size: [5, 5], o: 130, kernel: [3, 3], stride: [2, 2], padding: [1, 1] });
    check({ n: 260, c: 2, size: [2, 2], o: 3, kernel: [2, 2] });
    check({ n: 129, c: 1, size: [1, 3], o: 5, kernel: [1, 2] }, [4, 4, 1]);
    check({ n: 5, c: 3, size: [9, 10], o: 2, kernel: [1, 1] }, [9, 9, 2]);
  });

  test("rows longer than a block", () => {
    check({ n: 2, c: 2, size: [1, 300], o: 3, kernel: [1, 3], padding: [0, 1] });
    check({ n: 1, c: 2, size: [3, 270], o: 2, kernel: [2, 3], dilation: [1, 2] }, [37, 100, 1]);
    check({ n: 2, c: 1, size: [1, 600], o: 2, kernel: [1, 5], stride: [1, 2] }, [64, 16, 1]);
  });

  test("padding is multiplied, not skipped; NaN and infinities pass through", () => {
    const g: Geometry = { n: 1, c: 1, size: [3, 3], o: 2, kernel: [3, 3], padding: [1, 1] };
    const data = dataOf(g);
    data.w.set([Infinity, Number.NaN, -0, 1e-45, -1e-40, 3e38]);
    data.x.set([-0, 0, 1e-45, -Infinity]);
    check(g, [1000, 1000, 1000], data);
    check(g, undefined, data);
    const y = run(g, data, [9, 9, 9]).single[0] as Float32Array;
    expect(y[0]).toBeNaN();
  });
});

test("columns and their transpose", () => {
  for (const g of shapes) {
    const { depth, groups, area, words, plane } = sizesOf(g);
    const rows = depth * groups;
    const x = numbers(g.n * g.c * plane, 5);
    const back = numbers(g.n * rows * area, 6);
    const buffers = [new Float32Array(back.length), new Float32Array(x.length), x, back];
    const [columns, image] = onBoth(buffers, (out = 0, folded = 0, from = 0, cols = 0) => [
      [Opcode.Unfold, [out, from, ...words]],
      [Opcode.Fold, [folded, cols, ...words]],
    ]).buffers;
    const window = g.kernel[0] * g.kernel[1];
    const wantColumns = new Float32Array(back.length);
    const wantImage = new Float32Array(x.length);
    for (let n = 0; n < g.n; n++)
      for (let k = 0; k < rows; k++)
        for (let l = 0; l < area; l++) {
          const at = pixel(g, k, l);
          const to = (n * rows + k) * area + l;
          if (at < 0) continue;
          const from = (n * g.c + Math.floor(k / window)) * plane + at;
          wantColumns[to] = x[from] as number;
          wantImage[from] = (wantImage[from] as number) + (back[to] as number);
        }
    expect(columns).toEqual(wantColumns);
    expect(image).toEqual(wantImage);
  }
});
