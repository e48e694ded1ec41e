/**
 * How an instruction is shared among threads: the operands of one share are those of the whole with
 * addresses moved on and sizes made smaller, so the kernels know nothing of threads.
 *
 *     add(out, a, b, 1, 1000, …)   →   add(out, a, b, 1, 512, …)  |  add(out + 2048, …, 1, 488, …)
 *
 * No rule crosses a reduction: every element is computed by one share, by the very additions of the
 * whole, so the bits do not depend on the number of threads. What has no rule, and what may refuse
 * its input, runs on one thread.
 */
import { Opcode } from "../../assembly/opcodes.js";
import { BLOCK } from "./blocks.js";
import type { Value } from "./lowering.js";
import { type Operand, type Operands, Part, type Share } from "./shares.js";

interface Rule {
  /** How many operands the kernel takes; instructions with others are not shared. */
  readonly operands?: number;
  /** How many units there are to share: elements, rows, images. */
  units(operands: Operands): number;
  /** Shares are multiples of this many units: a vector, a cache line, a tile. */
  readonly grain: number;
  /** The operands for `count` units from `first` on. */
  share(operands: Operands, first: number, count: number): Operands;
  /** Which operand is scratch that no two threads may have in common. */
  readonly scratch?: number;
  /** Estimated nanoseconds of the whole on one thread. */
  work(operands: Operands): number;
}

const WORD = 4;
/** Elements in a cache line. */
const LINE = 16;
/** The micro-kernel's tile of C; the taller one of FMA loses as little by shares of 4 rows. */
const TILE_COLUMNS = 8;
const TILE_ROWS = 4;

/** Estimated nanoseconds for an element: moved or added; e^x and the like; in double precision. */
const CHEAP = 0.4;
const CURVED = 1;
const WIDE = 5;
/** Multiply-adds a nanosecond. */
const PRODUCTS = 16;

const number = (operands: Operands, index: number): number => operands[index] as number;

const product = (operands: Operands, ...indices: readonly number[]): number =>
  indices.reduce((size, index) => size * number(operands, index), 1);

/** Of an instruction that is whole: none of its operands is a part. */
const isValue = (operand: Operand | undefined): operand is Value => typeof operand === "object";

/** `count` elements from `first` on; an address of 0 stays. */
const elements = (operand: Operand | undefined, first: number, count: number): Operand =>
  isValue(operand) ? new Part(operand, first * WORD, count * WORD) : ((operand ?? 0) as Operand);

/** All from `first` on. */
const from = (operand: Operand | undefined, first: number): Operand =>
  isValue(operand)
    ? new Part(operand, first * WORD, Math.max(0, operand.bytes - first * WORD))
    : ((operand ?? 0) as Operand);

/** The elements of the largest operand. */
const largest = (operands: Operands): number =>
  operands.reduce<number>(
    (most, operand) => (isValue(operand) ? Math.max(most, operand.size) : most),
    0,
  );

/** How many elements of an operand belong to one unit. */
type PerUnit = number | ((operands: Operands) => number);

interface Along {
  readonly grain?: number;
  readonly scratch?: number;
  /** Nanoseconds for an element of the largest operand. */
  readonly cost?: number;
}

/**
 * Operand `size` counts the units, which lie one after the other in the operands of `dense`; those
 * of `strided` are only moved on.
 */
function along(
  size: number,
  dense: Readonly<Record<number, PerUnit>>,
  { grain = 1, scratch, cost = CHEAP }: Along = {},
): Rule {
  const moves = Object.entries(dense).map(([index, each]) => [Number(index), each] as const);
  return {
    grain,
    ...(scratch !== undefined && { scratch }),
    units: (operands) => number(operands, size),
    work: (operands) => largest(operands) * cost,
    share(operands, first, count) {
      const shared = [...operands];
      shared[size] = count;
      for (const [index, each] of moves) {
        const step = typeof each === "number" ? each : each(operands);
        // What does not move is read by all.
        if (step > 0) shared[index] = elements(operands[index], first * step, count * step);
      }
      return shared;
    },
  };
}

/** Elementwise: the last of the moving operands is followed by the count. */
const ranges = (size: number, moving: readonly number[], cost: number): Rule =>
  along(size, Object.fromEntries(moving.map((index) => [index, 1])), { grain: LINE, cost });

const unary = (cost: number): Rule => ranges(2, [0, 1], cost);
const withGradient = (cost: number): Rule => ranges(3, [0, 1, 2], cost);

/** out, a, b, rows, cols, rsA, csA, rsB, csB: by rows, or along a single one. */
const binary = (cost: number): Rule => ({
  grain: 1,
  units: (o) => (number(o, 3) > 1 ? number(o, 3) : Math.ceil(number(o, 4) / LINE)),
  work: (o) => product(o, 3, 4) * cost,
  share(o, first, count) {
    const [, , , rows, cols, rsA, csA, rsB, csB] = o as readonly number[] as number[];
    const shared = [...o];
    const operand = (index: number, rs = 0, cs = 0): void => {
      if ((rows as number) > 1) {
        const whole = cs === 1 && rs === cols;
        if (rs > 0)
          shared[index] = whole
            ? elements(o[index], first * rs, count * rs)
            : from(o[index], first * rs);
      } else if (cs > 0) shared[index] = elements(o[index], begin, length);
    };
    const begin = first * LINE;
    const length = Math.min(count * LINE, (cols as number) - begin);
    operand(0, cols, 1);
    operand(1, rsA, csA);
    operand(2, rsB, csB);
    if ((rows as number) > 1) shared[3] = count;
    else shared[4] = length;
    return shared;
  },
});

/** out, condition, a, b, n, sA, sB */
const select: Rule = along(
  4,
  { 0: 1, 1: 1, 2: (o) => number(o, 5), 3: (o) => number(o, 6) },
  { grain: LINE },
);

/** out, x, outer, n, inner: each of `outer` is a sum of its own. */
const reduction: Rule = along(2, { 0: (o) => number(o, 4), 1: (o) => product(o, 3, 4) });

/** y, x, rows, n: each row by itself. */
const rows = (cost: number): Rule =>
  along(2, { 0: (o) => number(o, 3), 1: (o) => number(o, 3) }, { cost });

/** …, rows, n, queries, scale: by blocks of `queries` rows, since a row's number counts within one. */
function causal(size: number, moving: readonly number[], scratch: number | undefined): Rule {
  const block = (o: Operands): number => number(o, size + 2);
  return {
    grain: 1,
    ...(scratch !== undefined && { scratch }),
    units: (o) => Math.ceil(number(o, size) / block(o)),
    work: (o) => product(o, size, size + 1) * CURVED,
    share(o, first, count) {
      const n = number(o, size + 1);
      const row = first * block(o);
      const rows = Math.min(count * block(o), number(o, size) - row);
      const shared = [...o];
      for (const index of moving) shared[index] = elements(o[index], row * n, rows * n);
      shared[size] = rows;
      return shared;
    },
  };
}

/** dx, scratch, …, rows, n: the row counts at `size`, operands of that many rows. */
const rowsBackward = (size: number, moving: readonly number[], cost: number): Rule =>
  along(size, Object.fromEntries(moving.map((index) => [index, (o) => number(o, size + 1)])), {
    scratch: 1,
    cost,
  });

/**
 * c, a, b, bias or y, m, n, k, rsC, rsA, csA, rsB, csB, alpha, beta, activation: along the longer
 * side of C. `mask`: the fourth operand is y, laid out like C.
 */
const gemm = (mask: boolean): Rule => ({
  operands: 15,
  grain: 1,
  units: (o) => Math.ceil(byColumns(o) ? number(o, 5) / TILE_COLUMNS : number(o, 4) / TILE_ROWS),
  work: (o) => productWork(o, 4),
  share(o, first, count) {
    const { m, n, rsC, rsA, csA, csB, k } = productSizes(o, 4);
    const shared = [...o];
    if (byColumns(o)) {
      const j = first * TILE_COLUMNS;
      const cols = Math.min(count * TILE_COLUMNS, n - j);
      const band = (value: Operand | undefined): Part => {
        const extent = (m - 1) * rsC + cols;
        const columns = { pitch: rsC * WORD, width: cols * WORD };
        return new Part(value as Value, j * WORD, extent * WORD, columns);
      };
      shared[0] = band(o[0]);
      shared[2] = from(o[2], j * csB);
      shared[3] = mask ? band(o[3]) : elements(o[3], j, cols);
      shared[5] = cols;
      return shared;
    }
    const i = first * TILE_ROWS;
    const height = Math.min(count * TILE_ROWS, m - i);
    shared[0] = elements(o[0], i * rsC, (height - 1) * rsC + n);
    shared[1] = csA === 1 ? elements(o[1], i * rsA, (height - 1) * rsA + k) : from(o[1], i * rsA);
    if (mask) shared[3] = elements(o[3], i * rsC, (height - 1) * rsC + n);
    shared[4] = height;
    return shared;
  },
});

/** The numbers of a product from m on. */
function productSizes(o: Operands, at: number) {
  const [m, n, k, rsC, rsA, csA, , csB] = o.slice(at) as number[];
  return { m, n, k, rsC, rsA, csA, csB } as Record<
    "m" | "n" | "k" | "rsC" | "rsA" | "csA" | "csB",
    number
  >;
}

/** Multiply-adds, and packing. */
const productWork = (o: Operands, m: number): number =>
  product(o, m, m + 1, m + 2) / PRODUCTS + (product(o, m, m + 2) + product(o, m + 1, m + 2)) * 0.2;

/** The longer side, so that what every thread packs for itself is the smaller operand. */
const byColumns = (o: Operands): boolean => number(o, 5) >= number(o, 4);

/** c, sums, a, b, m, n, k, rsC, csA, rsB, csB: by rows, with which the sums walk. */
const gemmSums: Rule = {
  operands: 11,
  grain: 1,
  units: (o) => Math.ceil(number(o, 4) / TILE_ROWS),
  work: (o) => productWork(o, 4),
  share(o, first, count) {
    const [m, n, rsC] = [number(o, 4), number(o, 5), number(o, 7)];
    const i = first * TILE_ROWS;
    const height = Math.min(count * TILE_ROWS, m - i);
    const shared = [...o];
    shared[0] = elements(o[0], i * rsC, (height - 1) * rsC + n);
    shared[1] = elements(o[1], i, height);
    shared[2] = from(o[2], i);
    shared[4] = height;
    return shared;
  },
};

/** c, a, b, batch, strideA, strideB, m, n, k, … */
const gemmBatched: Rule = {
  ...along(3, {
    0: (o) => product(o, 6, 7),
    1: (o) => number(o, 4),
    2: (o) => number(o, 5),
  }),
  operands: 13,
  work: (o) => product(o, 3, 6, 7, 8) / PRODUCTS + largest(o) * 0.2,
};

/**
 * Image by image, with the geometry from operand `at` on: N C H W O kH kW oH oW …; `images` are
 * [N, C, H, W], `maps` [N, O, oH, oW], `planes` [N, C, oH, oW].
 */
function byImage(
  at: number,
  {
    images,
    maps = [],
    planes = [],
    columns = [],
  }: {
    readonly images: readonly number[];
    readonly maps?: readonly number[];
    readonly planes?: readonly number[];
    /** [N, C · kH · kW, oH · oW] */
    readonly columns?: readonly number[];
  },
  extra: Along = {},
): Rule {
  const each: Record<number, PerUnit> = {};
  for (const index of images) each[index] = (o) => product(o, at + 1, at + 2, at + 3);
  for (const index of maps) each[index] = (o) => product(o, at + 4, at + 7, at + 8);
  for (const index of planes) each[index] = (o) => product(o, at + 1, at + 7, at + 8);
  for (const index of columns)
    each[index] = (o) => product(o, at + 1, at + 5, at + 6, at + 7, at + 8);
  return along(at, each, extra);
}

/** Multiply-adds of a convolution, and making its columns. */
const convolutionWork =
  (at: number) =>
  (o: Operands): number => {
    const columns = product(o, at, at + 1, at + 5, at + 6, at + 7, at + 8) / number(o, at + 15);
    return (columns * number(o, at + 4)) / PRODUCTS + columns;
  };

/** …, rank, sizes, strides: by the outermost axis; offset and strides are those of `scattered`. */
function strided(out: number, x: number, offset: number, scattered: number): Rule {
  const RANK = 3;
  const axisOf = (o: Operands): number => {
    const rank = number(o, RANK);
    for (let axis = 0; axis < rank; axis++) if (number(o, RANK + 1 + axis) !== 1) return axis;
    return -1;
  };
  const dense = scattered === out ? x : out;
  return {
    grain: 1,
    units: (o) => {
      const axis = axisOf(o);
      return axis < 0 ? 1 : number(o, RANK + 1 + axis);
    },
    work: (o) => largest(o) * CHEAP * 2,
    share(o, first, count) {
      const axis = axisOf(o);
      if (axis < 0) return o;
      const rank = number(o, RANK);
      const sizes = o.slice(RANK + 1, RANK + 1 + rank) as number[];
      const inner = sizes.slice(axis + 1).reduce((size, n) => size * n, 1);
      const shared = [...o];
      shared[offset] = number(o, offset) + first * (number(o, RANK + 1 + rank + axis) | 0);
      shared[dense] = elements(o[dense], first * inner, count * inner);
      shared[RANK + 1 + axis] = count;
      return shared;
    },
  };
}

/**
 * Any number of parts: `outs` outputs of each, then `ins` inputs of each, of which the first `moving`
 * are as long as the outputs, and their length comes next. Shared as if all parts were one range.
 */
function inParts(outs: number, moving: number, ins: number, cost: number): Rule {
  const partsOf = (o: Operands): { outs: Operands; ins: Operands; n: number; lines: number }[] => {
    const count = o.length / (outs + ins);
    return Array.from({ length: count }, (_, part) => {
      const start = count * outs + part * ins;
      const n = number(o, start + moving);
      return {
        outs: o.slice(part * outs, (part + 1) * outs),
        ins: o.slice(start, start + ins),
        ...{ n, lines: Math.ceil(n / LINE) },
      };
    });
  };
  return {
    grain: 1,
    units: (o) => partsOf(o).reduce((lines, part) => lines + part.lines, 0),
    work: (o) => partsOf(o).reduce((elements, { n }) => elements + n, 0) * cost,
    share(o, first, count) {
      const [written, read]: [Operand[], Operand[]] = [[], []];
      let line = 0;
      for (const part of partsOf(o)) {
        const begin = Math.max(first - line, 0) * LINE;
        const length = Math.min((first + count - line) * LINE, part.n) - begin;
        line += part.lines;
        if (length <= 0) continue;
        const move = (operand: Operand): Operand => elements(operand, begin, length);
        written.push(...part.outs.map(move));
        read.push(...part.ins.slice(0, moving).map(move), length, ...part.ins.slice(moving + 1));
      }
      return [...written, ...read];
    },
  };
}

/** dw, scratch, x, dy, geometry, span, first, end: by filters, which the kernel counts off itself. */
const weightGradient: Rule = {
  operands: 23,
  scratch: 1,
  grain: TILE_ROWS,
  units: (o) => number(o, 22) - number(o, 21),
  work: convolutionWork(4),
  share(o, first, count) {
    const begin = number(o, 21) + first;
    const each = (product(o, 5, 9, 10) / number(o, 19)) * WORD;
    const shared = [...o];
    shared[0] = new Part(o[0] as Value, begin * each, count * each, { moved: 0 });
    shared[21] = begin;
    shared[22] = begin + count;
    return shared;
  },
};

/**
 * bytes, tiles, walks, scratches, tails, [place, step] …, [place] …, [place, value] …, program: by
 * tiles; sizes of the last tile are for the last share only. See `assembly/chain.ts`.
 */
const chain: Rule = {
  grain: 1,
  units: (o) => number(o, 1),
  work: (o) => (largest(o) * CHEAP * number(o, 2)) / 2,
  share(o, first, count) {
    const [bytes, tiles, walks, scratches, tails] = o.slice(0, 5) as number[] as [
      ...[number, number, number],
      ...[number, number],
    ];
    const last = first + count === tiles;
    const tailsAt = 5 + 2 * walks + scratches;
    const program = o.slice(tailsAt + 2 * tails);
    for (let at = 5; at < 5 + 2 * walks; at += 2) {
      const place = number(o, at) / WORD;
      const step = number(o, at + 1) / WORD;
      const operand = program[place];
      program[place] = last
        ? from(operand, first * step)
        : elements(operand, first * step, count * step);
    }
    return [
      ...[bytes, count, walks, scratches, last ? tails : 0],
      ...o.slice(5, last ? tailsAt + 2 * tails : tailsAt),
      ...program,
    ];
  },
};

/** out, x, n: a block of x is one element. */
const sumBlocks: Rule = {
  grain: 1,
  units: (o) => Math.ceil(number(o, 2) / BLOCK),
  work: (o) => number(o, 2) * CHEAP,
  share(o, first, count) {
    const length = Math.min(count * BLOCK, number(o, 2) - first * BLOCK);
    return [elements(o[0], first, count), elements(o[1], first * BLOCK, length), length];
  },
};

/** out, x, bytes */
const copy: Rule = {
  grain: LINE,
  units: (o) => number(o, 2) / WORD,
  work: (o) => (number(o, 2) / WORD) * CHEAP,
  share: (o, first, count) => [
    elements(o[0], first, count),
    elements(o[1], first, count),
    count * WORD,
  ],
};

const BINARY = [
  Opcode.Add,
  Opcode.Sub,
  Opcode.Mul,
  Opcode.Div,
  Opcode.Maximum,
  Opcode.Minimum,
].concat([
  Opcode.Equal,
  Opcode.MaximumShare,
  Opcode.Compare,
  Opcode.CompareIntegers,
  Opcode.Integers,
]);
const WIDE_BINARY = [Opcode.Pow, Opcode.Atan2, Opcode.Hypot];
const UNARY = [Opcode.Neg, Opcode.Sqrt, Opcode.Relu, Opcode.ToFloat].concat([
  Opcode.ToInteger,
  Opcode.Abs,
  Opcode.Sign,
  Opcode.Floor,
  Opcode.Ceil,
  Opcode.Round,
]);
const CURVES = [Opcode.Exp, Opcode.Log, Opcode.Sigmoid, Opcode.Tanh, Opcode.Silu];
const WIDE_CURVES = [Opcode.Log1p, Opcode.Expm1, Opcode.Sin, Opcode.Cos, Opcode.Tan].concat([
  Opcode.Sinh,
  Opcode.Cosh,
  Opcode.Atan,
  Opcode.Erf,
  Opcode.Gelu,
  Opcode.GeluTanh,
]);
const GRADIENTS = [Opcode.SigmoidBackward, Opcode.TanhBackward, Opcode.ReluBackward];
const WIDE_GRADIENTS = [Opcode.SiluBackward, Opcode.GeluBackward, Opcode.GeluTanhBackward];
const REDUCTIONS = [Opcode.Sum, Opcode.Mean, Opcode.Max, Opcode.Min];

const each = (opcodes: readonly Opcode[], rule: Rule): [Opcode, Rule][] =>
  opcodes.map((opcode) => [opcode, rule]);

/** What can be shared; exported for its tests. */
export const rules: ReadonlyMap<Opcode, Rule> = new Map<Opcode, Rule>([
  ...each(BINARY, binary(CHEAP)),
  ...each(WIDE_BINARY, binary(2 * WIDE)),
  ...each(UNARY, unary(CHEAP)),
  ...each(CURVES, unary(CURVED)),
  ...each(WIDE_CURVES, unary(WIDE)),
  ...each(GRADIENTS, withGradient(CHEAP)),
  ...each(WIDE_GRADIENTS, withGradient(WIDE)),
  // out, slope, x, n
  [Opcode.GeluForward, withGradient(2 * WIDE)],
  ...each(REDUCTIONS, reduction),
  ...each([Opcode.Select, Opcode.SelectWords], select),
  [Opcode.Copy, copy],
  [Opcode.Chain, chain],
  [Opcode.SumBlocks, sumBlocks],
  // out, value, n
  [Opcode.Fill, ranges(2, [0], CHEAP)],
  [Opcode.StridedCopy, strided(0, 1, 2, 1)],
  // out, offset, x, …
  [Opcode.StridedPlace, strided(0, 2, 1, 0)],
  // out, scratch, x, rows, n, descending
  [Opcode.Argsort, rowsBackward(3, [0, 2], 20)],
  // out, x, outer, n, inner, …
  [Opcode.Cumsum, along(2, { 0: (o) => product(o, 3, 4), 1: (o) => product(o, 3, 4) })],
  [Opcode.Argmax, reduction],
  [Opcode.Gemm, gemm(false)],
  [Opcode.GemmBackward, gemm(true)],
  [Opcode.GemmSums, gemmSums],
  [Opcode.GemmBatched, gemmBatched],
  [Opcode.Softmax, rows(2 * CURVED)],
  // dx, scratch, y, dy, rows, n, logarithm
  [Opcode.SoftmaxBackward, rowsBackward(4, [0, 2, 3], CURVED)],
  [Opcode.CausalSoftmax, causal(2, [0, 1], undefined)],
  [Opcode.CausalSoftmaxBackward, causal(4, [0, 2, 3], 1)],
  // dLogits, logits, labels, rowMax, logSum, dLosses, rows, cols, dStride
  [
    Opcode.SoftmaxCrossEntropyBackward,
    along(
      6,
      { 0: (o) => number(o, 7), 1: (o) => number(o, 7), 2: 1, 3: 1, 4: 1, 5: (o) => number(o, 8) },
      { cost: CURVED },
    ),
  ],
  // y, x, mean, variance, gamma, beta, outer, channels, inner, eps
  [Opcode.BatchNormEval, along(6, { 0: (o) => product(o, 7, 8), 1: (o) => product(o, 7, 8) })],
  // y, mean, rstd, x, gamma, beta, rows, n, eps
  [
    Opcode.LayerNormForward,
    along(6, { 0: (o) => number(o, 7), 1: 1, 2: 1, 3: (o) => number(o, 7) }, { cost: CURVED }),
  ],
  [Opcode.RmsNorm, rows(CURVED)],
  // dx, scratch, x, dy, rows, n, eps
  [Opcode.RmsNormBackward, rowsBackward(4, [0, 2, 3], CURVED)],
  // out, x, geometry
  [Opcode.Unfold, byImage(2, { images: [1], columns: [0] })],
  [Opcode.Fold, byImage(2, { images: [0], columns: [1] })],
  // y, scratch, x, w, bias, geometry, …
  [
    Opcode.Conv2dForward,
    { ...byImage(5, { images: [2], maps: [0] }, { scratch: 1 }), work: convolutionWork(5) },
  ],
  // dx, scratch, dy, w, bias, geometry, …
  [
    Opcode.Conv2dInputGradient,
    { ...byImage(5, { images: [0], maps: [2] }, { scratch: 1 }), work: convolutionWork(5) },
  ],
  [Opcode.Conv2dWeightGradient, weightGradient],
  // y, indices, x, geometry
  [Opcode.MaxPool, byImage(3, { images: [2], planes: [0, 1] }, { cost: 4 * CURVED })],
  // out, x, indices, planes, size, count
  [
    Opcode.PoolGather,
    along(3, { 0: (o) => number(o, 5), 1: (o) => number(o, 4), 2: (o) => number(o, 5) }),
  ],
  // out, x, indices, geometry
  [Opcode.PoolScatter, byImage(3, { images: [0], planes: [1, 2] })],
  // y, x, geometry, …; dx, dy, geometry, …
  [Opcode.AvgPool, byImage(2, { images: [1], planes: [0] }, { cost: CURVED })],
  [Opcode.AvgPoolBackward, byImage(2, { images: [0], planes: [1] }, { cost: CURVED })],
  // out; x, n
  [Opcode.Increment, inParts(1, 1, 2, CHEAP)],
  // pOut; p, g, n, hyper
  [Opcode.Sgd, inParts(1, 2, 4, CHEAP)],
  // pOut, bufferOut; p, g, buffer, n, hyper, nesterov
  [Opcode.SgdMomentum, inParts(2, 3, 6, 2 * CHEAP)],
  // pOut, moment1Out, moment2Out; p, g, moment1, moment2, n, hyper, decoupled
  [Opcode.Adam, inParts(3, 4, 7, 4 * CHEAP)],
]);

/** Instructions without a rule, that cost about as much as their operands are large. */
const DEFAULT_WORK = CURVED;

/** Estimated nanoseconds of a whole instruction on one thread. */
export function workOf({ opcode, operands }: Share): number {
  const rule = rules.get(opcode);
  if (rule) return rule.work(operands);
  return largest(operands) * DEFAULT_WORK;
}

/**
 * The shares of an instruction for at most `parts` threads, as even as its units allow; one share
 * when it has no rule. Scratch is the business of whoever places the shares.
 */
export function split(whole: Share, parts: number): Share[] {
  const { opcode, operands } = whole;
  const rule = rules.get(opcode);
  if (!rule || (rule.operands ?? operands.length) !== operands.length) return [whole];
  const units = rule.units(operands);
  const grains = Math.ceil(units / rule.grain);
  const count = Math.min(parts, grains);
  if (count < 2) return [whole];
  return Array.from({ length: count }, (_, part) => {
    const first = Math.floor((part * grains) / count) * rule.grain;
    const end = Math.min(units, Math.floor(((part + 1) * grains) / count) * rule.grain);
    return { ...whole, operands: rule.share(operands, first, end - first) };
  });
}

/** Which operand of an instruction is scratch, if one is. */
export const scratchOf = (opcode: Opcode): number | undefined => rules.get(opcode)?.scratch;
