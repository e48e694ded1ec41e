import type { Heap } from "./float.js";
import { run } from "./run.js";

/** A program over tiles; `assembly/chain.ts` draws its words. */
export function chain(m: Heap, operands: number, workspace: number): void {
  const w = m.u;
  const o = operands >>> 2;
  const bytes = w[o] as number;
  const walks = o + 5;
  const scratches = walks + 2 * (w[o + 2] as number);
  const tails = scratches + (w[o + 3] as number);
  const program = tails + 2 * (w[o + 4] as number);
  const copy = workspace >>> 2;
  const place = (at: number): number => copy + ((w[at] as number) >>> 2);
  w.copyWithin(copy, program, program + (bytes >>> 2));
  const tiles = workspace + ((bytes + 63) & ~63);
  for (let at = scratches; at < tails; at++) w[place(at)] = (w[place(at)] as number) + tiles;
  for (let left = w[o + 1] as number; left > 0; left--) {
    if (left === 1) for (let at = tails; at < program; at += 2) w[place(at)] = w[at + 1] as number;
    run(m, workspace, bytes, 0, 0);
    for (let at = walks; at < scratches; at += 2)
      w[place(at)] = (w[place(at)] as number) + (w[at + 1] as number);
  }
}
