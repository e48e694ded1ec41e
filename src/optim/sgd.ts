import { checkRate, describe } from "../describe.js";
import { momentumStep, sgdStep } from "../ops/update.js";
import type { Parameter } from "../parameter.js";
import type { Tensor } from "../tensor.js";
import type { Assignment } from "../trace.js";
import { withBuffer } from "./adaptive.js";
import type { Group, Hyper, ParametersOrGroups } from "./groups.js";
import { type MomentSpec, Optimizer } from "./optimizer.js";

export interface SGDHyper extends Hyper {
  momentum: number;
  readonly nesterov: boolean;
}
export type SGDOptions = Partial<SGDHyper> & { readonly lr: number };

/**
 * Stochastic gradient descent. d = g + weightDecay·p; without momentum p ← p − lr·d; with it b ←
 * momentum·b + d and p ← p − lr·b, or p − lr·(d + momentum·b) with Nesterov's form (Sutskever et
 * al. 2013, as PyTorch writes it).
 */
export class SGD extends Optimizer<SGDHyper> {
  constructor(parameters: ParametersOrGroups<SGDHyper>, options: SGDOptions) {
    if (typeof options !== "object" || options === null)
      throw new TypeError(`SGD: bad options: got ${describe(options)}, expected { lr, … }`);
    const rates = { lr: options.lr, momentum: 0, weightDecay: 0 };
    super("SGD", parameters, { ...rates, nesterov: false, maximize: false }, options);
    for (const { nesterov, momentum } of this.groups)
      if (nesterov && momentum === 0)
        throw new RangeError("SGD: nesterov needs momentum: got momentum 0, expected more than 0");
  }

  protected override check(group: Group<SGDHyper>): void {
    super.check(group);
    checkRate("SGD", "momentum", group.momentum);
  }

  protected momentsOf(group: Group<SGDHyper>): Readonly<Record<string, MomentSpec>> {
    return group.momentum > 0 ? { momentum_buffer: {} } : {};
  }

  protected update(
    parameter: Parameter,
    gradient: Tensor,
    group: Group<SGDHyper>,
  ): readonly Assignment[] {
    const buffer = this.moments(parameter).momentum_buffer;
    const read = (into: Float64Array): void =>
      into.set([group.lr, withBuffer("SGD", group.momentum, buffer), group.weightDecay]);
    const rates = this.shared(parameter, group, 3, read, buffer ? "buffer" : "");
    if (!buffer) return [{ parameter, value: sgdStep(parameter, gradient, rates) }];
    const [value, next] = momentumStep(parameter, gradient, buffer, rates, group.nesterov);
    return [
      { parameter, value: value as Tensor },
      { parameter: buffer, value: next as Tensor },
    ];
  }
}
