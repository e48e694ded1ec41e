import { Parameter } from "../parameter.js";
import { valuesOf } from "../reading.js";
import type { Shape } from "../shape.js";
import type { DataShape } from "../shapeTypes/data.js";
import type { ShapeOf } from "../shapeTypes/shapeOf.js";
import { Tensor } from "../tensor.js";
import { currentTrace } from "../trace.js";
import { type NestedNumbers, type TensorOptions, tensor } from "./create.js";

export interface ParameterOptions<S extends Shape = Shape> extends TensorOptions<S> {
  /** Shown in errors and pictures. */
  readonly name?: string;
  /** False for state that no optimizer moves. */
  readonly trainable?: boolean;
}

/**
 * A Parameter that starts with the value of `data`; it lives in the default backend. An Error for
 * data that is computed in a function that is being compiled.
 */
export function parameter<
  const Data extends Tensor | NestedNumbers | ArrayLike<number>,
  const S extends Shape = Data extends Tensor ? ShapeOf<Data> : DataShape<Data>,
>(data: Data, options?: ParameterOptions<S>): Parameter<S>;
export function parameter(
  data: Tensor | NestedNumbers | ArrayLike<number>,
  options: ParameterOptions = {},
): Parameter {
  const { name = "", trainable = true, ...rest } = options;
  const value = data instanceof Tensor ? data : tensor(data, rest);
  if (currentTrace() && !value.node.values[value.index])
    throw new Error(
      `parameter: made while a function is being compiled: got ${value} without a value yet, ` +
        "expected the parameter, or the module it belongs to, made once, outside of the function",
    );
  return new Parameter(value.shape, value.dtype, valuesOf("parameter", value), name, trainable);
}
