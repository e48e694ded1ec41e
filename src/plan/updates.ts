import { Opcode } from "../../assembly/opcodes.js";
import type { Parameter } from "../parameter.js";
import { type Instruction, reads, type Value } from "./lowering.js";

/** Kernels whose instruction takes any number of parts: the outputs of all, then the inputs of all. */
const inParts: ReadonlySet<Opcode> = new Set([
  Opcode.Sgd,
  Opcode.SgdMomentum,
  Opcode.Adam,
  Opcode.Increment,
]);

type Storage = Parameter | Value;
const storageOf = (value: Value): Storage => value.root.parameter ?? value.root;

interface Group {
  readonly at: number;
  readonly parts: Instruction[];
  /** What instructions after the first part, and not of the group, read and write. */
  readonly read: Set<Storage>;
  readonly written: Set<Storage>;
}

/**
 * Makes the updates of one kind one instruction, at the place of the first of them: each writes
 * Parameters in place, and none of those moved up depends on what it is moved over.
 */
export function mergeUpdates(instructions: readonly Instruction[]): Instruction[] {
  const open = new Map<Opcode, Group>();
  const groups = new Map<number, Group>();
  const moved = new Set<number>();
  for (const [at, instruction] of instructions.entries()) {
    const { opcode, writes } = instruction;
    const merges = inParts.has(opcode) && writes.every(({ parameter }) => parameter !== undefined);
    const group = merges ? open.get(opcode) : undefined;
    const sources = reads(instruction).map(storageOf);
    const targets = writes.map(storageOf);
    const joins =
      group !== undefined &&
      !sources.some((source) => group.written.has(source)) &&
      !targets.some((target) => group.written.has(target) || group.read.has(target));
    if (joins) {
      group.parts.push(instruction);
      moved.add(at);
    } else if (merges) {
      const fresh = {
        at,
        parts: [instruction],
        read: new Set<Storage>(),
        written: new Set<Storage>(),
      };
      open.set(opcode, fresh);
      groups.set(at, fresh);
    }
    for (const other of open.values()) {
      if (other.parts.at(-1) === instruction) continue;
      for (const source of sources) other.read.add(source);
      for (const target of targets) other.written.add(target);
    }
  }
  return instructions.flatMap((instruction, at) => {
    if (moved.has(at)) return [];
    const parts = groups.get(at)?.parts ?? [];
    return parts.length > 1 ? [merged(instruction, parts)] : [instruction];
  });
}

function merged({ opcode, node }: Instruction, parts: readonly Instruction[]): Instruction {
  return {
    opcode,
    node,
    writes: parts.flatMap(({ writes }) => writes),
    rest: parts.flatMap(({ rest }) => rest),
    inPlace: parts.flatMap(({ inPlace }) => inPlace),
  };
}
