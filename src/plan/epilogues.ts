/**
 * What a product does besides multiplying, so that its operands and its result are not walked again:
 *
 *     C = A·B, y = f(C)               →  y = f(A·B)             f: relu, sigmoid, tanh
 *     dy = A·B, dx = f′(y) · dy       →  dx = f′(y) · (A·B)
 *     dW = dYᵀ·X, db = Σ rows of dY   →  one instruction for both
 *
 * Each gives the bits of the two instructions that it stands for.
 */
import { Activation, Opcode } from "../../assembly/opcodes.js";
import { type Instruction, reads, Value } from "./lowering.js";

/** The operands of a product after C, by name. */
function productOf({ opcode, rest }: Instruction):
  | {
      readonly a: Value;
      readonly m: number;
      readonly n: number;
      readonly k: number;
      readonly rsC: number;
      readonly rsA: number;
      readonly csA: number;
      /** Neither alpha, beta, bias nor activation. */
      readonly plain: boolean;
    }
  | undefined {
  if (opcode !== Opcode.Gemm) return undefined;
  const [a, , bias, m, n, k, rsC, rsA, csA, , , alpha, beta, activation] = rest;
  const sizes = { m, n, k, rsC, rsA, csA } as Record<
    "m" | "n" | "k" | "rsC" | "rsA" | "csA",
    number
  >;
  const plain = [bias, alpha, beta, activation].every((operand) => operand === 0);
  return { a: a as Value, plain, ...sizes };
}

/** Which instructions write and read each value, in order. */
function uses(instructions: readonly Instruction[]): {
  writers(value: Value): readonly number[];
  readers(value: Value): readonly number[];
} {
  const written = new Map<Value, number[]>();
  const read = new Map<Value, number[]>();
  const note = (where: Map<Value, number[]>, value: Value, at: number): void => {
    const known = where.get(value);
    if (known) known.push(at);
    else where.set(value, [at]);
  };
  for (const [at, instruction] of instructions.entries()) {
    for (const value of instruction.writes) note(written, value, at);
    for (const value of reads(instruction)) note(read, value, at);
  }
  return {
    writers: (value) => written.get(value) ?? [],
    readers: (value) => read.get(value) ?? [],
  };
}

const forward = new Map<Opcode, Activation>([
  [Opcode.Relu, Activation.Relu],
  [Opcode.Sigmoid, Activation.Sigmoid],
  [Opcode.Tanh, Activation.Tanh],
]);

/** Kernels whose last operand is an activation for their first result. */
export const withActivation: readonly Opcode[] = [Opcode.Gemm, Opcode.Conv2dForward];

const backward = new Map<Opcode, Activation>([
  [Opcode.ReluBackward, Activation.ReluBackward],
  [Opcode.SigmoidBackward, Activation.SigmoidBackward],
  [Opcode.TanhBackward, Activation.TanhBackward],
]);

/** `instructions` with some replaced, and those dropped that are replaced by nothing. */
function replaced(
  instructions: readonly Instruction[],
  changes: ReadonlyMap<number, Instruction | undefined>,
): Instruction[] {
  return instructions.flatMap((instruction, at) =>
    changes.has(at) ? (changes.get(at) ?? []) : instruction,
  );
}

/**
 * Lets a product apply the activation, or the derivative of one, that alone reads its result. `kept`
 * are values that are needed for something else.
 */
function fuseActivations(
  instructions: readonly Instruction[],
  kept: ReadonlySet<Value>,
): Instruction[] {
  const { writers, readers } = uses(instructions);
  const changes = new Map<number, Instruction | undefined>();
  /** Where the value is written, if that is in one place and this instruction alone reads it. */
  const source = (value: Value | number | undefined): number | undefined => {
    if (!(value instanceof Value) || kept.has(value) || readers(value).length !== 1)
      return undefined;
    const [at, ...more] = writers(value);
    return more.length === 0 && at !== undefined && !changes.has(at) ? at : undefined;
  };
  for (const [index, { opcode, writes, rest }] of instructions.entries()) {
    const activation = forward.get(opcode);
    const derivative = backward.get(opcode);
    if (activation !== undefined) {
      const at = source(rest[0]);
      const product = at === undefined ? undefined : instructions[at];
      if (at === undefined || !product || !withActivation.includes(product.opcode)) continue;
      if (product.rest.at(-1) !== Activation.None || product.writes[0] !== rest[0]) continue;
      changes.set(at, {
        ...product,
        writes: [...writes, ...product.writes.slice(1)],
        rest: [...product.rest.slice(0, -1), activation],
      });
      changes.set(index, undefined);
    } else if (derivative !== undefined) {
      const at = source(rest[1]);
      const product = at === undefined ? undefined : instructions[at];
      const sizes = product && productOf(product);
      if (at === undefined || !product || !sizes?.plain || sizes.rsC !== sizes.n) continue;
      const y = rest[0] as Value;
      if (writers(y).some((written) => written >= at)) continue;
      const [a, b] = product.rest as [Value, Value];
      changes.set(at, {
        ...product,
        opcode: Opcode.GemmBackward,
        writes,
        rest: [a, b, y, ...product.rest.slice(3, -1), derivative],
      });
      changes.set(index, undefined);
    }
  }
  return replaced(instructions, changes);
}

/** Lets the product dYᵀ·X sum the rows of dY too. */
function fuseSums(instructions: readonly Instruction[]): Instruction[] {
  const { writers, readers } = uses(instructions);
  const changes = new Map<number, Instruction | undefined>();
  for (const [index, { opcode, writes, rest }] of instructions.entries()) {
    const [x, outer, n, inner] = rest as [Value, number, number, number];
    const [sums] = writes as [Value];
    // A single column is summed in the order of rows.
    if (opcode !== Opcode.Sum || outer !== 1 || inner < 2) continue;
    const at = readers(x).find((reader) => {
      const product = productOf(instructions[reader] as Instruction);
      if (!product?.plain || changes.has(reader) || product.a !== x) return false;
      const { m, k, rsA, csA } = product;
      return rsA === 1 && csA === inner && m === inner && k === n;
    });
    if (at === undefined) continue;
    // Both may run where the product does: dY is there already, and the sums are not yet needed.
    const [first, last] = [Math.min(at, index), Math.max(at, index)];
    if (writers(x).some((written) => written >= first && written <= last)) continue;
    if (readers(sums).some((reader) => reader <= at) || writers(sums).length !== 1) continue;
    const product = instructions[at] as Instruction;
    const [a, b, , m, cols, k, rsC, , csA, rsB, csB] = product.rest as [Value, Value, ...number[]];
    const sizes = [m, cols, k, rsC, csA, rsB, csB] as number[];
    changes.set(at, {
      ...product,
      opcode: Opcode.GemmSums,
      writes: [...product.writes, sums],
      rest: [a, b, ...sizes],
    });
    changes.set(index, undefined);
  }
  return replaced(instructions, changes);
}

/** All of them; `kept` are values that are needed for something else than what reads them. */
export function fuseEpilogues(
  instructions: readonly Instruction[],
  kept: ReadonlySet<Value>,
): Instruction[] {
  return fuseSums(fuseActivations(instructions, kept));
}
