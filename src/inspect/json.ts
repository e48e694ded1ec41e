/** A circuit as JSON: plain objects and arrays, and numbers that JSON has no word for as strings. */
import { checkCircuit } from "./check.js";
import type { CircuitData } from "./types.js";

/** What `JSON.parse` gives back. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

function plain(value: unknown): Json | undefined {
  if (typeof value === "number")
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : Object.is(value, -0)
        ? "-0"
        : String(value);
  if (Array.isArray(value)) return value.map((item) => plain(item) ?? null);
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (value === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const found = plain(item);
      return found === undefined ? [] : [[key, found]];
    }),
  );
}

/**
 * The circuit's fields as plain data. NaN, Infinity, -Infinity and -0 are the strings "NaN",
 * "Infinity", "-Infinity" and "-0", which Number(…) reads; what is undefined is left out.
 */
export function toJson(circuit: CircuitData): Json {
  checkCircuit("toJson", circuit);
  const { gates, wires, inputs, outputs } = circuit;
  return plain({ gates, wires, inputs, outputs }) as Json;
}
