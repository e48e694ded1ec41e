import { flatten } from "../ops/join.js";
import type { Tensor } from "../tensor.js";
import { type Layer, Module } from "./module.js";

/** Modules one after the other; their keys are their positions. */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(...layers: Layer[]) {
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

/** Modules in a list, whose `forward` the owner writes; their keys are their positions. */
export class ModuleList extends Module {
  readonly modules: readonly Module[];

  constructor(modules: readonly Module[]) {
    super();
    this.modules = modules;
  }

  forward(): never {
    throw new Error("ModuleList: a list has no forward: call those of its modules");
  }

  protected override childKey(_: string, index: number): string {
    return String(index);
  }
}

/** x with its axes from `start` to `end`, both included, as one; the batch stays. */
export class Flatten extends Module {
  readonly start: number;
  readonly end: number;

  constructor(start = 1, end = -1) {
    super();
    this.start = start;
    this.end = end;
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.start, this.end);
  }
}

/** x itself. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}
