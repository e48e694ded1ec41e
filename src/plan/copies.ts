/**
 * Copies of copies: a slice that is then transposed, heads that are split and swapped. The second
 * copy reads where the first one did, and the first is dropped with `dropUnread`.
 */
import { Opcode } from "../../assembly/opcodes.js";
import { stridesOf } from "../shape.js";
import { type Instruction, Value } from "./lowering.js";

/** Where a copy reads: element i of axis a is `strides[a]` words further on. */
interface Layout {
  readonly offset: number;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
}

/** What `stridedCopy` reads, of operands [x, offset, rank, …sizes, …strides]. */
function layoutOf({ rest }: Instruction): Layout {
  const [offset, rank, ...dims] = rest.slice(1) as [number, number, ...number[]];
  return { offset, sizes: dims.slice(0, rank), strides: dims.slice(rank) };
}

/** Neighbouring axes that are walked like one made one, axes of length 1 left out. */
function merged({ offset, sizes, strides }: Layout): Layout {
  const [n, s]: [number[], number[]] = [[], []];
  for (const [axis, size] of sizes.entries()) {
    const stride = strides[axis] as number;
    if (size === 1) continue;
    if (s.length > 0 && s.at(-1) === size * stride) {
      n.push((n.pop() as number) * size);
      s[s.length - 1] = stride;
    } else {
      n.push(size);
      s.push(stride);
    }
  }
  return { offset, sizes: n, strides: s };
}

/**
 * `second` reads what `first` has written without gaps: one copy that reads for both. An axis of the
 * second must walk along one axis of the first and never past its end; undefined otherwise.
 */
export function composed(first: Layout, second: Layout): Layout | undefined {
  const from = merged(first);
  const steps = stridesOf(from.sizes);
  const last: number[] = [];
  let { offset } = from;
  let left = second.offset;
  for (const [axis, step] of steps.entries()) {
    const at = Math.floor(left / step);
    left -= at * step;
    last.push(at);
    offset += at * (from.strides[axis] as number);
  }
  const strides = second.strides.map((stride, axis) => {
    const size = second.sizes[axis] as number;
    if (size === 1 || stride === 0) return 0;
    const along = steps.findIndex((step) => step <= stride && stride % step === 0);
    if (along < 0) return Number.NaN;
    const by = stride / (steps[along] as number);
    last[along] = (last[along] as number) + (size - 1) * by;
    return by * (from.strides[along] as number);
  });
  const inside = last.every((at, axis) => at < (from.sizes[axis] as number));
  if (!inside || left !== 0 || strides.some(Number.isNaN)) return undefined;
  return { offset, sizes: second.sizes, strides };
}

/**
 * Lets a copy of a copy read the source itself. Nothing but copies comes between the two, so that
 * no source is kept for longer than they take.
 */
export function composeCopies(instructions: readonly Instruction[]): Instruction[] {
  const copies = new Map<Value, Instruction>();
  return instructions.map((instruction) => {
    if (instruction.opcode !== Opcode.StridedCopy) {
      copies.clear();
      return instruction;
    }
    const [written] = instruction.writes as [Value];
    const [x] = instruction.rest;
    const before = x instanceof Value ? copies.get(x) : undefined;
    const both = before && composed(layoutOf(before), layoutOf(instruction));
    let result = instruction;
    if (before && both) {
      const { offset, sizes, strides } = both;
      const rest = [before.rest[0] as Value, offset, sizes.length, ...sizes, ...strides];
      result = { ...instruction, rest };
    }
    for (const [copy, { rest }] of copies) if (rest[0] === written) copies.delete(copy);
    copies.set(written, result);
    return result;
  });
}
