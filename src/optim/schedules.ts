/**
 * Learning-rate schedules: each moves the `lr` of an optimizer's groups, which the next run reads.
 * Call `step()` after every update, or after every epoch if the lengths are counted in epochs. The
 * rates are PyTorch's, from the closed forms.
 */
import { checkOptions, checkRate, checkWord, describe } from "../describe.js";
import { checkArray } from "../shape.js";
import { cosPi, power } from "./numbers.js";
import { ReduceOnPlateau, reduceOnPlateau } from "./plateau.js";
import { Schedule, type Scheduled, whole } from "./schedule.js";

/** base · gammaᵏ, k the number of whole `size`s so far (StepLR). */
export function step(
  optimizer: Scheduled,
  options: { readonly size: number; readonly gamma?: number },
): Schedule {
  checkOptions("step", options, ["size", "gamma"]);
  const { size, gamma = 0.1 } = options;
  whole("step", "size", size);
  checkRate("step", "gamma", gamma);
  return new Schedule(optimizer, (base, t) => base * power(gamma, Math.floor(t / size)));
}

/** base · gammaᵏ, k the number of milestones passed (MultiStepLR). */
export function multiStep(
  optimizer: Scheduled,
  options: { readonly milestones: readonly number[]; readonly gamma?: number },
): Schedule {
  checkOptions("multiStep", options, ["milestones", "gamma"]);
  const { milestones, gamma = 0.1 } = options;
  checkArray("multiStep", "list of milestones", milestones);
  for (const milestone of milestones) whole("multiStep", "milestone", milestone, 0);
  checkRate("multiStep", "gamma", gamma);
  return new Schedule(
    optimizer,
    (base, t) => base * power(gamma, milestones.filter((milestone) => milestone <= t).length),
  );
}

/** base · gammaᵗ (ExponentialLR). */
export function exponential(optimizer: Scheduled, options: { readonly gamma: number }): Schedule {
  checkOptions("exponential", options, ["gamma"]);
  const { gamma } = options;
  checkRate("exponential", "gamma", gamma);
  return new Schedule(optimizer, (base, t) => base * power(gamma, t));
}

/** From base · from to base · to in `steps` equal steps, then constant (LinearLR). */
export function linear(
  optimizer: Scheduled,
  options: { readonly steps: number; readonly from?: number; readonly to?: number },
): Schedule {
  checkOptions("linear", options, ["steps", "from", "to"]);
  const { steps, from = 1 / 3, to = 1 } = options;
  whole("linear", "steps", steps);
  checkRate("linear", "from", from);
  checkRate("linear", "to", to);
  return new Schedule(
    optimizer,
    (base, t) => base * (from + ((to - from) * Math.min(t, steps)) / steps),
  );
}

export interface CosineOptions {
  /** Length of the fall from the base rate to the minimum. */
  readonly steps: number;
  readonly minimum?: number;
  /** Steps of a linear rise from 0 before it: base · (t + 1) / (warmup + 1). */
  readonly warmup?: number;
  /** Starts again at the base rate after each fall, `stretch` times as long (default 1). */
  readonly restarts?: boolean | { readonly stretch: number };
}

/**
 * minimum + ½ (base − minimum) (1 + cos(π t / steps)) (Loshchilov & Hutter 2017;
 * CosineAnnealingLR); with restarts, SGDR (CosineAnnealingWarmRestarts). Without them it rises again
 * after `steps`, as PyTorch's does.
 */
export function cosine(optimizer: Scheduled, options: CosineOptions): Schedule {
  checkOptions("cosine", options, ["steps", "minimum", "warmup", "restarts"]);
  const { steps, minimum = 0, warmup = 0, restarts = false } = options;
  if (typeof restarts !== "boolean") checkOptions("cosine, restarts", restarts, ["stretch"]);
  whole("cosine", "steps", steps);
  checkRate("cosine", "minimum", minimum);
  whole("cosine", "warmup", warmup, 0);
  const stretch = typeof restarts === "object" ? restarts.stretch : 1;
  whole("cosine", "stretch", stretch);
  return new Schedule(optimizer, (base, count) => {
    if (count < warmup) return (base * (count + 1)) / (warmup + 1);
    let t = count - warmup;
    let length = steps;
    if (restarts)
      while (t >= length) {
        t -= length;
        length *= stretch;
      }
    return minimum + ((base - minimum) * (1 + cosPi(t / length))) / 2;
  });
}

export interface OneCycleOptions {
  readonly maximum: number;
  readonly steps: number;
  /** The part of the steps in which the rate rises. */
  readonly rise?: number;
  readonly anneal?: "cosine" | "linear";
  /** The rate starts at maximum / divide. */
  readonly divide?: number;
  /** It ends at maximum / divide / finalDivide. */
  readonly finalDivide?: number;
}

/**
 * One rise from maximum / divide to the maximum, one fall to next to nothing (Smith & Topin 2018;
 * OneCycleLR, its rates only). Replaces the base rate.
 */
export function oneCycle(optimizer: Scheduled, options: OneCycleOptions): Schedule {
  const known = ["maximum", "steps", "rise", "anneal", "divide", "finalDivide"];
  checkOptions("oneCycle", options, known);
  const { maximum, steps, rise = 0.3, anneal = "cosine", divide = 25, finalDivide = 1e4 } = options;
  checkWord("oneCycle", "anneal", anneal, ["cosine", "linear"]);
  checkRate("oneCycle", "maximum", maximum);
  whole("oneCycle", "steps", steps, 2);
  if (!(rise >= 0 && rise <= 1))
    throw new RangeError(`oneCycle: bad rise: got ${describe(rise)}, expected 0 ≤ rise ≤ 1`);
  for (const [name, value] of Object.entries({ divide, finalDivide }))
    if (!(checkRate("oneCycle", name, value) > 0))
      throw new RangeError(`oneCycle: bad ${name}: got ${value}, expected more than 0`);
  const [start, end, top] = [maximum / divide, maximum / divide / finalDivide, rise * steps - 1];
  const between = (from: number, to: number, part: number): number =>
    anneal === "cosine" ? to + ((from - to) / 2) * (1 + cosPi(part)) : from + (to - from) * part;
  return new Schedule(optimizer, (_, t) => {
    if (t >= steps)
      throw new RangeError(
        `oneCycle: the cycle is over: got step ${t}, expected less than ${steps}`,
      );
    return t <= top
      ? between(start, maximum, top > 0 ? t / top : 1)
      : between(maximum, end, (t - top) / (steps - 1 - top));
  });
}

/** All of them under one name; an object, so that bundlers leave it out where it is not used. */
export const schedules = {
  step,
  multiStep,
  exponential,
  linear,
  cosine,
  oneCycle,
  reduceOnPlateau,
  Schedule,
  ReduceOnPlateau,
};
