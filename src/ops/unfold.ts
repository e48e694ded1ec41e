/** Images as columns and back: the two are each other's transpose. */

import { Opcode } from "../../assembly/opcodes.js";
import { formatShape, type Shape } from "../shape.js";
import { checkTensors, type Op, record1 } from "../tape.js";
import type { Tensor, TensorType } from "../tensor.js";
import { checkFloat } from "./create.js";
import {
  areaOf,
  checkFits,
  checkImages,
  extent,
  type Geometry,
  imageShape,
  type Pair,
  pair,
  type Two,
  words,
} from "./geometry.js";

const columnShape = ({ batch, channels, kernel, output }: Geometry): Shape => [
  batch,
  channels * areaOf(kernel),
  areaOf(output),
];

const unfoldOp: Op<Geometry> = {
  name: "unfold",
  infer: ([x], g) => [{ shape: columnShape(g), dtype: (x as TensorType).dtype }],
  vjp: [(d, { attrs }) => record1(foldOp, [d], attrs)],
  jvp: [(xDot, { attrs }) => record1(unfoldOp, [xDot], attrs)],
  lower: (node, to) =>
    to.emit(Opcode.Unfold, [to.output(node)], [to.input(node, 0), ...words(node.attrs)]),
};

const foldOp: Op<Geometry> = {
  name: "fold",
  infer: ([x], g) => [{ shape: imageShape(g), dtype: (x as TensorType).dtype }],
  vjp: [(d, { attrs }) => record1(unfoldOp, [d], attrs)],
  jvp: [(xDot, { attrs }) => record1(foldOp, [xDot], attrs)],
  lower: (node, to) =>
    to.emit(Opcode.Fold, [to.output(node)], [to.input(node, 0), ...words(node.attrs)]),
};

export interface UnfoldOptions {
  /** Steps of the kernel; default 1. */
  readonly stride?: Pair;
  /** Zeros on all sides; default 0. */
  readonly padding?: Pair;
  /** Distance of the elements that a kernel looks at; default 1. */
  readonly dilation?: Pair;
}

function geometryOf(
  op: string,
  batch: number,
  channels: number,
  input: Two,
  kernel: Two,
  options: UnfoldOptions,
): Geometry {
  const stride = pair(op, "stride", options.stride ?? 1, 1);
  const padding = pair(op, "padding", options.padding ?? 0, 0);
  const dilation = pair(op, "dilation", options.dilation ?? 1, 1);
  const reach = extent(kernel, dilation);
  const padded: Two = [input[0] + 2 * padding[0], input[1] + 2 * padding[1]];
  checkFits(op, reach, padded);
  const steps = (axis: 0 | 1): number =>
    Math.floor((padded[axis] - reach[axis]) / stride[axis]) + 1;
  return {
    ...{ batch, channels, input, filters: 0, kernel, output: [steps(0), steps(1)] },
    ...{ stride, padding, dilation, groups: 1 },
  };
}

/**
 * What a kernel sees at each of its L positions, as columns: x [n, C, H, W] → [n, C·kH·kW, L], as
 * in PyTorch.
 */
export function unfold(x: Tensor, kernelSize: Pair, options: UnfoldOptions = {}): Tensor {
  checkImages("unfold", x);
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const kernel = pair("unfold", "kernel size", kernelSize, 1);
  const g = geometryOf("unfold", batch, channels, [height, width], kernel, options);
  return record1(unfoldOp, [x], g);
}

/**
 * The transpose of `unfold`: columns x [n, C·kH·kW, L] are added up where they came from → [n, C,
 * ...outputSize].
 */
export function fold(
  x: Tensor,
  outputSize: Pair,
  kernelSize: Pair,
  options: UnfoldOptions = {},
): Tensor {
  checkTensors("fold", x);
  const kernel = pair("fold", "kernel size", kernelSize, 1);
  const input = pair("fold", "output size", outputSize, 1);
  const [batch = 0, rows = 0, columns] = x.shape;
  const channels = rows / areaOf(kernel);
  const g = geometryOf("fold", batch, channels, input, kernel, options);
  if (x.rank !== 3 || !Number.isInteger(channels) || columns !== areaOf(g.output))
    throw new RangeError(
      `fold: columns do not fit: got ${formatShape(x.shape)}, ` +
        `expected [n, channels · ${areaOf(kernel)}, ${areaOf(g.output)}]`,
    );
  checkFloat("fold", x.dtype);
  return record1(foldOp, [x], g);
}
