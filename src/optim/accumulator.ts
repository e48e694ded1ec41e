import { checkOptions } from "../describe.js";
import { arrayOf, zeros } from "../ops/create.js";
import { add, div, maximum } from "../ops/elementwise.js";
import { alias } from "../ops/shape.js";
import { assign, Parameter } from "../parameter.js";
import type { Tensor } from "../tensor.js";
import { currentTrace } from "../trace.js";
import { checkFits, type Gradients } from "./gradients.js";
import { checkParameters } from "./groups.js";
import { joined, parted } from "./joined.js";

/** The sums of the gradients that were first added together, as one vector. */
interface Block {
  /** Of the Parameters, in the order of the vector. */
  readonly indices: readonly number[];
  readonly sums: Parameter;
}

/**
 * Adds up gradients over several small batches, for the step of one large one.
 *
 *     const sums = new GradientAccumulator(parameters);
 *     const part = compile((x, y) => { …; sums.add(gradients(loss, parameters)); return loss; });
 *     const update = compile(() => optimizer.apply(sums.take()));
 *
 * Each of the two is one call. The sums are Parameters of their own, made at the first `add`.
 */
export class GradientAccumulator {
  readonly parameters: readonly Parameter[];
  readonly #blocks: Block[] = [];
  #count: Parameter | undefined;

  constructor(parameters: readonly Parameter[]) {
    checkParameters("GradientAccumulator", parameters);
    this.parameters = [...parameters];
  }

  /** Adds one batch's gradients, in the order of the Parameters; undefined adds nothing. */
  add(gradients: Gradients): void {
    checkFits("add", gradients, this.parameters);
    const settle = this.#blocksOf(gradients).map(({ indices, sums }) => {
      const parts = indices.map((index) => gradients[index]);
      const given = parts.filter((part) => part !== undefined);
      if (given.length === parts.length) return assign(sums, add(sums, joined(given)));
      // Some of the block stay as they are, to the bit.
      const olds = parted(sums, this.#like(indices));
      const news = olds.map((old, k) => (parts[k] ? add(old, parts[k]) : old));
      return assign(sums, joined(news));
    });
    const count = this.#counter();
    settle.push(assign(count, add(count, 1)));
    if (!currentTrace()) for (const value of settle) value.toTypedArray();
  }

  /**
   * The mean of the gradients added since the last `take`, which starts again at zero; undefined for
   * a Parameter that none was ever added for. `mean: false` gives the sums.
   */
  take(options: { readonly mean?: boolean } = {}): (Tensor | undefined)[] {
    checkOptions("take", options, ["mean"]);
    const { mean = true } = options;
    const count = this.#counter();
    const taken = this.parameters.map((): Tensor | undefined => undefined);
    for (const { indices, sums } of this.#blocks) {
      const vector = mean ? div(sums, maximum(count, 1)) : alias(sums);
      for (const [k, part] of parted(vector, this.#like(indices)).entries())
        taken[indices[k] as number] = part;
    }
    if (!currentTrace()) for (const value of taken) value?.toTypedArray();
    for (const state of [...this.#blocks.map(({ sums }) => sums), count])
      assign(state, zeros(state.shape, { dtype: state.dtype }));
    return taken;
  }

  /** The blocks that hold sums of these gradients; a new one for those that are in none. */
  #blocksOf(gradients: Gradients): readonly Block[] {
    const known = new Set(this.#blocks.flatMap(({ indices }) => indices));
    const fresh = [...gradients.keys()].filter((index) => gradients[index] && !known.has(index));
    if (fresh.length > 0) {
      const { dtype, backend } = this.parameters[fresh[0] as number] as Parameter;
      const size = this.#like(fresh).reduce((sum, parameter) => sum + parameter.size, 0);
      const data = arrayOf(dtype, size);
      const sums = new Parameter([size], dtype, data, "gradient_sums", false, backend);
      this.#blocks.push({ indices: fresh, sums });
    }
    return this.#blocks.filter(({ indices }) => indices.some((index) => gradients[index]));
  }

  #like(indices: readonly number[]): Parameter[] {
    return indices.map((index) => this.parameters[index] as Parameter);
  }

  #counter(): Parameter {
    if (!this.#count) {
      const { dtype, backend } = this.parameters[0] as Parameter;
      const data = arrayOf(dtype, 1);
      this.#count = new Parameter([], dtype, data, "gradient_count", false, backend);
    }
    return this.#count;
  }
}
