import { dropout } from "../random.js";
import type { ShapeOf } from "../shapeTypes/shapeOf.js";
import type { Tensor } from "../tensor.js";
import { checkProbability } from "./checks.js";
import { Module } from "./module.js";

/** In training, zeroes each element with probability `p` and scales the others by 1 / (1 − p). */
export class Dropout extends Module {
  readonly p: number;

  constructor(p = 0.5) {
    super();
    this.p = checkProbability("Dropout", p);
  }

  forward<X extends Tensor>(x: X): Tensor<ShapeOf<X>>;
  forward(x: Tensor): Tensor {
    return this.isTraining() ? dropout(x, this.p) : x;
  }
}
