import { type Placement, placeValues } from "./addresses.js";
import { liveBytesOf, type Segment } from "./liveness.js";
import { type Instruction, reads, type Value } from "./lowering.js";
import { align } from "./search.js";

/** How much more than the outputs is taken. */
const SPACIOUS = 1.25;

/**
 * Addresses for what runs once and has nearly every value as an output, which all live to the end:
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
