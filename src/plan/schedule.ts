/**
 * A plan for several threads: each has its own list of instructions, its shares of those of the
 * plan, and all have the same barriers between.
 *
 *     thread 0    add[0, ½)   gemm[0, ½)   barrier   sum           barrier   …
 *     thread 1    add[½, 1)   gemm[½, 1)   barrier                 barrier   …
 *
 * A barrier comes only where a share touches what another thread has written, or writes what
 * another has read, since the last one; places count, not values, because the arena is used again
 * and again.
 */
import { Opcode } from "../../assembly/opcodes.js";
import type { Value } from "./lowering.js";
import type { Plan } from "./plan.js";
import { Part, type Share } from "./shares.js";
import { scratchOf, split, workOf } from "./split.js";

/** Nanoseconds of a barrier, with what its threads wait for one another. */
const BARRIER = 1000;
/** Nanoseconds until the other threads, which may be asleep, have begun. */
const START = 20_000;
/** Several threads must be estimated to take less than this part of the time of one. */
const WORTH = 0.85;

/** Stop at the first bad label or index; run by one thread, before any write to a Parameter. */
const refusing: ReadonlySet<Opcode> = new Set([
  Opcode.Take,
  Opcode.TakeAdd,
  Opcode.Gather,
  Opcode.ScatterAdd,
  Opcode.OneHot,
  Opcode.SoftmaxCrossEntropyForward,
]);

export interface Schedule {
  /** What each thread runs; all have equally many barriers. */
  readonly lists: readonly (readonly Share[])[];
  /** Bytes of the arena after the plan's own: scratch of the threads after the first. */
  readonly scratchBytes: number;
}

/** Bytes that a share reads or writes: in the arena, or in a Parameter. */
interface Access {
  readonly space: unknown;
  readonly begin: number;
  readonly end: number;
  readonly pitch: number;
  readonly width: number;
}

const ARENA = "arena";

function accessOf(value: Value, part?: Part): Access {
  const { parameter } = value.root;
  const base = parameter ? value.within : value.offset;
  const begin = base + (part?.offset ?? 0);
  return {
    space: parameter ?? ARENA,
    begin,
    end: begin + (part?.bytes ?? value.bytes),
    pitch: part?.pitch ?? 0,
    width: part?.width ?? 0,
  };
}

/** Constants and host values are only read, so they are of no interest. */
function accessesOf({ operands, writes }: Share): { written: Access[]; touched: Access[] } {
  const touched: Access[] = [];
  const written: Access[] = [];
  for (const operand of operands) {
    if (typeof operand === "number") continue;
    const [value, part] = operand instanceof Part ? [operand.value, operand] : [operand];
    if (value.inPool) continue;
    const access = accessOf(value, part);
    touched.push(access);
    if (writes.includes(value)) written.push(access);
  }
  return { written, touched };
}

function overlap(a: Access, b: Access): boolean {
  if (a.space !== b.space || a.end <= b.begin || b.end <= a.begin) return false;
  if (a.pitch === 0 || a.pitch !== b.pitch) return true;
  // Two bands of one matrix: apart when their columns are.
  const shift = (((b.begin - a.begin) % a.pitch) + a.pitch) % a.pitch;
  return shift < a.width || shift + b.width > a.pitch;
}

const anyOverlap = (some: readonly Access[], others: readonly Access[]): boolean =>
  some.some((a) => others.some((b) => overlap(a, b)));

/** What a thread has done since the last barrier. */
interface Stretch {
  written: Access[];
  touched: Access[];
  /** Estimated nanoseconds. */
  time: number;
}

/**
 * Undefined when nothing is shared, or one thread is estimated to be as fast. A share is at least
 * `minimumWork` estimated nanoseconds; 0 shares whatever can be shared, worth it or not.
 */
export function makeSchedule(
  { peakBytes }: Plan,
  whole: readonly Share[],
  threads: number,
  minimumWork: number,
): Schedule | undefined {
  const lists: Share[][] = Array.from({ length: threads }, () => []);
  const fresh = (): Stretch[] => lists.map(() => ({ written: [], touched: [], time: 0 }));
  const scratch = makeScratch(peakBytes, whole, threads);
  let stretches = fresh();
  let mayRefuse = false;
  let shared = false;
  let alone = 0;
  let together = START;

  const conflicts = (shares: readonly Share[]): boolean =>
    shares.some((share, thread) => {
      const { written, touched } = accessesOf(share);
      if (mayRefuse && thread > 0 && written.some(({ space }) => space !== ARENA)) return true;
      return stretches.some(
        (other, at) =>
          at !== thread &&
          (anyOverlap(touched, other.written) || anyOverlap(written, other.touched)),
      );
    });
  const close = (): void => {
    together += Math.max(...stretches.map(({ time }) => time));
    stretches = fresh();
    mayRefuse = false;
  };

  for (const instruction of whole) {
    const work = workOf(instruction);
    const parts = minimumWork > 0 ? Math.min(threads, Math.floor(work / minimumWork)) : threads;
    const shares = scratch.place(split(instruction, parts));
    alone += work;
    shared ||= shares.length > 1;
    if (conflicts(shares)) {
      close();
      together += BARRIER;
      for (const list of lists) list.push(barrier(instruction));
    }
    for (const [thread, share] of shares.entries()) {
      const { written, touched } = accessesOf(share);
      const stretch = stretches[thread] as Stretch;
      (lists[thread] as Share[]).push(share);
      stretch.written.push(...written);
      stretch.touched.push(...touched);
      stretch.time += work / shares.length;
    }
    mayRefuse ||= refusing.has(instruction.opcode);
  }
  close();
  if (!shared || (minimumWork > 0 && together > WORTH * alone)) return undefined;
  return { lists, scratchBytes: scratch.bytes() };
}

const barrier = ({ node }: Share): Share => ({
  opcode: Opcode.Barrier,
  operands: [],
  writes: [],
  node,
});

/** Scratch of their own for the threads after the first, one block each, behind the plan's arena. */
function makeScratch(
  peakBytes: number,
  whole: readonly Share[],
  threads: number,
): { place(shares: Share[]): Share[]; bytes(): number } {
  const start = Math.ceil(peakBytes / 64) * 64;
  let size = 0;
  for (const { opcode, writes } of whole) {
    const index = scratchOf(opcode);
    if (index !== undefined) size = Math.max(size, (writes[index] as Value).bytes);
  }
  size = Math.ceil(size / 64) * 64;
  const place = (share: Share, thread: number): Share => {
    const index = scratchOf(share.opcode);
    if (index === undefined || thread === 0) return share;
    const first = share.operands[index] as Value;
    const own = new Part(first, start + (thread - 1) * size - first.offset, first.bytes);
    return { ...share, operands: share.operands.map((o, at) => (at === index ? own : o)) };
  };
  return {
    place: (shares) => shares.map(place),
    bytes: () => (size > 0 ? start - peakBytes + (threads - 1) * size : 0),
  };
}
