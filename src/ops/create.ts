import { defaultDtype } from "../backend.js";
import { checkOptions, describe } from "../describe.js";
import type { HostSource } from "../plan/lowering.js";
import { checkShape, formatShape, type Shape, sizeOf } from "../shape.js";
import type { DataShape } from "../shapeTypes/data.js";
import { makeNode, type Op } from "../tape.js";
import { type Dtype, type FloatDtype, isFloat, Tensor, type TypedArray } from "../tensor.js";

export type NestedNumbers = number | boolean | readonly NestedNumbers[];

export interface TensorOptions<S extends Shape = Shape> {
  readonly shape?: S;
  readonly dtype?: Dtype;
}

const constantOp: Op<null> = {
  name: "constant",
  infer: () => [],
  // Constants have their value already: they are placed in a program's pool, not computed.
  lower: () => undefined,
};

/** A tensor that owns `data` from now on. */
export function constant(data: TypedArray, shape: Shape, dtype: Dtype): Tensor {
  return makeNode(constantOp, [], null, [{ shape, dtype }], [data]).outputs[0] as Tensor;
}

export function arrayOf(dtype: Dtype, size: number): TypedArray {
  if (dtype === "f32") return new Float32Array(size);
  if (dtype === "f64") return new Float64Array(size);
  return dtype === "i32" ? new Int32Array(size) : new Uint8Array(size);
}

/** What JavaScript supplies for a tensor of host values, as it is now. */
export function hostValue({ dtype, size }: Tensor, source: HostSource): TypedArray {
  const numbers = new Float64Array(size);
  source.read(numbers);
  const data = arrayOf(dtype, size);
  data.set(numbers);
  return data;
}

function dtypeOf(data: unknown): Dtype | undefined {
  if (data instanceof Float32Array) return "f32";
  if (data instanceof Float64Array) return "f64";
  if (data instanceof Int32Array) return "i32";
  if (data instanceof Uint8Array) return "bool";
  return typeof firsts(data)[0] === "boolean" ? "bool" : undefined;
}

/** The first number of nested arrays, the array it is in, …, the data; no deeper than 32, if cyclic. */
function firsts(data: unknown): unknown[] {
  const levels = [data];
  while (Array.isArray(levels[0]) && levels.length <= 32) levels.unshift(levels[0][0]);
  return levels;
}

export function checkDtype(op: string, dtype: unknown): asserts dtype is Dtype {
  if (dtype !== "f32" && dtype !== "f64" && dtype !== "i32" && dtype !== "bool")
    throw new TypeError(
      `${op}: unknown dtype: got ${describe(dtype)}, expected f32, f64, i32 or bool`,
    );
}

/**
 * A tensor of numbers: a number, nested arrays, or a typed array (which keeps its type unless
 * `dtype` says otherwise, and is copied). Plain numbers are f32; labels and indices say `dtype:
 * "i32"`; booleans and a Uint8Array are bool. `shape` reinterprets flat data.
 */
export function tensor<
  const Data extends NestedNumbers | ArrayLike<number>,
  const S extends Shape = DataShape<Data>,
>(data: Data, options?: TensorOptions<S>): Tensor<S>;
export function tensor(
  data: NestedNumbers | ArrayLike<number>,
  options: TensorOptions = {},
): Tensor {
  // An array's map gives an index here.
  if (typeof options !== "number") checkOptions("tensor", options, ["shape", "dtype"]);
  const own = dtypeOf(data);
  const dtype = options.dtype ?? own ?? defaultDtype();
  checkDtype("tensor", dtype);
  const { flat, shape } = flatten(data);
  if (options.shape) checkShape("tensor", options.shape);
  if (options.shape && sizeOf(options.shape) !== flat.length)
    throw new RangeError(
      `tensor: data does not fill the shape: got ${flat.length} elements, ` +
        `expected ${sizeOf(options.shape)} for ${formatShape(options.shape)}`,
    );
  const array = arrayOf(dtype, flat.length);
  if (dtype === "i32" && own !== "i32") checkIntegers("tensor", flat);
  if (dtype === "bool") for (let i = 0; i < flat.length; i++) array[i] = flat[i] ? 1 : 0;
  else array.set(flat);
  return constant(array, options.shape ? [...options.shape] : shape, dtype);
}

function checkIntegers(op: string, flat: ArrayLike<number>): void {
  for (let index = 0; index < flat.length; index++)
    if ((flat[index] as number) !== (Number(flat[index]) | 0))
      throw new TypeError(
        `${op}: element ${index} is not a 32-bit integer: got ${flat[index]}, expected one for dtype i32`,
      );
}

function flatten(data: NestedNumbers | ArrayLike<number>): {
  flat: ArrayLike<number>;
  shape: Shape;
} {
  if (ArrayBuffer.isView(data) && !(data instanceof DataView)) {
    const flat = data as unknown as ArrayLike<number>;
    if (typeof flat[0] === "bigint")
      throw new TypeError(
        `tensor: elements are no numbers: got ${describe(data)}, expected numbers; Int32Array.from(data, Number) makes them`,
      );
    return { flat, shape: [flat.length] };
  }
  const arrays = firsts(data).slice(1) as unknown[][];
  const shape = arrays.map(({ length }) => length).reverse();
  const flat: number[] = [];
  collect(data as NestedNumbers, shape, 0, flat);
  return { flat, shape };
}

function collect(value: NestedNumbers, shape: Shape, depth: number, into: number[]): void {
  if (depth === shape.length) {
    if (typeof value === "boolean") {
      into.push(value ? 1 : 0);
      return;
    }
    if (typeof value !== "number")
      throw new TypeError(
        `tensor: element ${into.length} is not a number: got ${describe(value)}, expected a number`,
      );
    into.push(value);
    return;
  }
  if (!Array.isArray(value) || value.length !== shape[depth])
    throw new RangeError(
      `tensor: nested arrays are ragged: got ${describe(value)} at depth ${depth}, ` +
        `expected an array of ${shape[depth]}`,
    );
  for (const item of value) collect(item, shape, depth + 1, into);
}

/** A tensor of `shape` whose every element is `value`; a boolean makes it bool. */
export function full<const S extends Shape>(
  shape: S,
  value: number | boolean,
  options?: { dtype?: Dtype },
): Tensor<S>;
export function full(
  shape: Shape,
  value: number | boolean,
  options: { dtype?: Dtype } = {},
): Tensor {
  checkShape("full", shape);
  checkOptions("full", options, ["dtype"]);
  if (typeof value !== "number" && typeof value !== "boolean")
    throw new TypeError(`full: value is no number: got ${describe(value)}, expected one`);
  const dtype = options.dtype ?? dtypeOf(value) ?? defaultDtype();
  checkDtype("full", dtype);
  if (dtype === "i32") checkIntegers("full", [Number(value)]);
  const element = dtype === "bool" ? Number(Boolean(value)) : Number(value);
  return constant(arrayOf(dtype, sizeOf(shape)).fill(element), [...shape], dtype);
}

/** A tensor of `shape` whose every element is 0. */
export function zeros<const S extends Shape>(shape: S, options?: { dtype?: Dtype }): Tensor<S> {
  checkShape("zeros", shape);
  return full(shape, 0, options);
}

/** A tensor of `shape` whose every element is 1. */
export function ones<const S extends Shape>(shape: S, options?: { dtype?: Dtype }): Tensor<S> {
  checkShape("ones", shape);
  return full(shape, 1, options);
}

/** start, start + step, … below `end`; `arange(n)` counts from 0. */
export function arange(
  start: number,
  end?: number,
  step = 1,
  options: { dtype?: Dtype } = {},
): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  if (!(step !== 0) || !Number.isFinite((to - from) / step))
    throw new RangeError(
      `arange: bad range: got ${from}, ${to}, ${step}, expected finite numbers and a step other than 0`,
    );
  const size = Math.max(0, Math.ceil((to - from) / step));
  checkShape("arange", [size]);
  const dtype = options.dtype ?? defaultDtype();
  checkDtype("arange", dtype);
  if (dtype === "bool")
    throw new TypeError("arange: dtype does not count: got bool, expected f32, f64 or i32");
  if (dtype === "i32") checkIntegers("arange", [from, step]);
  const data = arrayOf(dtype, size);
  for (let index = 0; index < size; index++) data[index] = from + index * step;
  return constant(data, [size], dtype);
}

/** The identity matrix [n, n]. */
export function eye<N extends number>(n: N, options?: { dtype?: Dtype }): Tensor<readonly [N, N]>;
export function eye(n: number, options: { dtype?: Dtype } = {}): Tensor {
  checkShape("eye", [n]);
  const dtype = options.dtype ?? defaultDtype();
  checkDtype("eye", dtype);
  const data = arrayOf(dtype, n * n);
  for (let index = 0; index < n; index++) data[index * (n + 1)] = 1;
  return constant(data, [n, n], dtype);
}

/** Refuses integers and bools where an op is one of floats. */
export function checkFloat(op: string, dtype: Dtype): asserts dtype is FloatDtype {
  if (!isFloat(dtype))
    throw new TypeError(
      `${op}: dtype is not a float: got ${dtype}, expected f32 or f64; cast(x, "f32") makes it one`,
    );
}

/**
 * What an op's public function accepts: a tensor, or a number that takes the other operand's dtype.
 */
export type Operand = Tensor | number;

export function asTensor(op: string, value: Operand, dtype: Dtype): Tensor {
  if (value instanceof Tensor) return value;
  if (typeof value !== "number")
    throw new TypeError(
      `${op}: operand is not a tensor: got ${describe(value)}, expected a tensor or a number; wrap data with tensor(…)`,
    );
  if (dtype === "i32" && value !== (value | 0))
    throw new TypeError(
      `${op}: number is not a 32-bit integer: got ${value} beside an i32 tensor, expected one; cast the tensor to a float`,
    );
  if (dtype === "bool" && value !== 0 && value !== 1)
    throw new TypeError(
      `${op}: number is no truth value: got ${value} beside a bool tensor, expected 0 or 1; cast the tensor to a float`,
    );
  return constant(arrayOf(dtype, 1).fill(value), [], dtype);
}
