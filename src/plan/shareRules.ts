/** What the rules of shares are made of: operands moved on, and units that lie one after the other. */

import type { Value } from "./lowering.js";
import { type Operand, type Operands, Part } from "./shares.js";

export interface Rule {
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

export const WORD = 4;
/** Elements in a cache line. */
export const LINE = 16;
/** Estimated nanoseconds for an element: moved or added; e^x and the like; in double precision. */
export const CHEAP = 0.4;
export const CURVED = 1;
export const WIDE = 5;
/** Multiply-adds a nanosecond. */
export const PRODUCTS = 16;

export const number = (operands: Operands, index: number): number => operands[index] as number;

export const product = (operands: Operands, ...indices: readonly number[]): number =>
  indices.reduce((size, index) => size * number(operands, index), 1);

/** Of an instruction that is whole: none of its operands is a part. */
const isValue = (operand: Operand | undefined): operand is Value => typeof operand === "object";

/** `count` elements from `first` on; an address of 0 stays. */
export const elements = (operand: Operand | undefined, first: number, count: number): Operand =>
  isValue(operand) ? new Part(operand, first * WORD, count * WORD) : ((operand ?? 0) as Operand);

/** All from `first` on. */
export const from = (operand: Operand | undefined, first: number): Operand =>
  isValue(operand)
    ? new Part(operand, first * WORD, Math.max(0, operand.bytes - first * WORD))
    : ((operand ?? 0) as Operand);

/** The elements of the largest operand. */
export const largest = (operands: Operands): number =>
  operands.reduce<number>(
    (most, operand) => (isValue(operand) ? Math.max(most, operand.size) : most),
    0,
  );

/** How many elements of an operand belong to one unit. */
export type PerUnit = number | ((operands: Operands) => number);

export interface Along {
  readonly grain?: number;
  readonly scratch?: number;
  /** Nanoseconds for an element of the largest operand. */
  readonly cost?: number;
}

/**
 * Operand `size` counts the units, which lie one after the other in the operands of `dense`: so many
 * elements of each belong to one unit.
 */
export function along(
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
export const ranges = (size: number, moving: readonly number[], cost: number): Rule =>
  along(size, Object.fromEntries(moving.map((index) => [index, 1])), { grain: LINE, cost });

export const unary = (cost: number): Rule => ranges(2, [0, 1], cost);
export const withGradient = (cost: number): Rule => ranges(3, [0, 1, 2], cost);

/** out, a, b, rows, cols, rsA, csA, rsB, csB: by rows, or along a single one. */
export const binary = (cost: number): Rule => ({
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
export const select: Rule = along(
  4,
  { 0: 1, 1: 1, 2: (o) => number(o, 5), 3: (o) => number(o, 6) },
  { grain: LINE },
);

/** out, x, outer, n, inner: each of `outer` is a sum of its own. */
export const reduction: Rule = along(2, { 0: (o) => number(o, 4), 1: (o) => product(o, 3, 4) });

/** y, x, rows, n: each row by itself. */
export const rows = (cost: number): Rule =>
  along(2, { 0: (o) => number(o, 3), 1: (o) => number(o, 3) }, { cost });

/** …, rows, n, queries, scale: by blocks of `queries` rows, since a row's number counts within one. */
export function causal(size: number, moving: readonly number[], scratch: number | undefined): Rule {
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
export const rowsBackward = (size: number, moving: readonly number[], cost: number): Rule =>
  along(size, Object.fromEntries(moving.map((index) => [index, (o) => number(o, size + 1)])), {
    scratch: 1,
    cost,
  });
