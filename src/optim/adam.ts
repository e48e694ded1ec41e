import { adamStep, increment } from "../ops/update.js";
import type { Parameter } from "../parameter.js";
import type { Assignment } from "../tape.js";
import type { Tensor } from "../tensor.js";
import { checkFraction, checkRate, hyper, Optimizer } from "./optimizer.js";

export interface AdamOptions {
  readonly lr?: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  readonly weightDecay?: number;
}

/** baseⁿ by repeated squaring: the same bits in every engine. */
function power(base: number, n: number): number {
  let result = 1;
  let square = base;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}

/**
 * Adam (Kingma & Ba 2015): m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², p ← p − lr·m̂ / (√v̂ + eps),
 * where m̂ and v̂ are corrected for their start at 0. Weight decay is added to the gradient.
 */
export class Adam extends Optimizer {
  readonly name: string = "Adam";
  lr: number;
  betas: readonly [number, number];
  eps: number;
  weightDecay: number;
  protected readonly decoupled: boolean = false;
  protected readonly momentNames = ["exp_avg", "exp_avg_sq"];
  protected readonly countsSteps = true;

  constructor(parameters: readonly Parameter[], options: AdamOptions = {}) {
    super(parameters);
    this.lr = options.lr ?? 1e-3;
    this.betas = options.betas ?? [0.9, 0.999];
    this.eps = options.eps ?? 1e-8;
    this.weightDecay = options.weightDecay ?? 0;
    this.#check();
  }

  #check(): void {
    const name = this.constructor.name;
    checkRate(name, "lr", this.lr);
    checkFraction(name, "beta1", this.betas[0]);
    checkFraction(name, "beta2", this.betas[1]);
    checkRate(name, "eps", this.eps);
    checkRate(name, "weightDecay", this.weightDecay);
  }

  protected update(parameter: Parameter, gradient: Tensor): readonly Assignment[] {
    const { exp_avg, exp_avg_sq, step } = this.moments(parameter) as Record<string, Parameter> & {
      readonly exp_avg: Parameter;
      readonly exp_avg_sq: Parameter;
      readonly step: Parameter;
    };
    const before = this.updatesBefore(parameter);
    const rates = hyper(parameter, 9, (into) => {
      this.#check();
      const { lr, eps, weightDecay } = this;
      const [beta1, beta2] = this.betas;
      const t = (step.value()[0] as number) + before + 1;
      const stepSize = lr / (1 - power(beta1, t));
      const root = Math.sqrt(1 - power(beta2, t));
      into.set([
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        eps,
        stepSize,
        root,
        weightDecay,
        1 - lr * weightDecay,
      ]);
    });
    const outputs = adamStep(parameter, gradient, [exp_avg, exp_avg_sq], rates, this.decoupled);
    const [value, moment1, moment2] = outputs as [Tensor, Tensor, Tensor];
    return [
      { parameter, value },
      { parameter: exp_avg, value: moment1 },
      { parameter: exp_avg_sq, value: moment2 },
      { parameter: step, value: increment(step) },
    ];
  }

  protected hyperParameters(): Record<string, number> {
    const [beta1, beta2] = this.betas;
    return { lr: this.lr, beta1, beta2, eps: this.eps, weight_decay: this.weightDecay };
  }

  protected setHyperParameters(values: Record<string, number>): void {
    this.lr = values.lr as number;
    this.betas = [values.beta1 as number, values.beta2 as number];
    this.eps = values.eps as number;
    this.weightDecay = values.weight_decay as number;
  }
}

/**
 * Adam with the decay taken off the weights themselves: p ← p·(1 − lr·weightDecay) first
 * (Loshchilov & Hutter 2019).
 */
export class AdamW extends Adam {
  override readonly name = "AdamW";
  protected override readonly decoupled = true;

  constructor(parameters: readonly Parameter[], options: AdamOptions = {}) {
    super(parameters, { ...options, weightDecay: options.weightDecay ?? 1e-2 });
  }
}
