import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { embedded } from "../src/wasm/embedded.js";

test.each(["simd", "relaxed"] as const)(
  "the text of the %s kernels is that of the file",
  (build) => {
    const file = readFileSync(new URL(`../build/kernels.${build}.wasm`, import.meta.url));
    const bytes = embedded.bytes?.(build) as Uint8Array;
    expect(bytes.length).toBe(file.length);
    expect(file.equals(bytes)).toBe(true);
  },
);
