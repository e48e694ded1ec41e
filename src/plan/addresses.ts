/** Addresses: of blocks by a search (`search.ts`), or one after the other where that is as good. */

import { type Block, blocksOf, liveBytesOf, type Segment } from "./liveness.js";
import { type Instruction, reads, type Value } from "./lowering.js";
import { ALIGNMENT, align, searchOffsets, WORK } from "./search.js";

/** Close enough to the bound to stop. */
const CLOSE = 1.01;
/** What a plan may need more than the bound. */
const NEAR = 1.05;
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
  const near = Math.max(NEAR * liveBytes, alignedBytes);
  const close = Math.max(Math.min(CLOSE * liveBytes + padding, near), alignedBytes);
  // So many that a search would take seconds.
  const many = blocks.length ** 2 > WORK;
  const peakBytes =
    inPlacesOfTheirOwn(blocks, many ? SPACIOUS * liveBytes : alignedBytes) ??
    searchOffsets(blocks, close, near);
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
    if (life || !value.inArena || !value.bytes) return;
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
  let kept = 0;
  for (const { bytes, last } of segments) if (last === instructions.length) kept += align(bytes);
  if (end > SPACIOUS * kept) return placeValues(instructions, inputs, outputs);
  for (const [value, { begin }] of lives) value.offset = begin;
  const last = segments.at(-1);
  const peakBytes = last ? last.begin + last.bytes : 0;
  return { peakBytes, liveBytes: liveBytesOf([{ segments }], instructions.length), segments };
}

/** What a block takes from others, where that is known: no order saves any of it. */
const aligned = ({ segments }: Block): Pick<Block, "segments"> => ({
  segments:
    segments.length > 1
      ? segments
      : segments.map((segment) => ({ ...segment, bytes: align(segment.bytes) })),
});

/**
 * One after the other by size, as a search begins, sharing nothing, if that takes no more than so
 * many bytes: as where all live at the same time. Undefined otherwise.
 */
function inPlacesOfTheirOwn(blocks: readonly Block[], most: number): number | undefined {
  let end = 0;
  for (const block of [...blocks].sort((a, b) => b.bytes - a.bytes)) {
    block.offset = align(end);
    end = block.offset + block.bytes;
  }
  return end > most ? undefined : end;
}
