/**
 * Initialisers: each gives a Parameter new values, drawn from the library's random stream, so that
 * a seed gives the same bits in every engine and backend. They run at once, outside `compile`.
 */

import { describe } from "../describe.js";
import { checkFloat, full } from "../ops/create.js";
import { Parameter } from "../parameter.js";
import * as random from "../random.js";
import { valuesOf } from "../reading.js";
import { formatShape, sizeOf } from "../shape.js";
import type { FloatDtype, Tensor, TypedArray } from "../tensor.js";
import { currentTrace } from "../trace.js";

function checkParameter(op: string, parameter: Parameter): FloatDtype {
  if (!(parameter instanceof Parameter))
    throw new TypeError(`${op}: not a parameter: got ${describe(parameter)}, expected a Parameter`);
  const { dtype } = parameter;
  checkFloat(op, dtype);
  if (currentTrace())
    throw new Error(
      `${op}: an initialiser inside compile: got ${parameter} in a trace, expected it before`,
    );
  return dtype;
}

function write(parameter: Parameter, data: ArrayLike<number>): Parameter {
  const values = parameter.value();
  values.set(data);
  parameter.write(values);
  return parameter;
}

const written = (parameter: Parameter, value: Tensor): Parameter =>
  write(parameter, valuesOf("init", value) as TypedArray);

/** Uniform in [low, high). */
export function uniform(parameter: Parameter, low = 0, high = 1): Parameter {
  const dtype = checkParameter("uniform", parameter);
  return written(parameter, random.uniform(parameter.shape, { low, high, dtype }));
}

/** Normal with the given mean and standard deviation. */
export function normal(parameter: Parameter, mean = 0, std = 1): Parameter {
  const dtype = checkParameter("normal", parameter);
  return written(parameter, random.normal(parameter.shape, { mean, std, dtype }));
}

/** How often `truncNormal` draws again before it gives up: an interval of 1 % needs about 2,000. */
const MOST_ROUNDS = 10_000;

/** Normal, drawn again where it falls outside [low, high]. */
export function truncNormal(
  parameter: Parameter,
  mean = 0,
  std = 1,
  low = -2,
  high = 2,
): Parameter {
  const dtype = checkParameter("truncNormal", parameter);
  if (!(low < high))
    throw new RangeError(`truncNormal: bad interval: got [${low}, ${high}], expected low < high`);
  const values = new Float64Array(parameter.size);
  let missing = Array.from(values.keys());
  for (let round = 0; missing.length > 0; round++) {
    if (round === MOST_ROUNDS)
      throw new RangeError(
        `truncNormal: the interval is too unlikely: got [${low}, ${high}] at mean ${mean} and std ${std}, expected one that draws hit`,
      );
    const draws = valuesOf("truncNormal", random.normal([missing.length], { mean, std, dtype }));
    missing = missing.filter((at, index) => {
      values[at] = draws[index] as number;
      return !((values[at] as number) >= low && (values[at] as number) <= high);
    });
  }
  return write(parameter, values);
}

/** Every element `value`. */
export function constant(parameter: Parameter, value: number): Parameter {
  const dtype = checkParameter("constant", parameter);
  return written(parameter, full(parameter.shape, value, { dtype }));
}

export const zeros = (parameter: Parameter): Parameter => constant(parameter, 0);
export const ones = (parameter: Parameter): Parameter => constant(parameter, 1);

/** Ones on the diagonal of a matrix, zeros elsewhere. */
export function eye(parameter: Parameter): Parameter {
  checkParameter("eye", parameter);
  const [rows, cols] = parameter.shape;
  if (parameter.rank !== 2 || rows === undefined || cols === undefined)
    throw new RangeError(
      `eye: not a matrix: got ${formatShape(parameter.shape)}, expected [rows, cols]`,
    );
  const values = new Float64Array(rows * cols);
  for (let i = 0; i < Math.min(rows, cols); i++) values[i * cols + i] = 1;
  return write(parameter, values);
}

/** Inputs and outputs of one unit: axes 1 and 0, times the size of a convolution's window. */
function fans(op: string, parameter: Parameter): { fanIn: number; fanOut: number } {
  const [out, into, ...window] = parameter.shape;
  if (out === undefined || into === undefined)
    throw new RangeError(
      `${op}: no fan: got ${formatShape(parameter.shape)}, expected at least two axes [out, in, …]`,
    );
  const field = sizeOf(window);
  return { fanIn: into * field, fanOut: out * field };
}

export type Nonlinearity = "linear" | "conv" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "selu";

/** By how much a layer before this nonlinearity should be larger; `slope` is leaky ReLU's. */
export function calculateGain(nonlinearity: Nonlinearity, slope = 0.01): number {
  const gains: Readonly<Record<Nonlinearity, number>> = {
    linear: 1,
    conv: 1,
    sigmoid: 1,
    tanh: 5 / 3,
    relu: Math.SQRT2,
    leakyRelu: Math.sqrt(2 / (1 + slope * slope)),
    selu: 0.75,
  };
  const gain = gains[nonlinearity];
  if (gain === undefined)
    throw new TypeError(
      `calculateGain: unknown nonlinearity: got ${describe(nonlinearity)}, expected one of [${Object.keys(gains).join(", ")}]`,
    );
  return gain;
}

/** Uniform in ±gain·√(6 / (fanIn + fanOut)) (Glorot & Bengio 2010). */
export function xavierUniform(parameter: Parameter, gain = 1): Parameter {
  const { fanIn, fanOut } = fans("xavierUniform", parameter);
  const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
  return uniform(parameter, -bound, bound);
}

/** Normal with std gain·√(2 / (fanIn + fanOut)) (Glorot & Bengio 2010). */
export function xavierNormal(parameter: Parameter, gain = 1): Parameter {
  const { fanIn, fanOut } = fans("xavierNormal", parameter);
  return normal(parameter, 0, gain * Math.sqrt(2 / (fanIn + fanOut)));
}

export interface KaimingOptions {
  /** Slope of the leaky ReLU that follows; 0 for ReLU. */
  readonly a?: number;
  /** Whether values (`fanIn`) or gradients (`fanOut`) keep their size. */
  readonly mode?: "fanIn" | "fanOut";
  readonly nonlinearity?: Nonlinearity;
}

function kaimingStd(op: string, parameter: Parameter, options: KaimingOptions): number {
  const { a = 0, mode = "fanIn", nonlinearity = "leakyRelu" } = options;
  if (mode !== "fanIn" && mode !== "fanOut")
    throw new TypeError(`${op}: unknown mode: got ${describe(mode)}, expected fanIn or fanOut`);
  return calculateGain(nonlinearity, a) / Math.sqrt(fans(op, parameter)[mode]);
}

/** Uniform in ±√3·gain / √fan (He et al. 2015). */
export function kaimingUniform(parameter: Parameter, options: KaimingOptions = {}): Parameter {
  const bound = Math.sqrt(3) * kaimingStd("kaimingUniform", parameter, options);
  return uniform(parameter, -bound, bound);
}

/** Normal with std gain / √fan (He et al. 2015). */
export function kaimingNormal(parameter: Parameter, options: KaimingOptions = {}): Parameter {
  return normal(parameter, 0, kaimingStd("kaimingNormal", parameter, options));
}

/**
 * gain times a random orthogonal matrix, the axes after the first taken as one (Saxe et al. 2013):
 * the rows, or the columns if they are fewer, are orthonormal. Gram–Schmidt, twice, in f64.
 */
export function orthogonal(parameter: Parameter, gain = 1): Parameter {
  const dtype = checkParameter("orthogonal", parameter);
  const [rows, ...rest] = parameter.shape;
  if (rows === undefined || rest.length === 0)
    throw new RangeError(
      `orthogonal: not a matrix: got ${formatShape(parameter.shape)}, expected at least two axes`,
    );
  const cols = sizeOf(rest);
  const [count, length] = [Math.min(rows, cols), Math.max(rows, cols)];
  const draws = valuesOf("orthogonal", random.normal([count, length], { dtype }));
  const vectors = Array.from({ length: count }, (_, i) =>
    Float64Array.from(draws.subarray(i * length, (i + 1) * length)),
  );
  for (const [i, vector] of vectors.entries()) {
    // The second pass takes off what rounding left of the first.
    for (let pass = 0; pass < 2; pass++)
      for (const other of vectors.slice(0, i)) addScaled(vector, other, -dot(vector, other));
    const norm = Math.sqrt(dot(vector, vector));
    for (let k = 0; k < length; k++) vector[k] = (vector[k] as number) / norm;
  }
  const values = Float64Array.from({ length: rows * cols }, (_, at) => {
    const [row, col] = [Math.floor(at / cols), at % cols];
    return gain * ((rows <= cols ? vectors[row]?.[col] : vectors[col]?.[row]) as number);
  });
  return write(parameter, values);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] as number) * (b[k] as number);
  return sum;
}

function addScaled(into: Float64Array, x: Float64Array, scale: number): void {
  for (let k = 0; k < x.length; k++) into[k] = (into[k] as number) + scale * (x[k] as number);
}

/** All of them under one name; an object, so that bundlers leave it out where it is not used. */
export const init = {
  uniform,
  normal,
  truncNormal,
  constant,
  zeros,
  ones,
  eye,
  calculateGain,
  xavierUniform,
  xavierNormal,
  kaimingUniform,
  kaimingNormal,
  orthogonal,
};
