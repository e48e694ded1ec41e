import { flatten } from "../ops/join.js";
import type { Shape } from "../shape.js";
import type { LinearProblem, LinearShape } from "../shapeTypes/products.js";
import type { Check, ShapeOf } from "../shapeTypes/shapeOf.js";
import type { Tensor } from "../tensor.js";
import type { Linear } from "./linear.js";
import { type Layer, Module } from "./module.js";

/** The key under which the type of a chain keeps its layers; no chain has such a property. */
declare const CHAIN: unique symbol;
/** What layers a chain is made of. All chains match: shapes are compared when one is called. */
interface Chain<_Layers extends readonly Layer[]> {
  readonly known: true;
}

/**
 * Whether a layer's type says that it keeps the shape: what it makes of a shape is that shape, and
 * not also any other.
 */
type KeepsShape<Layer> = Layer extends {
  forward(x: Tensor<readonly [7919]>): Tensor<readonly [7919]>;
}
  ? Layer extends { forward(x: Tensor<readonly [7919]>): Tensor<readonly [7907]> }
    ? false
    : true
  : false;

/** What is wrong with a shape at the first layer that refuses it. */
type ChainProblem<Layers, S extends Shape> = Layers extends readonly [infer First, ...infer Rest]
  ? LayerProblem<First, S> extends infer Problem extends string
    ? Problem
    : ChainProblem<Rest, LayerShape<First, S>>
  : null;
type LayerProblem<Layer, S extends Shape> =
  Layer extends Linear<infer In, infer Out>
    ? LinearProblem<S, In, Out>
    : Layer extends { readonly [CHAIN]: Chain<infer Inner> }
      ? ChainProblem<Inner, S>
      : null;

/** What becomes of a shape from layer to layer. */
type ChainShape<Layers, S extends Shape> = Layers extends readonly [infer First, ...infer Rest]
  ? ChainShape<Rest, LayerShape<First, S>>
  : Layers extends readonly []
    ? S
    : Shape;
type LayerShape<Layer, S extends Shape> =
  Layer extends Linear<number, infer Out>
    ? LinearShape<S, Out>
    : Layer extends { readonly [CHAIN]: Chain<infer Inner> }
      ? ChainShape<Inner, S>
      : KeepsShape<Layer> extends true
        ? S
        : Shape;

/** Modules one after the other; their keys are their positions. */
export class Sequential<const Layers extends readonly Layer[] = readonly Layer[]> extends Module {
  declare readonly [CHAIN]: Chain<Layers>;
  readonly layers: readonly Layer[];

  constructor(...layers: Layers) {
    super();
    for (const [index, layer] of layers.entries())
      if (!(layer instanceof Module))
        throw new TypeError(
          `Sequential: layer ${index} is not a module: got ${typeof layer}, expected one`,
        );
    this.layers = layers;
  }

  forward<X extends Tensor, Known extends readonly Layer[]>(
    this: { readonly [CHAIN]: Chain<Known> },
    x: X & Check<ChainProblem<Known, ShapeOf<X>>>,
  ): Tensor<ChainShape<Known, ShapeOf<X>>>;
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
  forward<X extends Tensor>(x: X): X {
    return x;
  }
}
