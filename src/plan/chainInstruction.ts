/** How a chain is written down: see `assembly/chain.ts`, which walks it. */
import { Opcode } from "../../assembly/opcodes.js";
import { elementBytes } from "../backend.js";
import { keepsPace, type Loop } from "./loops.js";
import { countReads, type Instruction, reads, type Value } from "./lowering.js";

/** What the workspace has room for: bytes of tiles, in f32. */
const SCRATCH = 2 ** 17;
const ALIGNMENT = 64;

export interface Member {
  readonly at: number;
  readonly instruction: Instruction;
  readonly loop: Loop;
}

/** Instructions that may run, tile by tile, where the last of them stood. */
export interface Group {
  readonly members: readonly Member[];
  /** Elements of the largest loop, and what it may be cut into multiples of. */
  readonly n: number;
  readonly unit: number;
}

/** When each value is read last within the chain. */
function lastReads(members: readonly Member[]): Map<Value, number> {
  const last = new Map<Value, number>();
  for (const [step, { instruction }] of members.entries())
    for (const value of reads(instruction)) last.set(value, step);
  return last;
}

/**
 * The chain that runs a group tile by tile; undefined if its tiles need more than the workspace has.
 * `readers` counts how often each value is read in the whole program; what is read outside the chain,
 * or `kept`, is written to memory.
 */
export function makeChain(
  group: Group,
  tile: number,
  readers: ReadonlyMap<Value, number>,
  kept: ReadonlySet<Value>,
): Instruction | undefined {
  const { members, n } = group;
  const tiles = Math.ceil(n / tile);
  const lastTile = n - (tiles - 1) * tile;
  const inner = countReads(members.map(({ instruction }) => instruction));
  const needed = (value: Value): boolean =>
    kept.has(value) || readers.get(value) !== inner.get(value);
  const written = new Set(members.flatMap(({ instruction }) => instruction.writes));
  const outputs = [...written].filter(needed);
  const inputs = [...inner.keys()].filter((value) => !written.has(value));
  const bytesOf = (value: Value): number => (value.size / n) * tile * elementBytes(value.dtype);
  const scratch = placeScratch(members, new Set(outputs), bytesOf);
  if (!scratch) return undefined;

  const program: (Value | number)[] = [];
  const walks: number[] = [];
  const scratches: number[] = [];
  const tails: number[] = [];
  for (const { instruction, loop } of members) {
    const { opcode, writes, rest } = instruction;
    const e = (loop.n / n) * tile;
    const steps = loop.walk(e);
    const numbers = loop.numbers(e);
    const inLast = loop.numbers((loop.n / n) * lastTile);
    program.push(opcode, 2 + writes.length + rest.length);
    for (const [at, value] of [...writes, ...reads(instruction)].entries()) {
      const place = 4 * program.length;
      const offset = scratch.get(value);
      const step = (steps[at] as number) * elementBytes(value.dtype);
      if (offset !== undefined) scratches.push(place);
      else if (step > 0) walks.push(place, step);
      program.push(offset ?? value);
    }
    for (const [at, number] of numbers.entries()) {
      if (inLast[at] !== number) tails.push(4 * program.length, inLast[at] as number);
      program.push(number);
    }
  }
  const { node } = (members.at(-1) as Member).instruction;
  return {
    opcode: Opcode.Chain,
    writes: outputs,
    rest: inputs,
    words: [
      ...[4 * program.length, tiles, walks.length / 2, scratches.length, tails.length / 2],
      ...[...walks, ...scratches, ...tails, ...program],
    ],
    inPlace: overwritten(members, outputs, inputs),
    node,
  };
}

/**
 * An offset in the scratch for each value that is not an output; undefined if they need more than
 * there is. An instruction writes to a tile that is free, or that dies with it and may be written
 * in place.
 */
function placeScratch(
  members: readonly Member[],
  outputs: ReadonlySet<Value>,
  bytesOf: (value: Value) => number,
): Map<Value, number> | undefined {
  const last = lastReads(members);
  const offsets = new Map<Value, number>();
  const free: { offset: number; bytes: number }[] = [];
  let end = 0;
  for (const [step, { instruction }] of members.entries()) {
    const dying = [...new Set(reads(instruction))].filter(
      (value) => offsets.has(value) && last.get(value) === step,
    );
    const give = (value: Value): void => {
      free.push({ offset: offsets.get(value) as number, bytes: bytesOf(value) });
    };
    const [written] = instruction.writes as [Value];
    const replaced = dying.filter((value) =>
      instruction.inPlace.some(([to, from]) => to === written && from === value),
    );
    for (const value of replaced) give(value);
    if (!outputs.has(written)) {
      const bytes = bytesOf(written);
      const at = free.findLastIndex((block) => block.bytes === bytes);
      const block = at < 0 ? undefined : free.splice(at, 1)[0];
      offsets.set(written, block?.offset ?? end);
      if (!block) end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    }
    for (const value of dying) if (!replaced.includes(value)) give(value);
  }
  return end > SCRATCH * (elementBytesOf(members) / 4) ? undefined : offsets;
}

const elementBytesOf = (members: readonly Member[]): number =>
  Math.max(
    ...members.flatMap(({ instruction }) => instruction.writes.map((v) => elementBytes(v.dtype))),
  );

/**
 * Which output may lie on which input: one that walks with it and that no later instruction of the
 * chain reads.
 */
function overwritten(
  members: readonly Member[],
  outputs: readonly Value[],
  inputs: readonly Value[],
): (readonly [Value, Value])[] {
  const last = lastReads(members);
  const paced = inputs.filter((value) =>
    members.every(({ instruction, loop }) => keepsPace(instruction, loop, value)),
  );
  return outputs.flatMap((output) => {
    const step = members.findIndex(({ instruction }) => instruction.writes.includes(output));
    const { inPlace } = (members[step] as Member).instruction;
    return paced.flatMap((input) => {
      const fits = input.size === output.size && input.bytes === output.bytes;
      const at = last.get(input) as number;
      const allowed = at < step || inPlace.some(([to, from]) => to === output && from === input);
      return fits && at <= step && allowed ? [[output, input] as const] : [];
    });
  });
}
