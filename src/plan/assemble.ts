/** From instructions to words: `[opcode, length, operands …]`, addresses still to be filled in. */
import { operandsOf, Value } from "./lowering.js";
import type { Plan } from "./plan.js";
import type { Schedule } from "./schedule.js";
import type { Share } from "./shares.js";

/** A word that is the address of a value, once that is known. */
export interface Relocation {
  readonly word: number;
  readonly value: Value;
  /** Bytes from the value's start. */
  readonly offset: number;
}

/** The instructions of a plan as one thread runs them. */
export const wholes = ({ instructions }: Plan): Share[] =>
  instructions.map((instruction) => ({
    opcode: instruction.opcode,
    operands: operandsOf(instruction),
    writes: instruction.writes,
    node: instruction.node,
  }));

interface Assembled {
  readonly words: Uint32Array;
  readonly relocations: readonly Relocation[];
  /** What stands at a byte offset. */
  readonly shares: ReadonlyMap<number, Share>;
  /** Where the words of each thread end. */
  readonly ends: readonly number[];
}

/** The words of the lists of all threads, one list after the other. */
export function assemble(lists: Schedule["lists"]): Assembled {
  const words: number[] = [];
  const relocations: Relocation[] = [];
  // Only the first thread may refuse, and its words come first.
  const known = new Map<number, Share>();
  const ends = lists.map((shares) => {
    for (const share of shares) {
      const { opcode, operands } = share;
      known.set(words.length * 4, share);
      words.push(opcode, 2 + operands.length);
      for (const operand of operands) {
        if (operand instanceof Value)
          relocations.push({ word: words.length, value: operand, offset: 0 });
        else if (typeof operand === "object")
          relocations.push({ word: words.length, value: operand.value, offset: operand.moved });
        words.push(typeof operand === "number" ? operand : 0);
      }
    }
    return words.length;
  });
  return { words: Uint32Array.from(words), relocations, shares: known, ends };
}
