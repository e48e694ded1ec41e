import { sign } from "../ops/compare.js";
import { mul, sub } from "../ops/elementwise.js";
import type { Parameter } from "../parameter.js";
import type { Tensor } from "../tensor.js";
import type { Assignment } from "../trace.js";
import { mixed } from "./adaptive.js";
import { checkFraction, type Group, type Hyper, type ParametersOrGroups } from "./groups.js";
import { Optimizer } from "./optimizer.js";

export interface LionHyper extends Hyper {
  betas: readonly [number, number];
}

/**
 * Lion (Chen et al. 2023): p ← p·(1 − lr·weightDecay) − lr·sign(β₁m + (1 − β₁)g), m ← β₂m + (1 −
 * β₂)g.
 */
export class Lion extends Optimizer<LionHyper> {
  constructor(parameters: ParametersOrGroups<LionHyper>, options: Partial<LionHyper> = {}) {
    const defaults = { lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0, maximize: false } as const;
    super("Lion", parameters, defaults, options);
  }

  protected override check(group: Group<LionHyper>): void {
    super.check(group);
    checkFraction("Lion", "beta1", group.betas[0]);
    checkFraction("Lion", "beta2", group.betas[1]);
  }

  protected momentsOf() {
    return { exp_avg: {} };
  }

  protected update(p: Parameter, g: Tensor, group: Group<LionHyper>): readonly Assignment[] {
    const { exp_avg } = this.moments(p) as { readonly exp_avg: Parameter };
    const rates = this.scalars(p, group, {
      lr: () => group.lr,
      keep: () => 1 - group.lr * group.weightDecay,
      beta1: () => group.betas[0],
      rest1: () => 1 - group.betas[0],
      beta2: () => group.betas[1],
      rest2: () => 1 - group.betas[1],
    });
    const direction = sign(mixed(exp_avg, rates.beta1, g, rates.rest1));
    return [
      { parameter: p, value: sub(mul(p, rates.keep), mul(rates.lr, direction)) },
      { parameter: exp_avg, value: mixed(exp_avg, rates.beta2, g, rates.rest2) },
    ];
  }
}
