/** The examples run as they are, against the built package, and show what they say. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test.each([
  ["cnn.mjs", [], "98.5 % and more"],
  ["gpt.mjs", ["150"], "below the bigram entropy"],
  ["lstm.mjs", ["600"], "learned to remember"],
  ["autoencoder.mjs", ["10"], "better than linear"],
  ["dream.mjs", ["7"], "seen"],
  ["oscillator.mjs", ["600"], "a sine"],
  ["parallel.mjs", ["3"], "as one"],
])("%s %j: %s", (name, args, claim) => {
  const file = fileURLToPath(new URL(`../examples/${name}`, import.meta.url));
  const lines = execFileSync(process.execPath, [file, ...args], { encoding: "utf8" })
    .trim()
    .split("\n");
  expect(lines.at(-1)).toBe(claim);
});
