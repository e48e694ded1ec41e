/** What the functions of this folder are given, refused where it is of the wrong kind. */
import { describe } from "../describe.js";
import type { CircuitData } from "./types.js";

/** A count: a TypeError for what is no number, a RangeError for one that is not whole, or below 0. */
export function checkCount(op: string, name: string, value: unknown): void {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return;
  if (Number.isInteger(value) && Number(value) >= 0) return;
  const Kind = typeof value === "number" ? RangeError : TypeError;
  throw new Kind(
    `${op}: bad ${name}: got ${describe(value)}, expected a whole number ≥ 0, or Infinity`,
  );
}

export function checkFlag(op: string, name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "boolean")
    throw new TypeError(`${op}: bad ${name}: got ${describe(value)}, expected true or false`);
}

export function checkCircuit(op: string, circuit: unknown): asserts circuit is CircuitData {
  const { gates, wires, inputs, outputs } = (circuit ?? {}) as Partial<CircuitData>;
  if (![gates, wires, inputs, outputs].every(Array.isArray))
    throw new TypeError(
      `${op}: no circuit: got ${describe(circuit)}, expected what circuit(f, inputs) returns`,
    );
}

/** One name for each argument, all different. */
export function checkNames(op: string, names: unknown, inputs: readonly unknown[]): void {
  if (names === undefined) return;
  if (!Array.isArray(names))
    throw new TypeError(`${op}: bad names: got ${describe(names)}, expected an array of strings`);
  if (names.length !== inputs.length)
    throw new RangeError(
      `${op}: number of names differs: got ${names.length}, expected ${inputs.length}, one for each argument`,
    );
  for (const [at, name] of names.entries()) {
    if (typeof name !== "string" || name === "")
      throw new TypeError(
        `${op}: bad name of argument ${at}: got ${describe(name)}, expected a string that is not empty`,
      );
    if (names.indexOf(name) < at)
      throw new RangeError(
        `${op}: two arguments have one name: got ${describe(name)} for ${names.indexOf(name)} and ${at}, expected different ones`,
      );
  }
}
