import {
  elu,
  type GeluOptions,
  gelu,
  hardSigmoid,
  hardSwish,
  hardtanh,
  leakyRelu,
  logSigmoid,
  mish,
  relu6,
  silu,
  softplus,
  softsign,
} from "../ops/activations.js";
import { relu, sigmoid, tanh } from "../ops/elementwise.js";
import { logSoftmax, softmax } from "../ops/softmax.js";
import type { ShapeOf } from "../shapeTypes/shapeOf.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** max(0, x) */
export class ReLU extends Module {
  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return relu(x);
  }
}

/** 1 / (1 + e⁻ˣ) */
export class Sigmoid extends Module {
  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return sigmoid(x);
  }
}

/** tanh x */
export class Tanh extends Module {
  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return tanh(x);
  }
}

/** min(max(x, 0), 6) */
export class ReLU6 extends Module {
  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return relu6(x);
  }
}

/** x · sigmoid(x) */
export class SiLU extends Module {
  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return silu(x);
  }
}

/** x / (1 + |x|) */
export class Softsign extends Module {
  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return softsign(x);
  }
}

/** min(max(x / 6 + ½, 0), 1) */
export class Hardsigmoid extends Module {
  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return hardSigmoid(x);
  }
}

/** x · min(max(x + 3, 0), 6) / 6 */
export class Hardswish extends Module {
  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return hardSwish(x);
  }
}

/** ln sigmoid(x) */
export class LogSigmoid extends Module {
  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return logSigmoid(x);
  }
}

/** x · tanh(softplus(x)) */
export class Mish extends Module {
  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return mish(x);
  }
}

/** ln(1 + eˣ) */
export class Softplus extends Module {
  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return softplus(x);
  }
}

/** x > 0 ? x : alpha · (eˣ − 1) */
export class ELU extends Module {
  readonly alpha: number;

  constructor(alpha = 1) {
    super();
    this.alpha = alpha;
  }

  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return elu(x, this.alpha);
  }
}

/** x · Φ(x), exact or by tanh. */
export class GELU extends Module {
  readonly options: GeluOptions;

  constructor(options: GeluOptions = {}) {
    super();
    this.options = options;
  }

  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return gelu(x, this.options);
  }
}

/** x > 0 ? x : slope · x */
export class LeakyReLU extends Module {
  readonly slope: number;

  constructor(slope = 0.01) {
    super();
    this.slope = slope;
  }

  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
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

  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
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

  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
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

  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>> {
    return logSoftmax(x, this.axis);
  }
}
