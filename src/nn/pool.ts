import type { Pair } from "../ops/geometry.js";
import {
  type AvgPoolOptions,
  avgPool1d,
  avgPool2d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
} from "../ops/pool.js";
import { adaptiveAvgPool2d, globalAvgPool, globalMaxPool, upsampleNearest } from "../ops/resize.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** `maxPool2d`: x [n, C, H, W] → [n, C, oH, oW]; the stride is the kernel's size unless given. */
export class MaxPool2d extends Module {
  readonly kernelSize: Pair;
  readonly options: MaxPoolOptions;

  constructor(kernelSize: Pair, options: MaxPoolOptions = {}) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernelSize, this.options);
  }
}

/** `maxPool1d`: x [n, C, L] → [n, C, oL]. */
export class MaxPool1d extends Module {
  readonly kernelSize: number;
  readonly options: MaxPoolOptions<number>;

  constructor(kernelSize: number, options: MaxPoolOptions<number> = {}) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return maxPool1d(x, this.kernelSize, this.options);
  }
}

/** `avgPool2d`: x [n, C, H, W] → [n, C, oH, oW]; the stride is the kernel's size unless given. */
export class AvgPool2d extends Module {
  readonly kernelSize: Pair;
  readonly options: AvgPoolOptions;

  constructor(kernelSize: Pair, options: AvgPoolOptions = {}) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options);
  }
}

/** `avgPool1d`: x [n, C, L] → [n, C, oL]. */
export class AvgPool1d extends Module {
  readonly kernelSize: number;
  readonly options: AvgPoolOptions<number>;

  constructor(kernelSize: number, options: AvgPoolOptions<number> = {}) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return avgPool1d(x, this.kernelSize, this.options);
  }
}

/** `adaptiveAvgPool2d`: x [n, C, H, W] → [n, C, ...outputSize]. */
export class AdaptiveAvgPool2d extends Module {
  readonly outputSize: Pair;

  constructor(outputSize: Pair) {
    super();
    this.outputSize = outputSize;
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** `globalAvgPool`: x [n, C, …] → [n, C, 1 …]. */
export class GlobalAvgPool extends Module {
  forward(x: Tensor): Tensor {
    return globalAvgPool(x);
  }
}

/** `globalMaxPool`: x [n, C, …] → [n, C, 1 …]. */
export class GlobalMaxPool extends Module {
  forward(x: Tensor): Tensor {
    return globalMaxPool(x);
  }
}

/** `upsampleNearest`: x [n, C, …] with images `scale` times as large, or of a given size. */
export class Upsample extends Module {
  readonly scale: Parameters<typeof upsampleNearest>[1];

  constructor(scale: Parameters<typeof upsampleNearest>[1]) {
    super();
    this.scale = scale;
  }

  forward(x: Tensor): Tensor {
    return upsampleNearest(x, this.scale);
  }
}
