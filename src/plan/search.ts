/**
 * The search for offsets. Blocks are placed one after the other, each at the lowest address at which
 * it meets no placed one (greedy, Pisarchyk & Lee 2020, "Efficient memory management for deep neural
 * net inference"). How close that comes to the largest sum of live bytes depends on the order, so
 * several are tried: by size, by size and time, by time, as they are written, by how much lives
 * beside them; then the best one again with the block that reached highest moved to its front. Where
 * that is not near the bound, each of these orders is changed at random, and a change that makes it no
 * worse is kept. The search ends at the bound, or when the work is spent.
 */
import type { Block, Segment } from "./liveness.js";

export const ALIGNMENT = 16;
export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Comparisons of blocks that each half of the search may cost: a few milliseconds. */
export const WORK = 4_000_000;
const MOST_TRIES = 64;
/** The part of what is alive below which a block is too small to be worth moving. */
const SMALL = 0.01;

interface Life {
  readonly first: number;
  readonly last: number;
  /** The most bytes that are alive meanwhile. */
  readonly beside: number;
}

/** An order of the blocks, and what it needs. */
interface Order {
  readonly blocks: readonly Block[];
  readonly bytes: number;
  /** The block that reaches highest. */
  readonly highest: Block;
}

/**
 * Gives every block the offset of the best order found; returns the bytes of all. `live`: bytes that
 * are alive by instruction, from the start on. Quick tries end at `close` bytes, all at `near`.
 */
export function searchOffsets(
  blocks: readonly Block[],
  live: Float64Array,
  close: number,
  near: number,
): number {
  if (blocks.length === 0) return 0;
  const lives = new Map(
    blocks.map((block) => {
      const first = Math.min(...block.segments.map((segment) => segment.first));
      const last = Math.max(...block.segments.map((segment) => segment.last));
      const beside = live.subarray(first + 1, last + 2).reduce((a, b) => Math.max(a, b));
      return [block, { first, last, beside }];
    }),
  );
  const lifeOf = (block: Block): Life => lives.get(block) as Life;
  const time = (block: Block): number => 1 + lifeOf(block).last - lifeOf(block).first;
  const rules: ((a: Block, b: Block) => number)[] = [
    (a, b) => b.bytes - a.bytes,
    (a, b) => b.bytes * time(b) - a.bytes * time(a),
    (a, b) => time(b) - time(a),
    () => 0,
    (a, b) => lifeOf(b).beside - lifeOf(a).beside,
    (a, b) => time(b) - time(a) || b.bytes - a.bytes,
  ];
  const tries = Math.min(MOST_TRIES, Math.floor(WORK / (blocks.length * blocks.length)));
  const orders: Order[] = [];
  for (const rule of rules) {
    if (orders.some(({ bytes }) => bytes <= close) || (orders.length > 0 && orders.length >= tries))
      break;
    // Sorting is stable: equal ones stay in the order of their first instructions.
    orders.push(placed([...blocks].sort(rule)));
  }
  let best = orders.reduce(better);
  let from = best;
  for (let k = orders.length; k < tries && best.bytes > close; k++) {
    const { highest } = from;
    from = placed([highest, ...from.blocks.filter((block) => block !== highest)]);
    best = better(best, from);
  }
  if (best.bytes > near) best = better(best, climb(orders, lifeOf, near));
  placeInOrder(best.blocks);
  return best.bytes;
}

/** The first of those that need least. */
const better = (a: Order, b: Order): Order => (b.bytes < a.bytes ? b : a);

const top = ({ offset, bytes }: Block): number => offset + bytes;

function placed(blocks: readonly Block[]): Order {
  const bytes = placeInOrder(blocks);
  return { blocks, bytes, highest: blocks.reduce((a, b) => (top(a) >= top(b) ? a : b)) };
}

/**
 * Changes orders in turn: the block that reaches highest changes places with one before it, or any is
 * moved; of those only that live beside the highest. The best that is found, or the first that needs
 * `near` bytes at most.
 */
function climb(orders: Order[], lifeOf: (block: Block) => Life, near: number): Order {
  let seed = 1;
  /** The same numbers in every engine (Knuth & Lewis's congruences, from Numerical Recipes). */
  const below = (n: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
  const size = orders[0]?.blocks.length ?? 0;
  for (let work = size * size, turn = 0; work < WORK; work += size * size) {
    const { blocks, bytes, highest } = orders[turn] as Order;
    const { first, last } = lifeOf(highest);
    const beside = [...blocks.keys()].filter((at) => {
      const block = blocks[at] as Block;
      const life = lifeOf(block);
      if (block === highest) return true;
      return block.bytes >= SMALL * bytes && life.first <= last && life.last >= first;
    });
    const changed = [...blocks];
    const at = blocks.indexOf(highest);
    const before = beside.filter((other) => other < at);
    if (before.length > 0 && below(2) === 0) {
      const other = before[below(before.length)] as number;
      [changed[at], changed[other]] = [blocks[other] as Block, highest];
    } else {
      const [moved] = changed.splice(beside[below(beside.length)] as number, 1);
      changed.splice(below(blocks.length), 0, moved as Block);
    }
    const candidate = placed(changed);
    if (candidate.bytes <= bytes) orders[turn] = candidate;
    if (candidate.bytes <= near) return candidate;
    turn = (turn + 1) % orders.length;
  }
  return orders.reduce(better);
}

/** Placed segments by address, in columns: the scan over them is what planning costs. */
class Placed {
  readonly begin: Float64Array;
  readonly end: Float64Array;
  readonly first: Int32Array;
  readonly last: Int32Array;
  length = 0;

  constructor(capacity: number) {
    this.begin = new Float64Array(capacity);
    this.end = new Float64Array(capacity);
    this.first = new Int32Array(capacity);
    this.last = new Int32Array(capacity);
  }

  insert(begin: number, end: number, first: number, last: number): void {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.begin[middle] as number) <= begin) low = middle + 1;
      else high = middle;
    }
    for (const column of [this.begin, this.end, this.first, this.last])
      column.copyWithin(low + 1, low, this.length);
    this.begin[low] = begin;
    this.end[low] = end;
    this.first[low] = first;
    this.last[low] = last;
    this.length++;
  }

  /** The lowest offset from `from` on at which a segment meets nothing that lives with it. */
  lowest({ begin, bytes, first, last }: Segment, from: number): number {
    let offset = from;
    for (let index = 0; index < this.length; index++) {
      if ((this.last[index] as number) < first || last < (this.first[index] as number)) continue;
      if ((this.begin[index] as number) >= offset + begin + bytes) break;
      if ((this.end[index] as number) > offset + begin)
        offset = align((this.end[index] as number) - begin);
    }
    return offset;
  }
}

function placeInOrder(order: readonly Block[]): number {
  const placed = new Placed(order.reduce((sum, { segments }) => sum + segments.length, 0));
  let end = 0;
  for (const block of order) {
    let offset = 0;
    // Moving on for one segment may bring another one into the way.
    for (let before = -1; before !== offset; ) {
      before = offset;
      for (const segment of block.segments) offset = placed.lowest(segment, offset);
    }
    block.offset = offset;
    end = Math.max(end, offset + block.bytes);
    for (const { begin, bytes, first, last } of block.segments)
      placed.insert(offset + begin, offset + begin + bytes, first, last);
  }
  return end;
}
