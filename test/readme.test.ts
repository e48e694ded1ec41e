/**
 * The README's programs print what the README says, run as a user would against the built package.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
/** Blocks of JavaScript with a block of text below them, which is their output. */
const programs = [...readme.matchAll(/```js\n([^`]*)```\n\n```text\n([^`]*)```/g)].map(
  ([, source = "", output = ""], at) => ({ number: at + 1, source, output }),
);

test("every output in the README has its program", () => {
  expect(programs.length).toBe(readme.split("```text\n").length - 1);
});

test.each(programs)("program $number of the README", ({ number, source, output }) => {
  // Inside the package, so that it imports the package by name.
  const file = new URL(`../build/readme${number}.mjs`, import.meta.url);
  mkdirSync(new URL("../build/", import.meta.url), { recursive: true });
  writeFileSync(file, source);
  expect(execFileSync(process.execPath, [file.pathname], { encoding: "utf8" })).toBe(output);
});
