/**
 * The search for offsets. Blocks are placed one after the other, each at the lowest address at which
 * it meets no placed one, the largest first (greedy, Pisarchyk & Lee 2020, "Efficient memory
 * management for deep neural net inference"). One that would reach above a limit is placed earlier,
 * somewhere at random, and those after it anew (Joslin & Clements 1999, "Squeaky wheel
 * optimization"). The limit rises with the work, so the search ends.
 */
import type { Block, Segment } from "./liveness.js";

export const ALIGNMENT = 16;
export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Comparisons of blocks after which `near` is close enough: a few milliseconds. */
const WORK = 1_000_000;
/** Those after which more than `near` is taken. */
const MOST_WORK = 10 * WORK;
/** What placing a block costs besides, in comparisons. */
const PLACING = 50;

/**
 * Gives every block an offset; returns the bytes of all: at most `close`, or else `near`, or else as
 * little more as was found.
 */
export function searchOffsets(blocks: readonly Block[], close: number, near: number): number {
  // Sorting is stable: equal ones stay in the order of their first instructions.
  const order = [...blocks].sort((a, b) => b.bytes - a.bytes);
  const capacity = order.reduce((sum, { segments }) => sum + segments.length, 0);
  // The placed segments lie by address in columns: the scan over them is what planning costs.
  const [begins, ends] = [new Float64Array(capacity), new Float64Array(capacity)];
  const [firsts, lasts] = [new Float64Array(capacity), new Int32Array(capacity)];
  /** Where its block is in the order. */
  const turns = new Float64Array(capacity);
  const columns = [begins, ends, firsts, lasts, turns];
  let [length, work, limit, seed] = [0, 0, close, 1];

  /** The lowest offset from `from` on at which a segment meets nothing that lives with it. */
  const lowest = ({ begin, bytes, first, last }: Segment, from: number): number => {
    let offset = from;
    let index = 0;
    for (; index < length; index++) {
      if ((lasts[index] as number) < first || last < (firsts[index] as number)) continue;
      if ((begins[index] as number) >= offset + begin + bytes) break;
      if ((ends[index] as number) > offset + begin) offset = align((ends[index] as number) - begin);
    }
    work += index;
    return offset;
  };
  const insert = ({ begin, bytes, first, last }: Segment, offset: number, turn: number): void => {
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((begins[middle] as number) <= offset + begin) low = middle + 1;
      else high = middle;
    }
    for (const column of columns) column.copyWithin(low + 1, low, length);
    begins[low] = offset + begin;
    ends[low] = offset + begin + bytes;
    firsts[low] = first;
    lasts[low] = last;
    turns[low] = turn;
    length++;
  };
  /** Only those that come before `turn` in the order stay where they are. */
  const keep = (turn: number): void => {
    let kept = 0;
    for (let index = 0; index < length; index++)
      if ((turns[index] as number) < turn) {
        for (const column of columns) column[kept] = column[index] as number;
        kept++;
      }
    length = kept;
  };

  for (let turn = 0; turn < order.length; turn++) {
    const block = order[turn] as Block;
    block.offset = 0;
    // Moving on for one segment may bring another one into the way.
    for (let before = -1; before !== block.offset; ) {
      before = block.offset;
      for (const segment of block.segments) block.offset = lowest(segment, block.offset);
    }
    work += PLACING;
    if (block.offset + block.bytes <= limit) {
      for (const segment of block.segments) insert(segment, block.offset, turn);
      continue;
    }
    limit =
      work < WORK ? close + ((near - close) * work) / WORK : near * Math.max(1, work / MOST_WORK);
    // The same numbers in every engine (Park & Miller 1988, with the factor of 1993).
    seed = (seed * 48271) % 2147483647;
    const earlier = seed % Math.max(turn, 1);
    order.splice(turn, 1);
    order.splice(earlier, 0, block);
    keep(earlier);
    turn = earlier - 1;
  }
  return order.reduce((top, { offset, bytes }) => Math.max(top, offset + bytes), 0);
}
