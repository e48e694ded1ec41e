import type { Parameter } from "../parameter.js";
import { formatShape, sameShape } from "../shape.js";
import { checkTensors } from "../tape.js";
import type { Tensor } from "../tensor.js";

/** One for each Parameter, in their order; undefined for one that the loss does not reach. */
export type Gradients = readonly (Tensor | undefined)[];

/** Refuses gradients that are not one for each Parameter, each of its shape and dtype. */
export function checkFits(
  op: string,
  gradients: Gradients,
  parameters: readonly Parameter[],
): void {
  if (gradients.length !== parameters.length)
    throw new RangeError(
      `${op}: number of gradients differs: got ${gradients.length}, expected ${parameters.length}, one per parameter`,
    );
  for (const [index, gradient] of gradients.entries()) {
    if (gradient) checkTensors(op, gradient);
    const owner = parameters[index] as Parameter;
    if (gradient && (!sameShape(gradient.shape, owner.shape) || gradient.dtype !== owner.dtype))
      throw new RangeError(
        `${op}: gradient ${index} does not fit: got ${gradient.dtype} ${formatShape(gradient.shape)}, expected that of ${owner}`,
      );
  }
}
