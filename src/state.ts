/** State dictionaries: what a module, an optimizer or the random stream needs to go on where it stopped. */
import type { StateData, StateEntry } from "./io/stateEntry.js";
import { Parameter } from "./parameter.js";
import { formatShape, sameShape } from "./shape.js";

export type StateDict = Record<string, StateEntry>;

const names = { f32: "F32", f64: "F64", i32: "I32" } as const;

/** A copy of a Parameter's value as an entry. Counters are saved as I64, as PyTorch does. */
export function entryOf(parameter: Parameter): StateEntry {
  const data = parameter.value();
  return parameter.dtype === "i32"
    ? { shape: parameter.shape, dtype: "I64", data: BigInt64Array.from(data, BigInt) }
    : { shape: parameter.shape, dtype: names[parameter.dtype], data: data as StateData };
}

/** The numbers of an entry as the Parameter wants them. Throws when it cannot hold them. */
function dataFor(op: string, key: string, parameter: Parameter, entry: StateEntry): number[] {
  if (!sameShape(entry.shape, parameter.shape))
    throw new RangeError(
      `${op}: shape of "${key}" differs: got ${formatShape(entry.shape)}, expected ${formatShape(parameter.shape)}`,
    );
  const expected = parameter.dtype === "i32" ? ["I64", "I32"] : [names[parameter.dtype]];
  if (!expected.includes(entry.dtype as never))
    throw new TypeError(
      `${op}: dtype of "${key}" differs: got ${entry.dtype}, expected ${expected.join(" or ")}`,
    );
  return Array.from(entry.data as ArrayLike<number | bigint>, Number);
}

/** Checks every entry, then copies all of them into their Parameters; on an error nothing has changed. */
export function loadInto(
  op: string,
  parameters: ReadonlyMap<string, Parameter>,
  state: Readonly<StateDict>,
): void {
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
