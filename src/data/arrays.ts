import { arrayOf, type NestedNumbers, tensor } from "../ops/create.js";
import { valuesOf } from "../reading.js";
import { formatShape, sizeOf } from "../shape.js";
import { Tensor } from "../tensor.js";
import type { Dataset } from "./batches.js";
import { classesOf } from "./classes.js";

/** Numbers as users have them: nested arrays, a typed array, a tensor. */
export type Numbers = Tensor | NestedNumbers | ArrayLike<number>;

export interface ArraysOptions {
  /** Whether `y` holds classes; true by default where it holds i32, u8 or other integers' arrays. */
  readonly labels?: boolean;
  /** 1 + the largest label by default; give it when a class may be missing. */
  readonly classes?: number;
  /** Of one example, where `x` is flat. */
  readonly shape?: readonly number[];
}

const isIntegers = (y: unknown): boolean =>
  y instanceof Tensor
    ? y.dtype === "i32"
    : ArrayBuffer.isView(y) && !(y instanceof Float32Array || y instanceof Float64Array);

/**
 * A dataset of examples x [n, …] and targets y [n, …]: classes (`labels`), or numbers to predict.
 * Plain arrays are numbers; `labels: true`, an i32 tensor or an integer array makes them classes.
 * The data are copied.
 */
export function fromArrays(x: Numbers, y: Numbers, options: ArraysOptions = {}): Dataset {
  const { labels = isIntegers(y), classes } = options;
  const examples = x instanceof Tensor ? x : tensor(x);
  const targets = y instanceof Tensor ? y : tensor(y, labels ? { dtype: "i32" } : {});
  const [length, shape] = rowsOf("x", examples, options.shape);
  const [count, targetShape] = rowsOf("y", targets);
  if (length !== count)
    throw new RangeError(
      `fromArrays: counts differ: got ${length} examples and ${count} targets, expected as many`,
    );
  const floats = (values: Tensor, dtype: "f32" | "f64"): Float32Array | Float64Array => {
    const array = arrayOf(dtype, values.size) as Float32Array | Float64Array;
    array.set(valuesOf("fromArrays", values));
    return array;
  };
  const dtype = examples.dtype === "f64" ? "f64" : "f32";
  const common = { x: floats(examples, dtype), shape, length };
  if (!labels) return { ...common, y: floats(targets, dtype), targetShape, classes: 0 };
  const found = Int32Array.from(valuesOf("fromArrays", targets));
  return { ...common, y: found, targetShape, classes: classesOf("fromArrays", found, classes) };
}

function rowsOf(
  name: string,
  { shape, size }: Tensor,
  given?: readonly number[],
): [length: number, shape: readonly number[]] {
  const [length, ...rest] = shape;
  if (length === undefined)
    throw new RangeError(`fromArrays: ${name} is a scalar: got [], expected [count, …]`);
  if (!given) return [length, rest];
  const each = sizeOf(given);
  if (!Number.isInteger(size / each))
    throw new RangeError(
      `fromArrays: ${name} is not whole examples: got ${formatShape(shape)}, expected a multiple of ${formatShape(given)}`,
    );
  return [size / each, given];
}
