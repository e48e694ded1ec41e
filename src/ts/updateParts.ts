import type { Heap } from "./float.js";
import { increment } from "./move.js";
import { adam, sgd, sgdMomentum } from "./update.js";

/** The twin of `assembly/updateParts.ts`, which draws the operands; `at` is counted in words. */

type Word = (index: number) => number;

/** Calls `each` with the outputs and the inputs of every part. */
function forParts(
  m: Heap,
  at: number,
  outputs: number,
  inputs: number,
  each: (o: Word, i: Word) => void,
): void {
  const parts = ((m.u[at + 1] as number) - 2) / (outputs + inputs);
  const first = at + 2 + parts * outputs;
  for (let part = 0; part < parts; part++)
    each(
      (index) => m.u[at + 2 + part * outputs + index] as number,
      (index) => m.u[first + part * inputs + index] as number,
    );
}

export const sgdParts = (m: Heap, at: number): void =>
  forParts(m, at, 1, 4, (o, i) => sgd(m, o(0), i(0), i(1), i(2), i(3)));

export const sgdMomentumParts = (m: Heap, at: number): void =>
  forParts(m, at, 2, 6, (o, i) => sgdMomentum(m, o(0), o(1), i(0), i(1), i(2), i(3), i(4), i(5)));

export const adamParts = (m: Heap, at: number): void =>
  forParts(m, at, 3, 7, (o, i) =>
    adam(m, o(0), o(1), o(2), i(0), i(1), i(2), i(3), i(4), i(5), i(6)),
  );

export const incrementParts = (m: Heap, at: number): void =>
  forParts(m, at, 1, 2, (o, i) => increment(m, o(0), i(0), i(1)));
