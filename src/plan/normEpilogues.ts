import { Activation, Opcode } from "../../assembly/opcodes.js";
import { countReads, type Instruction, Value } from "./lowering.js";

export const norms: readonly Opcode[] = [Opcode.BatchNormForward, Opcode.BatchNormEval];

/**
 * Lets a batch norm apply the relu that alone reads its result, and its backward take the cotangent
 * from behind that relu: it finds again what was cut off from x, so that nothing of the forward but
 * x has to be kept. Both compute what two instructions would, to the bit. `kept` are values that
 * are needed for something else.
 */
export function fuseNormRelus(
  instructions: readonly Instruction[],
  kept: ReadonlySet<Value>,
): Instruction[] {
  const readers = countReads(instructions);
  const isPassedOn = (value: unknown): value is Value =>
    value instanceof Value && readers.get(value) === 1 && !kept.has(value);
  /** Where the norms, and the derivatives of relus, that write a value are in the result. */
  const writers = new Map<Value, number>();
  const result: (Instruction | undefined)[] = [];
  for (const instruction of instructions) {
    const { opcode, writes, rest } = instruction;
    const at = (index: number): number | undefined => {
      const value = rest[index];
      return isPassedOn(value) ? writers.get(value) : undefined;
    };
    if (opcode === Opcode.Relu) {
      const place = at(0);
      const norm = place === undefined ? undefined : result[place];
      if (norm && norms.includes(norm.opcode) && norm.rest.at(-1) === 0) {
        const [y] = writes as [Value];
        result[place as number] = withRelu(norm, y);
        writers.set(y, place as number);
        continue;
      }
    }
    if (opcode === Opcode.BatchNormBackward) {
      const place = at(DY);
      const relu = place === undefined ? undefined : result[place];
      const [y, dy] = relu?.opcode === Opcode.ReluBackward ? relu.rest : [];
      const from = y instanceof Value ? writers.get(y) : undefined;
      const forward = from === undefined ? undefined : result[from];
      if (forward && dy instanceof Value && isForwardOf(instruction, forward)) {
        result[place as number] = undefined;
        const beta = forward.rest[2] as Value;
        const inPlace = instruction.inPlace.map(
          ([written, read]) => [written, read === rest[DY] ? dy : read] as const,
        );
        result.push({
          ...instruction,
          rest: [...rest.slice(0, DY), dy, ...rest.slice(DY + 1, -1), beta],
          inPlace,
        });
        continue;
      }
    }
    const [written] = writes;
    if (written && (norms.includes(opcode) || opcode === Opcode.ReluBackward))
      writers.set(written, result.length);
    result.push(instruction);
  }
  return result.filter((instruction) => instruction !== undefined);
}

/** The operand dy of BatchNormBackward, among those after what it writes. */
const DY = 4;

/** The norm with relu for its activation, writing y in place of what that read. */
function withRelu(norm: Instruction, y: Value): Instruction {
  const [before, ...statistics] = norm.writes;
  return {
    ...norm,
    writes: [y, ...statistics],
    rest: [...norm.rest.slice(0, -1), Activation.Relu],
    inPlace: norm.inPlace.map(([written, read]) => [written === before ? y : written, read]),
  };
}

/** Whether `backward` is of this forward norm with a relu: same x, mean, variance and gamma. */
function isForwardOf(backward: Instruction, forward: Instruction): boolean {
  if (forward.opcode !== Opcode.BatchNormForward || forward.rest.at(-1) !== Activation.Relu)
    return false;
  const [x, mean, variance, gamma] = backward.rest;
  return (
    x === forward.rest[0] &&
    gamma === forward.rest[1] &&
    mean === forward.writes[1] &&
    variance === forward.writes[2] &&
    backward.rest.slice(DY + 1, -1).every((size, i) => size === forward.rest[3 + i])
  );
}
