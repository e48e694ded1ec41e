import { Opcode } from "../../assembly/opcodes.js";
import { countReads, type Instruction, Value } from "./lowering.js";

/**
 * Lets a gelu that is differentiated compute its derivative too, which shares half of the work: what
 * is kept for the backward is then the slope and not x, and the backward is a product. To the bit
 * what the two would compute. Only where nothing else needs x, so that no more has to be kept;
 * `kept` are values that are needed for something else.
 */
export function shareGeluSlopes(
  instructions: readonly Instruction[],
  kept: ReadonlySet<Value>,
): Instruction[] {
  const readers = countReads(instructions);
  const backwards = new Map<Value, number>();
  const writes = new Map<Value, number>();
  for (const { opcode, rest, writes: written } of instructions) {
    for (const value of written) writes.set(value, (writes.get(value) ?? 0) + 1);
    const [x] = rest;
    if (opcode === Opcode.GeluBackward && x instanceof Value)
      backwards.set(x, (backwards.get(x) ?? 0) + 1);
  }
  const isLeftToThem = (x: Value): boolean =>
    !kept.has(x) && (writes.get(x) ?? 0) < 2 && readers.get(x) === (backwards.get(x) ?? 0) + 1;
  const slopes = new Map<Value, Value>();
  return instructions.map((instruction) => {
    const { opcode, rest } = instruction;
    const [x] = rest as [Value];
    if (opcode === Opcode.Gelu && backwards.has(x) && isLeftToThem(x)) {
      const slope = new Value(x.dtype, x.size);
      slopes.set(x, slope);
      return {
        ...instruction,
        opcode: Opcode.GeluForward,
        writes: [...instruction.writes, slope],
        inPlace: [[slope, x] as const],
      };
    }
    const slope = opcode === Opcode.GeluBackward ? slopes.get(x) : undefined;
    if (!slope) return instruction;
    const [, dy, n] = rest as [Value, Value, number];
    return {
      ...instruction,
      opcode: Opcode.Mul,
      rest: [slope, dy, 1, n, n, 1, n, 1],
      inPlace: instruction.inPlace.map(
        ([written, read]) => [written, read === x ? slope : read] as const,
      ),
    };
  });
}
