/**
 * Liveness. A value lives from the instruction that writes it (inputs: from the start) to the last
 * that reads it (outputs: to the end). Values that may share a place form a block: an output that
 * takes over the place of an operand that dies with the instruction, and values that lie inside
 * another. A block is occupied piece by piece:
 *
 *     begin ──────────────► bytes            a join of three parts, each from its own first write
 *     │ part 0 │ part 1    │ part 2 │
 *      3 … 9    2 … 9       5 … 9            instructions first … last
 */
import { type Instruction, reads, type Value } from "./lowering.js";

/** Some bytes of a block, and the instructions during which they hold something. */
export interface Segment {
  readonly begin: number;
  readonly bytes: number;
  readonly first: number;
  last: number;
}

interface Member {
  readonly block: Block;
  readonly value: Value;
  /** Where it lies in the block. */
  readonly begin: number;
  /** The instruction that wrote it; −1 before there is one. */
  written: number;
}

/** Values that are placed together. */
export interface Block {
  readonly bytes: number;
  readonly segments: Segment[];
  readonly members: Member[];
  /** Those of them that may still be read. */
  active: Member[];
  offset: number;
}

/** The blocks of a program's arena values, in the order of their first instructions. */
export function blocksOf(
  instructions: readonly Instruction[],
  inputs: readonly (Value | undefined)[],
  outputs: readonly Value[],
): Block[] {
  const { lastReads, views } = usesOf(instructions, outputs);
  const places = new Map<Value, Member>();
  const blocks: Block[] = [];
  const add = (value: Value, block: Block, begin: number): Member => {
    const member = { block, value, begin: begin + value.within, written: -1 };
    block.members.push(member);
    block.active.push(member);
    places.set(value, member);
    return member;
  };
  /** With what lies inside it. */
  const join = (root: Value, block: Block, begin: number): Member => {
    const member = add(root, block, begin);
    for (const value of views.get(root) ?? []) add(value, block, begin);
    return member;
  };
  const touch = (value: Value, at: number, writes: boolean): void => {
    if (!value.inArena || value.bytes === 0) return;
    const { root } = value;
    if (!places.has(root)) {
      const block: Block = { bytes: root.bytes, segments: [], members: [], active: [], offset: 0 };
      blocks.push(block);
      join(root, block, 0);
    }
    const member = places.get(value) as Member;
    if (writes) member.written = at;
    occupy(member.block, member.begin, value.bytes, at);
  };
  for (const input of inputs) if (input) touch(input, -1, true);
  for (const [at, instruction] of instructions.entries()) {
    const operands = reads(instruction);
    for (const [written, read] of instruction.inPlace) {
      const member = places.get(read);
      if (!member || !written.inArena || written.parent || places.has(written)) continue;
      if (written.bytes !== read.bytes || (lastReads.get(read) ?? -1) > at) continue;
      const { block } = member;
      // Long chains in one place stay cheap.
      block.active = block.active.filter(
        (other) => other.written === at || (lastReads.get(other.value) ?? -1) >= at,
      );
      const free = block.active.every(
        (other) =>
          other === member ||
          other.begin >= member.begin + read.bytes ||
          member.begin >= other.begin + other.value.bytes ||
          ((lastReads.get(other.value) ?? -1) <= at &&
            other.written !== at &&
            !operands.includes(other.value)),
      );
      if (!free || member.written === at) continue;
      join(written, block, member.begin).written = at;
    }
    for (const value of instruction.writes) touch(value, at, true);
    for (const value of operands) touch(value, at, false);
  }
  for (const output of outputs) touch(output, instructions.length, false);
  return blocks;
}

/** The last read of each value, and the values that lie inside others. */
function usesOf(
  instructions: readonly Instruction[],
  outputs: readonly Value[],
): { lastReads: Map<Value, number>; views: Map<Value, Value[]> } {
  const lastReads = new Map<Value, number>();
  const views = new Map<Value, Value[]>();
  const seen = new Set<Value>();
  const see = (value: Value): void => {
    if (!value.parent || seen.has(value)) return;
    seen.add(value);
    const { root } = value;
    const list = views.get(root);
    if (list) list.push(value);
    else views.set(root, [value]);
  };
  for (const [at, instruction] of instructions.entries()) {
    for (const value of reads(instruction)) {
      lastReads.set(value, at);
      see(value);
    }
    for (const value of instruction.writes) see(value);
  }
  for (const output of outputs) {
    lastReads.set(output, Number.POSITIVE_INFINITY);
    see(output);
  }
  return { lastReads, views };
}

/** Notes that something in these bytes of a block is used at an instruction. */
function occupy({ segments }: Block, begin: number, bytes: number, at: number): void {
  const end = begin + bytes;
  let next = begin;
  // In the order of their bytes; what is used for the first time goes between.
  for (let index = 0; next < end; index++) {
    const segment = segments[index];
    const until = segment ? segment.begin + segment.bytes : end;
    if (until <= next) continue;
    if (segment && segment.begin <= next) {
      segment.last = at;
      next = until;
    } else {
      const bytes = Math.min(segment?.begin ?? end, end) - next;
      segments.splice(index, 0, { begin: next, bytes, first: at, last: at });
      next += bytes;
    }
  }
}

/**
 * The largest sum of bytes that are occupied during one instruction: no arena can be smaller. `taken`
 * is what so many bytes take from others where they have a place of their own.
 */
export function liveBytesOf(
  blocks: readonly Pick<Block, "segments">[],
  instructions: number,
  taken = (bytes: number): number => bytes,
): number {
  // Entry 0 is the start.
  const change = new Float64Array(instructions + 3);
  for (const { segments } of blocks)
    for (const { first, last, bytes } of segments) {
      const part = segments.length > 1 ? bytes : taken(bytes);
      (change[first + 1] as number) += part;
      (change[last + 2] as number) -= part;
    }
  let [live, most] = [0, 0];
  for (const difference of change) {
    live += difference;
    most = Math.max(most, live);
  }
  return most;
}
