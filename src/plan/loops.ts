/** How elementwise instructions and reductions of rows are cut into parts, one after the other. */
import { Opcode } from "../../assembly/opcodes.js";
import { BLOCK } from "./blocks.js";
import { type Instruction, reads, type Value } from "./lowering.js";

/**
 * The loop of an instruction over `n` elements, which can be cut wherever a multiple of `unit` ends.
 * A part of e elements is the same instruction with other numbers and addresses further on.
 */
export interface Loop {
  readonly n: number;
  readonly unit: number;
  /** The numbers among the operands, of a part of e elements. */
  numbers(e: number): readonly number[];
  /** How far a part of e elements goes in what is written and in each value that is read. */
  walk(e: number): readonly number[];
}

/** out, x, n */
const unary: readonly Opcode[] = [
  ...[Opcode.Neg, Opcode.Exp, Opcode.Log, Opcode.Sqrt, Opcode.Sigmoid, Opcode.Tanh, Opcode.Relu],
  ...[Opcode.ToFloat, Opcode.ToInteger, Opcode.Increment],
  ...[Opcode.Abs, Opcode.Sign, Opcode.Floor, Opcode.Ceil, Opcode.Round],
  ...[Opcode.Log1p, Opcode.Expm1, Opcode.Sin, Opcode.Cos, Opcode.Tan, Opcode.Sinh, Opcode.Cosh],
  ...[Opcode.Atan, Opcode.Erf, Opcode.Silu, Opcode.Gelu, Opcode.GeluTanh],
];
/** out, y, dy, n */
const backward: readonly Opcode[] = [
  ...[Opcode.SigmoidBackward, Opcode.TanhBackward, Opcode.ReluBackward],
  ...[Opcode.SiluBackward, Opcode.GeluBackward, Opcode.GeluTanhBackward],
];
/** The operands of `add`; some take a kind after them. */
const binary: readonly Opcode[] = [
  ...[Opcode.Add, Opcode.Sub, Opcode.Mul, Opcode.Div, Opcode.Maximum, Opcode.Minimum],
  ...[Opcode.Equal, Opcode.MaximumShare, Opcode.Pow, Opcode.Atan2, Opcode.Hypot],
  ...[Opcode.Compare, Opcode.CompareIntegers, Opcode.Integers],
];
const select: readonly Opcode[] = [Opcode.Select, Opcode.SelectWords];
const reduction: readonly Opcode[] = [Opcode.Sum, Opcode.Mean, Opcode.Max, Opcode.Min];

type Cut = (numbers: readonly number[]) => Loop | undefined;

const flat =
  (values: number): Cut =>
  ([n = 0]) => ({
    n,
    unit: 1,
    numbers: (e) => [e],
    walk: (e) => new Array<number>(values).fill(e),
  });

function cutBinary(numbers: readonly number[]): Loop {
  const [r, c, ra, ca, rb, cb, ...kind] = numbers as [
    ...[rows: number, cols: number, rsA: number, csA: number, rsB: number, csB: number],
    ...number[],
  ];
  const n = r * c;
  const whole = r === 1 || (ra === c * ca && rb === c * cb);
  // A column is a row whose column strides are its row strides.
  if (whole || (c === 1 && ra <= 1 && rb <= 1)) {
    const [sA, sB] = whole ? [ca, cb] : [ra, rb];
    return {
      n,
      unit: 1,
      numbers: (e) => [1, e, e * sA, sA, e * sB, sB, ...kind],
      walk: (e) => [e, e * sA, e * sB],
    };
  }
  return {
    n,
    unit: c,
    numbers: (e) => [e / c, c, ra, ca, rb, cb, ...kind],
    walk: (e) => [e, (e / c) * ra, (e / c) * rb],
  };
}

const cutSelect: Cut = ([n = 0, sA = 0, sB = 0]) => ({
  n,
  unit: 1,
  numbers: (e) => [e, sA, sB],
  walk: (e) => [e, e, e * sA, e * sB],
});

const cutReduction: Cut = ([outer = 0, n = 0, inner = 0]) =>
  inner === 1 && outer > 1 && n > 0
    ? {
        n: outer * n,
        unit: n,
        numbers: (e) => [e / n, n, 1],
        walk: (e) => [e / n, e],
      }
    : undefined;

const cutBlocks: Cut = ([n = 0]) => ({
  n,
  unit: BLOCK,
  numbers: (e) => [e],
  walk: (e) => [e / BLOCK, e],
});

const cuts: readonly (readonly [readonly Opcode[], Cut])[] = [
  [unary, flat(2)],
  [backward, flat(3)],
  [binary, cutBinary],
  [select, cutSelect],
  [reduction, cutReduction],
  [[Opcode.SumBlocks], cutBlocks],
];

/** The loop of an instruction that can be cut, and cannot refuse. */
export function loopOf(instruction: Instruction): Loop | undefined {
  const { opcode, rest, node } = instruction;
  const [, cut] = cuts.find(([opcodes]) => opcodes.includes(opcode)) ?? [];
  if (!cut || node.op.refusal) return undefined;
  const loop = cut(rest.filter((operand) => typeof operand === "number"));
  return loop && loop.n > 0 ? loop : undefined;
}

/** Whether each part reads of this value just the part that it has of its own elements. */
export function keepsPace(instruction: Instruction, loop: Loop, value: Value): boolean {
  const walk = loop.walk(loop.n);
  return reads(instruction).every((read, at) => read !== value || walk[at + 1] === value.size);
}
