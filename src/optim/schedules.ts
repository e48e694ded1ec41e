/**
 * Learning-rate schedules: each moves the `lr` of an optimizer's groups, which the next run reads.
 * Call `step()` after every update, or after every epoch if the lengths are counted in epochs. The
 * rates are PyTorch's, from the closed forms.
 */
import type { StateDict } from "../state.js";
import { describe } from "../tape.js";
import { cosPi, power } from "./numbers.js";

/** What a schedule needs of an optimizer: groups with a rate each. */
export interface Scheduled {
  readonly groups: readonly { lr: number }[];
}

/** The rate after `count` steps, from the rate the schedule started with. */
type Rate = (base: number, count: number) => number;

/** A schedule whose rates depend on the number of steps alone. */
export class Schedule {
  readonly #optimizer: Scheduled;
  readonly #rate: Rate;
  /** The groups' rates when the schedule was made. */
  readonly base: readonly number[];
  #count = 0;

  constructor(optimizer: Scheduled, rate: Rate) {
    this.#optimizer = optimizer;
    this.#rate = rate;
    this.base = optimizer.groups.map(({ lr }) => lr);
    this.#set();
  }

  /** Steps so far. */
  get count(): number {
    return this.#count;
  }

  /** The rates in force, one for each group. */
  get rates(): readonly number[] {
    return this.#optimizer.groups.map(({ lr }) => lr);
  }

  step(): void {
    this.#count++;
    this.#set();
  }

  stateDict(): StateDict {
    return { count: { shape: [], dtype: "F64", data: Float64Array.of(this.#count) } };
  }

  loadStateDict(state: Readonly<StateDict>): void {
    const count = Number(state.count?.data[0]);
    if (!(Number.isInteger(count) && count >= 0))
      throw new RangeError(
        `loadStateDict: not the state of a schedule: got count ${count}, expected a whole number`,
      );
    this.#count = count;
    this.#set();
  }

  #set(): void {
    for (const [index, group] of this.#optimizer.groups.entries())
      group.lr = this.#rate(this.base[index] as number, this.#count);
  }
}

function whole(op: string, name: string, value: number, least = 1): number {
  if (!(Number.isInteger(value) && value >= least))
    throw new RangeError(
      `${op}: bad ${name}: got ${describe(value)}, expected a whole number ≥ ${least}`,
    );
  return value;
}

function factor(op: string, name: string, value: number): number {
  if (!(typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new RangeError(
      `${op}: bad ${name}: got ${describe(value)}, expected a finite number ≥ 0`,
    );
  return value;
}

/** base · gammaᵏ, k the number of whole `size`s so far (StepLR). */
export function step(
  optimizer: Scheduled,
  { size, gamma = 0.1 }: { readonly size: number; readonly gamma?: number },
): Schedule {
  whole("step", "size", size);
  factor("step", "gamma", gamma);
  return new Schedule(optimizer, (base, t) => base * power(gamma, Math.floor(t / size)));
}

/** base · gammaᵏ, k the number of milestones passed (MultiStepLR). */
export function multiStep(
  optimizer: Scheduled,
  { milestones, gamma = 0.1 }: { readonly milestones: readonly number[]; readonly gamma?: number },
): Schedule {
  for (const milestone of milestones) whole("multiStep", "milestone", milestone, 0);
  factor("multiStep", "gamma", gamma);
  return new Schedule(
    optimizer,
    (base, t) => base * power(gamma, milestones.filter((milestone) => milestone <= t).length),
  );
}

/** base · gammaᵗ (ExponentialLR). */
export function exponential(optimizer: Scheduled, { gamma }: { readonly gamma: number }): Schedule {
  factor("exponential", "gamma", gamma);
  return new Schedule(optimizer, (base, t) => base * power(gamma, t));
}

/** From base · from to base · to in `steps` equal steps, then constant (LinearLR). */
export function linear(
  optimizer: Scheduled,
  {
    steps,
    from = 1 / 3,
    to = 1,
  }: { readonly steps: number; readonly from?: number; readonly to?: number },
): Schedule {
  whole("linear", "steps", steps);
  factor("linear", "from", from);
  factor("linear", "to", to);
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
  const { steps, minimum = 0, warmup = 0, restarts = false } = options;
  whole("cosine", "steps", steps);
  factor("cosine", "minimum", minimum);
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
  const { maximum, steps, rise = 0.3, anneal = "cosine", divide = 25, finalDivide = 1e4 } = options;
  factor("oneCycle", "maximum", maximum);
  whole("oneCycle", "steps", steps, 2);
  if (!(rise >= 0 && rise <= 1))
    throw new RangeError(`oneCycle: bad rise: got ${describe(rise)}, expected 0 ≤ rise ≤ 1`);
  for (const [name, value] of Object.entries({ divide, finalDivide }))
    if (!(factor("oneCycle", name, value) > 0))
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

export interface PlateauOptions {
  readonly mode?: "min" | "max";
  readonly factor?: number;
  /** Steps without improvement that are waited for. */
  readonly patience?: number;
  /** What counts as an improvement: relative to the best, or absolute. */
  readonly threshold?: number;
  readonly relative?: boolean;
  /** Steps after a reduction in which none is counted. */
  readonly cooldown?: number;
  readonly minimum?: number;
}

/**
 * Multiplies the rates by `factor` when a metric has not improved for more than `patience` steps
 * (ReduceLROnPlateau).
 */
export class ReduceOnPlateau {
  readonly #optimizer: Scheduled;
  readonly #options: Required<PlateauOptions>;
  #best: number;
  #waited = 0;
  #cooling = 0;

  constructor(optimizer: Scheduled, options: PlateauOptions = {}) {
    const defaults = { mode: "min", factor: 0.1, patience: 10, threshold: 1e-4 } as const;
    const rest = { relative: true, cooldown: 0, minimum: 0 };
    this.#optimizer = optimizer;
    this.#options = { ...defaults, ...rest, ...options };
    const { factor: by, patience, cooldown } = this.#options;
    if (!(by >= 0 && by < 1))
      throw new RangeError(`reduceOnPlateau: bad factor: got ${by}, expected 0 ≤ factor < 1`);
    whole("reduceOnPlateau", "patience", patience, 0);
    whole("reduceOnPlateau", "cooldown", cooldown, 0);
    this.#best = this.#options.mode === "min" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  /** The rates in force, one for each group. */
  get rates(): readonly number[] {
    return this.#optimizer.groups.map(({ lr }) => lr);
  }

  /** The metric of the latest epoch; one that is NaN is no improvement. */
  step(metric: number): void {
    if (typeof metric !== "number")
      throw new TypeError(
        `reduceOnPlateau: metric is not a number: got ${describe(metric)}, expected one, as from loss.item()`,
      );
    const { patience, cooldown } = this.#options;
    const better = this.#improves(metric);
    if (better) this.#best = metric;
    this.#waited = better ? 0 : this.#waited + 1;
    if (this.#cooling > 0) {
      this.#cooling--;
      this.#waited = 0;
    }
    if (this.#waited <= patience) return;
    this.#cooling = cooldown;
    this.#waited = 0;
    this.#reduce();
  }

  #reduce(): void {
    const { factor: by, minimum } = this.#options;
    for (const group of this.#optimizer.groups) {
      const reduced = Math.max(group.lr * by, minimum);
      // PyTorch's eps: a smaller change is not made.
      if (group.lr - reduced > 1e-8) group.lr = reduced;
    }
  }

  #improves(metric: number): boolean {
    const { mode, threshold, relative } = this.#options;
    const margin = relative ? this.#best * threshold : threshold;
    if (!Number.isFinite(this.#best))
      return mode === "min" ? metric < this.#best : metric > this.#best;
    return mode === "min" ? metric < this.#best - margin : metric > this.#best + margin;
  }

  stateDict(): StateDict {
    const numbers = { best: this.#best, waited: this.#waited, cooling: this.#cooling };
    const state: StateDict = {};
    for (const [name, value] of Object.entries(numbers))
      state[name] = { shape: [], dtype: "F64", data: Float64Array.of(value) };
    return state;
  }

  loadStateDict(state: Readonly<StateDict>): void {
    const numbers = ["best", "waited", "cooling"].map((name) => Number(state[name]?.data[0]));
    const [best, waited, cooling] = numbers as [number, number, number];
    if (numbers.some(Number.isNaN))
      throw new RangeError(
        `loadStateDict: not the state of a schedule: got [${Object.keys(state).join(", ")}], expected [best, waited, cooling]`,
      );
    [this.#best, this.#waited, this.#cooling] = [best, waited, cooling];
  }
}

/** See `ReduceOnPlateau`. */
export const reduceOnPlateau = (optimizer: Scheduled, options?: PlateauOptions): ReduceOnPlateau =>
  new ReduceOnPlateau(optimizer, options);

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
