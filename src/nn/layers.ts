import { defaultDtype } from "../backend.js";
import { full, zeros } from "../ops/create.js";
import { relu, sigmoid, tanh } from "../ops/elementwise.js";
import { linear } from "../ops/matmul.js";
import { batchNormEval, batchNormTrain } from "../ops/norm.js";
import { parameter } from "../ops/parameter.js";
import { increment } from "../ops/update.js";
import { type Parameter, updateWith } from "../parameter.js";
import { dropout, uniform } from "../random.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

function checkSize(op: string, name: string, size: number): void {
  if (!Number.isInteger(size) || size < 1)
    throw new RangeError(`${op}: bad ${name}: got ${size}, expected a positive integer`);
}

/**
 * y = x·Wᵀ + b; x [n, in], weight [out, in], bias [out]. Both start uniform in ±1/√in (PyTorch's
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

export interface BatchNormOptions {
  /** Added to the variance. */
  readonly eps?: number;
  /** Weight of the new batch in the running statistics. */
  readonly momentum?: number;
}

/**
 * Batch normalisation of [n, features] or [n, features, length] (Ioffe & Szegedy 2015). In training
 * it normalises by the batch's biased variance and moves the running statistics, the variance
 * unbiased; in `eval` it uses them.
 */
export class BatchNorm1d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly runningMean: Parameter;
  readonly runningVar: Parameter;
  readonly numBatchesTracked: Parameter;
  readonly eps: number;
  readonly momentum: number;

  constructor(features: number, options: BatchNormOptions = {}) {
    super();
    checkSize("BatchNorm1d", "features", features);
    this.eps = options.eps ?? 1e-5;
    this.momentum = options.momentum ?? 0.1;
    const of = (value: number, name: string, trainable: boolean): Parameter =>
      parameter(full([features], value, { dtype: defaultDtype() }), { name, trainable });
    this.weight = of(1, "weight", true);
    this.bias = of(0, "bias", true);
    this.runningMean = of(0, "running_mean", false);
    this.runningVar = of(1, "running_var", false);
    this.numBatchesTracked = parameter(zeros([], { dtype: "i32" }), {
      name: "num_batches_tracked",
      trainable: false,
    });
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, runningMean, runningVar, eps, momentum } = this;
    if (x.rank !== 2 && x.rank !== 3)
      throw new RangeError(
        `BatchNorm1d: wrong number of axes: got [${x.shape.join(", ")}], expected [n, features] or [n, features, length]`,
      );
    if (!this.isTraining()) return batchNormEval(x, runningMean, runningVar, weight, bias, eps);
    const { y, mean, variance, count } = batchNormTrain(x, weight, bias, eps);
    const unbiased = (momentum * count) / (count - 1);
    updateWith(y, runningMean, (old) => old.mul(1 - momentum).add(mean.mul(momentum)));
    updateWith(y, runningVar, (old) => old.mul(1 - momentum).add(variance.mul(unbiased)));
    updateWith(y, this.numBatchesTracked, increment);
    return y;
  }
}

/** max(0, x) */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** 1 / (1 + e⁻ˣ) */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/** In training, zeroes each element with probability `p` and scales the others by 1 / (1 − p). */
export class Dropout extends Module {
  readonly p: number;

  constructor(p = 0.5) {
    super();
    if (!(p >= 0 && p <= 1))
      throw new RangeError(`Dropout: not a probability: got ${p}, expected 0 ≤ p ≤ 1`);
    this.p = p;
  }

  forward(x: Tensor): Tensor {
    return this.isTraining() ? dropout(x, this.p) : x;
  }
}

/** Modules one after the other; their keys are their positions. */
export class Sequential extends Module {
  readonly layers: readonly Module[];

  constructor(...layers: Module[]) {
    super();
    for (const [index, layer] of layers.entries())
      if (!(layer instanceof Module))
        throw new TypeError(
          `Sequential: layer ${index} is not a module: got ${typeof layer}, expected one`,
        );
    this.layers = layers;
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.forward(value), x);
  }

  protected override childKey(_: string, index: number): string {
    return String(index);
  }
}
