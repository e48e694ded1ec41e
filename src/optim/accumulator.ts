import { zeros } from "../ops/create.js";
import { add, div, maximum } from "../ops/elementwise.js";
import { alias } from "../ops/shape.js";
import { assign, Parameter } from "../parameter.js";
import { formatShape, sameShape } from "../shape.js";
import { currentTrace } from "../tape.js";
import type { Tensor } from "../tensor.js";
import type { Gradients } from "./clip.js";

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
  readonly #sums = new Map<number, Parameter>();
  #count: Parameter | undefined;

  constructor(parameters: readonly Parameter[]) {
    this.parameters = [...parameters];
  }

  /** Adds one batch's gradients, in the order of the Parameters; undefined adds nothing. */
  add(gradients: Gradients): void {
    if (gradients.length !== this.parameters.length)
      throw new RangeError(
        `add: number of gradients differs: got ${gradients.length}, expected ${this.parameters.length}, one per parameter`,
      );
    for (const [index, gradient] of gradients.entries()) {
      const owner = this.parameters[index] as Parameter;
      if (gradient && (!sameShape(gradient.shape, owner.shape) || gradient.dtype !== owner.dtype))
        throw new RangeError(
          `add: gradient ${index} does not fit: got ${gradient.dtype} ${formatShape(gradient.shape)}, expected that of ${owner}`,
        );
    }
    const settle: Tensor[] = [];
    for (const [index, gradient] of gradients.entries()) {
      if (!gradient) continue;
      const sum = this.#sumOf(index);
      settle.push(assign(sum, add(sum, gradient)));
    }
    const count = this.#counter();
    settle.push(assign(count, add(count, 1)));
    if (!currentTrace()) for (const value of settle) value.toTypedArray();
  }

  /**
   * The mean of the gradients added since the last `take`, which starts again at zero; undefined for
   * a Parameter that none was ever added for. `mean: false` gives the sums.
   */
  take(options: { readonly mean?: boolean } = {}): (Tensor | undefined)[] {
    const { mean = true } = options;
    const count = this.#counter();
    const taken = this.parameters.map((_, index) => {
      const sum = this.#sums.get(index);
      return sum && (mean ? div(sum, maximum(count, 1)) : alias(sum));
    });
    if (!currentTrace()) for (const value of taken) value?.toTypedArray();
    for (const state of [...this.#sums.values(), count])
      assign(state, zeros(state.shape, { dtype: state.dtype }));
    return taken;
  }

  #sumOf(index: number): Parameter {
    let sum = this.#sums.get(index);
    if (!sum) {
      const { shape, dtype, size, backend } = this.parameters[index] as Parameter;
      const data = dtype === "f64" ? new Float64Array(size) : new Float32Array(size);
      sum = new Parameter(shape, dtype, data, "gradient_sum", false, backend);
      this.#sums.set(index, sum);
    }
    return sum;
  }

  #counter(): Parameter {
    if (!this.#count) {
      const { dtype, backend } = this.parameters[0] as Parameter;
      const data = dtype === "f64" ? new Float64Array(1) : new Float32Array(1);
      this.#count = new Parameter([], dtype, data, "gradient_count", false, backend);
    }
    return this.#count;
  }
}
