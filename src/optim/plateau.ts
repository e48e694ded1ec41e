import { checkOptions, checkWord, describe } from "../describe.js";
import { checkState, numberEntry, type StateDict } from "../state.js";
import { checkFraction } from "./groups.js";
import { type Scheduled, whole } from "./schedule.js";

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
    checkOptions("reduceOnPlateau", options, Object.keys({ ...defaults, ...rest }));
    this.#optimizer = optimizer;
    this.#options = { ...defaults, ...rest, ...options };
    const { mode, factor: by, patience, cooldown } = this.#options;
    checkWord("reduceOnPlateau", "mode", mode, ["min", "max"]);
    checkFraction("reduceOnPlateau", "factor", by);
    whole("reduceOnPlateau", "patience", patience, 0);
    whole("reduceOnPlateau", "cooldown", cooldown, 0);
    this.#best = mode === "min" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
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
    for (const [name, value] of Object.entries(numbers)) state[name] = numberEntry(value);
    return state;
  }

  loadStateDict(state: Readonly<StateDict>): void {
    checkState("loadStateDict", state);
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
