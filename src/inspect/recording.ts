/** What the functions of this folder are given. */
import { functionOf } from "../compile.js";
import { describe } from "../tape.js";

export { type Origin, type Recording, recordWithOrigins } from "../origins.js";

/** The function behind a compiled one, or the function itself. */
export function plainFunction(op: string, fn: unknown): (...args: never[]) => unknown {
  if (typeof fn !== "function")
    throw new TypeError(
      `${op}: not a function: got ${describe(fn)}, expected a function of tensors`,
    );
  return functionOf(fn) ?? (fn as (...args: never[]) => unknown);
}
