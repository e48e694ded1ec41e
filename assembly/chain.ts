/**
 * A program over tiles (contract: `src/kernels.ts`). The words of an instruction, read only, since
 * threads share them:
 *
 *     bytes | tiles | walks | scratches | tails
 *     walks      × [place, step]           an address: `step` bytes further in each tile
 *     scratches  × [place]                 an offset from the scratch tiles
 *     tails      × [place, value]          a size: another one in the last tile
 *     program, `bytes` bytes               its words as in the first tile
 *
 * `place` is the offset of a word in the program, which runs from a copy in the workspace:
 *
 *     copy of the program | scratch tiles, 64-byte aligned …
 */
import { run } from "./run";

export function chain(operands: usize, workspace: usize): void {
  const bytes: usize = load<u32>(operands);
  const walks = operands + 20;
  const scratches = walks + (<usize>load<u32>(operands, 8) << 3);
  const tails = scratches + (<usize>load<u32>(operands, 12) << 2);
  const program = tails + (<usize>load<u32>(operands, 16) << 3);
  memory.copy(workspace, program, bytes);
  const tiles = workspace + ((bytes + 63) & ~63);
  for (let at = scratches; at < tails; at += 4) {
    const place = workspace + load<u32>(at);
    store<u32>(place, load<u32>(place) + <u32>tiles);
  }
  for (let left = load<u32>(operands, 4); left > 0; left--) {
    if (left == 1) {
      for (let at = tails; at < program; at += 8) {
        store<u32>(workspace + load<u32>(at), load<u32>(at, 4));
      }
    }
    run(workspace, bytes, 0, 0);
    for (let at = walks; at < scratches; at += 8) {
      const place = workspace + load<u32>(at);
      store<u32>(place, load<u32>(place) + load<u32>(at, 4));
    }
  }
}
