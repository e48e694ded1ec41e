/** Order along an axis: values are gathered by the positions that sort them. */

import { Opcode } from "../../assembly/opcodes.js";
import { checkOptions } from "../describe.js";
import { normalizeAxis } from "../shape.js";
import { checkTensors, type Op, record1 } from "../tape.js";
import type { Tensor, TensorType } from "../tensor.js";
import { checkFloat } from "./create.js";
import { gather } from "./indexing.js";
import { swapAxes } from "./join.js";
import { slice } from "./view.js";

interface OrderAttrs {
  readonly descending: boolean;
}

/** The order of each row of the last axis. */
const orderOp: Op<OrderAttrs> = {
  name: "argsort",
  infer([x]) {
    checkFloat("argsort", (x as TensorType).dtype);
    return [{ shape: (x as TensorType).shape, dtype: "i32" }];
  },
  vjp: [null],
  jvp: [null],
  lower(node, to) {
    const n = (node.inputs[0] as Tensor).shape.at(-1) as number;
    const x = to.input(node, 0);
    const scratch = to.temporary("i32", n);
    to.emit(
      Opcode.Argsort,
      [to.output(node), scratch],
      [x, n === 0 ? 0 : x.size / n, n, node.attrs.descending ? 1 : 0],
    );
  },
};

export interface SortOptions {
  readonly descending?: boolean;
}

/**
 * The positions that sort x along an axis, i32; equals keep their order, NaN is the greatest.
 */
export function argsort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  checkTensors("argsort", x);
  checkOptions("argsort", options, ["descending"]);
  const at = normalizeAxis("argsort", axis, x.rank);
  const descending = options.descending ?? false;
  return swapAxes(record1(orderOp, [swapAxes(x, at, -1)], { descending }), at, -1);
}

/** x sorted along an axis, with the positions; gradients go back to where the values came from. */
export function sort(
  x: Tensor,
  axis = -1,
  options: SortOptions = {},
): { readonly values: Tensor; readonly indices: Tensor } {
  checkTensors("sort", x);
  const indices = argsort(x, axis, options);
  return { values: gather(x, axis, indices), indices };
}

/** The k greatest elements along an axis (or least), in order, with their positions. */
export function topK(
  x: Tensor,
  k: number,
  axis = -1,
  options: { readonly largest?: boolean } = {},
): { readonly values: Tensor; readonly indices: Tensor } {
  checkTensors("topK", x);
  checkOptions("topK", options, ["largest"]);
  const at = normalizeAxis("topK", axis, x.rank);
  if (!Number.isInteger(k) || k < 0 || k > (x.shape[at] as number))
    throw new RangeError(
      `topK: bad k: got ${k} on an axis of ${x.shape[at]}, expected a whole number from 0 to that`,
    );
  const order = argsort(x, at, { descending: options.largest ?? true });
  const indices = slice(order, [...new Array<null>(at).fill(null), [0, k]]);
  return { values: gather(x, at, indices), indices };
}
