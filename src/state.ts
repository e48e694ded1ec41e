/**
 * State dictionaries: what a module, an optimizer or the random stream needs to go on where it
 * stopped.
 */
import { describe } from "./describe.js";
import type { StateData, StateEntry } from "./io/stateEntry.js";
import type { Parameter } from "./parameter.js";
import { formatShape, sameShape } from "./shape.js";

export type StateDict = Record<string, StateEntry>;

/** A name as PyTorch's keys are written: `weightDecay` is `weight_decay`. */
export const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const names = { f32: "F32", f64: "F64", i32: "I32", bool: "BOOL" } as const;

/** A number of JavaScript as an entry. */
export const numberEntry = (value: number): StateEntry => ({
  shape: [],
  dtype: "F64",
  data: Float64Array.of(value),
});

/** A copy of a Parameter's value as an entry. Counters are saved as I64, as PyTorch does. */
export function entryOf(parameter: Parameter): StateEntry {
  const data = parameter.value();
  return parameter.dtype === "i32"
    ? { shape: parameter.shape, dtype: "I64", data: BigInt64Array.from(data, BigInt) }
    : { shape: parameter.shape, dtype: names[parameter.dtype], data: data as StateData };
}

/** The numbers of an entry as the Parameter wants them. Throws when it cannot hold them. */
function dataFor(op: string, key: string, parameter: Parameter, entry: StateEntry): number[] {
  if (!entry?.data || !Array.isArray(entry.shape))
    throw new TypeError(
      `${op}: "${key}" is no entry: got ${describe(entry)}, expected { shape, dtype, data }`,
    );
  if (!sameShape(entry.shape, parameter.shape))
    throw new RangeError(
      `${op}: shape of "${key}" differs: got ${formatShape(entry.shape)}, expected ${formatShape(parameter.shape)}`,
    );
  const expected = parameter.dtype === "i32" ? ["I64", "I32"] : [names[parameter.dtype]];
  if (!expected.includes(entry.dtype as never))
    throw new TypeError(
      `${op}: dtype of "${key}" differs: got ${entry.dtype}, expected ${expected.join(" or ")}`,
    );
  const numbers = Array.from(entry.data as ArrayLike<number | bigint>, Number);
  // A file may hold any byte for true; a bool is the word 1.
  return parameter.dtype === "bool" ? numbers.map((x) => (x ? 1 : 0)) : numbers;
}

/** A part that a file lacks is undefined, and a Map has no keys of its own. */
export function checkState(op: string, state: unknown): void {
  if (!state || typeof state !== "object" || state instanceof Map)
    throw new TypeError(`${op}: no state: got ${describe(state)}, expected one as of stateDict()`);
}

/**
 * Checks every entry, then copies all of them into their Parameters; on an error nothing has
 * changed.
 */
export function loadInto(
  op: string,
  parameters: ReadonlyMap<string, Parameter>,
  state: Readonly<StateDict>,
): void {
  checkState(op, state);
  const missing = [...parameters.keys()].filter((key) => !Object.hasOwn(state, key));
  const unexpected = Object.keys(state).filter((key) => !parameters.has(key));
  if (missing.length > 0 || unexpected.length > 0)
    throw new RangeError(
      `${op}: keys differ: missing [${missing.join(", ")}], unexpected [${unexpected.join(", ")}]`,
    );
  const writes = [...parameters].map(([key, parameter]) => {
    const data = dataFor(op, key, parameter, state[key] as StateEntry);
    return () => {
      const typed = parameter.value();
      typed.set(data);
      parameter.write(typed);
    };
  });
  for (const write of writes) write();
}

/** State dictionaries of several owners as one: `model` and `0.weight` become `model.0.weight`. */
export function joinStates(parts: Readonly<Record<string, Readonly<StateDict>>>): StateDict {
  const joined: StateDict = {};
  for (const [owner, state] of Object.entries(parts)) {
    if (owner.includes("."))
      throw new RangeError(`joinStates: owner has a dot: got "${owner}", expected a plain name`);
    for (const [key, entry] of Object.entries(state)) joined[`${owner}.${key}`] = entry;
  }
  return joined;
}

/** What `joinStates` joined, by owner. */
export function splitStates(state: Readonly<StateDict>): Record<string, StateDict> {
  const parts: Record<string, StateDict> = {};
  for (const [key, entry] of Object.entries(state)) {
    const dot = key.indexOf(".");
    if (dot < 0)
      throw new RangeError(`splitStates: key has no owner: got "${key}", expected owner.key`);
    const owner = key.slice(0, dot);
    parts[owner] ??= {};
    parts[owner][key.slice(dot + 1)] = entry;
  }
  return parts;
}
