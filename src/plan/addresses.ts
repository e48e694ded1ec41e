/**
 * Liveness and addresses. A value lives from the instruction that writes it (inputs: from the
 * start) to the last that reads it (outputs: to the end). An output may take over the place of an
 * operand that dies with the instruction; the intervals that remain are placed largest first, each
 * at the lowest address free during its life (greedy by size, Pisarchyk & Lee 2020, "Efficient
 * memory management for deep neural net inference").
 */
import { type Instruction, reads, type Value } from "./lowering.js";

const ALIGNMENT = 16;

/** Values that share one place, one after the other. */
interface Interval {
  readonly first: number;
  last: number;
  /** The last read of any of its values. */
  lastRead: number;
  /** The instruction at which a value last took the place over. */
  takenAt: number;
  readonly bytes: number;
  readonly values: Value[];
  offset: number;
}

/** Sets `offset` of every value in the arena; returns the bytes of the arena. */
export function placeValues(
  instructions: readonly Instruction[],
  inputs: readonly (Value | undefined)[],
  outputs: readonly Value[],
): number {
  const intervals = new Map<Value, Interval>();
  const lastReads = readsOf(instructions, outputs);
  const open = (value: Value, at: number): void => {
    if (!value.inArena || intervals.has(value)) return;
    const lastRead = lastReads.get(value) ?? -1;
    const { bytes } = value;
    intervals.set(value, {
      first: at,
      last: at,
      lastRead,
      takenAt: -1,
      bytes,
      values: [value],
      offset: 0,
    });
  };
  for (const input of inputs) if (input) open(input, -1);
  for (const [at, instruction] of instructions.entries()) {
    for (const [written, read] of instruction.inPlace) {
      const interval = intervals.get(read);
      const free = interval && interval.lastRead <= at && interval.takenAt !== at;
      if (!free || !written.inArena || intervals.has(written)) continue;
      if (interval.bytes !== written.bytes) continue;
      interval.values.push(written);
      interval.takenAt = at;
      interval.lastRead = Math.max(interval.lastRead, lastReads.get(written) ?? -1);
      intervals.set(written, interval);
    }
    for (const value of instruction.writes) open(value, at);
    for (const value of [...instruction.writes, ...reads(instruction)]) {
      const interval = intervals.get(value);
      if (interval) interval.last = at;
    }
  }
  for (const output of outputs) {
    const interval = intervals.get(output);
    if (interval) interval.last = instructions.length;
  }
  return assign([...new Set(intervals.values())]);
}

function readsOf(
  instructions: readonly Instruction[],
  outputs: readonly Value[],
): Map<Value, number> {
  const last = new Map<Value, number>();
  for (const [at, instruction] of instructions.entries())
    for (const value of reads(instruction)) last.set(value, at);
  for (const output of outputs) last.set(output, Number.POSITIVE_INFINITY);
  return last;
}

function assign(intervals: readonly Interval[]): number {
  const placed: Interval[] = [];
  let end = 0;
  for (const interval of [...intervals].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    let offset = 0;
    for (const other of placed) {
      const apart = other.last < interval.first || interval.last < other.first;
      if (apart || other.offset + other.bytes <= offset) continue;
      if (offset + interval.bytes <= other.offset) break;
      offset = Math.ceil((other.offset + other.bytes) / ALIGNMENT) * ALIGNMENT;
    }
    interval.offset = offset;
    for (const value of interval.values) value.offset = offset;
    end = Math.max(end, offset + interval.bytes);
    insertByOffset(placed, interval);
  }
  return end;
}

function insertByOffset(placed: Interval[], interval: Interval): void {
  let at = placed.length;
  while (at > 0 && (placed[at - 1] as Interval).offset > interval.offset) at--;
  placed.splice(at, 0, interval);
}
