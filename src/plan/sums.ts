import { Opcode } from "../../assembly/opcodes.js";
import { BLOCK } from "./blocks.js";
import { loopOf } from "./loops.js";
import { type Instruction, reads, Value } from "./lowering.js";

/**
 * Writes the sum of at least `least` elements that an elementwise instruction has computed as the
 * sums of its blocks, which can be taken tile by tile, and their sum: the order of rows, as before.
 */
export function cutSums(instructions: readonly Instruction[], least: number): Instruction[] {
  const looped = new Set<Value>();
  const result: Instruction[] = [];
  for (const instruction of instructions) {
    const [x] = reads(instruction);
    if (x && looped.has(x) && x.size >= least && isWholeSum(instruction))
      result.push(...cutSum(instruction, x));
    else result.push(instruction);
    if (loopOf(instruction)) for (const value of instruction.writes) looped.add(value);
  }
  return result;
}

function isWholeSum({ opcode, rest }: Instruction): boolean {
  const [, outer, , inner] = rest;
  return (opcode === Opcode.Sum || opcode === Opcode.Mean) && outer === 1 && inner === 1;
}

function cutSum(instruction: Instruction, x: Value): Instruction[] {
  const { opcode, writes, node } = instruction;
  const { dtype, size } = x;
  const blocks = new Value(dtype, Math.ceil(size / BLOCK));
  const mean = opcode === Opcode.Mean;
  const total = mean ? new Value(dtype, 1) : (writes[0] as Value);
  const emitted = { inPlace: [], node };
  return [
    { opcode: Opcode.SumBlocks, writes: [blocks], rest: [x, size], ...emitted },
    { opcode: Opcode.Sum, writes: [total], rest: [blocks, 1, blocks.size, 1], ...emitted },
    ...(mean ? [divided(instruction, total, size)] : []),
  ];
}

/** The mean from the sum, as the kernel `mean` divides. */
function divided({ writes, node }: Instruction, total: Value, n: number): Instruction {
  const count = new Value(total.dtype, 1);
  count.data = total.dtype === "f64" ? Float64Array.of(n) : Float32Array.of(n);
  const [out] = writes as [Value];
  const rest = [total, count, 1, 1, 1, 1, 0, 0];
  return { opcode: Opcode.Div, writes, rest, inPlace: [[out, total]], node };
}
