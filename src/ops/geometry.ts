/** How a kernel slides over images: the options of convolutions and pools, checked once, here. */
import { formatShape, type Shape, sizeOf } from "../shape.js";
import { checkTensors } from "../tape.js";
import type { Tensor, TensorType } from "../tensor.js";
import { checkFloat } from "./create.js";
import { reshape } from "./shape.js";

/** The same along both axes of an image, or [y, x]. */
export type Pair = number | readonly [number, number];

export type Two = readonly [number, number];

/** What a kernel's sixteen words say (see `Kernels.unfold`); equal ones are one value on a tape. */
export interface Geometry {
  readonly batch: number;
  readonly channels: number;
  readonly input: Two;
  readonly filters: number;
  readonly kernel: Two;
  readonly output: Two;
  readonly stride: Two;
  /** Before the first row and column. */
  readonly padding: Two;
  readonly dilation: Two;
  readonly groups: number;
}

export const words = (g: Geometry): number[] => [
  ...[g.batch, g.channels, ...g.input, g.filters, ...g.kernel, ...g.output],
  ...[...g.stride, ...g.padding, ...g.dilation, g.groups],
];

export const areaOf = ([height, width]: Two): number => height * width;

/** [n, c, h, w] of the image that the kernel slides over. */
export const imageShape = ({ batch, channels, input }: Geometry): Shape => [
  batch,
  channels,
  ...input,
];
/** [n, filters, oh, ow] of what it leaves. */
export const mapShape = ({ batch, filters, output }: Geometry): Shape => [
  batch,
  filters,
  ...output,
];

/** [filters, channels of a group, kh, kw] of a convolution's weight. */
export const weightShape = ({ filters, channels, groups, kernel }: Geometry): Shape => [
  filters,
  channels / groups,
  ...kernel,
];

/** A result of this shape, in the dtype of the first operand. */
export const typed = ([x]: readonly TensorType[], shape: Shape): readonly TensorType[] => [
  { shape, dtype: (x as TensorType).dtype },
];

/** x [n, C, L], or a weight [O, C, k], as images of one row. */
export const asRow = (x: Tensor): Tensor =>
  reshape(x, [...x.shape.slice(0, 2), 1, x.shape[2] as number]);

/** Images of one row as [n, C, L]. */
export const fromRow = (y: Tensor): Tensor =>
  reshape(y, [...y.shape.slice(0, 2), y.shape[3] as number]);

/** An option as [y, x]; along one axis only, `rest` stands for y. */
export function pair(
  op: string,
  name: string,
  value: unknown,
  least: 0 | 1,
  axes: 1 | 2 = 2,
  rest = 1,
): Two {
  const list: unknown[] = Array.isArray(value) ? value : new Array(axes).fill(value);
  if (list.length !== axes || !list.every((x) => Number.isInteger(x) && (x as number) >= least))
    throw new RangeError(
      `${op}: bad ${name}: got ${Array.isArray(value) ? `[${value.join(", ")}]` : String(value)}, ` +
        `expected ${axes === 2 ? "an integer or two" : "an integer"} ≥ ${least}`,
    );
  return (axes === 2 ? list : [rest, ...list]) as unknown as Two;
}

/** Elements from the first to the last that a kernel covers. */
export const extent = (kernel: Two, dilation: Two): Two => [
  dilation[0] * (kernel[0] - 1) + 1,
  dilation[1] * (kernel[1] - 1) + 1,
];

/** Refuses a kernel that has no position in an image with `padded` rows and columns. */
export function checkFits(op: string, reach: Two, padded: Two, axes: 1 | 2 = 2): void {
  if (reach[0] <= padded[0] && reach[1] <= padded[1]) return;
  const shown = (size: Two): string => formatShape(size.slice(2 - axes));
  throw new RangeError(
    `${op}: kernel is larger than the padded input: got a kernel over ${shown(reach)}, ` +
      `expected at most ${shown(padded)}`,
  );
}

/** Refuses what is not n images of channels; axes are those of an image. */
export function checkImages(op: string, x: Tensor, axes: 1 | 2 = 2): void {
  checkTensors(op, x);
  const { shape, dtype } = x;
  if (shape.length !== axes + 2)
    throw new RangeError(
      `${op}: wrong number of axes: got ${formatShape(shape)}, ` +
        `expected [n, channels, ${axes === 2 ? "height, width" : "length"}]`,
    );
  if (sizeOf(shape.slice(2)) === 0)
    throw new RangeError(`${op}: empty images: got ${formatShape(shape)}, expected sizes ≥ 1`);
  checkFloat(op, dtype);
}
