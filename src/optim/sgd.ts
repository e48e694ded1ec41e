import { momentumStep, sgdStep } from "../ops/update.js";
import type { Parameter } from "../parameter.js";
import type { Assignment } from "../tape.js";
import type { Tensor } from "../tensor.js";
import { checkRate, hyper, Optimizer } from "./optimizer.js";

export interface SGDOptions {
  readonly lr: number;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent. d = g + weightDecay·p; without momentum p ← p − lr·d; with it b ←
 * momentum·b + d and p ← p − lr·b, or p − lr·(d + momentum·b) with Nesterov's form (Sutskever et
 * al. 2013, as PyTorch writes it).
 */
export class SGD extends Optimizer {
  readonly name = "SGD";
  lr: number;
  momentum: number;
  weightDecay: number;
  readonly nesterov: boolean;
  protected readonly momentNames: readonly string[];
  protected readonly countsSteps = false;

  constructor(parameters: readonly Parameter[], options: SGDOptions) {
    super(parameters);
    this.lr = checkRate("SGD", "lr", options.lr);
    this.momentum = checkRate("SGD", "momentum", options.momentum ?? 0);
    this.weightDecay = checkRate("SGD", "weightDecay", options.weightDecay ?? 0);
    this.nesterov = options.nesterov ?? false;
    if (this.nesterov && this.momentum === 0)
      throw new RangeError("SGD: nesterov needs momentum: got momentum 0, expected more than 0");
    this.momentNames = this.momentum > 0 ? ["momentum_buffer"] : [];
  }

  readonly #read = (into: Float64Array): void => {
    if (this.momentum !== 0 && this.momentNames.length === 0)
      throw new RangeError(
        `SGD: momentum was 0 when the optimizer was made: got ${this.momentum}, expected 0; make a new one`,
      );
    into[0] = checkRate("SGD", "lr", this.lr);
    into[1] = checkRate("SGD", "momentum", this.momentum);
    into[2] = checkRate("SGD", "weightDecay", this.weightDecay);
  };

  protected update(parameter: Parameter, gradient: Tensor): readonly Assignment[] {
    const rates = hyper(parameter, 3, this.#read);
    const buffer = this.moments(parameter).momentum_buffer;
    if (!buffer) return [{ parameter, value: sgdStep(parameter, gradient, rates) }];
    const [value, next] = momentumStep(parameter, gradient, buffer, rates, this.nesterov);
    return [
      { parameter, value: value as Tensor },
      { parameter: buffer, value: next as Tensor },
    ];
  }

  protected hyperParameters(): Record<string, number> {
    return { lr: this.lr, momentum: this.momentum, weight_decay: this.weightDecay };
  }

  protected setHyperParameters(values: Record<string, number>): void {
    this.lr = values.lr as number;
    this.momentum = values.momentum as number;
    this.weightDecay = values.weight_decay as number;
  }
}
