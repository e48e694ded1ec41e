import type { TensorMethods } from "./ops/methods.js";
import type { Parameter } from "./parameter.js";
import { formatShape, type Shape, sizeOf } from "./shape.js";
import type { SHAPE, Sized } from "./shapeTypes/shapeOf.js";
import type { Op } from "./tape.js";
import type { Trace } from "./trace.js";

export type FloatDtype = "f32" | "f64";
/** A bool is a word 0 or 1 in linear memory, and a byte in JavaScript. */
export type Dtype = FloatDtype | "i32" | "bool";
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

export const isFloat = (dtype: Dtype): dtype is FloatDtype => dtype === "f32" || dtype === "f64";

/** What is known of a tensor before it has a value. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

/** One application of an op on a tape; a tensor is one of its outputs. */
export interface Node<Attrs = unknown> {
  /** Creation order, which is a topological order. */
  readonly id: number;
  readonly op: Op<Attrs>;
  readonly attrs: Attrs;
  /** Emptied when the node has been evaluated outside a trace: the graph behind it is dropped. */
  inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** The trace it belongs to; undefined outside `compile`. */
  readonly trace: Trace | undefined;
  /** Evaluated outputs. */
  readonly values: (TypedArray | undefined)[];
  /** Set while a pullback may still walk through it: evaluating it then keeps the graph. */
  pinned: boolean;
  /** The Parameters that were read by what has been dropped behind it. */
  dropped: ReadonlySet<Parameter>;
}

/**
 * An immutable n-dimensional array: a node of an expression, and one of its outputs. Recording an
 * op computes nothing; reading (`item`, `toArray`, `toTypedArray`) does, once. There is nothing to
 * free.
 *
 * `Tensor<readonly [2, 3]>` is one whose shape the editor knows and checks; `Tensor` is of any shape
 * and matches all: see shapeTypes/.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: ops/methods.ts installs the methods
// biome-ignore lint/correctness/noUnusedVariables: the interface below holds it
export class Tensor<S extends Shape = Shape> {
  declare readonly node: Node;
  readonly index: number;
  readonly shape: Shape;
  readonly dtype: Dtype;

  /** For the library's own use: see `tensor()`. */
  constructor(node: Node, index: number, type: TensorType) {
    // Not enumerable: printing a tensor shows its shape, not the graph behind it.
    Object.defineProperty(this, "node", { value: node });
    this.index = index;
    this.shape = type.shape;
    this.dtype = type.dtype;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get rank(): number {
    return this.shape.length;
  }

  toString(): string {
    return `Tensor(${this.dtype}${formatShape(this.shape)})`;
  }

  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.toString();
    throw new TypeError(
      `${this.toString()}: a tensor is not a number: got an arithmetic operator, ` +
        "expected a method such as add or mul, or item() for the value",
    );
  }
}

export interface Tensor<S extends Shape = Shape> extends TensorMethods {
  readonly [SHAPE]: Sized<S>;
}
