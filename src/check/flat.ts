/** A function of nested tensors, and its derivatives, as functions of flat vectors in f64. */
import { jvp, vjp } from "../autodiff/transforms.js";
import { compile } from "../compile.js";
import { constant } from "../ops/create.js";
import { valuesOf } from "../reading.js";
import { formatShape, indicesAt, type Shape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { mapTree } from "../tree.js";
import { type Recording, replay } from "./recording.js";

/** Elements of all leaves, one after another. */
export class Layout {
  readonly shapes: readonly Shape[];
  readonly size: number;
  readonly #paths: readonly string[];

  constructor(name: string, tree: unknown, tensors: readonly Tensor[]) {
    this.shapes = tensors.map(({ shape }) => shape);
    this.size = this.shapes.reduce((n, shape) => n + sizeOf(shape), 0);
    const paths: string[] = [];
    mapTree(tree, (_, path) => paths.push(name + path));
    this.#paths = paths;
  }

  /** Tensors of these elements. */
  split(flat: Float64Array): Tensor[] {
    let at = 0;
    return this.shapes.map((shape) => {
      const end = at + sizeOf(shape);
      const part = constant(flat.slice(at, end), shape, "f64");
      at = end;
      return part;
    });
  }

  name(position: number): string {
    let rest = position;
    for (const [leaf, shape] of this.shapes.entries()) {
      const size = sizeOf(shape);
      if (rest >= size) {
        rest -= size;
        continue;
      }
      const index = shape.length > 0 ? formatShape(indicesAt(rest, shape)) : "";
      return `${this.#paths[leaf]}${index}`;
    }
    return "";
  }
}

export const joined = (tensors: readonly Tensor[]): Float64Array => {
  const parts = tensors.map((tensor) => valuesOf("gradCheck", tensor));
  const all = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** f and both of its derivatives on flat vectors, in f64. */
export function flatFunctions(recording: Recording, inputs: Layout, outputs: Layout) {
  const f = (x: readonly Tensor[]): Tensor[] => recording.outputs.map(replay(recording, x, "f64"));
  const value = compile(f);
  const forward = compile((x: Tensor[], v: Tensor[]) => jvp(f, x, v).tangent);
  const reverse = compile((x: Tensor[], u: Tensor[]) => vjp(f, x).pullback(u));
  return {
    value: (x: Float64Array) => joined(value(inputs.split(x))),
    forward: (x: Float64Array, v: Float64Array) =>
      joined(forward(inputs.split(x), inputs.split(v))),
    reverse: (x: Float64Array, u: Float64Array) =>
      joined(reverse(inputs.split(x), outputs.split(u))),
  };
}

/** A vector of zeros with a one. */
export const unit = (size: number, position: number): Float64Array => {
  const vector = new Float64Array(size);
  vector[position] = 1;
  return vector;
};
