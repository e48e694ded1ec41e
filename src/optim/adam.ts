import { checkRate } from "../describe.js";
import { adamStep, increment } from "../ops/update.js";
import type { Parameter } from "../parameter.js";
import type { Tensor } from "../tensor.js";
import type { Assignment } from "../trace.js";
import { checkFraction, type Group, type Hyper, type ParametersOrGroups } from "./groups.js";
import { power } from "./numbers.js";
import { hyper, Optimizer } from "./optimizer.js";

export interface AdamHyper extends Hyper {
  betas: readonly [number, number];
  eps: number;
}
export type AdamOptions = Partial<AdamHyper>;

/** Rates of decay of the two moments, and the number that keeps a quotient finite. */
export function checkBetas(op: string, { betas, eps }: Pick<AdamHyper, "betas" | "eps">): void {
  checkFraction(op, "beta1", betas[0]);
  checkFraction(op, "beta2", betas[1]);
  checkRate(op, "eps", eps);
}

export const ADAM: AdamHyper = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  maximize: false,
};

/** Adam and AdamW: they differ in where the decay goes. */
abstract class AdamLike extends Optimizer<AdamHyper> {
  readonly #decoupled: boolean;
  readonly #kept = new Map<Group<AdamHyper>, { key: number[]; rates: Float64Array }>();

  constructor(
    name: string,
    parameters: ParametersOrGroups<AdamHyper>,
    defaults: AdamHyper,
    options: AdamOptions,
    decoupled: boolean,
  ) {
    super(name, parameters, defaults, options);
    this.#decoupled = decoupled;
  }

  /** The kernel's hyper-parameters at step t; kept, as most Parameters of a group are at the same. */
  #rates(group: Group<AdamHyper>, t: number): Float64Array {
    const { lr, eps, weightDecay } = group;
    const [beta1, beta2] = group.betas;
    const key = [lr, eps, weightDecay, beta1, beta2, t];
    const kept = this.#kept.get(group);
    if (kept?.key.every((number, k) => number === key[k])) return kept.rates;
    const stepSize = lr / (1 - power(beta1, t));
    const root = Math.sqrt(1 - power(beta2, t));
    const rates = Float64Array.of(
      ...[beta1, 1 - beta1, beta2, 1 - beta2, eps],
      ...[stepSize, root, weightDecay, 1 - lr * weightDecay],
    );
    this.#kept.set(group, { key, rates });
    return rates;
  }

  protected override check(group: Group<AdamHyper>): void {
    super.check(group);
    checkBetas(this.name, group);
  }

  protected momentsOf() {
    return { exp_avg: {}, exp_avg_sq: {}, step: "count" } as const;
  }

  protected update(
    parameter: Parameter,
    gradient: Tensor,
    group: Group<AdamHyper>,
  ): readonly Assignment[] {
    const { exp_avg, exp_avg_sq, step } = this.moments(parameter) as {
      readonly exp_avg: Parameter;
      readonly exp_avg_sq: Parameter;
      readonly step: Parameter;
    };
    const before = this.updatesBefore(parameter);
    const rates = hyper(parameter, 9, (into) => {
      this.check(group);
      into.set(this.#rates(group, step.scalar() + before + 1));
    });
    const outputs = adamStep(parameter, gradient, [exp_avg, exp_avg_sq], rates, this.#decoupled);
    const [value, moment1, moment2] = outputs as [Tensor, Tensor, Tensor];
    return [
      { parameter, value },
      { parameter: exp_avg, value: moment1 },
      { parameter: exp_avg_sq, value: moment2 },
      { parameter: step, value: increment(step) },
    ];
  }
}

/**
 * Adam (Kingma & Ba 2015): m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², p ← p − lr·m̂ / (√v̂ + eps),
 * where m̂ and v̂ are corrected for their start at 0. Weight decay is added to the gradient.
 */
export class Adam extends AdamLike {
  constructor(parameters: ParametersOrGroups<AdamHyper>, options: AdamOptions = {}) {
    super("Adam", parameters, ADAM, options, false);
  }
}

/**
 * Adam with the decay taken off the weights themselves: p ← p·(1 − lr·weightDecay) first
 * (Loshchilov & Hutter 2019).
 */
export class AdamW extends AdamLike {
  constructor(parameters: ParametersOrGroups<AdamHyper>, options: AdamOptions = {}) {
    super("AdamW", parameters, { ...ADAM, weightDecay: 1e-2 }, options, true);
  }
}
