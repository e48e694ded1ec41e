/** Optimizers with a rate per weight, written in ops: one screen each. */

import { checkRate } from "../describe.js";
import { add, div, mul, sqrt, square, sub } from "../ops/elementwise.js";
import { increment } from "../ops/update.js";
import type { Parameter } from "../parameter.js";
import type { Tensor } from "../tensor.js";
import type { Assignment } from "../trace.js";
import { checkFraction, type Group, type Hyper, type ParametersOrGroups } from "./groups.js";
import { Optimizer } from "./optimizer.js";

/** g + weightDecay·p */
export const decayed = (p: Tensor, g: Tensor, weightDecay: Tensor): Tensor =>
  add(g, mul(weightDecay, p));

/** The momentum, which needs the buffer that is made when it is not 0 at the first update. */
export function withBuffer(op: string, momentum: number, buffer: Parameter | undefined): number {
  if (momentum !== 0 && !buffer)
    throw new RangeError(
      `${op}: momentum was 0 when the optimizer was made: got ${momentum}, expected 0; make a new one`,
    );
  return momentum;
}

/** rate·old + rest·now */
export const mixed = (old: Tensor, rate: Tensor, now: Tensor, rest: Tensor): Tensor =>
  add(mul(rate, old), mul(rest, now));

export interface RMSpropHyper extends Hyper {
  /** Rate of decay of the mean square. */
  alpha: number;
  eps: number;
  momentum: number;
  /** Divides by the standard deviation instead of the root mean square. */
  readonly centered: boolean;
}

/**
 * RMSprop (Hinton 2012): v ← α·v + (1 − α)·g², p ← p − lr·g / (√v + eps); centered, √(v − m²) with
 * m the mean gradient; with momentum, b ← momentum·b + g / (√v + eps), p ← p − lr·b. As in PyTorch,
 * eps is outside the root.
 */
export class RMSprop extends Optimizer<RMSpropHyper> {
  constructor(parameters: ParametersOrGroups<RMSpropHyper>, options: Partial<RMSpropHyper> = {}) {
    const rates = { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0 };
    super("RMSprop", parameters, { ...rates, centered: false, maximize: false }, options);
  }

  protected override check(group: Group<RMSpropHyper>): void {
    super.check(group);
    checkFraction("RMSprop", "alpha", group.alpha);
    checkRate("RMSprop", "eps", group.eps);
    checkRate("RMSprop", "momentum", group.momentum);
  }

  protected momentsOf({ centered, momentum }: Group<RMSpropHyper>) {
    return {
      step: "count",
      square_avg: {},
      ...(momentum > 0 && { momentum_buffer: {} }),
      ...(centered && { grad_avg: {} }),
    } as const;
  }

  protected update(
    p: Parameter,
    gradient: Tensor,
    group: Group<RMSpropHyper>,
  ): readonly Assignment[] {
    const kept = this.moments(p) as unknown as RMSpropMoments;
    const { step, square_avg, momentum_buffer: moving, grad_avg } = kept;
    const reads = {
      lr: () => group.lr,
      alpha: () => group.alpha,
      rest: () => 1 - group.alpha,
      eps: () => group.eps,
      momentum: () => withBuffer("RMSprop", group.momentum, moving),
      weightDecay: () => group.weightDecay,
    };
    const rates = this.scalars(p, group, reads, moving ? "buffer" : "");
    const { lr, alpha, rest, eps, momentum, weightDecay } = rates;
    const g = decayed(p, gradient, weightDecay);
    const v = mixed(square_avg, alpha, square(g), rest);
    const mean = grad_avg && mixed(grad_avg, alpha, g, rest);
    const variance = mean ? sub(v, square(mean)) : v;
    const scaled = div(g, add(sqrt(variance), eps));
    const direction = moving ? add(mul(momentum, moving), scaled) : scaled;
    return [
      { parameter: p, value: sub(p, mul(lr, direction)) },
      { parameter: square_avg, value: v },
      ...(moving ? [{ parameter: moving, value: direction }] : []),
      ...(grad_avg && mean ? [{ parameter: grad_avg, value: mean }] : []),
      { parameter: step, value: increment(step) },
    ];
  }
}

interface RMSpropMoments {
  readonly step: Parameter;
  readonly square_avg: Parameter;
  /** With momentum only. */
  readonly momentum_buffer?: Parameter;
  /** Centered only. */
  readonly grad_avg?: Parameter;
}

export interface AdagradHyper extends Hyper {
  lrDecay: number;
  readonly initialAccumulatorValue: number;
  eps: number;
}

/**
 * Adagrad (Duchi, Hazan & Singer 2011): s ← s + g², p ← p − lrₜ·g / (√s + eps), where lrₜ = lr / (1
 * + (t − 1)·lrDecay).
 */
export class Adagrad extends Optimizer<AdagradHyper> {
  constructor(parameters: ParametersOrGroups<AdagradHyper>, options: Partial<AdagradHyper> = {}) {
    const rates = { lr: 1e-2, lrDecay: 0, weightDecay: 0, eps: 1e-10 };
    super(
      "Adagrad",
      parameters,
      { ...rates, initialAccumulatorValue: 0, maximize: false },
      options,
    );
  }

  protected override check(group: Group<AdagradHyper>): void {
    super.check(group);
    checkRate("Adagrad", "lrDecay", group.lrDecay);
    checkRate("Adagrad", "initialAccumulatorValue", group.initialAccumulatorValue);
    checkRate("Adagrad", "eps", group.eps);
  }

  protected momentsOf({ initialAccumulatorValue: start }: Group<AdagradHyper>) {
    return { step: "count", sum: { start } } as const;
  }

  protected update(
    p: Parameter,
    gradient: Tensor,
    group: Group<AdagradHyper>,
  ): readonly Assignment[] {
    const { step, sum } = this.moments(p) as { readonly step: Parameter; readonly sum: Parameter };
    const before = this.updatesBefore(p);
    const { lr } = this.ownScalars(p, group, {
      lr: () => group.lr / (1 + (step.scalar() + before) * group.lrDecay),
    });
    const { eps, weightDecay } = this.scalars(p, group, {
      eps: () => group.eps,
      weightDecay: () => group.weightDecay,
    });
    const g = decayed(p, gradient, weightDecay);
    const total = add(sum, square(g));
    return [
      { parameter: p, value: sub(p, mul(lr, div(g, add(sqrt(total), eps)))) },
      { parameter: sum, value: total },
      { parameter: step, value: increment(step) },
    ];
  }
}

export interface AdadeltaHyper extends Hyper {
  rho: number;
  eps: number;
}

/**
 * Adadelta (Zeiler 2012): v ← ρ·v + (1 − ρ)·g², Δ = √(u + eps) / √(v + eps) · g, u ← ρ·u + (1 −
 * ρ)·Δ², p ← p − lr·Δ.
 */
export class Adadelta extends Optimizer<AdadeltaHyper> {
  constructor(parameters: ParametersOrGroups<AdadeltaHyper>, options: Partial<AdadeltaHyper> = {}) {
    const rates = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0 };
    super("Adadelta", parameters, { ...rates, maximize: false }, options);
  }

  protected override check(group: Group<AdadeltaHyper>): void {
    super.check(group);
    checkFraction("Adadelta", "rho", group.rho);
    checkRate("Adadelta", "eps", group.eps);
  }

  protected momentsOf() {
    return { step: "count", square_avg: {}, acc_delta: {} } as const;
  }

  protected update(
    p: Parameter,
    gradient: Tensor,
    group: Group<AdadeltaHyper>,
  ): readonly Assignment[] {
    const { step, square_avg, acc_delta } = this.moments(p) as {
      readonly step: Parameter;
      readonly square_avg: Parameter;
      readonly acc_delta: Parameter;
    };
    const { lr, rho, rest, eps, weightDecay } = this.scalars(p, group, {
      lr: () => group.lr,
      rho: () => group.rho,
      rest: () => 1 - group.rho,
      eps: () => group.eps,
      weightDecay: () => group.weightDecay,
    });
    const g = decayed(p, gradient, weightDecay);
    const v = mixed(square_avg, rho, square(g), rest);
    const delta = mul(div(sqrt(add(acc_delta, eps)), sqrt(add(v, eps))), g);
    return [
      { parameter: p, value: sub(p, mul(lr, delta)) },
      { parameter: square_avg, value: v },
      { parameter: acc_delta, value: mixed(acc_delta, rho, square(delta), rest) },
      { parameter: step, value: increment(step) },
    ];
  }
}
