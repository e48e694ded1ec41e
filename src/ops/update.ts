/**
 * One step of an optimizer on one Parameter, as ops without derivatives: new values out, old ones
 * in.
 */
import { Opcode } from "../../assembly/opcodes.js";
import type { Lowering } from "../plan/lowering.js";
import { type Op, record, record1 } from "../tape.js";
import type { Node, Tensor, TensorType } from "../tensor.js";

/**
 * An op with inputs [p, g, state …, hyper] and outputs [p, state …], each output allowed in the
 * place of the input it replaces. The kernel takes the flag last.
 */
function update(name: string, opcode: Opcode, states: number): Op<{ readonly flag?: number }> {
  return {
    name,
    infer: (types) => [types[0] as TensorType, ...types.slice(2, 2 + states)],
    lower(node: Node<{ readonly flag?: number }>, to: Lowering): void {
      const input = (index: number) => to.input(node, index);
      const p = input(0);
      const old = [p, ...Array.from({ length: states }, (_, index) => input(2 + index))];
      const outs = old.map((_, index) => to.output(node, index));
      const { flag } = node.attrs;
      to.emit(
        opcode,
        outs,
        [
          ...[p, input(1), ...old.slice(1), p.size, input(2 + states)],
          ...(flag === undefined ? [] : [flag]),
        ],
        outs.map((out, index) => [out, old[index] as (typeof old)[number]] as const),
      );
    },
  };
}

const sgdOp = update("sgd", Opcode.Sgd, 0);
const momentumOp = update("sgdMomentum", Opcode.SgdMomentum, 1);
const adamOp = update("adam", Opcode.Adam, 2);

/** p after a plain gradient step; hyper [lr, momentum, weightDecay]. */
export const sgdStep = (p: Tensor, g: Tensor, hyper: Tensor): Tensor =>
  record1(sgdOp, [p, g, hyper], {});

/** [p, buffer] after a step with (Nesterov) momentum. */
export const momentumStep = (
  p: Tensor,
  g: Tensor,
  buffer: Tensor,
  hyper: Tensor,
  nesterov: boolean,
): readonly Tensor[] => record(momentumOp, [p, g, buffer, hyper], { flag: nesterov ? 1 : 0 });

/**
 * [p, moment1, moment2] after a step of Adam, or of AdamW when decoupled; hyper as the kernel
 * `adam` documents.
 */
export const adamStep = (
  p: Tensor,
  g: Tensor,
  moments: readonly [Tensor, Tensor],
  hyper: Tensor,
  decoupled: boolean,
): readonly Tensor[] => record(adamOp, [p, g, ...moments, hyper], { flag: decoupled ? 1 : 0 });

const incrementOp: Op<null> = {
  name: "increment",
  infer: ([x]) => [x as TensorType],
  lower(node, to) {
    const x = to.input(node, 0);
    const out = to.output(node);
    to.emit(Opcode.Increment, [out], [x, x.size], [[out, x]]);
  },
};

/** An i32 counter plus one. */
export const increment = (x: Tensor): Tensor => record1(incrementOp, [x], null);
