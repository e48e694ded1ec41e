import { checkRate } from "../describe.js";
import { add, div, mul, sqrt, square, sub } from "../ops/elementwise.js";
import { increment } from "../ops/update.js";
import type { Parameter } from "../parameter.js";
import type { Tensor } from "../tensor.js";
import type { Assignment } from "../trace.js";
import { ADAM, type AdamHyper, checkBetas } from "./adam.js";
import { decayed, mixed } from "./adaptive.js";
import type { Group, ParametersOrGroups } from "./groups.js";
import { exponential, power } from "./numbers.js";
import { Optimizer } from "./optimizer.js";

export interface NAdamHyper extends AdamHyper {
  momentumDecay: number;
}

/** ln 0.96: the momentum's schedule is μₜ = β₁·(1 − ½·0.96^(t·momentumDecay)). */
const LN_096 = -0.040821994520255166;

interface NAdamMoments {
  readonly step: Parameter;
  readonly mu_product: Parameter;
  readonly exp_avg: Parameter;
  readonly exp_avg_sq: Parameter;
}

/**
 * Adam with Nesterov's momentum (Dozat 2016): with μₜ as above and Π = μ₁ … μₜ,
 *
 *     d = √(v / (1 − β₂ᵗ)) + eps
 *     p ← p − lr·(1 − μₜ) / (1 − Π) · g / d − lr·μₜ₊₁ / (1 − Π·μₜ₊₁) · m / d
 */
export class NAdam extends Optimizer<NAdamHyper> {
  constructor(parameters: ParametersOrGroups<NAdamHyper>, options: Partial<NAdamHyper> = {}) {
    super("NAdam", parameters, { ...ADAM, lr: 2e-3, momentumDecay: 4e-3 }, options);
  }

  protected override check(group: Group<NAdamHyper>): void {
    super.check(group);
    checkBetas("NAdam", group);
    checkRate("NAdam", "momentumDecay", group.momentumDecay);
  }

  protected momentsOf() {
    const mu_product = { start: 1, shape: [] };
    return { step: "count", mu_product, exp_avg: {}, exp_avg_sq: {} } as const;
  }

  protected update(
    p: Parameter,
    gradient: Tensor,
    group: Group<NAdamHyper>,
  ): readonly Assignment[] {
    const { step, mu_product, exp_avg, exp_avg_sq } = this.moments(p) as unknown as NAdamMoments;
    const before = this.updatesBefore(p);
    const time = (): number => step.scalar() + before + 1;
    const mu = (t: number): number =>
      group.betas[0] * (1 - 0.5 * power(exponential(group.momentumDecay * LN_096), t));
    /** Π up to this update: what is stored, and those of the same step that come before. */
    const product = (): number => {
      let result = mu_product.scalar();
      for (let t = time() - before; t <= time(); t++) result *= mu(t);
      return result;
    };
    const rates = this.scalars(p, group, {
      beta1: () => group.betas[0],
      rest1: () => 1 - group.betas[0],
      beta2: () => group.betas[1],
      rest2: () => 1 - group.betas[1],
      eps: () => group.eps,
      weightDecay: () => group.weightDecay,
    });
    const own = this.ownScalars(p, group, {
      correction: () => 1 - power(group.betas[1], time()),
      mu: () => mu(time()),
      now: () => (group.lr * (1 - mu(time()))) / (1 - product()),
      next: () => (group.lr * mu(time() + 1)) / (1 - product() * mu(time() + 1)),
    });
    const g = decayed(p, gradient, rates.weightDecay);
    const m = mixed(exp_avg, rates.beta1, g, rates.rest1);
    const v = mixed(exp_avg_sq, rates.beta2, square(g), rates.rest2);
    const d = add(sqrt(div(v, own.correction)), rates.eps);
    const stepped = sub(p, mul(own.now, div(g, d)));
    return [
      { parameter: p, value: sub(stepped, mul(own.next, div(m, d))) },
      { parameter: exp_avg, value: m },
      { parameter: exp_avg_sq, value: v },
      { parameter: mu_product, value: mul(mu_product, own.mu) },
      { parameter: step, value: increment(step) },
    ];
  }
}
