/** Images of another size, made of the ops of other files. */
import { formatShape, type Shape, sizeOf } from "../shape.js";
import { type FloatDtype, isFloat, type Tensor } from "../tensor.js";
import { tensor } from "./create.js";
import { checkImages, type Pair, pair } from "./geometry.js";
import { indexSelect } from "./indexing.js";
import { matmul } from "./matmul.js";
import { avgPool2d } from "./pool.js";
import { max, mean } from "./reduce.js";
import { broadcastTo, reshape } from "./shape.js";

/** The axes of x [n, C, …] after the channels. */
function imageAxes(op: string, x: Tensor): number[] {
  if (x.rank < 3)
    throw new RangeError(
      `${op}: too few axes: got ${formatShape(x.shape)}, expected [n, channels, …]`,
    );
  if (!isFloat(x.dtype))
    throw new TypeError(`${op}: dtype is not a float: got ${x.dtype}, expected f32 or f64`);
  return x.shape.slice(2).map((_, axis) => axis + 2);
}

/** The mean of each plane: x [n, C, …] → [n, C, 1 …]. */
export const globalAvgPool = (x: Tensor): Tensor => mean(x, imageAxes("globalAvgPool", x), true);

/** The greatest element of each plane: x [n, C, …] → [n, C, 1 …]; ties share the gradient. */
export const globalMaxPool = (x: Tensor): Tensor => max(x, imageAxes("globalMaxPool", x), true);

/** Means over the parts of an axis as a matrix [parts, length], parts as even as can be. */
function averages(parts: number, length: number, dtype: FloatDtype): Tensor {
  const rows = Array.from({ length: parts }, (_, part) => {
    const from = Math.floor((part * length) / parts);
    const to = Math.ceil(((part + 1) * length) / parts);
    return Array.from({ length }, (_, at) => (at >= from && at < to ? 1 / (to - from) : 0));
  });
  return tensor(rows, { dtype });
}

/**
 * Means over oH · oW parts of each plane, part i being the rows ⌊i·H / oH⌋ ≤ y < ⌈(i + 1)·H / oH⌉,
 * and so the columns: x [n, C, H, W] → [n, C, oH, oW].
 */
export function adaptiveAvgPool2d(x: Tensor, outputSize: Pair): Tensor {
  checkImages("adaptiveAvgPool2d", x);
  const [rows, cols] = pair("adaptiveAvgPool2d", "output size", outputSize, 1);
  const [height, width] = x.shape.slice(2) as [number, number];
  if (height % rows === 0 && width % cols === 0) return avgPool2d(x, [height / rows, width / cols]);
  const dtype = x.dtype as FloatDtype;
  const wide = matmul(x, averages(cols, width, dtype).transpose());
  return matmul(averages(rows, height, dtype), wide);
}

/** x with each element along its image axes repeated. */
function repeated(x: Tensor, scale: readonly number[]): Tensor {
  const [n, channels, ...sizes] = x.shape as [number, number, ...number[]];
  const paired = (times: readonly number[]): Shape => [
    ...[n, channels],
    ...sizes.flatMap((size, axis) => [size, times[axis] as number]),
  ];
  const ones = sizes.map(() => 1);
  const wide = broadcastTo(reshape(x, paired(ones)), paired(scale));
  return reshape(wide, [n, channels, ...sizes.map((size, axis) => size * (scale[axis] as number))]);
}

/** Positive numbers for each image axis: one for all, or a list. */
function perAxis(name: string, value: unknown, axes: number): number[] {
  const list: unknown[] = Array.isArray(value) ? value : new Array(axes).fill(value);
  if (list.length !== axes || !list.every((x) => typeof x === "number" && x > 0 && x < Infinity))
    throw new RangeError(
      `upsampleNearest: bad ${name}: got ${Array.isArray(value) ? `[${value.join(", ")}]` : String(value)}, ` +
        `expected a positive number or ${axes} of them`,
    );
  return list as number[];
}

/**
 * x [n, C, …] with images `scale` times as large, or of a given size; each element takes the value
 * of the nearest one before it, x[⌊i / scale⌋], as PyTorch's "nearest".
 */
export function upsampleNearest(
  x: Tensor,
  scale: number | readonly number[] | { readonly size: number | readonly number[] },
): Tensor {
  const axes = imageAxes("upsampleNearest", x);
  const sizes = x.shape.slice(2);
  const sized = typeof scale === "object" && "size" in scale;
  const wanted = sized
    ? perAxis("size", scale.size, axes.length).map(Math.floor)
    : perAxis("scale", scale, axes.length).map((s, axis) =>
        Math.floor(s * (sizes[axis] as number)),
      );
  if (sizeOf(wanted) === 0 || sizeOf(sizes) === 0)
    throw new RangeError(
      `upsampleNearest: empty images: got ${formatShape(x.shape)} to size ${formatShape(wanted)}`,
    );
  const times = sized
    ? wanted.map((length, axis) => length / (sizes[axis] as number))
    : perAxis("scale", scale, axes.length);
  if (times.every(Number.isInteger)) return repeated(x, times);
  return wanted.reduce((y, length, axis) => {
    const last = (sizes[axis] as number) - 1;
    const from = (at: number): number => Math.min(last, Math.floor(at / (times[axis] as number)));
    const indices = tensor(
      Array.from({ length }, (_, at) => from(at)),
      { dtype: "i32" },
    );
    return indexSelect(y, axis + 2, indices);
  }, x);
}
