/**
 * The search for offsets. Blocks are placed one after the other, each at the lowest address at which
 * it meets no placed one (greedy, Pisarchyk & Lee 2020, "Efficient memory management for deep neural
 * net inference"). How close that comes to the largest sum of live bytes depends on the order, so
 * several are tried: by size, by size and time, by time, as they are written. Then these orders are
 * changed at random, in turn, and a change that makes one no worse is kept. The search ends near the
 * bound, or when the work is spent.
 */
import type { Block, Segment } from "./liveness.js";

export const ALIGNMENT = 16;
export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Comparisons of blocks that the search may cost: a few milliseconds. */
export const WORK = 4_000_000;
/** Orders that are tried though the plan is near the bound. */
const FEW = 68;
/** The part of what is alive below which a block is too small to be worth moving. */
const SMALL = 0.01;

/** An order of the blocks, and what it needs. */
interface Order {
  readonly blocks: readonly Block[];
  readonly bytes: number;
  /** The block that reaches highest. */
  readonly highest: Block;
}

function placed(blocks: readonly Block[]): Order {
  const bytes = placeInOrder(blocks);
  const top = (block: Block): number => block.offset + block.bytes;
  return { blocks, bytes, highest: blocks.reduce((a, b) => (top(a) >= top(b) ? a : b)) };
}

function lifetime({ segments }: Block): number {
  const ends = segments.flatMap(({ first, last }) => [first, last]);
  return 1 + Math.max(...ends) - Math.min(...ends);
}

/**
 * Gives every block the offset of the best order found; returns the bytes of all. The first tries
 * end at `close` bytes, later ones at `near`.
 */
export function searchOffsets(blocks: readonly Block[], close: number, near: number): number {
  const times = new Map(blocks.map((block) => [block, lifetime(block)]));
  const time = (block: Block): number => times.get(block) as number;
  const rules: ((a: Block, b: Block) => number)[] = [
    (a, b) => b.bytes - a.bytes,
    (a, b) => b.bytes * time(b) - a.bytes * time(a),
    () => 0,
    (a, b) => time(b) - time(a) || b.bytes - a.bytes,
  ];
  // Sorting is stable: equal ones stay in the order of their first instructions.
  const sorted = (turn: number): Order => placed([...blocks].sort(rules[turn]));
  let latest = sorted(0);
  let best = latest;
  const orders = [best];
  let seed = 1;
  /** The same numbers in every engine (Park & Miller 1988, with the factor of 1993). */
  const below = (n: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % n;
  };
  const changed = ({ blocks: order, bytes, highest }: Order): Order => {
    const large = order.filter((block) => block === highest || block.bytes >= SMALL * bytes);
    // The one that reaches highest goes to the front of another, or any of them goes anywhere.
    const other = large[below(large.length)] as Block;
    const moved = below(2) ? highest : other;
    const rest = order.filter((block) => block !== moved);

    rest.splice(moved === other ? below(order.length) : rest.indexOf(other), 0, moved);
    return placed(rest);
  };
  const most = WORK / blocks.length ** 2;
  for (let tries = 1; tries < most && best.bytes > (tries < FEW ? close : near); tries++) {
    const turn = tries % rules.length;
    const before = orders[turn];
    latest = before ? changed(before) : sorted(turn);
    if (!before || latest.bytes <= before.bytes) orders[turn] = latest;
    if (latest.bytes < best.bytes) best = latest;
  }
  if (latest !== best) placeInOrder(best.blocks);
  return best.bytes;
}

/**
 * Gives each block the lowest offset at which it meets none before it; returns the bytes of all. The
 * placed segments lie by address in columns: the scan over them is what planning costs.
 */
function placeInOrder(order: readonly Block[]): number {
  const capacity = order.reduce((sum, { segments }) => sum + segments.length, 0);
  const [begins, ends] = [new Float64Array(capacity), new Float64Array(capacity)];
  const [firsts, lasts] = [new Int32Array(capacity), new Int32Array(capacity)];
  let length = 0;
  let top = 0;
  /** The lowest offset from `from` on at which a segment meets nothing that lives with it. */
  const lowest = ({ begin, bytes, first, last }: Segment, from: number): number => {
    let offset = from;
    for (let index = 0; index < length; index++) {
      if ((lasts[index] as number) < first || last < (firsts[index] as number)) continue;
      if ((begins[index] as number) >= offset + begin + bytes) break;
      if ((ends[index] as number) > offset + begin) offset = align((ends[index] as number) - begin);
    }
    return offset;
  };
  for (const block of order) {
    let offset = 0;
    // Moving on for one segment may bring another one into the way.
    for (let before = -1; before !== offset; ) {
      before = offset;
      for (const segment of block.segments) offset = lowest(segment, offset);
    }
    block.offset = offset;
    top = Math.max(top, offset + block.bytes);
    for (const { begin, bytes, first, last } of block.segments) {
      let [low, high] = [0, length];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((begins[middle] as number) <= offset + begin) low = middle + 1;
        else high = middle;
      }
      for (const column of [begins, ends, firsts, lasts]) column.copyWithin(low + 1, low, length);
      begins[low] = offset + begin;
      ends[low] = offset + begin + bytes;
      firsts[low] = first;
      lasts[low] = last;
      length++;
    }
  }
  return top;
}
