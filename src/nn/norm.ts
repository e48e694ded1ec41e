import { defaultDtype } from "../backend.js";
import { checkOptions, checkRate } from "../describe.js";
import { full, zeros } from "../ops/create.js";
import { batchNormEval, batchNormTrain } from "../ops/norm.js";
import { parameter } from "../ops/parameter.js";
import { groupNorm, layerNorm, rmsNorm } from "../ops/rowNorm.js";
import { increment } from "../ops/update.js";
import { type Parameter, updateWith } from "../parameter.js";
import { formatShape, type Shape } from "../shape.js";
import type { ShapeOf } from "../shapeTypes/shapeOf.js";
import { checkTensors } from "../tape.js";
import type { FloatDtype, Tensor } from "../tensor.js";
import { checkSize } from "./checks.js";
import { Module } from "./module.js";

const filled = (shape: Shape, value: number, name: string, trainable = true): Parameter =>
  parameter(full(shape, value, { dtype: defaultDtype() }), { name, trainable });

export interface BatchNormOptions {
  /** Added to the variance. */
  readonly eps?: number;
  /** Weight of the new batch in the running statistics. */
  readonly momentum?: number;
  /** Whether there are a weight and a bias to learn; true by default. */
  readonly affine?: boolean;
  /** Whether statistics are kept for `eval`; without them it uses the batch's own. */
  readonly trackRunningStats?: boolean;
}

export interface BatchNormCall {
  /** Statistics, moved in training and used otherwise; without them the batch's own are used. */
  readonly runningMean?: Parameter | undefined;
  readonly runningVar?: Parameter | undefined;
  readonly weight?: Tensor | undefined;
  readonly bias?: Tensor | undefined;
  readonly training?: boolean;
  readonly momentum?: number;
  readonly eps?: number;
}

/**
 * Batch normalisation of x [n, channels, …] as a function; everything else is one for each channel.
 * In training the running statistics move by `momentum`, the variance unbiased.
 */
export function batchNorm(x: Tensor, call: BatchNormCall = {}): Tensor {
  checkTensors("batchNorm", x);
  const { runningMean, runningVar, training = false, momentum = 0.1, eps = 1e-5 } = call;
  const per = (value: number): Tensor =>
    full([x.shape[1] ?? 0], value, { dtype: x.dtype as FloatDtype });
  const { weight = per(1), bias = per(0) } = call;
  if (!training && runningMean && runningVar)
    return batchNormEval(x, runningMean, runningVar, weight, bias, eps);
  const { y, mean, variance, count } = batchNormTrain(x, weight, bias, eps);
  if (!training || !runningMean || !runningVar) return y;
  const unbiased = (momentum * count) / (count - 1);
  updateWith(y, runningMean, (old) => old.mul(1 - momentum).add(mean.mul(momentum)));
  updateWith(y, runningVar, (old) => old.mul(1 - momentum).add(variance.mul(unbiased)));
  return y;
}

/**
 * Batch normalisation (Ioffe & Szegedy 2015), per channel of [n, channels, …]. In training it
 * normalises by the batch's biased variance and moves the running statistics, the variance
 * unbiased; in `eval` it uses them.
 */
abstract class BatchNorm extends Module {
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly runningMean: Parameter | undefined;
  readonly runningVar: Parameter | undefined;
  readonly numBatchesTracked: Parameter | undefined;
  readonly features: number;
  readonly eps: number;
  readonly momentum: number;
  readonly #name: string;
  /** The shapes it takes, axis by axis. */
  readonly #shapes: readonly (readonly string[])[];

  constructor(
    name: string,
    shapes: readonly (readonly string[])[],
    features: number,
    options: BatchNormOptions = {},
  ) {
    super();
    checkOptions(name, options, ["eps", "momentum", "affine", "trackRunningStats"]);
    checkSize(name, "features", features);
    this.#name = name;
    this.#shapes = shapes;
    this.features = features;
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = options;
    this.eps = checkRate(name, "eps", eps);
    this.momentum = checkRate(name, "momentum", momentum);
    if (affine) {
      this.weight = filled([features], 1, "weight");
      this.bias = filled([features], 0, "bias");
    }
    if (!trackRunningStats) return;
    this.runningMean = filled([features], 0, "running_mean", false);
    this.runningVar = filled([features], 1, "running_var", false);
    this.numBatchesTracked = parameter(zeros([], { dtype: "i32" }), {
      name: "num_batches_tracked",
      trainable: false,
    });
  }

  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>>;
  forward(x: Tensor): Tensor {
    const { runningMean, runningVar, eps, momentum } = this;
    if (!this.#shapes.some((shape) => shape.length === x.rank))
      throw new RangeError(
        `${this.#name}: wrong number of axes: got ${formatShape(x.shape)}, expected ` +
          this.#shapes.map((shape) => `[${shape.join(", ")}]`).join(" or "),
      );
    const training = this.isTraining();
    const { weight, bias } = this;
    const y = batchNorm(x, { runningMean, runningVar, weight, bias, training, momentum, eps });
    if (training && this.numBatchesTracked) updateWith(y, this.numBatchesTracked, increment);
    return y;
  }
}

const FEATURES = ["n", "features"];

/** Batch normalisation of [n, features] or [n, features, length]: see `BatchNormOptions`. */
export class BatchNorm1d extends BatchNorm {
  constructor(features: number, options?: BatchNormOptions) {
    super("BatchNorm1d", [FEATURES, [...FEATURES, "length"]], features, options);
  }
}

/** Batch normalisation of images [n, channels, height, width]. */
export class BatchNorm2d extends BatchNorm {
  constructor(channels: number, options?: BatchNormOptions) {
    super("BatchNorm2d", [["n", "channels", "height", "width"]], channels, options);
  }
}

export interface LayerNormOptions {
  readonly eps?: number;
  /** Whether there is a weight (and a bias) to learn; true by default. */
  readonly affine?: boolean;
  /** Whether there is a bias beside the weight; true by default. */
  readonly bias?: boolean;
}

const shapeOf = (shape: number | Shape): Shape => (typeof shape === "number" ? [shape] : shape);

/** Layer normalisation over the trailing axes `shape` (Ba, Kiros & Hinton 2016). */
export class LayerNorm extends Module {
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly shape: Shape;
  readonly eps: number;

  constructor(shape: number | Shape, options: LayerNormOptions = {}) {
    super();
    checkOptions("LayerNorm", options, ["eps", "affine", "bias"]);
    this.shape = shapeOf(shape);
    const { eps = 1e-5, affine = true, bias = true } = options;
    this.eps = checkRate("LayerNorm", "eps", eps);
    if (affine) this.weight = filled(this.shape, 1, "weight");
    if (affine && bias) this.bias = filled(this.shape, 0, "bias");
  }

  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>>;
  forward(x: Tensor): Tensor {
    return layerNorm(x, this.shape, this.weight, this.bias, this.eps);
  }
}

/** Root-mean-square normalisation over the trailing axes `shape` (Zhang & Sennrich 2019). */
export class RMSNorm extends Module {
  readonly weight: Parameter | undefined;
  readonly shape: Shape;
  readonly eps: number;

  /** eps is f32's 2⁻²³ by default, as in PyTorch. */
  constructor(
    shape: number | Shape,
    options: { readonly eps?: number; readonly affine?: boolean } = {},
  ) {
    super();
    checkOptions("RMSNorm", options, ["eps", "affine"]);
    this.shape = shapeOf(shape);
    this.eps = options.eps ?? 2 ** -23;
    if (options.affine !== false) this.weight = filled(this.shape, 1, "weight");
  }

  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>>;
  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.shape, this.weight, this.eps);
  }
}

/** Normalisation over groups of channels of [n, channels, …] (Wu & He 2018). */
export class GroupNorm extends Module {
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly groups: number;
  readonly eps: number;

  constructor(
    groups: number,
    channels: number,
    options: { readonly eps?: number; readonly affine?: boolean } = {},
  ) {
    super();
    checkSize("GroupNorm", "groups", groups);
    checkSize("GroupNorm", "channels", channels);
    checkOptions("GroupNorm", options, ["eps", "affine"]);
    if (channels % groups !== 0)
      throw new RangeError(
        `GroupNorm: groups do not divide the channels: got ${groups} groups, expected a divisor of ${channels}`,
      );
    this.groups = groups;
    this.eps = options.eps ?? 1e-5;
    if (options.affine === false) return;
    this.weight = filled([channels], 1, "weight");
    this.bias = filled([channels], 0, "bias");
  }

  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>>;
  forward(x: Tensor): Tensor {
    return groupNorm(x, this.groups, this.weight, this.bias, this.eps);
  }
}
