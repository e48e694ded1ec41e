import { linear } from "../ops/matmul.js";
import { parameter } from "../ops/parameter.js";
import type { Parameter } from "../parameter.js";
import { uniform } from "../random.js";
import type { Tensor } from "../tensor.js";
import { checkSize } from "./checks.js";
import { Module } from "./module.js";

/**
 * y = x·Wᵀ + b; x [..., in], weight [out, in], bias [out]. Both start uniform in ±1/√in (PyTorch's
 * default: He et al. 2015 with a = √5).
 */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(inFeatures: number, outFeatures: number, options: { readonly bias?: boolean } = {}) {
    super();
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

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}
