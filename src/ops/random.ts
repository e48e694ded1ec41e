/**
 * Random draws as ops: pure functions of a state [seed high, seed low, run] and the draw's ordinal
 * in its program.
 */
import { Opcode } from "../../assembly/opcodes.js";
import type { HostSource } from "../plan/lowering.js";
import { type Shape, sizeOf } from "../shape.js";
import { type Op, record1 } from "../tape.js";
import type { FloatDtype, Tensor, TensorType } from "../tensor.js";
import { arrayOf, constant } from "./create.js";

interface HostAttrs {
  readonly source: HostSource;
  readonly dtype: FloatDtype | "i32";
}

/** Numbers that JavaScript supplies before each run: optimizer scalars, the random state. */
const hostOp: Op<HostAttrs> = {
  name: "host",
  infer: (_, { source, dtype }) => [{ shape: [source.size], dtype }],
  lower: (node, to) => to.bind(node, 0, to.host(node.attrs.source)),
};

export const host = (source: HostSource, dtype: FloatDtype | "i32"): Tensor =>
  record1(hostOp, [], { source, dtype });

interface DrawAttrs {
  readonly shape: Shape;
  readonly ordinal: number;
  readonly dtype: FloatDtype | "i32";
}

function draw(name: string, opcode: Opcode): Op<DrawAttrs> {
  return {
    name,
    infer: (_, { shape, dtype }) => [{ shape, dtype }],
    vjp: [null],
    jvp: [null],
    lower(node, to) {
      const { shape, ordinal } = node.attrs;
      to.emit(opcode, [to.output(node)], [sizeOf(shape), to.input(node, 0), ordinal]);
    },
  };
}

const bitsOp = draw("randomBits", Opcode.RandomBits);
const uniformOp = draw("uniform", Opcode.Uniform);
const normalOp = draw("normal", Opcode.Normal);

/** Where a draw gets its bits: a state tensor i32 [3] and the number of the draw. */
export interface DrawKey {
  readonly state: Tensor;
  readonly ordinal: number;
}

/** 32 random bits each, as i32. */
export const randomBits = ({ state, ordinal }: DrawKey, shape: Shape): Tensor =>
  record1(bitsOp, [state], { shape, ordinal, dtype: "i32" });
/** Uniform in [0, 1). */
export const uniform01 = ({ state, ordinal }: DrawKey, shape: Shape, dtype: FloatDtype): Tensor =>
  record1(uniformOp, [state], { shape, ordinal, dtype });
/** Standard normal. */
export const normal01 = ({ state, ordinal }: DrawKey, shape: Shape, dtype: FloatDtype): Tensor =>
  record1(normalOp, [state], { shape, ordinal, dtype });

/**
 * Inputs x, state, [p, scale]. Linear in x, so the backward pass is the op itself: no mask is kept.
 */
const dropoutOp: Op<{ readonly ordinal: number }> = {
  name: "dropout",
  infer: ([x]) => [x as TensorType],
  vjp: [(dy, { inputs, attrs }) => again(dy, inputs, attrs), null, null],
  jvp: [(xDot, { inputs, attrs }) => again(xDot, inputs, attrs), null, null],
  lower(node, to) {
    const x = to.input(node, 0);
    const y = to.output(node);
    const { ordinal } = node.attrs;
    to.emit(
      Opcode.Dropout,
      [y],
      [x, y.size, to.input(node, 1), ordinal, to.input(node, 2)],
      [[y, x]],
    );
  },
};

const again = (x: Tensor, inputs: readonly Tensor[], attrs: { ordinal: number }): Tensor =>
  record1(dropoutOp, [x, inputs[1] as Tensor, inputs[2] as Tensor], attrs);

/**
 * Zeroes each element with probability p and divides the others by 1 − p (inverted dropout,
 * Srivastava et al. 2014).
 */
export function dropoutWith({ state, ordinal }: DrawKey, x: Tensor, p: number): Tensor {
  const numbers = [p, p === 1 ? 0 : 1 / (1 - p)];
  const data = arrayOf(x.dtype, 2);
  data.set(numbers);
  return record1(dropoutOp, [x, state, constant(data, [2], x.dtype)], { ordinal });
}
