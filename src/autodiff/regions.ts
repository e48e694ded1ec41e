/** Functions that stand on the tape as one op: recomputed ones, and ones with rules of their own. */
import { checkFunction, describe } from "../describe.js";
import { type BodyAttrs, inlineBody, recordBody, replayBody, typesOf } from "../ops/body.js";
import { assign } from "../parameter.js";
import { formatShape, sameShape } from "../shape.js";
import { type Op, record } from "../tape.js";
import type { Node, Tensor } from "../tensor.js";
import { leavesOf, replaceLeaves, type Tensors } from "./transforms.js";

const inferBody = (_: unknown, { body }: BodyAttrs) => typesOf(body.outputs);

/** Its derivatives are those of the body, recorded again where they are needed. */
const checkpointOp: Op<BodyAttrs> = {
  name: "checkpoint",
  infer: inferBody,
  decomposition: (inputs, { body }) => replayBody(body, inputs),
  lower: inlineBody,
  refusal: () => "checkpoint: refused",
};

/** Records f apart and puts `op` in its place; what f assigns is assigned once, here. */
function region<A extends readonly unknown[], R, Attrs extends BodyAttrs>(
  name: string,
  op: Op<Attrs>,
  f: (...args: A) => R,
  args: A,
  attrs: (shape: { readonly args: A; readonly result: R }) => Omit<Attrs, "body">,
): R {
  checkFunction(name, f);
  const leaves = leavesOf(name, args);
  let result: unknown;
  const { body, free, assigned } = recordBody(name, typesOf(leaves), (inputs) => {
    result = f(...(replaceLeaves(args, inputs) as A));
    return leavesOf(name, result);
  });
  const rest = attrs({ args, result: result as R });
  const outputs = record(op, [...leaves, ...free], { ...rest, body } as Attrs);
  const kept = outputs.length - assigned.length;
  for (const [index, parameter] of assigned.entries())
    assign(parameter, outputs[kept + index] as Tensor);
  return replaceLeaves(result, outputs.slice(0, kept)) as R;
}

/**
 * f, whose intermediate values are not kept for the backward pass but computed again in it: the same
 * bits, more time, and a smaller `plan.peakBytes`. Random draws are the same, and what f assigns
 * (running statistics) is assigned once.
 */
export function checkpoint<A extends readonly Tensors[], R extends Tensors>(
  f: (...args: A) => R,
): (...args: A) => R {
  return (...args) => region("checkpoint", checkpointOp, f, args, () => ({}));
}

/** A function's own derivatives, written in ops, so that they can be differentiated again. */
export interface GradRules<A extends readonly Tensors[], R extends Tensors> {
  /** Cotangents of the arguments, one for each, from that of the result. */
  vjp(
    cotangent: R,
    call: { readonly args: A; readonly result: R },
  ): { readonly [K in keyof A]: A[K] };
  /** The tangent of the result from those of the arguments. */
  jvp?(tangents: A, call: { readonly args: A; readonly result: R }): R;
}

interface CustomAttrs extends BodyAttrs {
  readonly rules: GradRules<readonly Tensors[], Tensors>;
  readonly args: readonly Tensors[];
  readonly result: Tensors;
}

/** The call as the rules see it. */
function callOf({ inputs, outputs, attrs }: Node<CustomAttrs>) {
  return {
    args: replaceLeaves(attrs.args, inputs) as readonly Tensors[],
    result: replaceLeaves(attrs.result, outputs) as Tensors,
  };
}

function fitting(rule: string, given: unknown, like: readonly Tensor[]): Tensor[] {
  const tensors = leavesOf(rule, given);
  if (tensors.length !== like.length)
    throw new RangeError(
      `${rule}: number of tensors differs: got ${tensors.length}, expected ${like.length}`,
    );
  for (const [index, tensor] of tensors.entries()) {
    const { shape, dtype } = like[index] as Tensor;
    if (!sameShape(tensor.shape, shape) || tensor.dtype !== dtype)
      throw new RangeError(
        `${rule}: tensor ${index} does not fit: got ${tensor.dtype} ${formatShape(tensor.shape)}, expected ${dtype} ${formatShape(shape)}`,
      );
  }
  return tensors;
}

const zeroOf = (tensor: Tensor): Tensor => tensor.mul(0);

const customOp: Op<CustomAttrs> = {
  name: "customGrad",
  infer: inferBody,
  vjpAll(node, cotangents) {
    const { attrs, inputs, outputs } = node;
    const given = leavesOf("customGrad", attrs.result).length;
    const filled = outputs
      .slice(0, given)
      .map((output, index) => cotangents[index] ?? zeroOf(output));
    const cotangent = replaceLeaves(attrs.result, filled) as Tensors;
    const found = attrs.rules.vjp(cotangent, callOf(node));
    const own = leavesOf("customGrad", attrs.args).length;
    return fitting("customGrad: vjp", found, inputs.slice(0, own));
  },
  jvpAll(node, tangents) {
    const { attrs, inputs, outputs } = node;
    if (!attrs.rules.jvp)
      throw new Error(
        "customGrad: no rule for forward mode: got a function with vjp alone, expected jvp beside it",
      );
    const filled = inputs.map((input, index) => tangents[index] ?? zeroOf(input));
    const moved = attrs.rules.jvp(
      replaceLeaves(attrs.args, filled) as readonly Tensors[],
      callOf(node),
    );
    const given = leavesOf("customGrad", attrs.result).length;
    return fitting("customGrad: jvp", moved, outputs.slice(0, given));
  },
  lower: inlineBody,
  refusal: () => "customGrad: refused",
};

/**
 * f with derivatives of its own: `vjp` for reverse mode, `jvp` for forward mode (an Error without
 * it). What f uses from outside its arguments gets no gradient.
 */
export function customGrad<A extends readonly Tensors[], R extends Tensors>(
  f: (...args: A) => R,
  rules: GradRules<A, R>,
): (...args: A) => R {
  if (typeof rules?.vjp !== "function")
    throw new TypeError(
      `customGrad: no rule: got ${describe(rules?.vjp)} for vjp, expected a function`,
    );
  return (...args) =>
    region("customGrad", customOp, f, args, ({ result }) => ({
      rules: rules as unknown as CustomAttrs["rules"],
      args,
      result,
    }));
}
