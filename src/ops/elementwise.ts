/**
 * Elementwise ops. Binary ones take equal shapes: the public functions broadcast, here and nowhere
 * else.
 */
import { IntegerOperation, Opcode } from "../../assembly/opcodes.js";
import { defaultDtype } from "../backend.js";
import type { Lowering, Value } from "../plan/lowering.js";
import { broadcastShapes, broadcastStrides, type Shape, stridesOf } from "../shape.js";
import { checkTensors, type Op, record1 } from "../tape.js";
import { type Dtype, type Node, Tensor, type TensorType } from "../tensor.js";
import { asTensor, checkFloat, type Operand } from "./create.js";
import { broadcastSource, broadcastTo } from "./shape.js";
import type { Binary, Unary } from "./signatures.js";

type Rules = NonNullable<Op<null>["vjp"]>;

/** Equal dtypes; floats, or i32 where whole numbers are offered. */
function inferNumbers(
  op: string,
  inputs: readonly TensorType[],
  integers: boolean,
): readonly TensorType[] {
  for (const { dtype } of inputs) if (!(integers && dtype === "i32")) checkFloat(op, dtype);
  const [x, other] = inputs as [TensorType, TensorType?];
  if (other && other.dtype !== x.dtype)
    throw new TypeError(
      `${op}: dtypes differ: got ${x.dtype} and ${other.dtype}, expected equal ones`,
    );
  return [{ shape: x.shape, dtype: x.dtype }];
}

const inferFloat = (op: string, inputs: readonly TensorType[]): readonly TensorType[] =>
  inferNumbers(op, inputs, false);

/** An operand of a binary op: read in place through its broadcast where two strides suffice. */
interface Source {
  readonly value: Value;
  readonly strides: readonly number[];
}

function source(to: Lowering, node: Node, index: number, shape: Shape): Source {
  const from = broadcastSource(to.operand(node, index));
  return { value: to.valueOf(from), strides: broadcastStrides(from.shape, shape) };
}

/** Merges axes that both operands walk evenly; undefined when more than two remain. */
function collapse(shape: Shape, a: readonly number[], b: readonly number[]): number[] | undefined {
  const dims: { n: number; a: number; b: number }[] = [];
  for (const [axis, n] of shape.entries()) {
    if (n === 1) continue;
    const [sa, sb] = [a[axis] as number, b[axis] as number];
    const outer = dims.at(-1);
    if (outer && outer.a === sa * n && outer.b === sb * n) {
      outer.n *= n;
      outer.a = sa;
      outer.b = sb;
    } else dims.push({ n, a: sa, b: sb });
  }
  if (dims.length > 2) return undefined;
  const inner = dims.pop() ?? { n: 1, a: 0, b: 0 };
  const outer = dims.pop() ?? { n: 1, a: inner.n, b: inner.n };
  return [outer.n, inner.n, outer.a, inner.a, outer.b, inner.b];
}

/** Emits a kernel with the operands of `add`; `kind` comes last where it takes one. */
export function lowerBinary(opcode: Opcode, node: Node, to: Lowering, kind?: number): void {
  const { shape, size } = node.outputs[0] as Tensor;
  let a = source(to, node, 0, shape);
  let b = source(to, node, 1, shape);
  let loops = collapse(shape, a.strides, b.strides);
  if (!loops) {
    // Three or more uneven axes: the broadcast operands are copied out first.
    a = { value: to.input(node, 0), strides: stridesOf(shape) };
    b = { value: to.input(node, 1), strides: stridesOf(shape) };
    loops = collapse(shape, a.strides, b.strides) as number[];
  }
  const out = to.output(node);
  const [rows, cols, rsA, csA, rsB, csB] = loops as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const { dtype } = out;
  const whole = [a.value, b.value].filter((v) => v.size === size && v.dtype === dtype);
  to.emit(
    opcode,
    [out],
    [a.value, b.value, rows, cols, rsA, csA, rsB, csB, ...(kind === undefined ? [] : [kind])],
    whole.map((value) => [out, value] as const),
  );
}

type BinaryOp = (a: Tensor, b: Tensor) => Tensor;

/**
 * An op on equal shapes; of floats, and of i32 if there is an operation on whole numbers. Each
 * derivative is a factor, which is its own transpose: one rule per operand is both jvp and vjp.
 */
export function binary(
  name: string,
  opcode: Opcode,
  rules: Rules,
  integers?: IntegerOperation,
): BinaryOp {
  const op: Op<null> = {
    name,
    infer: (inputs) => inferNumbers(name, inputs, integers !== undefined),
    vjp: rules,
    jvp: rules,
    lower: (node, to) =>
      node.outputs[0]?.dtype === "i32"
        ? lowerBinary(Opcode.Integers, node, to, integers)
        : lowerBinary(opcode, node, to),
  };
  return (a, b) => record1(op, [a, b], null);
}

/** The public form: numbers and broadcasting. */
export function broadcasting(name: string, op: BinaryOp): Binary {
  return (a: Operand, b: Operand) => {
    const dtype: Dtype =
      a instanceof Tensor ? a.dtype : b instanceof Tensor ? b.dtype : defaultDtype();
    const x = asTensor(name, a, dtype);
    const y = asTensor(name, b, dtype);
    const shape = broadcastShapes(name, x.shape, y.shape);
    return op(broadcastTo(x, shape), broadcastTo(y, shape));
  };
}

/** The operands of a node that has two. */
export const ins = (node: Node<null>): [Tensor, Tensor] =>
  node.inputs as unknown as [Tensor, Tensor];
const out = (node: Node<null>): Tensor => node.outputs[0] as Tensor;

const none: Rules = [null, null];
const equalOp = binary("equal", Opcode.Equal, none);
const shareOp = binary("maximumShare", Opcode.MaximumShare, none);

// Each rule's column: with respect to a, with respect to b.
// biome-ignore format: a calculus table, proofread down its columns
const addOp = binary("add", Opcode.Add, [(d) => d, (d) => d], IntegerOperation.Add);
const subOp = binary("sub", Opcode.Sub, [(d) => d, (d) => neg(d)], IntegerOperation.Sub);
// biome-ignore format: as above
const mulOp = binary("mul", Opcode.Mul,
  [(d, n) => mul(d, ins(n)[1]), (d, n) => mul(d, ins(n)[0])], IntegerOperation.Mul);
// biome-ignore format: as above
const divOp = binary("div", Opcode.Div,
  [(d, n) => div(d, ins(n)[1]), (d, n) => neg(mul(d, div(out(n), ins(n)[1])))]);
/** Ties share equally, as in PyTorch. */
// biome-ignore format: as above
const maximumOp = binary("maximum", Opcode.Maximum,
  [(d, n) => mul(d, shareOp(ins(n)[0], ins(n)[1])), (d, n) => mul(d, shareOp(ins(n)[1], ins(n)[0]))],
  IntegerOperation.Maximum);
// biome-ignore format: as above
const minimumOp = binary("minimum", Opcode.Minimum,
  [(d, n) => mul(d, shareOp(ins(n)[1], ins(n)[0])), (d, n) => mul(d, shareOp(ins(n)[0], ins(n)[1]))],
  IntegerOperation.Minimum);

/** a + b, broadcasting. */
export const add = broadcasting("add", addOp);
/** a − b, broadcasting. */
export const sub = broadcasting("sub", subOp);
/** a · b, broadcasting. */
export const mul = broadcasting("mul", mulOp);
/** a / b, broadcasting. */
export const div = broadcasting("div", divOp);
/** The greater of a and b, broadcasting; NaN wins; at a tie each gets half of the gradient. */
export const maximum = broadcasting("maximum", maximumOp);
/** The lesser of a and b, broadcasting; NaN wins; at a tie each gets half of the gradient. */
export const minimum = broadcasting("minimum", minimumOp);
/** 1 where a = b, else 0, as floats; no gradient. */
export const equalMask = broadcasting("equal", equalOp);

/**
 * An op of one operand. Its derivative is a factor, so one rule is both jvp and vjp; null where it
 * is 0.
 */
export function unary(
  name: string,
  opcode: Opcode,
  rule: ((d: Tensor, node: Node<null>) => Tensor) | null,
  decomposition?: (x: Tensor) => Tensor,
): Unary {
  const op: Op<null> = {
    name,
    infer: (inputs) => inferFloat(name, inputs),
    vjp: [rule],
    jvp: [rule],
    ...(decomposition && { decomposition: ([x]) => [decomposition(x as Tensor)] }),
    lower(node, to) {
      const x = to.input(node, 0);
      const y = to.output(node);
      to.emit(opcode, [y], [x, y.size], [[y, x]]);
    },
  };
  return (x: Tensor) => record1(op, [x], null);
}

/**
 * dx of an elementwise function, linear in dy: `kernel(y, dy)` where the derivative is known from
 * its result, `kernel(x, dy)` where it is from its operand.
 */
export function backward(
  name: string,
  opcode: Opcode,
  rest: Pick<Op<null>, "vjp" | "jvp" | "decomposition">,
): (y: Tensor, dy: Tensor) => Tensor {
  const op: Op<null> = {
    name,
    infer: (inputs) => inferFloat(name, inputs),
    ...rest,
    lower(node, to) {
      const [y, dy] = [to.input(node, 0), to.input(node, 1)];
      const dx = to.output(node);
      to.emit(
        opcode,
        [dx],
        [y, dy, dx.size],
        [
          [dx, dy],
          [dx, y],
        ],
      );
    },
  };
  return (y, dy) => record1(op, [y, dy], null);
}

const sigmoidBackward = backward("sigmoidBackward", Opcode.SigmoidBackward, {
  decomposition: ([y, dy]) => [mul(mul(dy as Tensor, sub(1, y as Tensor)), y as Tensor)],
});
const tanhBackward = backward("tanhBackward", Opcode.TanhBackward, {
  decomposition: ([y, dy]) => [mul(dy as Tensor, sub(1, mul(y as Tensor, y as Tensor)))],
});
const reluBackward = backward("reluBackward", Opcode.ReluBackward, {
  vjp: [null, (d, n) => reluBackward(ins(n)[0], d)],
  jvp: [null, (t, n) => reluBackward(ins(n)[0], t)],
});

const negOp = unary("neg", Opcode.Neg, (d) => neg(d));
/** −x */
export const neg: Unary = (x: Tensor) => {
  checkTensors("neg", x);
  return x.dtype === "i32" ? sub(0, x) : negOp(x);
};
/** eˣ */
export const exp = unary("exp", Opcode.Exp, (d, n) => mul(d, out(n)));
/** ln x */
export const log = unary("log", Opcode.Log, (d, n) => div(d, ins(n)[0]));
/** √x */
export const sqrt = unary("sqrt", Opcode.Sqrt, (d, n) => div(d, mul(out(n), 2)));
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = unary("sigmoid", Opcode.Sigmoid, (d, n) => sigmoidBackward(out(n), d));
/** tanh x */
export const tanh = unary("tanh", Opcode.Tanh, (d, n) => tanhBackward(out(n), d));
/** max(0, x); its derivative at 0 is 0; NaN passes. */
export const relu = unary("relu", Opcode.Relu, (d, n) => reluBackward(out(n), d));
/** x² */
export const square: Unary = (x: Tensor) => mul(x, x);
