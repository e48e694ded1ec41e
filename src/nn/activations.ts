import {
  hardSigmoid,
  hardSwish,
  hardtanh,
  leakyRelu,
  relu6,
  silu,
  softsign,
} from "../ops/activations.js";
import { relu, sigmoid, tanh } from "../ops/elementwise.js";
import { logSoftmax, softmax } from "../ops/softmax.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** A module that applies a function without parameters. */
function layer(f: (x: Tensor) => Tensor) {
  return class extends Module {
    forward(x: Tensor): Tensor {
      return f(x);
    }
  };
}

/** max(0, x) */
export class ReLU extends layer(relu) {}
/** 1 / (1 + e⁻ˣ) */
export class Sigmoid extends layer(sigmoid) {}
export class Tanh extends layer(tanh) {}
export class ReLU6 extends layer(relu6) {}
export class SiLU extends layer(silu) {}
export class Softsign extends layer(softsign) {}
export class Hardsigmoid extends layer(hardSigmoid) {}
export class Hardswish extends layer(hardSwish) {}

/** x > 0 ? x : slope · x */
export class LeakyReLU extends Module {
  readonly slope: number;

  constructor(slope = 0.01) {
    super();
    this.slope = slope;
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.slope);
  }
}

/** min(max(x, low), high) */
export class Hardtanh extends Module {
  readonly low: number;
  readonly high: number;

  constructor(low = -1, high = 1) {
    super();
    this.low = low;
    this.high = high;
  }

  forward(x: Tensor): Tensor {
    return hardtanh(x, this.low, this.high);
  }
}

/** eˣ / Σ eˣ along an axis. */
export class Softmax extends Module {
  readonly axis: number;

  constructor(axis = -1) {
    super();
    this.axis = axis;
  }

  forward(x: Tensor): Tensor {
    return softmax(x, this.axis);
  }
}

/** The logarithm of the softmax along an axis. */
export class LogSoftmax extends Module {
  readonly axis: number;

  constructor(axis = -1) {
    super();
    this.axis = axis;
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.axis);
  }
}
