/** Images of another size, made of the ops of other files. */
import { formatShape, sizeOf } from "../shape.js";
import { checkTensors } from "../tape.js";
import type { Tensor } from "../tensor.js";
import { checkFloat, tensor } from "./create.js";
import { checkImages, type Pair, pair } from "./geometry.js";
import { indexSelect } from "./indexing.js";
import { concat, tile } from "./join.js";
import { avgPool2d } from "./pool.js";
import { max, mean } from "./reduce.js";
import { reshape } from "./shape.js";
import { slice } from "./view.js";

/** The axes of x [n, C, …] after the channels. */
function imageAxes(op: string, x: Tensor): number[] {
  checkTensors(op, x);
  if (x.rank < 3)
    throw new RangeError(
      `${op}: too few axes: got ${formatShape(x.shape)}, expected [n, channels, …]`,
    );
  checkFloat(op, x.dtype);
  return x.shape.slice(2).map((_, axis) => axis + 2);
}

/** The mean of each plane: x [n, C, …] → [n, C, 1 …]. */
export const globalAvgPool = (x: Tensor): Tensor => mean(x, imageAxes("globalAvgPool", x), true);

/** The greatest element of each plane: x [n, C, …] → [n, C, 1 …]; ties share the gradient. */
export const globalMaxPool = (x: Tensor): Tensor => max(x, imageAxes("globalMaxPool", x), true);

/** Means over parts of an axis, as even as can be. */
function averaged(x: Tensor, axis: number, parts: number): Tensor {
  const length = x.shape[axis] as number;
  const means = Array.from({ length: parts }, (_, part) => {
    const end = Math.ceil(((part + 1) * length) / parts);
    const range = [Math.floor((part * length) / parts), end] as const;
    return mean(slice(x, [...new Array<null>(axis).fill(null), range]), axis, true);
  });
  return concat(means, axis);
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
  return averaged(averaged(x, 3, cols), 2, rows);
}

/** Positive numbers for each image axis: one for all, or a list. */
function perAxis(name: string, value: unknown, axes: number): number[] {
  const list: unknown[] = Array.isArray(value) ? value : new Array(axes).fill(value);
  if (list.length !== axes || !list.every((x) => typeof x === "number" && x > 0 && x < Infinity))
    throw new RangeError(
      `upsampleNearest: bad ${name}: got ${Array.isArray(value) ? formatShape(value) : String(value)}, ` +
        `expected a positive number or ${axes} of them`,
    );
  return list as number[];
}

/**
 * x [n, C, …] with images `scale` times as large, or of a given size; each element takes the value
 * of the nearest one before it, x[⌊i / scale⌋], in PyTorch's f32 where the scale is not whole.
 */
export function upsampleNearest(
  x: Tensor,
  scale: number | readonly number[] | { readonly size: number | readonly number[] },
): Tensor {
  imageAxes("upsampleNearest", x);
  const sizes = x.shape.slice(2);
  const sized = typeof scale === "object" && "size" in scale;
  const given = perAxis(sized ? "size" : "scale", sized ? scale.size : scale, sizes.length);
  const wanted = sizes.map((size, axis) =>
    Math.floor((given[axis] as number) * (sized ? 1 : size)),
  );
  if (sizeOf(wanted) === 0 || sizeOf(sizes) === 0)
    throw new RangeError(
      `upsampleNearest: empty images: got ${formatShape(x.shape)} to size ${formatShape(wanted)}`,
    );
  // Where planes keep or double a length, PyTorch does not look at the scale.
  const times = wanted.map((length, axis) => {
    const whole = length / (sizes[axis] as number);
    const exact = sized || (x.rank > 3 && (whole === 1 || whole === 2));
    return exact ? whole : (given[axis] as number);
  });
  if (times.every(Number.isInteger)) {
    const outer = x.shape.slice(0, 2);
    const apart = reshape(x, [...outer, ...sizes.flatMap((size) => [size, 1])]);
    const repeated = tile(apart, [1, 1, ...times.flatMap((count) => [1, count])]);
    return reshape(repeated, [...outer, ...wanted]);
  }
  return wanted.reduce((y, length, axis) => {
    const last = (sizes[axis] as number) - 1;
    const step = Math.fround(1 / (times[axis] as number));
    const from = (at: number): number => Math.min(last, Math.floor(Math.fround(at * step)));
    const indices = tensor(
      Array.from({ length }, (_, at) => from(at)),
      { dtype: "i32" },
    );
    return indexSelect(y, axis + 2, indices);
  }, x);
}
