/** Bad input: the exact message, nothing half-done, and the library works afterwards. */
import { afterEach, describe, expect, test } from "vitest";
import { init, tensor, wasm } from "../../src/index.js";

export const x23 = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
export const ints = tensor([0, 1], { dtype: "i32" });
/** What the types would refuse. */
export const any = (value: unknown): never => value as never;

export interface Row {
  readonly call: () => unknown;
  readonly kind: ErrorConstructor;
  readonly message: string;
}

/** One test for each row; the stack leads to the line of the call, in `file`. */
export function expectMessages(rows: Readonly<Record<string, Row>>, file: string): void {
  describe("exact messages", () => {
    afterEach(() => init({ backend: wasm }));
    test.each(Object.entries(rows))("%s", (_, { call, kind, message }) => {
      let error: unknown;
      try {
        call();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(kind);
      expect((error as Error).message).toBe(message);
      expect((error as Error).stack).toContain(file);
      expect(tensor([1, 2]).add(1).toArray()).toEqual([2, 3]);
    });
  });
}
