/** Addresses of values, by a search for those of blocks (`search.ts`). */
import { blocksOf, liveBytesOf } from "./liveness.js";
import type { Instruction, Value } from "./lowering.js";
import { ALIGNMENT, align, searchOffsets } from "./search.js";

/** Close enough to the bound to stop. */
const CLOSE = 1.01;
/** What a plan may need more than the bound. */
const NEAR = 1.05;

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
export interface Placement {
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
  const alignedBytes = liveBytesOf(blocks, instructions.length, align);
  // Alignment alone keeps small values above the bound.
  const padding = ALIGNMENT * blocks.filter(({ bytes }) => bytes % ALIGNMENT !== 0).length;
  const near = Math.max(NEAR * liveBytes, alignedBytes);
  const close = Math.max(Math.min(CLOSE * liveBytes + padding, near), alignedBytes);
  const peakBytes = searchOffsets(blocks, close, near);
  for (const { members, offset } of blocks)
    for (const { value, begin } of members) value.offset = offset + begin;
  const segments = blocks.flatMap(({ segments, offset }) =>
    segments.map(({ begin, ...rest }) => ({ begin: offset + begin, ...rest })),
  );
  return { peakBytes, liveBytes, segments };
}
