/** The numbers of an optimizer's groups in its state dictionary. */
import { checkState, numberEntry, type StateDict, snakeCase } from "../state.js";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The numbers of a group by name, a pair such as `betas` as `beta1` and `beta2`; what is no number
 * is part of the program and not saved.
 */
function numbersOf(group: Fields): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [name, value] of Object.entries(group)) {
    if (typeof value === "number") numbers[snakeCase(name)] = value;
    else if (name === "betas")
      for (const [index, beta] of (value as readonly number[]).entries())
        numbers[`beta${index + 1}`] = beta;
  }
  return numbers;
}

const keyOf = (group: number, name: string): string => `param_groups.${group}.${name}`;

export function saveGroups(groups: readonly object[]): StateDict {
  const state: StateDict = {};
  for (const [index, group] of groups.entries())
    for (const [name, value] of Object.entries(numbersOf(group as Fields)))
      state[keyOf(index, name)] = numberEntry(value);
  return state;
}

/** Checks the saved numbers; `restore` writes them, `rest` is everything else. */
export function loadGroups(
  groups: readonly object[],
  state: Readonly<StateDict>,
): { readonly rest: StateDict; readonly restore: () => void } {
  checkState("loadStateDict", state);
  const rest: StateDict = {};
  const saved = groups.map((): Record<string, number> => ({}));
  for (const [key, entry] of Object.entries(state)) {
    const [, group, name] = /^param_groups\.(\d+)\.(.+)$/.exec(key) ?? [];
    const into = saved[Number(group)];
    if (name === undefined) rest[key] = entry;
    else if (!into)
      throw new RangeError(
        `loadStateDict: number of groups differs: got "${key}", expected ${groups.length} groups`,
      );
    else if (entry.dtype === "F64" && entry.data.length === 1) into[name] = Number(entry.data[0]);
    else
      throw new TypeError(
        `loadStateDict: "${key}" is not a number: got ${entry.dtype} of ${entry.data.length}, expected F64 of 1`,
      );
  }
  for (const [index, group] of groups.entries()) {
    const known = Object.keys(numbersOf(group as Fields)).sort();
    const got = Object.keys(saved[index] as object).sort();
    if (String(known) !== String(got))
      throw new RangeError(
        `loadStateDict: hyper-parameters differ: got [${got.join(", ")}], expected [${known.join(", ")}]`,
      );
  }
  const restore = (): void => {
    for (const [index, group] of groups.entries()) {
      const numbers = saved[index] as Record<string, number>;
      for (const [name, value] of Object.entries(group as Fields))
        if (typeof value === "number") Object.assign(group, { [name]: numbers[snakeCase(name)] });
        else if (name === "betas") Object.assign(group, { betas: [numbers.beta1, numbers.beta2] });
    }
  };
  return { rest, restore };
}
