import { checkOptions } from "../describe.js";
import { conv1d, conv2d, convTranspose1d, convTranspose2d } from "../ops/conv.js";
import {
  CONV,
  type ConvOptions,
  type ConvTransposeOptions,
  TRANSPOSED,
} from "../ops/convOptions.js";
import { type Pair, pair } from "../ops/geometry.js";
import { parameter } from "../ops/parameter.js";
import type { Parameter } from "../parameter.js";
import { uniform } from "../random.js";
import { type Shape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkSize } from "./checks.js";
import { Module } from "./module.js";

interface Biased {
  /** Whether there is a bias to learn; true by default. */
  readonly bias?: boolean;
}

/**
 * A weight and a bias, both uniform in ±1/√fanIn at the start (PyTorch's default: He et al. 2015
 * with a = √5).
 */
abstract class Filters<Options extends Biased> extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly options: Options;
  readonly #own: Omit<Options, "bias">;

  constructor(weightShape: Shape, outChannels: number, options: Options) {
    super();
    const bound = 1 / Math.sqrt(sizeOf(weightShape.slice(1)));
    const range = { low: -bound, high: bound };
    this.weight = parameter(uniform(weightShape, range), { name: "weight" });
    this.bias =
      options.bias === false
        ? undefined
        : parameter(uniform([outChannels], range), { name: "bias" });
    this.options = options;
    const { bias: _, ...own } = options;
    this.#own = own;
  }

  /** Those of the function. */
  protected get own(): Omit<Options, "bias"> {
    return this.#own;
  }
}

/** Channels of one group. */
function perGroup(op: string, name: string, channels: number, groups = 1): number {
  checkSize(op, name, channels);
  checkSize(op, "groups", groups);
  if (channels % groups !== 0)
    throw new RangeError(
      `${op}: groups do not divide the ${name}: got ${groups} groups, expected a divisor of ${channels}`,
    );
  return channels / groups;
}

export interface ConvModuleOptions<Each = Pair> extends ConvOptions<Each>, Biased {}

export interface ConvTransposeModuleOptions<Each = Pair>
  extends ConvTransposeOptions<Each>,
    Biased {}

/** `conv2d`: x [n, in, H, W] → [n, out, oH, oW]; weight [out, in / groups, kH, kW], bias [out]. */
export class Conv2d extends Filters<ConvModuleOptions> {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Pair,
    options: ConvModuleOptions = {},
  ) {
    checkOptions("Conv2d", options, [...CONV, "bias"]);
    perGroup("Conv2d", "output channels", outChannels, options.groups);
    const each = perGroup("Conv2d", "input channels", inChannels, options.groups);
    const kernel = pair("Conv2d", "kernel size", kernelSize, 1);
    super([outChannels, each, ...kernel], outChannels, options);
  }

  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.own);
  }
}

/** `conv1d`: x [n, in, L] → [n, out, oL]; weight [out, in / groups, k], bias [out]. */
export class Conv1d extends Filters<ConvModuleOptions<number>> {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number,
    options: ConvModuleOptions<number> = {},
  ) {
    checkOptions("Conv1d", options, [...CONV, "bias"]);
    perGroup("Conv1d", "output channels", outChannels, options.groups);
    const each = perGroup("Conv1d", "input channels", inChannels, options.groups);
    const [, kernel] = pair("Conv1d", "kernel size", kernelSize, 1, 1);
    super([outChannels, each, kernel], outChannels, options);
  }

  forward(x: Tensor): Tensor {
    return conv1d(x, this.weight, this.bias, this.own);
  }
}

/**
 * `convTranspose2d`: x [n, in, H, W] → [n, out, oH, oW]; weight [in, out / groups, kH, kW], bias
 * [out].
 */
export class ConvTranspose2d extends Filters<ConvTransposeModuleOptions> {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Pair,
    options: ConvTransposeModuleOptions = {},
  ) {
    checkOptions("ConvTranspose2d", options, [...TRANSPOSED, "bias"]);
    perGroup("ConvTranspose2d", "input channels", inChannels, options.groups);
    const each = perGroup("ConvTranspose2d", "output channels", outChannels, options.groups);
    const kernel = pair("ConvTranspose2d", "kernel size", kernelSize, 1);
    super([inChannels, each, ...kernel], outChannels, options);
  }

  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.own);
  }
}

/** `convTranspose1d`: x [n, in, L] → [n, out, oL]; weight [in, out / groups, k], bias [out]. */
export class ConvTranspose1d extends Filters<ConvTransposeModuleOptions<number>> {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: number,
    options: ConvTransposeModuleOptions<number> = {},
  ) {
    checkOptions("ConvTranspose1d", options, [...TRANSPOSED, "bias"]);
    perGroup("ConvTranspose1d", "input channels", inChannels, options.groups);
    const each = perGroup("ConvTranspose1d", "output channels", outChannels, options.groups);
    const [, kernel] = pair("ConvTranspose1d", "kernel size", kernelSize, 1, 1);
    super([inChannels, each, kernel], outChannels, options);
  }

  forward(x: Tensor): Tensor {
    return convTranspose1d(x, this.weight, this.bias, this.own);
  }
}
