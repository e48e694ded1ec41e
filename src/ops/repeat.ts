/**
 * `repeat`: a body that runs once for each index of the first axis of its mapped operands; the
 * others are shared. Its derivatives are repeats, and the cotangents of what is shared add up in
 * ascending order.
 */

import { Opcode } from "../../assembly/opcodes.js";
import type { Lowering, Value } from "../plan/lowering.js";
import { type Op, record } from "../tape.js";
import { isFloat, type Tensor } from "../tensor.js";
import { currentTrace, inTrace } from "../trace.js";
import { type BodyAttrs, lowerBody, placeholder, recordBody, replayBody, typesOf } from "./body.js";
import { zeros } from "./create.js";
import { sum } from "./reduce.js";
import { alias, broadcastTo } from "./shape.js";

interface RepeatAttrs extends BodyAttrs {
  readonly count: number;
  /** Which of the body's inputs are one index of an operand. */
  readonly mapped: readonly boolean[];
}

/** How derivatives of a body are taken: set by the layer that walks tapes. */
interface Differentiation {
  pullback(
    outputs: readonly Tensor[],
    cotangents: readonly (Tensor | undefined)[],
    targets: readonly Tensor[],
  ): (Tensor | undefined)[];
  pushforward(
    outputs: readonly Tensor[],
    inputs: readonly Tensor[],
    tangents: readonly Tensor[],
  ): (Tensor | undefined)[];
}
let differentiation: Differentiation;
export function setDifferentiation(value: Differentiation): void {
  differentiation = value;
}

const words = (value: Value): number => value.bytes / 4;

/** One index of an operand, copied out. */
function sliceOf(whole: Value, piece: Tensor, index: number, to: Lowering): Value {
  const out = to.temporary(piece.dtype, piece.size);
  if (out.size === 0) return out;
  to.emit(Opcode.StridedCopy, [out], [whole, index * words(out), 1, words(out), 1]);
  return out;
}

const repeatOp: Op<RepeatAttrs> = {
  name: "repeat",
  cost: "high",
  infer: (_, { body, count }) =>
    body.outputs.map(({ shape, dtype }) => ({ shape: [count, ...shape], dtype })),
  vjpAll({ inputs, attrs }, cotangents) {
    const { mapped, body } = attrs;
    const present = cotangents.flatMap((d) => (d ? [d] : []));
    const wanted = inputs.flatMap((input, index) => (isFloat(input.dtype) ? [index] : []));
    const results = differentiated(attrs, inputs, present, (leaves, moving) => {
      const outputs = replayBody(body, leaves);
      let next = 0;
      const given = cotangents.map((d) => (d ? moving[next++] : undefined));
      const targets = wanted.map((index) => leaves[index] as Tensor);
      return differentiation.pullback(outputs, given, targets).map(orZero(targets));
    });
    return inputs.map((_, index) => {
      const result = results[wanted.indexOf(index)];
      return result && !mapped[index] ? sum(result, 0) : result;
    });
  },
  jvpAll({ inputs, outputs, attrs }, tangents) {
    const { body, mapped } = attrs;
    const moving = inputs.flatMap((_, index) => (tangents[index] ? [index] : []));
    // What is shared moves the same way at every index.
    const given = moving.map((index) => {
      const tangent = tangents[index] as Tensor;
      return mapped[index] ? tangent : broadcastTo(tangent, [attrs.count, ...tangent.shape]);
    });
    return differentiated(attrs, inputs, given, (leaves, directions) => {
      const results = replayBody(body, leaves);
      const from = moving.map((index) => leaves[index] as Tensor);
      const pushed = differentiation.pushforward(results, from, directions);
      return pushed.map((tangent, index) => tangent ?? zeroLike(results[index] as Tensor));
    }).slice(0, outputs.length);
  },
  lower(node, to) {
    const { body, count, mapped } = node.attrs;
    const operands = body.inputs.map((_, index) => to.input(node, index));
    const outs = body.outputs.map((_, index) => to.output(node, index));
    for (let index = 0; index < count; index++) {
      for (const [at, input] of body.inputs.entries()) {
        const whole = operands[at] as Value;
        to.bind(input.node, input.index, mapped[at] ? sliceOf(whole, input, index, to) : whole);
      }
      lowerBody(body, to);
      for (const [at, output] of body.outputs.entries()) {
        const value = to.valueOf(output);
        if (value.size === 0) continue;
        const offset = index * words(value);
        to.emit(Opcode.StridedPlace, [outs[at] as Value], [offset, value, 1, words(value), 1]);
      }
    }
  },
  refusal: () => "repeat: refused",
};

const zeroLike = ({ shape, dtype }: Tensor): Tensor => zeros(shape, { dtype });
const orZero =
  (targets: readonly Tensor[]) =>
  (tensor: Tensor | undefined, index: number): Tensor =>
    tensor ?? zeroLike(targets[index] as Tensor);

/** A repeat over the same operands and `moving`, which are all mapped. */
function differentiated(
  { count, mapped }: RepeatAttrs,
  inputs: readonly Tensor[],
  moving: readonly Tensor[],
  fn: (leaves: readonly Tensor[], moving: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const isMapped = [...mapped, ...moving.map(() => true)];
  return repeatOver(count, [...inputs, ...moving], isMapped, (all) =>
    fn(
      all.slice(0, inputs.length).map((leaf) => alias(leaf)),
      all.slice(inputs.length),
    ),
  );
}

function repeatOver(
  count: number,
  operands: readonly Tensor[],
  mapped: readonly boolean[],
  fn: (inputs: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const parent = currentTrace();
  // Random draws are made for all indices at once, outside, and are mapped like any operand.
  const drawn: { whole: Tensor; piece: Tensor }[] = [];
  const types = typesOf(operands).map(({ shape, dtype }, index) => ({
    shape: mapped[index] ? shape.slice(1) : shape,
    dtype,
  }));
  const { body, free, assigned } = recordBody("vmap", types, fn, {
    mapped: (make) => {
      const whole = inTrace(parent, () => make(count));
      const piece = placeholder({ shape: whole.shape.slice(1), dtype: whole.dtype });
      drawn.push({ whole, piece });
      return piece;
    },
    more: () => drawn.map(({ piece }) => piece),
  });
  const [parameter] = assigned;
  if (parameter)
    throw new Error(
      `assign: ${parameter} is assigned once for each index: got an assignment inside vmap or jacobian, expected it outside`,
    );
  const all = [...operands, ...drawn.map(({ whole }) => whole), ...free];
  const flags = all.map((_, index) =>
    index < operands.length ? (mapped[index] as boolean) : index < operands.length + drawn.length,
  );
  return record(repeatOp, all, { body, count, mapped: flags });
}

/** fn once for each index of the first axis of `mapped`, its results along a new first axis. */
export const repeat = (
  count: number,
  mapped: readonly Tensor[],
  fn: (slices: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] =>
  repeatOver(
    count,
    mapped,
    mapped.map(() => true),
    fn,
  );
