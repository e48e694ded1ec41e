import { describe } from "../describe.js";
import { checkState, numberEntry, type StateDict } from "../state.js";

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
    return { count: numberEntry(this.#count) };
  }

  loadStateDict(state: Readonly<StateDict>): void {
    checkState("loadStateDict", state);
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

/** A count of steps or epochs. */
export function whole(op: string, name: string, value: number, least = 1): number {
  if (!(Number.isInteger(value) && value >= least))
    throw new RangeError(
      `${op}: bad ${name}: got ${describe(value)}, expected a whole number ≥ ${least}`,
    );
  return value;
}
