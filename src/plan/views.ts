/**
 * Joining and splitting without copies. A value that is put together from whole others, one after
 * the other, gives them places inside itself, so that what computes them writes straight into it; a
 * contiguous part of a value is read where it lies. The copies are dropped.
 *
 *     g0 = …        g0 = … ─► ┌────┐
 *     g1 = …        g1 = … ─► │ g0 │ g1 │ = joined, read as one
 *     joined = g0 ‖ g1        └────┴────┘
 *
 * Runs last among the passes: before it no two values share a byte.
 */
import { Opcode } from "../../assembly/opcodes.js";
import { type Instruction, reads, Value } from "./lowering.js";

const WORD = 4;

/** A copy of all of `from` to `to`, one of which lies `begin` bytes inside the other. */
interface Copy {
  readonly at: number;
  readonly to: Value;
  readonly from: Value;
  readonly begin: number;
  readonly bytes: number;
}

/** How often and when last a value is written, and when it is read. */
interface Uses {
  writes: number;
  lastWrite: number;
  readonly reads: number[];
}

/** Gives values places inside others and returns the instructions that are still needed. */
export function shareStorage(
  instructions: readonly Instruction[],
  inputs: ReadonlySet<Value>,
  outputs: readonly Value[],
): Instruction[] {
  const joins: Copy[] = [];
  const splits: Copy[] = [];
  for (const [at, { opcode, writes, rest }] of instructions.entries()) {
    const [to] = writes;
    if (opcode === Opcode.StridedPlace) {
      const [offset, from, ...dims] = rest;
      const words = contiguousWords(dims);
      if (words > 0 && to && from instanceof Value && words * WORD === from.bytes)
        joins.push({ at, to, from, begin: (offset as number) * WORD, bytes: from.bytes });
    } else if (opcode === Opcode.StridedCopy) {
      const [from, offset, ...dims] = rest;
      const words = contiguousWords(dims);
      if (words > 0 && to && from instanceof Value && words * WORD === to.bytes)
        splits.push({ at, to, from, begin: (offset as number) * WORD, bytes: to.bytes });
    }
  }
  if (joins.length + splits.length === 0) return [...instructions];
  const uses = usesOf(instructions, outputs);
  const dropped = new Set<number>();
  for (const copies of byValue(joins, ({ to }) => to)) joinInto(copies, uses, inputs, dropped);
  for (const copies of byValue(splits, ({ from }) => from))
    splitFrom(copies, uses, inputs, dropped);
  return instructions.filter((_, at) => !dropped.has(at));
}

/** How many words a strided copy moves when they lie one after the other; else 0. */
function contiguousWords([rank, ...dims]: readonly (Value | number)[]): number {
  const axes = rank as number;
  let words = 1;
  for (let axis = axes - 1; axis >= 0; axis--) {
    const size = dims[axis] as number;
    if (size !== 1 && dims[axes + axis] !== words) return 0;
    words *= size;
  }
  return words;
}

function usesOf(instructions: readonly Instruction[], outputs: readonly Value[]): Map<Value, Uses> {
  const uses = new Map<Value, Uses>();
  const of = (value: Value): Uses => {
    const known = uses.get(value);
    if (known) return known;
    const made: Uses = { writes: 0, lastWrite: -1, reads: [] };
    uses.set(value, made);
    return made;
  };
  for (const [at, instruction] of instructions.entries()) {
    for (const value of instruction.writes) {
      const use = of(value);
      use.writes++;
      use.lastWrite = at;
    }
    for (const value of reads(instruction)) of(value).reads.push(at);
  }
  for (const value of outputs) of(value).reads.push(Number.POSITIVE_INFINITY);
  return uses;
}

function byValue(copies: readonly Copy[], key: (copy: Copy) => Value): Copy[][] {
  const groups = new Map<Value, Copy[]>();
  for (const copy of copies) {
    const group = groups.get(key(copy));
    if (group) group.push(copy);
    else groups.set(key(copy), [copy]);
  }
  return [...groups.values()];
}

const ownPlace = (value: Value, inputs: ReadonlySet<Value>): boolean =>
  value.inArena && !value.parent && !inputs.has(value);

/** Places the parts of one value inside it, where nothing else writes it. */
function joinInto(
  copies: readonly Copy[],
  uses: ReadonlyMap<Value, Uses>,
  inputs: ReadonlySet<Value>,
  dropped: Set<number>,
): void {
  const { to } = copies[0] as Copy;
  if (!to.inArena || inputs.has(to)) return;
  const written = [...copies].sort((a, b) => a.begin - b.begin);
  const overlap = written.some(({ begin }, k) => {
    const before = written[k - 1];
    return before !== undefined && before.begin + before.bytes > begin;
  });
  // Something else that writes it may write more than is left between the parts.
  if (overlap || uses.get(to)?.writes !== copies.length) return;
  for (const { at, from, begin } of copies) {
    const { lastWrite = -1 } = uses.get(from) ?? {};
    if (!ownPlace(from, inputs) || lastWrite < 0 || lastWrite >= at || to.root === from) continue;
    from.parent = to;
    from.begin = begin;
    dropped.add(at);
  }
}

/**
 * Makes parts of one value views of it, unless that keeps it alive for the sake of less than all of
 * it.
 */
function splitFrom(
  copies: readonly Copy[],
  uses: ReadonlyMap<Value, Uses>,
  inputs: ReadonlySet<Value>,
  dropped: Set<number>,
): void {
  const { from } = copies[0] as Copy;
  if (from.root.parameter) return;
  const { lastWrite = -1, reads = [] } = uses.get(from) ?? {};
  const free = copies.filter(({ at, to }) => {
    const use = uses.get(to) as Uses;
    return ownPlace(to, inputs) && use.writes === 1 && use.lastWrite === at && lastWrite < at;
  });
  const copied = new Set(free.map(({ at }) => at));
  const lastRead = reads.findLast((at) => !copied.has(at)) ?? -1;
  const outlives = ({ to }: Copy): boolean =>
    ((uses.get(to) as Uses).reads.at(-1) ?? -1) > lastRead;
  const outliving = free.filter(outlives).reduce((sum, { bytes }) => sum + bytes, 0);
  const whole = from.inPool || outliving >= from.bytes;
  for (const copy of free) {
    if (!whole && outlives(copy)) continue;
    copy.to.parent = from;
    copy.to.begin = copy.begin;
    dropped.add(copy.at);
  }
}
