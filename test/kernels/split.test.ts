/** Shares of an instruction, one after the other, leave the bits of the whole. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import { fuseChains } from "../../src/plan/chains.js";
import { type Instruction, operandsOf, Value } from "../../src/plan/lowering.js";
import { type Operand, Part, type Share } from "../../src/plan/shares.js";
import { rules, scratchOf, split } from "../../src/plan/split.js";
import { type Block, bits, onWasm } from "./harness.js";
import { numbers } from "./values.js";

type Numbers = Float32Array | Int32Array;

/** Values with contents, in the order in which they are made. */
class Memory {
  readonly contents = new Map<Value, Numbers>();

  floats(size: number): Value {
    return this.add("f32", this.next(size));
  }

  private next(size: number): Float32Array {
    return numbers(size, this.contents.size + 1);
  }

  /** Words from 0 to `below` − 1. */
  words(size: number, below: number): Value {
    return this.add(
      "i32",
      Int32Array.from({ length: size }, (_, i) => (i * 7 + 3) % below),
    );
  }

  /** Variances, second moments. */
  positive(size: number): Value {
    return this.add("f32", this.next(size).map(Math.abs));
  }

  list(...x: readonly number[]): Value {
    return this.add("f32", Float32Array.from(x));
  }

  integers(x: readonly number[]): Value {
    return this.add("i32", Int32Array.from(x));
  }

  private add(dtype: "f32" | "i32", contents: Numbers): Value {
    const value = new Value(dtype, contents.length);
    this.contents.set(value, contents);
    return value;
  }

  run(shares: readonly Share[], contents = this.contents): Map<Value, Block> {
    const values = [...contents.keys()];
    const { buffers } = onWasm([...contents.values()], (...addresses) => {
      const address = (value: Value): number => addresses[values.indexOf(value)] as number;
      const word = (operand: Operand): number => {
        if (typeof operand === "number") return operand;
        return operand instanceof Part ? address(operand.value) + operand.moved : address(operand);
      };
      return shares.map(({ opcode, operands }) => [opcode, operands.map(word)] as const);
    });
    return new Map(values.map((value, at) => [value, buffers[at] as Block]));
  }
}

interface Example {
  readonly writes: readonly Value[];
  readonly rest: readonly (Value | number)[];
  readonly words?: readonly (Value | number)[];
}

/** An instruction from a memory and some sizes 0 … 99. */
type Make = (m: Memory, ...sizes: number[]) => Example;

/** An output that may be the very input, when the size is even. */
const outOr = (m: Memory, x: Value, choice: number): Value =>
  choice % 2 === 0 && x.dtype === "f32" ? x : m.floats(x.size);

const unary: Make = (m, n = 0, choice = 0) => {
  const x = m.floats(17 * n);
  return { writes: [outOr(m, x, choice)], rest: [x, x.size] };
};
const unaryWords: Make = (m, n = 0) => ({
  writes: [m.floats(17 * n)],
  rest: [m.words(17 * n, 1000), 17 * n],
});
const withGradient: Make = (m, n = 0, choice = 0) => {
  const [y, dy] = [m.floats(17 * n), m.floats(17 * n)];
  return { writes: [outOr(m, dy, choice)], rest: [y, dy, y.size] };
};
const withSlope: Make = (m, n = 0, choice = 0) => {
  const x = m.floats(17 * n);
  return { writes: [m.floats(x.size), outOr(m, x, choice)], rest: [x, x.size] };
};
/** Strides of a whole operand, a row, a column, a scalar. */
const strides = (rows: number, cols: number, choice: number): [size: number, number, number] =>
  (
    [
      [rows * cols, cols, 1],
      [cols, 0, 1],
      [rows, 1, 0],
      [1, 0, 0],
    ] as [number, number, number][]
  )[choice % 4] as [number, number, number];
const binaryOf =
  (make: (m: Memory, size: number) => Value, ...kind: number[]): Make =>
  (m, r = 0, c = 0, a = 0, b = 0) => {
    const [rows, cols] = r % 3 === 0 ? [1, 17 * c] : [r, c];
    const [sizeA, ...ofA] = strides(rows, cols, a);
    const [sizeB, ...ofB] = strides(rows, cols, b);
    const out = m.floats(rows * cols);
    return {
      writes: [out],
      rest: [make(m, sizeA), make(m, sizeB), rows, cols, ...ofA, ...ofB, ...kind],
    };
  };
const floats = (m: Memory, size: number): Value => m.floats(size);
const binary = binaryOf(floats);
const select: Make = (m, n = 0, a = 0, b = 0) => {
  const size = 17 * n;
  const [sA, sB] = [a % 2, b % 2];
  return {
    writes: [m.floats(size)],
    rest: [m.words(size, 2), m.floats(sA ? size : 1), m.floats(sB ? size : 1), size, sA, sB],
  };
};
const reduction: Make = (m, outer = 0, n = 0, i = 0) => {
  const inner = 1 + (i % 5);
  return {
    writes: [m.floats(outer * inner)],
    rest: [m.floats(outer * (n + 1) * inner), outer, n + 1, inner],
  };
};
const argmax: Make = (m, ...sizes) => {
  const { writes, rest } = reduction(m, ...sizes);
  return { writes, rest: [...rest, (sizes[3] ?? 0) % 2] };
};
const cumsum: Make = (m, outer = 0, n = 0, i = 0, choice = 0) => {
  const inner = 1 + (i % 5);
  const x = m.floats(outer * n * inner);
  return {
    writes: [outOr(m, x, choice)],
    rest: [x, outer, n, inner, choice % 2],
  };
};
/** Products stored either way, plain or with bias, alpha, beta and an activation. */
const gemm: Make = (m, rows = 0, cols = 0, depth = 0, choice = 0) => {
  const k = 3 * depth;
  const wide = cols + (choice % 3);
  const [rsA, csA] = choice & 1 ? [1, rows] : [k, 1];
  const [rsB, csB] = choice & 2 ? [1, k] : [cols, 1];
  return {
    writes: [m.floats(rows * wide)],
    rest: [
      ...[m.floats(rows * k), m.floats(k * cols), choice & 4 ? m.floats(cols) : 0],
      ...[rows, cols, k, wide, rsA, csA, rsB, csB],
      ...(choice & 8 ? [m.list(0.5), m.list(2)] : [0, 0]),
      choice % 4,
    ],
  };
};
const gemmBackward: Make = (m, rows = 0, cols = 0, depth = 0, choice = 0) => {
  const { writes, rest } = gemm(m, rows, cols, depth, choice);
  const y = m.floats((writes[0] as Value).size);
  return { writes, rest: [...rest.slice(0, 2), y, ...rest.slice(3, -1), 4 + (choice % 3)] };
};
const gemmSums: Make = (m, rows = 0, cols = 0, depth = 0, choice = 0) => {
  const [k, wide] = [3 * depth, cols + (choice % 3)];
  return {
    writes: [m.floats(rows * wide), m.floats(rows)],
    rest: [m.floats(rows * k), m.floats(k * cols), rows, cols, k, wide, rows, cols, 1],
  };
};
const gemmBatched: Make = (m, b = 0, rows = 0, cols = 0, k = 0, choice = 0) => {
  const batch = b % 9;
  const [strideA, strideB] = [choice & 1 ? rows * k : 0, choice & 2 ? k * cols : 0];
  return {
    writes: [m.floats(batch * rows * cols)],
    rest: [
      m.floats(Math.max(1, strideA ? batch : 1) * rows * k),
      m.floats(Math.max(1, strideB ? batch : 1) * k * cols),
      ...[batch, strideA, strideB, rows, cols, k, k, 1, cols, 1],
    ],
  };
};
const rowsOf =
  (last: (m: Memory) => Value | number): Make =>
  (m, rows = 0, n = 0, choice = 0) => {
    const x = m.floats(rows * (n + 1));
    return { writes: [outOr(m, x, choice)], rest: [x, rows, n + 1, last(m)] };
  };
const rowsBackward =
  (last: (m: Memory) => Value | number): Make =>
  (m, rows = 0, n = 0, choice = 0) => {
    const [y, dy] = [m.floats(rows * (n + 1)), m.floats(rows * (n + 1))];
    return {
      writes: [outOr(m, dy, choice), m.floats(n + 1)],
      rest: [y, dy, rows, n + 1, last(m)],
    };
  };
const causal: Make = (m, blocks = 0, q = 0, n = 0, choice = 0) => {
  const [queries, rows] = [1 + (q % 7), blocks * (1 + (q % 7))];
  const x = m.floats(rows * (n + 1));
  return {
    writes: [outOr(m, x, choice)],
    rest: [x, rows, n + 1, queries, m.list(0.3)],
  };
};
const causalBackward: Make = (m, ...sizes) => {
  const { writes, rest } = causal(m, ...sizes);
  const [dy, rows, n, ...last] = rest as [Value, number, number, ...Value[]];
  return {
    writes: [writes[0] as Value, m.floats(n)],
    rest: [m.floats(dy.size), dy, rows, n, ...last],
  };
};
const crossEntropyBackward: Make = (m, rows = 0, c = 0, choice = 0) => {
  const [cols, stride] = [c + 1, choice % 2];
  const logits = m.floats(rows * cols);
  const perRow = [m.words(rows, cols), m.floats(rows), m.floats(rows)];
  return {
    writes: [outOr(m, logits, choice >> 1)],
    rest: [logits, ...perRow, m.floats(stride ? rows : 1), rows, cols, stride],
  };
};
const batchNormEval: Make = (m, outer = 0, c = 0, i = 0, choice = 0) => {
  const [channels, inner] = [1 + (c % 9), 1 + (i % 9)];
  const x = m.floats(outer * channels * inner);
  const variance = m.positive(channels);
  return {
    writes: [outOr(m, x, choice)],
    rest: [
      ...[x, m.floats(channels), variance, m.floats(channels), m.floats(channels)],
      ...[outer, channels, inner, m.list(1e-5), (choice >> 1) % 2],
    ],
  };
};
const batchNormForward: Make = (m, outer = 0, c = 0, i = 0, choice = 0) => {
  const [channels, inner] = [1 + (c % 9), 1 + (i % 9)];
  const x = m.floats(outer * channels * inner);
  return {
    writes: [outOr(m, x, choice), m.floats(channels), m.floats(channels)],
    rest: [
      ...[x, m.floats(channels), m.floats(channels)],
      ...[outer, channels, inner, channels, m.list(1e-5), (choice >> 1) % 2],
    ],
  };
};
const batchNormBackward: Make = (m, outer = 0, c = 0, i = 0, choice = 0) => {
  const [channels, inner] = [1 + (c % 9), 1 + (i % 9)];
  const [x, dy] = [m.floats(outer * channels * inner), m.floats(outer * channels * inner)];
  const [mean, gamma, beta] = [m.floats(channels), m.floats(channels), m.floats(channels)];
  return {
    writes: [outOr(m, choice % 4 ? dy : x, choice), m.floats(channels), m.floats(channels)],
    rest: [
      ...[x, mean, m.positive(channels), gamma, dy],
      ...[outer, channels, inner, channels, m.list(1e-5), choice % 3 ? beta : 0],
    ],
  };
};
/** An update of one to three parts of various lengths. */
const update =
  (states: number, hyper: readonly number[], ...flag: number[]): Make =>
  (m, ...sizes) => {
    const parts = Array.from({ length: 1 + ((sizes[4] ?? 0) % 3) }, (_, part) => {
      const n = 17 * ((sizes[part] ?? 0) % 13);
      const [p, g] = [m.floats(n), m.floats(n)];
      // Second moments are no negative numbers.
      const old = Array.from({ length: states }, () => m.positive(n));
      return { writes: [p, ...old], rest: [p, g, ...old, n, m.list(...hyper), ...flag] };
    });
    return {
      writes: parts.flatMap(({ writes }) => writes),
      rest: parts.flatMap(({ rest }) => rest),
    };
  };
const increments: Make = (m, ...sizes) => {
  const words = sizes.slice(0, 1 + ((sizes[4] ?? 0) % 3)).map((n) => m.words(n, 9));
  return { writes: words, rest: words.flatMap((x) => [x, x.size]) };
};
/** y = e^x + a row, tile by tile, and the sums of its rows. */
const chain: Make = (m, r = 0, c = 0, choice = 0) => {
  const [rows, cols] = [5 + r, 4 + c];
  const n = rows * cols;
  const [x, row, exp, y, sums] = [n, cols, n, n, rows].map((size) => m.floats(size)) as [
    ...[Value, Value, Value, Value, Value],
  ];
  const node = { op: {} } as Instruction["node"];
  const plain = { inPlace: [], node };
  const fused = fuseChains(
    [
      { opcode: Opcode.Exp, writes: [exp], rest: [x, n], ...plain },
      { opcode: Opcode.Add, writes: [y], rest: [exp, row, rows, cols, cols, 1, 0, 1], ...plain },
      { opcode: Opcode.Sum, writes: [sums], rest: [y, rows, cols, 1], ...plain },
    ],
    new Set(choice % 2 ? [y, sums] : [sums]),
    { tile: 16, least: 1 },
  );
  expect(fused.map(({ opcode }) => opcode)).toEqual([Opcode.Chain]);
  return fused[0] as Instruction;
};
const sumBlocks: Make = (m, n = 0) => {
  const size = 700 * n;
  return { writes: [m.floats(Math.ceil(size / 4096))], rest: [m.floats(size), size] };
};
const images = (sizes: readonly number[], filters: number): number[] => {
  const [n = 0, c = 0, h = 0, w = 0, k = 0] = sizes;
  const [height, width] = [3 + (h % 5), 3 + (w % 7)];
  const [kernel, padding] = [1 + (k % 3), k % 2];
  const out = (size: number): number => size + 2 * padding - kernel + 1;
  return [
    ...[n % 8, 1 + (c % 3), height, width, filters || 1 + (c % 3), kernel, kernel],
    ...[out(height), out(width), 1, 1, padding, padding, 1, 1, 1],
  ];
};
const at = (g: readonly number[], ...indices: number[]): number =>
  indices.reduce((size, index) => size * (g[index] as number), 1);
const imageSize = (g: readonly number[]): number => at(g, 0, 1, 2, 3);
const mapSize = (g: readonly number[]): number => at(g, 0, 4, 7, 8);
/** Of each window of stride 1 one element, by its place in the plane, as `maxPool` gives it. */
const windowIndices = (g: readonly number[]): number[] => {
  const [height, width, kernel, oH, oW, padding] = [2, 3, 5, 7, 8, 11].map((i) => at(g, i)) as [
    ...[number, number, number],
    ...[number, number, number],
  ];
  return Array.from({ length: mapSize(g) }, (_, i) => {
    const inside = (o: number, size: number): number =>
      Math.min(Math.max(o - padding + (i % kernel), 0), size - 1, o - padding + kernel - 1);
    return inside(Math.floor(i / oW) % oH, height) * width + inside(i % oW, width);
  });
};
const columnSize = (g: readonly number[]): number => at(g, 0, 1, 5, 6, 7, 8);
const weightSize = (g: readonly number[]): number => at(g, 4, 1, 5, 6);
const SCRATCH = 16384;
const strided =
  (place: boolean): Make =>
  (m, a = 0, b = 0, c = 0, choice = 0) => {
    const sizes = [a % 7, b % 5, c % 6].map((n) => (choice % 3 === 0 && n === 0 ? 1 : n));
    const [n0, n1, n2] = sizes as [number, number, number];
    // Transposed with a gap, the first axis perhaps walked back.
    const back = choice % 2 === 1;
    const steps = [back ? -1 : 1, (n0 + 1) * n2, n0 + 1];
    const offset = back ? Math.max(0, n0 - 1) : 0;
    const sparse = m.floats((n0 + 1) * n1 * n2 + 1);
    const dense = m.floats(n0 * n1 * n2);
    return place
      ? { writes: [sparse], rest: [offset, dense, 3, ...sizes, ...steps] }
      : { writes: [dense], rest: [sparse, offset, 3, ...sizes, ...steps] };
  };

const HYPER = [0.9, 0.1, 0.99, 0.01, 1e-3, 0.1, 0.5, 0.01, 0.99];
const EPS = 1e-5;

// biome-ignore format: a table
const cases: readonly (readonly [name: string, opcode: Opcode, make: Make])[] = [
  ["Copy", Opcode.Copy, (m, n = 0) => ({ writes: [m.floats(17 * n)], rest: [m.floats(17 * n), 68 * n] })],
  ["Chain", Opcode.Chain, chain], ["SumBlocks", Opcode.SumBlocks, sumBlocks],
  ["Fill", Opcode.Fill, (m, n = 0) => ({ writes: [m.floats(17 * n)], rest: [m.list(3), 17 * n] })],
  ["StridedCopy", Opcode.StridedCopy, strided(false)], ["StridedPlace", Opcode.StridedPlace, strided(true)],
  ["Argsort", Opcode.Argsort, (m, rows = 0, n = 0, choice = 0) => ({
    writes: [m.words(rows * n, 9), m.words(n, 9)],
    rest: [m.floats(rows * n), rows, n, choice % 2],
  })],
  ["Increment", Opcode.Increment, increments],
  ["Add", Opcode.Add, binary], ["Sub", Opcode.Sub, binary], ["Mul", Opcode.Mul, binary], ["Div", Opcode.Div, binary], ["Maximum", Opcode.Maximum, binary],
  ["Minimum", Opcode.Minimum, binary], ["Equal", Opcode.Equal, binary], ["MaximumShare", Opcode.MaximumShare, binary],
  ["Neg", Opcode.Neg, unary], ["Exp", Opcode.Exp, unary], ["Log", Opcode.Log, unary], ["Sqrt", Opcode.Sqrt, unary], ["Sigmoid", Opcode.Sigmoid, unary],
  ["Tanh", Opcode.Tanh, unary], ["Relu", Opcode.Relu, unary],
  ["SigmoidBackward", Opcode.SigmoidBackward, withGradient], ["TanhBackward", Opcode.TanhBackward, withGradient], ["ReluBackward", Opcode.ReluBackward, withGradient],
  ["Compare", Opcode.Compare, binaryOf(floats, 2)],
  ["CompareIntegers", Opcode.CompareIntegers, binaryOf((m, size) => m.words(size, 5), 1)],
  ["Integers", Opcode.Integers, binaryOf((m, size) => m.words(size, 5), 2)],
  ["Select", Opcode.Select, select], ["SelectWords", Opcode.SelectWords, select],
  ["ToFloat", Opcode.ToFloat, unaryWords], ["ToInteger", Opcode.ToInteger, unary],
  ["Abs", Opcode.Abs, unary], ["Sign", Opcode.Sign, unary], ["Floor", Opcode.Floor, unary], ["Ceil", Opcode.Ceil, unary], ["Round", Opcode.Round, unary],
  ["Sum", Opcode.Sum, reduction], ["Mean", Opcode.Mean, reduction], ["Max", Opcode.Max, reduction], ["Min", Opcode.Min, reduction],
  ["Cumsum", Opcode.Cumsum, cumsum], ["Argmax", Opcode.Argmax, argmax],
  ["Gemm", Opcode.Gemm, gemm], ["GemmBackward", Opcode.GemmBackward, gemmBackward],
  ["GemmSums", Opcode.GemmSums, gemmSums], ["GemmBatched", Opcode.GemmBatched, gemmBatched],
  ["Softmax", Opcode.Softmax, rowsOf(() => 0)],
  ["SoftmaxBackward", Opcode.SoftmaxBackward, rowsBackward(() => 1)],
  ["CausalSoftmax", Opcode.CausalSoftmax, causal],
  ["CausalSoftmaxBackward", Opcode.CausalSoftmaxBackward, causalBackward],
  ["SoftmaxCrossEntropyBackward", Opcode.SoftmaxCrossEntropyBackward, crossEntropyBackward],
  ["BatchNormEval", Opcode.BatchNormEval, batchNormEval],
  ["BatchNormForward", Opcode.BatchNormForward, batchNormForward],
  ["BatchNormBackward", Opcode.BatchNormBackward, batchNormBackward],
  ["LayerNormForward", Opcode.LayerNormForward, (m, rows = 0, n = 0, choice = 0) => {
    const x = m.floats(rows * (n + 1));
    const [gamma, beta] = [m.floats(n + 1), m.floats(n + 1)];
    return {
      writes: [outOr(m, x, choice), m.floats(rows), m.floats(rows)],
      rest: [x, gamma, beta, rows, n + 1, m.list(EPS)],
    };
  }],
  ["RmsNorm", Opcode.RmsNorm, rowsOf((m) => m.list(EPS))], ["RmsNormBackward", Opcode.RmsNormBackward, rowsBackward((m) => m.list(EPS))],
  ["Unfold", Opcode.Unfold, (m, ...sizes) => {
    const g = images(sizes, 1);
    return { writes: [m.floats(columnSize(g))], rest: [m.floats(imageSize(g)), ...g] };
  }],
  ["Fold", Opcode.Fold, (m, ...sizes) => {
    const g = images(sizes, 1);
    return { writes: [m.floats(imageSize(g))], rest: [m.floats(columnSize(g)), ...g] };
  }],
  ["Conv2dForward", Opcode.Conv2dForward, (m, ...sizes) => {
    const g = images(sizes, 5);
    const [x, w, bias] = [imageSize(g), weightSize(g), 5].map((size) => m.floats(size));
    return { writes: [m.floats(mapSize(g)), m.floats(SCRATCH)], rest: [x, w, bias, ...g, 16, 1] as Example["rest"] };
  }],
  ["Conv2dInputGradient", Opcode.Conv2dInputGradient, (m, ...sizes) => {
    const g = images(sizes, 5);
    const [dy, w] = [mapSize(g), weightSize(g)].map((size) => m.floats(size));
    return { writes: [m.floats(imageSize(g)), m.floats(SCRATCH)], rest: [dy, w, 0, ...g, 1] as Example["rest"] };
  }],
  ["Conv2dWeightGradient", Opcode.Conv2dWeightGradient, (m, ...sizes) => {
    const filters = 1 + ((sizes[5] ?? 0) % 11);
    const g = images(sizes, filters);
    const [x, dy] = [imageSize(g), mapSize(g)].map((size) => m.floats(size));
    return {
      writes: [m.floats(weightSize(g)), m.floats(65536)],
      rest: [x, dy, ...g, 1, 0, filters] as Example["rest"],
    };
  }],
  ["MaxPool", Opcode.MaxPool, (m, ...sizes) => {
    const g = images(sizes, 0);
    return { writes: [m.floats(mapSize(g)), m.words(mapSize(g), 9)], rest: [m.floats(imageSize(g)), ...g] };
  }],
  ["PoolGather", Opcode.PoolGather, (m, planes = 0, s = 0, count = 0) => ({
    writes: [m.floats(planes * count)],
    rest: [m.floats(planes * (s + 1)), m.words(planes * count, s + 1), planes, s + 1, count],
  })],
  ["PoolScatter", Opcode.PoolScatter, (m, ...sizes) => {
    const g = images(sizes, 0);
    return { writes: [m.floats(imageSize(g))], rest: [m.floats(mapSize(g)), m.integers(windowIndices(g)), ...g] };
  }],
  ["AvgPool", Opcode.AvgPool, (m, ...sizes) => {
    const g = images(sizes, 0);
    return { writes: [m.floats(mapSize(g))], rest: [m.floats(imageSize(g)), ...g, 1, 0] };
  }],
  ["AvgPoolBackward", Opcode.AvgPoolBackward, (m, ...sizes) => {
    const g = images(sizes, 0);
    return { writes: [m.floats(imageSize(g))], rest: [m.floats(mapSize(g)), ...g, 0, m.list(3)] };
  }],
  ["Sgd", Opcode.Sgd, update(0, [0.1, 0.9, 0.01])],
  ["SgdMomentum", Opcode.SgdMomentum, update(1, [0.1, 0.9, 0.01], 1)],
  ["Adam", Opcode.Adam, update(2, HYPER, 1)],
  ["Log1p", Opcode.Log1p, unary], ["Expm1", Opcode.Expm1, unary], ["Sin", Opcode.Sin, unary], ["Cos", Opcode.Cos, unary], ["Tan", Opcode.Tan, unary],
  ["Sinh", Opcode.Sinh, unary], ["Cosh", Opcode.Cosh, unary], ["Atan", Opcode.Atan, unary], ["Erf", Opcode.Erf, unary],
  ["Pow", Opcode.Pow, binary], ["Atan2", Opcode.Atan2, binary], ["Hypot", Opcode.Hypot, binary],
  ["Silu", Opcode.Silu, unary], ["SiluBackward", Opcode.SiluBackward, withGradient], ["Gelu", Opcode.Gelu, unary], ["GeluBackward", Opcode.GeluBackward, withGradient],
  ["GeluForward", Opcode.GeluForward, withSlope],
  ["GeluTanh", Opcode.GeluTanh, unary], ["GeluTanhBackward", Opcode.GeluTanhBackward, withGradient],
];

test("every rule has a case", () => {
  const names = cases.map(([, opcode]) => opcode);
  expect([...rules.keys()].sort((a, b) => a - b)).toEqual(names.sort((a, b) => a - b));
});

/** The bytes of a value that an operand stands for. */
function* bytesOf(operand: Value | Part): Generator<number> {
  const { offset, bytes, pitch, width } =
    operand instanceof Part ? operand : new Part(operand, 0, operand.bytes);
  for (let i = 0; i < bytes; i += 4) if (pitch === 0 || i % pitch < width) yield offset + i;
}

/** Which elements of each value some operands touch. */
function footprint(operands: readonly Operand[]): Map<Value, Set<number>> {
  const touched = new Map<Value, Set<number>>();
  for (const operand of operands) {
    if (typeof operand === "number") continue;
    const value = operand instanceof Part ? operand.value : operand;
    const elements = touched.get(value) ?? new Set();
    for (const byte of bytesOf(operand)) elements.add(byte / 4);
    touched.set(value, elements);
  }
  return touched;
}

function expectSame(got: Block | undefined, wanted: Block | undefined, what: string): void {
  if (!got || !wanted) throw new Error(`${what}: no block`);
  const [left, right] = [bits(got), bits(wanted)];
  const at = left.findIndex((word, i) => word !== right[i]);
  if (at >= 0) expect.fail(`${what}, element ${at}: got ${got[at]}, expected ${wanted[at]}`);
}

describe.each(cases)("%s", (_, opcode, make) => {
  const sizes = fc.array(fc.nat({ max: 40 }), { minLength: 6, maxLength: 6 });
  const isScratch = (index: number): boolean => index === scratchOf(opcode);

  test("two to four shares leave the bits of the whole, and touch what they say", () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 2, max: 4 }), (n, threads) => {
        const m = new Memory();
        const example = make(m, ...n);
        const instruction = { ...example, opcode, inPlace: [] } as unknown as Instruction;
        const whole = { ...instruction, operands: operandsOf(instruction) };
        const shares = split(whole, threads);
        const wanted = m.run([whole]);
        const results = example.writes.filter((_, index) => !isScratch(index));
        const got = m.run([...shares].reverse());
        for (const value of results) expectSame(got.get(value), wanted.get(value), "all shares");
        if (shares.length === 1) return;
        const writes = new Map<Value, Set<number>>();
        for (const share of shares) {
          const touched = footprint(share.operands);
          // What a share does not touch it may find in any state.
          const contents = new Map(
            [...m.contents].map(([value, data]) => {
              const spoilt = data.map((x, i) => (touched.get(value)?.has(i) ? x : 0));
              return [value, spoilt] as const;
            }),
          );
          const alone = m.run([share], contents);
          const written = footprint(
            share.operands.filter((operand, i) => {
              if (typeof operand === "number" || isScratch(i)) return false;
              return share.writes.includes(operand instanceof Part ? operand.value : operand);
            }),
          );
          for (const value of results) {
            const mine = written.get(value) ?? new Set();
            const before = contents.get(value) as Numbers;
            // One place is filled by all shares, each with elements apart.
            const expected = opcode === Opcode.StridedPlace ? alone.get(value) : wanted.get(value);
            const mixed = before.map((x, i) => (mine.has(i) ? (expected?.[i] as number) : x));
            expectSame(alone.get(value), mixed, "one share");
            const others = writes.get(value) ?? new Set();
            if (opcode !== Opcode.StridedPlace)
              for (const i of mine) if (others.has(i)) expect.fail(`element ${i} is written twice`);
            writes.set(value, new Set([...others, ...mine]));
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
