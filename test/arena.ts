/** What a run writes of the arena. */
import type { Program } from "../src/plan/program.js";

const POISON = 0xa5;

function arenaOf({ backend: { arena, memory } }: Program): Uint8Array {
  return memory.views.u8.subarray(arena.address, arena.address + arena.bytes);
}

/** Fills the arena with a pattern, so that `bytesWritten` can tell afterwards what a run has written. */
export function poison(program: Program): void {
  arenaOf(program).fill(POISON);
}

/** The highest byte of the arena, plus one, that is not as `poison` left it. */
export function bytesWritten(program: Program): number {
  return arenaOf(program).findLastIndex((byte) => byte !== POISON) + 1;
}
