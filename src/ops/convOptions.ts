/** The options of convolutions, and the geometry that follows from them. */
import { checkOptions } from "../describe.js";
import { formatShape, type Shape, sizeOf } from "../shape.js";
import { checkTensors } from "../tape.js";
import type { Tensor } from "../tensor.js";
import {
  areaOf,
  checkFits,
  checkImages,
  extent,
  type Geometry,
  type Pair,
  pair,
  type Two,
} from "./geometry.js";

export interface ConvOptions<Each = Pair> {
  /** Steps of the kernel; default 1. */
  readonly stride?: Each;
  /**
   * Zeros on both sides; "valid": none (the default); "same": as many as keep the size with stride
   * 1, an odd one after the end.
   */
  readonly padding?: Each | "same" | "valid";
  /** Distance of the elements that a kernel looks at; default 1. */
  readonly dilation?: Each;
  /** Into how many independent convolutions the channels fall; C of them is depthwise. */
  readonly groups?: number;
}

export interface ConvTransposeOptions<Each = Pair> {
  readonly stride?: Each;
  /** Rows and columns left out on both sides; default 0. */
  readonly padding?: Each;
  /** Rows and columns more at the end, less than the stride or the dilation; default 0. */
  readonly outputPadding?: Each;
  readonly dilation?: Each;
  readonly groups?: number;
}

export const CONV: readonly string[] = ["stride", "padding", "dilation", "groups"];
export const TRANSPOSED: readonly string[] = [...CONV, "outputPadding"];

/** [height, width] of images; a single axis lies along the width. */
const imageSize = (shape: Shape, axes: 1 | 2): Two =>
  (axes === 2 ? shape.slice(2) : [1, shape[2]]) as unknown as Two;

interface Checked {
  readonly kernel: Two;
  readonly stride: Two;
  readonly dilation: Two;
  readonly groups: number;
}

/** What both kinds of convolution ask of weights and options. */
function checkConv(
  op: string,
  axes: 1 | 2,
  x: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  options: { readonly stride?: Pair; readonly dilation?: Pair; readonly groups?: number },
): Checked {
  checkTensors(op, x, w, ...(bias ? [bias] : []));
  checkImages(op, x, axes);
  if (w.rank !== axes + 2)
    throw new RangeError(
      `${op}: weight has the wrong number of axes: got ${formatShape(w.shape)}, expected ${axes + 2}`,
    );
  const dtypes = [x, w, ...(bias ? [bias] : [])].map(({ dtype }) => dtype);
  if (dtypes.some((dtype) => dtype !== x.dtype))
    throw new TypeError(
      `${op}: dtypes differ: got ${dtypes.join(", ")}, expected ${x.dtype} throughout`,
    );
  const kernel = imageSize(w.shape, axes);
  const { groups = 1 } = options;
  if (sizeOf(w.shape.slice(1)) === 0)
    throw new RangeError(
      `${op}: empty weight: got ${formatShape(w.shape)}, expected at least one element in a filter`,
    );
  if (!Number.isInteger(groups) || groups < 1)
    throw new RangeError(`${op}: bad groups: got ${String(groups)}, expected an integer ≥ 1`);
  if ((x.shape[1] as number) % groups !== 0 || (w.shape[0] as number) % groups !== 0)
    throw new RangeError(
      `${op}: groups do not divide the channels: got ${groups} groups, x ${formatShape(x.shape)}, ` +
        `weight ${formatShape(w.shape)}, expected a divisor of ${x.shape[1]} and ${w.shape[0]}`,
    );
  return {
    kernel,
    stride: pair(op, "stride", options.stride ?? 1, 1, axes),
    dilation: pair(op, "dilation", options.dilation ?? 1, 1, axes),
    groups,
  };
}

function checkBias(op: string, bias: Tensor | undefined, size: number): void {
  if (bias && (bias.rank !== 1 || bias.size !== size))
    throw new RangeError(
      `${op}: bias does not fit: got ${formatShape(bias.shape)}, expected [${size}]`,
    );
}

/** Zeros before the first and on both sides together, along each axis. */
function paddingOf(
  op: string,
  padding: Pair | "same" | "valid",
  reach: Two,
  stride: Two,
  axes: 1 | 2,
): { before: Two; both: Two } {
  if (padding === "same") {
    if (areaOf(stride) !== 1)
      throw new RangeError(
        `${op}: padding "same" needs stride 1: got [${stride.slice(2 - axes).join(", ")}]`,
      );
    const both: Two = [reach[0] - 1, reach[1] - 1];
    return { before: [both[0] >> 1, both[1] >> 1], both };
  }
  if (typeof padding === "string" && padding !== "valid")
    throw new TypeError(
      `${op}: unknown padding: got ${JSON.stringify(padding)}, expected numbers, "same" or "valid"`,
    );
  const before = pair(op, "padding", padding === "valid" ? 0 : padding, 0, axes, 0);
  return { before, both: [2 * before[0], 2 * before[1]] };
}

/** The geometry of a convolution. */
export function convOf(
  op: string,
  axes: 1 | 2,
  x: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  options: ConvOptions,
): Geometry {
  checkOptions(op, options, CONV);
  const { kernel, stride, dilation, groups } = checkConv(op, axes, x, w, bias, options);
  const [batch, channels] = x.shape as [number, number];
  const [filters, perGroup] = w.shape as [number, number];
  if (perGroup * groups !== channels)
    throw new RangeError(
      `${op}: channels differ: got x ${formatShape(x.shape)}, weight ${formatShape(w.shape)} in ` +
        `${groups} group${groups === 1 ? "" : "s"}, expected x with ${perGroup * groups} channels`,
    );
  checkBias(op, bias, filters);
  const reach = extent(kernel, dilation);
  const padding = paddingOf(op, options.padding ?? 0, reach, stride, axes);
  const input = imageSize(x.shape, axes);
  const padded: Two = [input[0] + padding.both[0], input[1] + padding.both[1]];
  checkFits(op, reach, padded, axes);
  const steps = (axis: 0 | 1): number =>
    Math.floor((padded[axis] - reach[axis]) / stride[axis]) + 1;
  return {
    ...{ batch, channels, input, filters, kernel, output: [steps(0), steps(1)] },
    ...{ stride, padding: padding.before, dilation, groups },
  };
}

/** The geometry of the convolution whose transpose in x this is: its image is the result. */
export function transposedOf(
  op: string,
  axes: 1 | 2,
  x: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  options: ConvTransposeOptions,
): Geometry {
  checkOptions(op, options, TRANSPOSED);
  const { kernel, stride, dilation, groups } = checkConv(op, axes, x, w, bias, options);
  const [batch, filters] = x.shape as [number, number];
  const channels = (w.shape[1] as number) * groups;
  if (w.shape[0] !== filters)
    throw new RangeError(
      `${op}: channels differ: got x ${formatShape(x.shape)}, weight ${formatShape(w.shape)}, ` +
        `expected x with ${w.shape[0]} channels`,
    );
  checkBias(op, bias, channels);
  const padding = pair(op, "padding", options.padding ?? 0, 0, axes, 0);
  const more = pair(op, "outputPadding", options.outputPadding ?? 0, 0, axes, 0);
  const reach = extent(kernel, dilation);
  const output = imageSize(x.shape, axes);
  const size = (axis: 0 | 1): number => {
    if (more[axis] > 0 && more[axis] >= Math.max(stride[axis], dilation[axis]))
      throw new RangeError(
        `${op}: output padding is too large: got ${more[axis]}, ` +
          `expected less than the stride ${stride[axis]} or the dilation ${dilation[axis]}`,
      );
    return (output[axis] - 1) * stride[axis] - 2 * padding[axis] + reach[axis] + more[axis];
  };
  const input: Two = [size(0), size(1)];
  if (input[0] < 1 || input[1] < 1)
    throw new RangeError(
      `${op}: nothing is left of the result: got size [${input.slice(2 - axes).join(", ")}], ` +
        "expected at least 1; use less padding",
    );
  return {
    ...{ batch, channels, input, filters, kernel, output },
    ...{ stride, padding, dilation, groups },
  };
}
