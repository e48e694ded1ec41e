/**
 * Ops as expressions of TypeScript: on plain numbers with operators, and on tensors as calls of this
 * library. An op without a form of its own is written as what it consists of.
 */
import type { Tensor } from "../tensor.js";

/** How tightly an expression holds together. */
export const CHOICE = 0;
const SUM = 1;
export const PRODUCT = 2;
export const SIGN = 3;
const ATOM = 4;

export interface Code {
  readonly text: string;
  readonly level: number;
}

export const atom = (text: string): Code => ({ text, level: ATOM });
const wrapped = ({ text, level }: Code, least: number): string =>
  level >= least ? text : `(${text})`;

/** An op that cannot be written: in this dialect, or at all. */
export class Unwritten extends Error {
  readonly op: string;
  constructor(op: string) {
    super(op);
    this.op = op;
  }
}

/** The shortest decimal that is the same f32, or the f64 itself. */
export function literal(value: number, single: boolean): Code {
  if (Object.is(value, -0)) return { text: "-0", level: SIGN };
  let text = String(value);
  if (single && Number.isFinite(value))
    for (let digits = 1; digits <= 9; digits++) {
      const short = Number(value.toPrecision(digits));
      if (Math.fround(short) === value) {
        text = String(short);
        break;
      }
    }
  return { text, level: value < 0 ? SIGN : ATOM };
}

type ScalarForm = (operands: readonly Code[], attrs: unknown) => Code;

/** Equals stand on the right in brackets: additions of floats may not be regrouped. */
const infix =
  (sign: string, level: number): ScalarForm =>
  ([a, b]) => ({
    text: `${wrapped(a as Code, level)} ${sign} ${wrapped(b as Code, level + 1)}`,
    level,
  });
const call =
  (name: string): ScalarForm =>
  (operands) =>
    atom(`${name}(${operands.map(({ text }) => text).join(", ")})`);
const compared =
  (sign: string, swap = false): ScalarForm =>
  (operands) => {
    const [a, b] = (swap ? [...operands].reverse() : operands) as [Code, Code];
    return { text: `${wrapped(a, SUM)} ${sign} ${wrapped(b, SUM)}`, level: CHOICE };
  };
const chosen = (condition: string, yes: string, no: string): Code => ({
  text: `${condition} ? ${yes} : ${no}`,
  level: CHOICE,
});
const same: ScalarForm = ([x]) => x as Code;
const high = (code: Code | undefined): string => wrapped(code as Code, SUM);

// biome-ignore format: a table, one op a line
export const SCALAR: Readonly<Record<string, ScalarForm>> = {
  add: infix("+", SUM),
  sub: infix("-", SUM),
  mul: infix("*", PRODUCT),
  div: infix("/", PRODUCT),
  neg: ([x]) => ({ text: `-${wrapped(x as Code, ATOM)}`, level: SIGN }),
  maximum: call("Math.max"),
  minimum: call("Math.min"),
  pow: ([x, n], attrs) => ({
    text: `${wrapped(x as Code, ATOM)} ** ${wrapped(n ?? literal(attrs as number, false), ATOM)}`,
    level: SIGN,
  }),
  hypot: call("Math.hypot"),
  atan2: call("Math.atan2"),
  exp: call("Math.exp"), log: call("Math.log"), sqrt: call("Math.sqrt"),
  log1p: call("Math.log1p"), expm1: call("Math.expm1"),
  sin: call("Math.sin"), cos: call("Math.cos"), tan: call("Math.tan"),
  sinh: call("Math.sinh"), cosh: call("Math.cosh"), tanh: call("Math.tanh"),
  atan: call("Math.atan"), abs: call("Math.abs"), sign: call("Math.sign"),
  floor: call("Math.floor"), ceil: call("Math.ceil"),
  sigmoid: ([x]) => ({ text: `1 / (1 + Math.exp(-${wrapped(x as Code, ATOM)}))`, level: PRODUCT }),
  relu: ([x]) => atom(`Math.max(0, ${(x as Code).text})`),
  reluBackward: ([y, d]) => chosen(`${high(y)} > 0`, high(d), "0"),
  eq: compared("==="), ne: compared("!=="), lt: compared("<"), le: compared("<="),
  gt: compared(">", true), ge: compared(">=", true),
  equal: ([a, b]) => chosen(`${high(a)} === ${high(b)}`, "1", "0"),
  maximumShare: ([a, b]) => chosen(`${high(a)} > ${high(b)}`, "1", `${high(a)} === ${high(b)} ? 0.5 : 0`),
  logicalAnd: ([a, b]) => ({ text: `${high(a)} && ${high(b)}`, level: CHOICE }),
  logicalOr: ([a, b]) => ({ text: `${high(a)} || ${high(b)}`, level: CHOICE }),
  where: ([c, a, b]) => chosen(high(c), high(a), high(b)),
  alias: same,
  stopGradient: same,
  broadcastTo: same,
};

/** The value of a constant of one number, as it is or repeated. */
export function numberOf(tensor: Tensor): number | undefined {
  const { node, index } = tensor;
  const known = node.values[index];
  if (known) return tensor.rank === 0 ? (known[0] as number) : undefined;
  return node.op.name === "broadcastTo" ? numberOf(node.inputs[0] as Tensor) : undefined;
}
