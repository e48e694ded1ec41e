import { checkOptions } from "../describe.js";
import { linear } from "../ops/matmul.js";
import { parameter } from "../ops/parameter.js";
import type { Parameter } from "../parameter.js";
import { uniform } from "../random.js";
import type { LinearProblem, LinearShape } from "../shapeTypes/products.js";
import type { Check, ShapeOf, Sized } from "../shapeTypes/shapeOf.js";
import type { Tensor } from "../tensor.js";
import { checkSize } from "./checks.js";
import { Module } from "./module.js";

/** The key under which the type of a layer keeps its features; no layer has such a property. */
declare const FEATURES: unique symbol;

/**
 * y = x·Wᵀ + b; x [..., in], weight [out, in], bias [out]. Both start uniform in ±1/√in (PyTorch's
 * default: He et al. 2015 with a = √5).
 */
export class Linear<In extends number = number, Out extends number = number> extends Module {
  declare readonly [FEATURES]: Sized<readonly [In, Out]>;
  readonly weight: Parameter<readonly [Out, In]>;
  readonly bias: Parameter<readonly [Out]> | undefined;

  constructor(inFeatures: In, outFeatures: Out, options: { readonly bias?: boolean } = {}) {
    super();
    checkOptions("Linear", options, ["bias"]);
    checkSize("Linear", "input features", inFeatures);
    checkSize("Linear", "output features", outFeatures);
    const bound = 1 / Math.sqrt(inFeatures);
    const range = { low: -bound, high: bound };
    this.weight = parameter(uniform([outFeatures, inFeatures], range), { name: "weight" });
    this.bias =
      options.bias === false
        ? undefined
        : parameter(uniform([outFeatures], range), { name: "bias" });
  }

  forward<X extends Tensor, I extends number, O extends number>(
    this: Linear<I, O>,
    x: X & Check<LinearProblem<ShapeOf<X>, I, O>>,
  ): Tensor<LinearShape<ShapeOf<X>, O>>;
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}
