import { checkOptions } from "../describe.js";
import { ne, where } from "../ops/compare.js";
import { embedding } from "../ops/indexing.js";
import { expandDims } from "../ops/join.js";
import { parameter } from "../ops/parameter.js";
import { stopGradient } from "../ops/shape.js";
import type { Parameter } from "../parameter.js";
import { normal } from "../random.js";
import type { Tensor } from "../tensor.js";
import { checkSize } from "./checks.js";
import { Module } from "./module.js";

export interface EmbeddingOptions {
  /** An id whose row starts at 0 and is not trained. */
  readonly paddingIdx?: number;
}

/**
 * A table with a row for each of `entries` ids: ids i32 of any shape → [ids …, size]. Starts
 * standard normal.
 */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly paddingIdx: number | undefined;

  constructor(entries: number, size: number, options: EmbeddingOptions = {}) {
    super();
    checkOptions("Embedding", options, ["paddingIdx"]);
    checkSize("Embedding", "number of entries", entries);
    checkSize("Embedding", "size", size);
    const { paddingIdx } = options;
    if (
      paddingIdx !== undefined &&
      !(Number.isInteger(paddingIdx) && paddingIdx >= 0 && paddingIdx < entries)
    )
      throw new RangeError(
        `Embedding: bad paddingIdx: got ${paddingIdx}, expected a whole number from 0 to ${entries - 1}`,
      );
    this.paddingIdx = paddingIdx;
    this.weight = parameter(normal([entries, size]), { name: "weight" });
    if (paddingIdx === undefined) return;
    const values = this.weight.value();
    values.fill(0, paddingIdx * size, (paddingIdx + 1) * size);
    this.weight.write(values);
  }

  forward(ids: Tensor): Tensor {
    const rows = embedding(this.weight, ids);
    if (this.paddingIdx === undefined) return rows;
    return where(expandDims(ne(ids, this.paddingIdx), -1), rows, stopGradient(rows));
  }
}
