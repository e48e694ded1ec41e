/** Reading the value of a tensor. */

import { evaluate } from "./evaluate.js";
import type { NestedNumbers } from "./ops/create.js";
import { Parameter } from "./parameter.js";
import { formatShape, type Shape, sizeOf } from "./shape.js";
import { checkOpen } from "./tape.js";
import type { Tensor, TypedArray } from "./tensor.js";
import { currentTrace } from "./trace.js";

export interface Readings {
  /** The value of a tensor with one element; 0 or 1 for a bool. */
  item(): number;
  /** The value as nested arrays, a bool's as booleans; a number (boolean) for a scalar. */
  toArray(): NestedNumbers;
  /** A copy of the elements, row-major. */
  toTypedArray(): TypedArray;
}

/** The elements themselves: not to be written. */
export function valuesOf(op: string, x: Tensor): TypedArray {
  checkOpen(op, x);
  const known = x.node.values[x.index];
  if (known) return known;
  if (currentTrace())
    throw new Error(
      `${op}: ${x} is read while a function is being compiled: got no value yet, ` +
        "expected reading after the call; return the tensor instead",
    );
  if (x instanceof Parameter) return x.value();
  evaluate([x]);
  return x.node.values[x.index] as TypedArray;
}

function nested(flat: TypedArray, shape: Shape, axis: number, at: number): NestedNumbers {
  if (axis === shape.length)
    return flat instanceof Uint8Array ? flat[at] === 1 : (flat[at] as number);
  const step = sizeOf(shape.slice(axis + 1));
  return Array.from({ length: shape[axis] as number }, (_, index) =>
    nested(flat, shape, axis + 1, at + index * step),
  );
}

export const readings: Readings & ThisType<Tensor> = {
  item() {
    if (this.size !== 1)
      throw new RangeError(
        `item: more or less than one element: got ${formatShape(this.shape)}, expected a tensor of one`,
      );
    return valuesOf("item", this)[0] as number;
  },
  toArray() {
    return nested(valuesOf("toArray", this), this.shape, 0, 0);
  },
  toTypedArray() {
    return valuesOf("toTypedArray", this).slice();
  },
};
