/** Comparisons, logic, choice and conversion: ops that have no derivative, or pass it whole. */
import { Comparison, IntegerOperation, Opcode } from "../../assembly/opcodes.js";
import { defaultDtype } from "../backend.js";
import type { Lowering, Value } from "../plan/lowering.js";
import { broadcastShapes } from "../shape.js";
import type { BroadcastProblem, BroadcastShape } from "../shapeTypes/broadcast.js";
import type { Check, ShapeOf } from "../shapeTypes/shapeOf.js";
import { type Op, operand, record1 } from "../tape.js";
import { type Dtype, isFloat, type Node, Tensor, type TensorType } from "../tensor.js";
import { asTensor, checkDtype, type Operand } from "./create.js";
import { broadcasting, lowerBinary, unary } from "./elementwise.js";
import { broadcastSource, broadcastTo } from "./shape.js";

function sameDtypes(op: string, a: TensorType, b: TensorType): void {
  if (a.dtype !== b.dtype)
    throw new TypeError(
      `${op}: dtypes differ: got ${a.dtype} and ${b.dtype}, expected equal ones; cast one of them`,
    );
}

/** A comparison of equal shapes; a and b change places where `swap` says so. */
function comparison(name: string, kind: Comparison, swap = false) {
  const op: Op<null> = {
    name,
    infer: ([a, b]) => {
      sameDtypes(name, a as TensorType, b as TensorType);
      return [{ shape: (a as TensorType).shape, dtype: "bool" }];
    },
    vjp: [null, null],
    jvp: [null, null],
    lower(node, to) {
      const floats = isFloat((node.inputs[0] as Tensor).dtype);
      lowerBinary(floats ? Opcode.Compare : Opcode.CompareIntegers, node, to, kind);
    },
  };
  return broadcasting(name, (a, b) => record1(op, swap ? [b, a] : [a, b], null));
}

/** a = b, broadcasting, as bool; NaN equals nothing. The same for the five below. */
export const eq = comparison("eq", Comparison.Equal);
/** a ≠ b */
export const ne = comparison("ne", Comparison.NotEqual);
/** a < b */
export const lt = comparison("lt", Comparison.Less);
/** a ≤ b */
export const le = comparison("le", Comparison.LessEqual);
/** a > b */
export const gt = comparison("gt", Comparison.Less, true);
/** a ≥ b */
export const ge = comparison("ge", Comparison.LessEqual, true);

function checkCondition(op: string, what: string, dtype: Dtype): void {
  if (dtype !== "bool")
    throw new TypeError(
      `${op}: ${what} is no condition: got ${dtype}, expected bool; compare it, as in ne(x, 0)`,
    );
}

/** `Binary` of tensors alone. */
type Both = <A extends Tensor, B extends Tensor>(
  a: A,
  b: B & Check<BroadcastProblem<ShapeOf<A>, ShapeOf<B>>>,
) => Tensor<BroadcastShape<ShapeOf<A>, ShapeOf<B>>>;

function logical(name: string, kind: IntegerOperation): Both {
  const op: Op<null> = {
    name,
    infer: ([a, b]) => {
      for (const { dtype } of [a, b] as [TensorType, TensorType])
        checkCondition(name, "operand", dtype);
      return [a as TensorType];
    },
    vjp: [null, null],
    jvp: [null, null],
    lower: (node, to) => lowerBinary(Opcode.Integers, node, to, kind),
  };
  return broadcasting(name, (a, b) => record1(op, [a, b], null));
}

/** Whether both are true, broadcasting. */
export const logicalAnd = logical("logicalAnd", IntegerOperation.Minimum);
/** Whether one is true at least, broadcasting. */
export const logicalOr = logical("logicalOr", IntegerOperation.Maximum);
/** Whether it is false. */
export function logicalNot<X extends Tensor>(x: X): Tensor<ShapeOf<X>>;
export function logicalNot(x: Tensor): Tensor {
  checkCondition("logicalNot", "operand", operand("logicalNot", x).dtype);
  return eq(x, 0);
}

/** An operand of `where`, read in place when it is one element repeated. */
function chosen(node: Node, to: Lowering, index: number): { value: Value; stride: number } {
  const from = broadcastSource(to.operand(node, index));
  return from.size === 1
    ? { value: to.valueOf(from), stride: 0 }
    : { value: to.input(node, index), stride: 1 };
}

const whereOp: Op<null> = {
  name: "where",
  infer([condition, a, b]) {
    checkCondition("where", "condition", (condition as TensorType).dtype);
    sameDtypes("where", a as TensorType, b as TensorType);
    return [a as TensorType];
  },
  vjp: [
    null,
    (dy, { inputs: [condition] }) => where(condition as Tensor, dy, 0),
    (dy, { inputs: [condition] }) => where(condition as Tensor, 0, dy),
  ],
  jvp: [
    null,
    (aDot, { inputs: [condition] }) => where(condition as Tensor, aDot, 0),
    (bDot, { inputs: [condition] }) => where(condition as Tensor, 0, bDot),
  ],
  lower(node, to) {
    const condition = to.input(node, 0);
    const [a, b] = [chosen(node, to, 1), chosen(node, to, 2)];
    const out = to.output(node);
    to.emit(
      isFloat(out.dtype) ? Opcode.Select : Opcode.SelectWords,
      [out],
      [condition, a.value, b.value, out.size, a.stride, b.stride],
      [a, b].flatMap(({ value, stride }) => (stride === 1 ? [[out, value] as const] : [])),
    );
  },
};

/**
 * a where the condition (bool) is true, b elsewhere, broadcasting all three. A gradient goes to the
 * one that was chosen alone: what the other one's derivative is there, NaN included, does not
 * matter to it.
 */
export function where<C extends Tensor, A extends Operand, B extends Operand>(
  condition: C,
  a: A,
  b: B & Check<BroadcastProblem<ShapeOf<A>, ShapeOf<B>>>,
): Tensor<BroadcastShape<ShapeOf<C>, BroadcastShape<ShapeOf<A>, ShapeOf<B>>>>;
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const dtype = [a, b].find((x) => x instanceof Tensor)?.dtype ?? defaultDtype();
  const [x, y] = [asTensor("where", a, dtype), asTensor("where", b, dtype)];
  const given = asTensor("where", condition, "bool");
  const shape = broadcastShapes("where", given.shape, broadcastShapes("where", x.shape, y.shape));
  return record1(
    whereOp,
    [given, x, y].map((tensor) => broadcastTo(tensor, shape)),
    null,
  );
}

/** x with `value` where the mask (bool) is true, broadcasting. */
export const maskedFill = (x: Tensor, mask: Tensor, value: Operand): Tensor =>
  where(mask, value, x);

const castOp: Op<{ readonly dtype: Dtype }> = {
  name: "cast",
  infer([x], { dtype }) {
    const { shape, dtype: from } = x as TensorType;
    if (isFloat(from) && isFloat(dtype))
      throw new TypeError(
        `cast: precisions are mixed: got ${from}, expected to stay so; a program has one: read it and write tensor(x.toArray(), { dtype: "${dtype}" })`,
      );
    return [{ shape, dtype }];
  },
  vjp: [null],
  jvp: [null],
  lower(node, to) {
    const x = to.input(node, 0);
    if (!isFloat(x.dtype) && !isFloat(node.attrs.dtype)) {
      // A bool is the i32 0 or 1 already.
      const out = to.output(node);
      to.emit(Opcode.Copy, [out], [x, x.bytes]);
      return;
    }
    const out = to.output(node);
    to.emit(isFloat(x.dtype) ? Opcode.ToInteger : Opcode.ToFloat, [out], [x, x.size]);
  },
};

/**
 * x in another dtype: floats to i32 towards zero (beyond i32 its nearest end, NaN 0), anything to
 * bool as x ≠ 0, bool to 0 and 1. No gradient passes. TypeError from one float to the other.
 */
export function cast<X extends Operand>(x: X, dtype: Dtype): Tensor<ShapeOf<X>>;
export function cast(x: Operand, dtype: Dtype): Tensor {
  checkDtype("cast", dtype);
  const given = asTensor("cast", x, defaultDtype());
  if (given.dtype === dtype) return given;
  if (dtype === "bool") return ne(given, 0);
  return record1(castOp, [given], { dtype });
}

/** |x|; its derivative at 0 is 0. */
export const abs = unary("abs", Opcode.Abs, (d, { inputs: [x] }) => d.mul(sign(x as Tensor)));
/** 1, 0 or −1; 0 for NaN. Its derivative is 0. */
export const sign = unary("sign", Opcode.Sign, null);
/** The greatest whole number ≤ x. Its derivative is 0. */
export const floor = unary("floor", Opcode.Floor, null);
/** The least whole number ≥ x. Its derivative is 0. */
export const ceil = unary("ceil", Opcode.Ceil, null);
/** The nearest whole number, half to even. Its derivative is 0. */
export const round = unary("round", Opcode.Round, null);
