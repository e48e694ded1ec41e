/**
 * A function recorded once, to be computed elsewhere: in another precision, in another backend, op
 * by op. Parameters, random states and captured tensors are constants of the recording, and what
 * the function assigns is dropped: nothing of the caller's changes.
 */

import { leavesOf, replaceLeaves, type Tensors } from "../autodiff/transforms.js";
import { type Backend, defaultBackend, defaultDtype, init } from "../backend.js";
import { parameterRead } from "../evaluate.js";
import { Body, recordBody } from "../ops/body.js";
import { arrayOf, constant, hostValue } from "../ops/create.js";
import type { HostSource } from "../plan/lowering.js";
import { ancestors, operand, placeholder, record } from "../tape.js";
import {
  type Dtype,
  type FloatDtype,
  isFloat,
  type Node,
  type Tensor,
  type TypedArray,
} from "../tensor.js";
import { traced } from "../trace.js";

export interface Recording {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** What lies between, in tape order. */
  readonly nodes: readonly Node[];
}

/** Records f on placeholders in the structure of x. Nothing runs. */
export function recordFunction(op: string, f: (x: never) => Tensors, x: Tensors): Recording {
  const given = leavesOf(op, x);
  const { result } = traced(() => {
    const inputs = given.map((tensor, index) => placeholder(tensor, index));
    const outputs = leavesOf(op, f(replaceLeaves(x, inputs) as never));
    return { inputs, outputs: outputs.map((output) => operand(op, output)) };
  });
  const nodes = ancestors(result.outputs).filter(({ inputs }) => inputs.length > 0);
  return { ...result, nodes };
}

/** Runs `fn` with another default backend and precision. */
export function within<T>(backend: Backend, dtype: FloatDtype, fn: () => T): T {
  const before = { backend: defaultBackend(), dtype: defaultDtype() };
  init({ backend, dtype });
  try {
    return fn();
  } finally {
    init(before);
  }
}

/** The same elements, floats in another precision. */
export function recast(data: TypedArray, dtype: Dtype, float: FloatDtype): [TypedArray, Dtype] {
  if (!isFloat(dtype)) return [data, dtype];
  const array = arrayOf(float, data.length);
  array.set(data);
  return [array, float];
}

/** The value of a tensor that no op computes. */
function leafValue(tensor: Tensor): TypedArray {
  const { node, index } = tensor;
  const read = parameterRead(node);
  if (read) return read.parameter.value();
  const { source } = (node.attrs ?? {}) as { source?: HostSource };
  if (!source) return node.values[index] as TypedArray;
  return hostValue(tensor, source);
}

/** A body of an op with its floats in another precision. */
function recastBody({ inputs, nodes, outputs }: Body, float: FloatDtype): Body {
  const types = inputs.map(({ shape, dtype }) => ({
    shape,
    dtype: isFloat(dtype) ? float : dtype,
  }));
  const whole = { inputs, nodes, outputs };
  return recordBody("replay", types, (given) => outputs.map(replay(whole, given, float))).body;
}

/** An op's attributes where results are to be in another precision. */
function recastAttrs(attrs: unknown, float: FloatDtype): unknown {
  const { dtype, body } = (attrs ?? {}) as { dtype?: Dtype; body?: unknown };
  if (body instanceof Body) return { ...(attrs as object), body: recastBody(body, float) };
  return dtype && isFloat(dtype) ? { ...(attrs as object), dtype: float } : attrs;
}

/**
 * Records a recording once more on other inputs, floats in the precision `float`; `replace` may
 * put another tensor in the place of an operand. Returns what stands for each tensor.
 */
export function replay(
  { inputs, nodes }: Recording,
  given: readonly Tensor[],
  float: FloatDtype,
  replace: (operand: Tensor) => Tensor | undefined = () => undefined,
): (tensor: Tensor) => Tensor {
  const known = new Map(inputs.map((input, index) => [input, given[index] as Tensor]));
  const find = (tensor: Tensor): Tensor => {
    let found = known.get(tensor);
    if (!found) {
      const [data, dtype] = recast(leafValue(tensor), tensor.dtype, float);
      found = constant(data, tensor.shape, dtype);
      known.set(tensor, found);
    }
    return found;
  };
  for (const node of nodes) {
    const operands = node.inputs.map((input) => replace(input) ?? find(input));
    const outputs = record(node.op, operands, recastAttrs(node.attrs, float));
    for (const [index, output] of node.outputs.entries())
      known.set(output, outputs[index] as Tensor);
  }
  return find;
}
