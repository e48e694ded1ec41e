/**
 * Ops that hold a tape of their own, a body: what `checkpoint`, `customGrad` and `vmap` are given is
 * recorded once, apart; the op stands for it on the tape around it. What the body uses from outside
 * becomes an operand of the op.
 */

import { describe } from "../describe.js";
import type { Parameter } from "../parameter.js";
import type { Lowering } from "../plan/lowering.js";
import { ancestors, makeNode, type Op, operand, record } from "../tape.js";
import { type Node, Tensor, type TensorType } from "../tensor.js";
import { type BodyTrace, currentTrace, traced } from "../trace.js";

/**
 * A recorded function: placeholders, what is computed from them, and the results. A class, so that
 * two of them are never taken for the same attribute.
 */
export class Body {
  readonly inputs: readonly Tensor[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly Tensor[];

  constructor(inputs: readonly Tensor[], nodes: readonly Node[], outputs: readonly Tensor[]) {
    this.inputs = inputs;
    this.nodes = nodes;
    this.outputs = outputs;
  }
}

const placeholderOp: Op<null> = {
  name: "bodyInput",
  infer: () => [],
  lower: () => undefined,
};

export const placeholder = (type: TensorType): Tensor => {
  const { shape, dtype } = type;
  return makeNode(placeholderOp, [], null, [{ shape, dtype }]).outputs[0] as Tensor;
};

export interface Recorded {
  readonly body: Body;
  /** What the body uses from outside: operands after the first ones. */
  readonly free: readonly Tensor[];
  /** Parameters it assigns, and the outputs that hold their values: after the others. */
  readonly assigned: readonly Parameter[];
}

/**
 * Records fn on placeholders. `around` adds placeholders while it runs; they come after the first
 * ones.
 */
export function recordBody(
  op: string,
  types: readonly TensorType[],
  fn: (inputs: readonly Tensor[]) => readonly Tensor[],
  around: Omit<BodyTrace, "parent"> & { readonly more?: () => readonly Tensor[] } = {},
): Recorded {
  const { more, ...rest } = around;
  const { trace, result } = traced(
    () => {
      const inputs = types.map(placeholder);
      const outputs = fn(inputs).map((output) => {
        if (!(output instanceof Tensor))
          throw new TypeError(
            `${op}: result is not a tensor: got ${describe(output)}, expected one`,
          );
        return operand(op, output);
      });
      return { inputs, outputs };
    },
    { body: { parent: currentTrace(), ...rest } },
  );
  const assigned = [...trace.assigned];
  const outputs = [
    ...result.outputs,
    ...assigned.map((parameter) => trace.bindings.get(parameter) as Tensor),
  ];
  const own = new Set(trace.nodes);
  const first = [...result.inputs, ...(more?.() ?? [])];
  const known = (node: Node): boolean => node.values.some((value) => value);
  const nodes = ancestors(outputs).filter(
    (node) => own.has(node) && node.op !== (placeholderOp as unknown),
  );
  const free = new Set<Tensor>();
  for (const tensor of [...nodes.flatMap((node) => node.inputs), ...outputs])
    if (!own.has(tensor.node) && !known(tensor.node) && !first.includes(tensor)) free.add(tensor);
  const inside = [...free];
  return { body: new Body([...first, ...inside], nodes, outputs), free: inside, assigned };
}

/** Records the body once more, on other inputs. */
export function replayBody(body: Body, inputs: readonly Tensor[]): readonly Tensor[] {
  const stands = new Map(body.inputs.map((input, index) => [input, inputs[index] as Tensor]));
  const find = (tensor: Tensor): Tensor => stands.get(tensor) ?? tensor;
  for (const node of body.nodes)
    for (const [index, output] of record(node.op, node.inputs.map(find), node.attrs).entries())
      stands.set(node.outputs[index] as Tensor, output);
  return body.outputs.map(find);
}

/** Emits the body's instructions; its inputs are bound to values already. */
export function lowerBody(body: Body, to: Lowering): void {
  for (const node of body.nodes) to.lower(node);
}

export interface BodyAttrs {
  readonly body: Body;
}

/** Binds the op's operands to the body's inputs. */
function bindInputs(node: Node<BodyAttrs>, to: Lowering): void {
  for (const [index, input] of node.attrs.body.inputs.entries())
    to.bind(input.node, input.index, to.input(node, index));
}

/** The body's results are the op's. */
export function inlineBody(node: Node<BodyAttrs>, to: Lowering): void {
  bindInputs(node, to);
  lowerBody(node.attrs.body, to);
  for (const [index, output] of node.attrs.body.outputs.entries())
    to.bind(node, index, to.valueOf(output));
}

export const typesOf = (tensors: readonly Tensor[]): TensorType[] =>
  tensors.map(({ shape, dtype }) => ({ shape, dtype }));
