/**
 * The README's program prints what the README says, run as a user would against the built package.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const block = (language: string): string =>
  new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(readme)?.[1] ?? "";

test("the first program of the README", () => {
  // Inside the package, so that it imports the package by name.
  const file = new URL("../build/readme.mjs", import.meta.url);
  mkdirSync(new URL("../build/", import.meta.url), { recursive: true });
  writeFileSync(file, block("js"));
  const output = execFileSync(process.execPath, [file.pathname], { encoding: "utf8" });
  expect(output).toBe(block("text"));
});
