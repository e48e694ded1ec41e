/** Addresses: of blocks by a search (`search.ts`), or one after the other where that is as good. */

import { type Block, blocksOf, liveBytesOf } from "./liveness.js";
import type { Instruction, Value } from "./lowering.js";
import { ALIGNMENT, align, searchOffsets } from "./search.js";

/** Close enough to the bound to stop. */
const CLOSE = 1.01;
/** What a plan may need more than the bound. */
const NEAR = 1.05;
/** How much more than the bound is taken to spare a search. */
const SPACIOUS = 1.25;
/** So many blocks that a search would take seconds. */
const MANY = 2000;

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

/**
 * Sets `offset` of every value in the arena. What runs once and has nearly every value as an output
 * is placed one after the other where that is not much more: the places of many are not searched for.
 */
export function placeValues(
  instructions: readonly Instruction[],
  inputs: readonly (Value | undefined)[],
  outputs: readonly Value[],
  once = false,
): Placement {
  const blocks = blocksOf(instructions, inputs, outputs);
  const liveBytes = liveBytesOf(blocks, instructions.length);
  const alignedBytes = liveBytesOf(blocks.map(aligned), instructions.length);
  // Alignment alone keeps small values above the bound.
  const padding = ALIGNMENT * blocks.filter(({ bytes }) => bytes % ALIGNMENT !== 0).length;
  const near = Math.max(NEAR * liveBytes, alignedBytes);
  const close = Math.max(Math.min(CLOSE * liveBytes + padding, near), alignedBytes);
  let peakBytes = 0;
  if (once || blocks.length > MANY)
    for (const block of blocks) {
      block.offset = align(peakBytes);
      peakBytes = block.offset + block.bytes;
    }
  if (peakBytes === 0 || peakBytes > SPACIOUS * liveBytes)
    peakBytes = searchOffsets(blocks, close, near);
  for (const { members, offset } of blocks)
    for (const { value, begin } of members) value.offset = offset + begin;
  const segments = blocks.flatMap(({ segments, offset }) =>
    segments.map(({ begin, ...rest }) => ({ begin: offset + begin, ...rest })),
  );
  return { peakBytes, liveBytes, segments };
}

/** What a block takes from others, where that is known: no order saves any of it. */
const aligned = ({ segments, ...block }: Block): Block => ({
  ...block,
  segments:
    segments.length > 1
      ? segments
      : segments.map((segment) => ({ ...segment, bytes: align(segment.bytes) })),
});
