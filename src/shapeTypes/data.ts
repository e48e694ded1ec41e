/** Nested arrays. */
import type { Shape } from "../shape.js";
import type { Wide } from "./lengths.js";

/** The shape of nested arrays: how many, then what is in the first. */
export type DataShape<Data> = unknown extends Data
  ? Shape
  : Data extends number | boolean
    ? readonly []
    : Data extends readonly []
      ? readonly [0]
      : Data extends readonly [infer First, ...unknown[]]
        ? Nest<Data["length"], DataShape<First>>
        : Data extends readonly (infer Item)[]
          ? ItemsShape<Item>
          : Data extends { readonly length: number; readonly BYTES_PER_ELEMENT: number }
            ? readonly [number]
            : Shape;
/** Of an array whose length is unknown; `NestedNumbers` may be of any depth. */
type ItemsShape<Item> = [Item] extends [number | boolean]
  ? readonly [number]
  : [Item] extends [readonly unknown[]]
    ? Nest<number, DataShape<Item>>
    : Shape;
type Nest<N extends number, S extends Shape> = Wide<S> extends true ? Shape : readonly [N, ...S];
