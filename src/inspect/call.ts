/** The function and the arguments that circuit, stages and others are given. */

import { functionOf } from "../compile.js";
import { describe } from "../describe.js";
import { currentTrace } from "../trace.js";

/** The function behind a compiled one, or the function itself. */
function plainFunction(op: string, fn: unknown): (...args: never[]) => unknown {
  if (typeof fn !== "function") {
    const isModule = typeof (fn as { forward?: unknown } | null)?.forward === "function";
    const cure = isModule ? "; write (x) => model.forward(x)" : "";
    throw new TypeError(
      `${op}: not a function: got ${describe(fn)}, expected a function of tensors${cure}`,
    );
  }
  return functionOf(fn) ?? (fn as (...args: never[]) => unknown);
}

/** A function, the list of its arguments, and no compilation around: the function behind it. */
export function checkCall(op: string, fn: unknown, inputs: unknown): (...args: never[]) => unknown {
  const plain = plainFunction(op, fn);
  if (!Array.isArray(inputs))
    throw new TypeError(
      `${op}: inputs are no list: got ${describe(inputs)}, expected an array of the function's arguments`,
    );
  if (currentTrace())
    throw new Error(
      `${op}: called while a function is being compiled: expected a call outside of it, with its values`,
    );
  return plain;
}
