/** Rules of shares for instructions that are many in one: strided walks, updates, chains. */
import { BLOCK } from "./blocks.js";
import { CHEAP, elements, from, LINE, largest, number, type Rule, WORD } from "./shareRules.js";
import type { Operand, Operands } from "./shares.js";

/** …, rank, sizes, strides: by the outermost axis; offset and strides are those of `scattered`. */
export function strided(out: number, x: number, offset: number, scattered: number): Rule {
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
export function inParts(outs: number, moving: number, ins: number, cost: number): Rule {
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

/**
 * bytes, tiles, walks, scratches, tails, [place, step] …, [place] …, [place, value] …, program: by
 * tiles; sizes of the last tile are for the last share only. See `assembly/chain.ts`.
 */
export const chain: Rule = {
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
export const sumBlocks: Rule = {
  grain: 1,
  units: (o) => Math.ceil(number(o, 2) / BLOCK),
  work: (o) => number(o, 2) * CHEAP,
  share(o, first, count) {
    const length = Math.min(count * BLOCK, number(o, 2) - first * BLOCK);
    return [elements(o[0], first, count), elements(o[1], first * BLOCK, length), length];
  },
};

/** out, x, bytes */
export const copy: Rule = {
  grain: LINE,
  units: (o) => number(o, 2) / WORD,
  work: (o) => (number(o, 2) / WORD) * CHEAP,
  share: (o, first, count) => [
    elements(o[0], first, count),
    elements(o[1], first, count),
    count * WORD,
  ],
};
