/** What tests of circuits look for, and data to make circuits of. */
import { expect } from "vitest";
import { init, type Tensor, tensor } from "../../src/index.js";
import type { CircuitData, Wire } from "../../src/inspect/index.js";
import { ts } from "../../src/pure.js";
import { wasm } from "../../src/wasm/backend.js";

export const inDouble = (): void => init({ backend: ts, dtype: "f64" });
export const inSingle = (): void => init({ backend: wasm, dtype: "f32" });

export const wire = ({ wires }: CircuitData, label: string): Wire => {
  const found = wires.find((one) => one.label === label);
  if (!found) throw new Error(`no wire ${label}: ${wires.map((one) => one.label).join(", ")}`);
  return found;
};
export const valuesAt = (c: CircuitData, label: string): readonly number[] =>
  wire(c, label).value.entries;
export const gradientOf = (c: CircuitData, label: string): readonly number[] | undefined =>
  wire(c, label).gradient?.entries;

export const batch = (rows: number, cols: number): Tensor =>
  tensor(
    Array.from({ length: rows * cols }, (_, index) => Math.sin(index * 1.7)),
    { shape: [rows, cols] },
  );
export const labels = (...list: number[]): Tensor => tensor(list, { dtype: "i32" });

/** Whether each gradient is, to the bit, the sum of its terms in their order. */
export function expectSums(of: CircuitData, round: (x: number) => number): void {
  for (const { label, gradient, terms } of of.wires) {
    if (!gradient || terms.length === 0) continue;
    const total = gradient.entries.map((_, at) =>
      terms.map((term) => term.gradient.entries[at] as number).reduce((a, b) => round(a + b)),
    );
    expect(total, label).toEqual(gradient.entries);
  }
  for (const { inside } of of.gates) if (inside) expectSums(inside, round);
}
