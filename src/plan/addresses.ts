/**
 * Addresses. Blocks are placed one after the other, each at the lowest address at which it meets no
 * placed one (greedy, Pisarchyk & Lee 2020, "Efficient memory management for deep neural net
 * inference"). How close that comes to the largest sum of live bytes depends on the order, so
 * several are tried: by size, by size and time, by time; then the best one again with the block
 * that reached highest moved to its front. The search ends at the bound, or when the work is spent.
 */

import { type Block, blocksOf, liveBytesOf, type Segment } from "./liveness.js";
import { type Instruction, reads, type Value } from "./lowering.js";

const ALIGNMENT = 16;
const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Comparisons of blocks that the search may cost: a few milliseconds. */
const WORK = 4_000_000;
/** Close enough to the bound to stop. */
const CLOSE = 1.01;
const MOST_TRIES = 64;
/** How much more than the bound is taken to spare a search among many blocks. */
const SPACIOUS = 1.25;

/** Some bytes of the arena, and the instructions during which they hold something. */
export interface PlacedSegment {
  /** Bytes from the arena's start. */
  readonly begin: number;
  readonly bytes: number;
  /** The instruction that writes them first; −1 for inputs. */
  readonly first: number;
  /** The last one that reads them; the number of instructions for outputs. */
  readonly last: number;
}

/** What a plan's arena takes, and what no plan of these instructions could go below. */
interface Placement {
  readonly peakBytes: number;
  readonly liveBytes: number;
  readonly segments: readonly PlacedSegment[];
}

/** Sets `offset` of every value in the arena. */
export function placeValues(
  instructions: readonly Instruction[],
  inputs: readonly (Value | undefined)[],
  outputs: readonly Value[],
): Placement {
  const blocks = blocksOf(instructions, inputs, outputs);
  const liveBytes = liveBytesOf(blocks, instructions.length);
  const alignedBytes = liveBytesOf(blocks.map(aligned), instructions.length);
  // Alignment alone keeps small values above the bound.
  const padding = ALIGNMENT * blocks.filter(({ bytes }) => bytes % ALIGNMENT !== 0).length;
  const close = CLOSE * liveBytes + Math.min(padding, liveBytes / 20);
  const peakBytes =
    inPlacesOfTheirOwn(blocks, liveBytes) ?? search(blocks, Math.max(close, alignedBytes));
  for (const { members, offset } of blocks)
    for (const { value, begin } of members) value.offset = offset + begin;
  const segments = blocks.flatMap(({ segments, offset }) =>
    segments.map(({ begin, ...rest }) => ({ begin: offset + begin, ...rest })),
  );
  return { peakBytes, liveBytes, segments };
}

/**
 * The same for what runs once and has nearly every value as an output, which all live to the end:
 * one after the other, sharing nothing. Where that would take much more than the outputs do, places
 * are shared after all.
 */
export function placeApart(
  instructions: readonly Instruction[],
  inputs: readonly (Value | undefined)[],
  outputs: readonly Value[],
): Placement {
  const lives = new Map<Value, Segment>();
  let end = 0;
  const touch = (value: Value, at: number): void => {
    const life = lives.get(value);
    if (life) life.last = at;
    if (life || !value.inArena || value.bytes === 0) return;
    const { bytes } = value;
    lives.set(value, { begin: end, bytes, first: at, last: at });
    end += align(bytes);
  };
  for (const input of inputs) if (input) touch(input, -1);
  for (const [at, instruction] of instructions.entries()) {
    for (const value of instruction.writes) touch(value, at);
    for (const value of reads(instruction)) touch(value, at);
  }
  for (const output of outputs) touch(output, instructions.length);
  const segments = [...lives.values()];
  const kept = segments.filter(({ last }) => last === instructions.length);
  if (end > SPACIOUS * kept.reduce((sum, { bytes }) => sum + align(bytes), 0))
    return placeValues(instructions, inputs, outputs);
  for (const [value, { begin }] of lives) value.offset = begin;
  const last = segments.at(-1);
  const peakBytes = last ? last.begin + last.bytes : 0;
  return { peakBytes, liveBytes: liveBytesOf([{ segments }], instructions.length), segments };
}

/** What a block takes from others, where that is known: no order saves any of it. */
const aligned = ({ segments, ...block }: Block): Block => ({
  ...block,
  segments:
    segments.length > 1
      ? segments
      : segments.map((segment) => ({ ...segment, bytes: align(segment.bytes) })),
});

/**
 * One after the other, sharing nothing: for so many blocks that a search would take seconds, if most
 * live to the end anyway, as where every value is an output. Undefined otherwise.
 */
function inPlacesOfTheirOwn(blocks: readonly Block[], liveBytes: number): number | undefined {
  const bytes = blocks.reduce((sum, block) => sum + align(block.bytes), 0);
  if (blocks.length * blocks.length <= WORK || bytes > SPACIOUS * liveBytes) return undefined;
  let offset = 0;
  for (const block of blocks) {
    block.offset = offset;
    offset += align(block.bytes);
  }
  return bytes;
}

const lifeOf = ({ segments }: Block): number =>
  Math.max(...segments.map(({ last }) => last)) - Math.min(...segments.map(({ first }) => first));

/**
 * Gives every block the offset of the best order found, or of the first that needs `close` bytes at
 * most; returns the bytes of all.
 */
function search(blocks: readonly Block[], close: number): number {
  const lives = new Map(blocks.map((block) => [block, 1 + lifeOf(block)]));
  const life = (block: Block): number => lives.get(block) as number;
  const orders: ((a: Block, b: Block) => number)[] = [
    (a, b) => b.bytes - a.bytes,
    (a, b) => b.bytes * life(b) - a.bytes * life(a),
    (a, b) => life(b) - life(a),
    () => 0,
  ];
  let best = Number.POSITIVE_INFINITY;
  let offsets: number[] = [];
  let order: Block[] = [];
  const attempt = (candidate: Block[]): boolean => {
    const bytes = placeInOrder(candidate);
    if (bytes >= best) return false;
    best = bytes;
    order = candidate;
    offsets = blocks.map((block) => block.offset);
    return true;
  };
  const cost = blocks.length * blocks.length;
  const tries = Math.min(MOST_TRIES, Math.floor(WORK / Math.max(cost, 1)));
  for (const [index, compare] of orders.entries()) {
    if (best <= close || (index > 0 && index >= tries)) break;
    // Sorting is stable: equal ones stay in the order of their first instructions.
    attempt([...blocks].sort(compare));
  }
  let from = order;
  for (let k = orders.length; k < tries && best > close; k++) {
    const highest = from.reduce((a, b) => (a.offset + a.bytes >= b.offset + b.bytes ? a : b));
    from = [highest, ...from.filter((block) => block !== highest)];
    attempt(from);
  }
  for (const [index, block] of blocks.entries()) block.offset = offsets[index] as number;
  return blocks.length > 0 ? best : 0;
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
