/** Instructions at the end of a program that look at tensors where they lie. */
import { zeros } from "../ops/create.js";
import { concat } from "../ops/join.js";
import { reshape } from "../ops/shape.js";
import { distance, type StatisticsOptions, statistics } from "../ops/watch.js";
import type { FloatDtype, Tensor } from "../tensor.js";
import type { Spread } from "./history.js";

/**
 * What one program looks at, gathered into two outputs: a copy of each costs the more the more there
 * are. (A class, so that it is no part of the result's structure.)
 */
export class Looks {
  readonly #floats: Tensor[] = [];
  readonly #counts: Tensor[] = [];
  #floatsEnd = 0;
  #countsEnd = 0;
  readonly bins: number;

  constructor(bins: number) {
    this.bins = bins;
  }

  /** A tensor of one element; returns how to find it. */
  scalar(x: Tensor): Read<number> {
    const at = this.#floatsEnd++;
    this.#floats.push(reshape(x, [1]));
    return ({ floats }) => floats[at] as number;
  }

  norm(x: Tensor, y?: Tensor): Read<number> {
    return this.scalar(distance(x, y));
  }

  spread(x: Tensor, options: StatisticsOptions = {}): Read<Looked> {
    const [floats, counts] = statistics(x, options);
    const [at, begin] = [this.#floatsEnd, this.#countsEnd];
    this.#floats.push(floats);
    this.#counts.push(counts);
    this.#floatsEnd += floats.size;
    this.#countsEnd += counts.size;
    return ({ floats: f, counts: c }) => {
      const [mean = 0, std = 0, min = 0, max = 0] = f.subarray(at, at + 4);
      const numbers = Array.from(c.subarray(begin, begin + counts.size));
      return { spread: { mean, std, min, max }, counts: numbers };
    };
  }

  /** The two outputs: at least one element each, so that there is something to join. */
  outputs(dtype: FloatDtype): { floats: Tensor; counts: Tensor } {
    const floats = this.#floats.length > 0 ? concat(this.#floats) : zeros([1], { dtype });
    const counts = this.#counts.length > 0 ? concat(this.#counts) : zeros([1], { dtype: "i32" });
    return { floats, counts };
  }
}

/** What was seen of one call. */
export interface Numbers {
  readonly floats: Float32Array | Float64Array;
  readonly counts: Int32Array;
}

interface Looked {
  readonly spread: Spread;
  /** As `statistics` has them. */
  readonly counts: readonly number[];
}

export type Read<T> = (numbers: Numbers) => T;
