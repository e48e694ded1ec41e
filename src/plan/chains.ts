/**
 * Chains: elementwise instructions, and reductions of their rows, that hand large values on to one
 * another become one instruction, which runs them all on a tile before it goes on to the next. What
 * only the chain reads is never written to memory. Nothing is computed otherwise than before.
 *
 *     exp   ████████        tile  1    2    3
 *     neg   ████████   →    exp   ██   ██   ██
 *     sum   ████████        neg   ██   ██   ██
 *                           sum   ██   ██   ██
 */
import { type Group, type Member, makeChain } from "./chainInstruction.js";
import { keepsPace, type Loop, loopOf } from "./loops.js";
import { countReads, type Instruction, reads, type Value } from "./lowering.js";
import { cutSums } from "./sums.js";

/** Whole rows make a tile: of much longer ones it would not stay in cache. */
const LONGEST_UNIT = 16384;

export interface ChainSizes {
  /** Elements of a tile, about. */
  readonly tile: number;
  /** Fewer elements than that stay in cache by themselves. */
  readonly least: number;
}
/**
 * Tiles of 8 KiB: of six streams in L1. From 1,024 to 4,096 they differ by 5 %; values of 64 KiB no
 * longer fit together in L1.
 */
const SIZES: ChainSizes = { tile: 2048, least: 16384 };
/** Instructions of one chain that the workspace has room for. */
const LONGEST = 64;

/**
 * Makes chains where they pay. `kept` are values that are needed after the instructions. Whether a
 * value is read outside its chain decides where it lies; what is computed stays the same.
 */
export function fuseChains(
  instructions: readonly Instruction[],
  kept: ReadonlySet<Value>,
  sizes: ChainSizes = SIZES,
): Instruction[] {
  const large = ({ size }: Value): boolean => size >= sizes.least;
  if (!instructions.some(({ writes }) => writes.some(large))) return [...instructions];
  const cut = cutSums(instructions, sizes.least);
  const result: (readonly Instruction[])[] = cut.map((instruction) => [instruction]);
  const readers = countReads(cut);
  for (const group of gather(cut)) {
    if (!pays(group, sizes.least)) continue;
    const members = [...group.members].sort((a, b) => a.at - b.at);
    for (const { at } of members) result[at] = [];
    const last = (members.at(-1) as Member).at;
    result[last] = chainsOf({ ...group, members }, sizes.tile, readers, kept);
  }
  return result.flat();
}

/** Whether a value that is handed on would not stay in cache. */
function pays({ members }: Group, least: number): boolean {
  const read = new Set(members.flatMap(({ instruction }) => reads(instruction)));
  return members.some(({ instruction }) =>
    instruction.writes.some((value) => value.size >= least && read.has(value)),
  );
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** One group of two, if they can be cut alike. */
function join(a: Group, b: Group): Group | undefined {
  const n = Math.max(a.n, b.n);
  const members = [...a.members, ...b.members];
  if (members.length > LONGEST || n % a.n !== 0 || n % b.n !== 0) return undefined;
  const [x, y] = [(a.unit * n) / a.n, (b.unit * n) / b.n];
  const unit = (x / gcd(x, y)) * y;
  return unit > LONGEST_UNIT ? undefined : { members, n, unit };
}

/**
 * The groups. One is open while nothing outside it reads what it writes, or writes again what it
 * reads: until then what comes between its instructions may run before them.
 */
function gather(instructions: readonly Instruction[]): Group[] {
  const again = writtenAgain(instructions);
  const open = new Set<Group>();
  const closed: Group[] = [];
  const writer = new Map<Value, Group>();
  const close = (group: Group): void => {
    open.delete(group);
    closed.push(group);
  };
  for (const [at, instruction] of instructions.entries()) {
    const loop = instruction.writes.some((value) => again.has(value))
      ? undefined
      : loopOf(instruction);
    let group: Group | undefined = loop && {
      members: [{ at, instruction, loop }],
      ...{ n: loop.n, unit: loop.unit },
    };
    for (const value of reads(instruction)) {
      const source = writer.get(value);
      if (!source || !open.has(source)) continue;
      const joined =
        loop && group && pacesAll(instruction, loop, source) ? join(source, group) : undefined;
      if (!joined) {
        close(source);
        continue;
      }
      open.delete(source);
      group = joined;
    }
    for (const value of instruction.writes)
      if (again.has(value))
        for (const other of open)
          if (other.members.some((member) => reads(member.instruction).includes(value)))
            close(other);
    if (!group) continue;
    open.add(group);
    for (const member of group.members)
      for (const value of member.instruction.writes) writer.set(value, group);
  }
  return [...closed, ...open];
}

/** Values that several instructions write, one after the other. */
function writtenAgain(instructions: readonly Instruction[]): Set<Value> {
  const once = new Set<Value>();
  const again = new Set<Value>();
  for (const { writes } of instructions)
    for (const value of writes) (once.has(value) ? again : once).add(value);
  return again;
}

/** Whether each tile of an instruction reads the same tile of all that a group writes. */
function pacesAll(instruction: Instruction, loop: Loop, { members }: Group): boolean {
  const written = new Set(members.flatMap((member) => member.instruction.writes));
  return reads(instruction).every(
    (value) => !written.has(value) || keepsPace(instruction, loop, value),
  );
}

/** The instructions of a group as one chain, or more if the workspace is too small for one. */
function chainsOf(
  group: Group,
  about: number,
  readers: ReadonlyMap<Value, number>,
  kept: ReadonlySet<Value>,
): Instruction[] {
  const { members, n, unit } = group;
  const tile = unit * Math.max(1, Math.floor(about / unit));
  if (members.length < 2 || tile >= n) return members.map(({ instruction }) => instruction);
  const chain = makeChain(group, tile, readers, kept);
  if (chain) return [chain];
  const half = members.length >> 1;
  return [members.slice(0, half), members.slice(half)].flatMap((part) =>
    chainsOf({ ...group, members: part }, about, readers, kept),
  );
}
