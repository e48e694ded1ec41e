/** Rules of shares for matrix products, convolutions, pools and batch norms over images. */
import type { Value } from "./lowering.js";
import {
  type Along,
  along,
  CURVED,
  elements,
  from,
  largest,
  number,
  type PerUnit,
  PRODUCTS,
  product,
  type Rule,
  WORD,
} from "./shareRules.js";
import { type Operand, type Operands, Part } from "./shares.js";

/** The micro-kernel's tile of C; the taller one of FMA loses as little by shares of 4 rows. */
const TILE_COLUMNS = 8;
const TILE_ROWS = 4;

/**
 * c, a, b, bias or y, m, n, k, rsC, rsA, csA, rsB, csB, alpha, beta, activation: along the longer
 * side of C. `mask`: the fourth operand is y, laid out like C.
 */
export const gemm = (mask: boolean): Rule => ({
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
export const gemmSums: Rule = {
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
export const gemmBatched: Rule = {
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
export function byImage(
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

/**
 * …, outer, channels, inner, pitch at `sizes`: channels of images, which `images` have interleaved
 * and `channels` one after the other. With one number a channel they are the lanes of vectors, and
 * stay on one thread.
 */
export function byChannel(
  sizes: number,
  images: readonly number[],
  channels: readonly number[],
): Rule {
  return {
    grain: 1,
    units: (o) => (number(o, sizes) && number(o, sizes + 2) > 1 ? number(o, sizes + 1) : 1),
    work: (o) => largest(o) * CURVED,
    share(o, first, count) {
      const [outer, , inner, pitch] = o.slice(sizes) as [number, number, number, number];
      const band = { pitch: pitch * inner * WORD, width: count * inner * WORD };
      const extent = ((outer - 1) * pitch + count) * inner;
      const shared = [...o];
      for (const index of images)
        shared[index] = new Part(o[index] as Value, first * inner * WORD, extent * WORD, band);
      for (const index of channels) shared[index] = elements(o[index], first, count);
      shared[sizes + 1] = count;
      return shared;
    },
  };
}

/** Multiply-adds of a convolution, and making its columns. */
export const convolutionWork =
  (at: number) =>
  (o: Operands): number => {
    const columns = product(o, at, at + 1, at + 5, at + 6, at + 7, at + 8) / number(o, at + 15);
    return (columns * number(o, at + 4)) / PRODUCTS + columns;
  };

/** dw, scratch, x, dy, geometry, span, first, end: by filters, which the kernel counts off itself. */
export const weightGradient: Rule = {
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
