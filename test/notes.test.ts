/**
 * The notes' programs run as they are, against the built package, and every number that they show is
 * right to 1e-12.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Exports, type Numbers, notes } from "./notes/expected.js";

const folder = new URL("../examples/notes/", import.meta.url);

/** Runs in the program's process, after it: JSON has no NaN. */
const TELL = `
const exports = await import(process.argv[1]);
console.log(JSON.stringify(exports, (_, v) => (Number.isNaN(v) ? "NaN" : v)));
`;

function run(program: string): { lines: string[]; exports: Exports } {
  const { href } = new URL(`${program}.mjs`, folder);
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", TELL, href], {
    encoding: "utf8",
  });
  const lines = output.trim().split("\n");
  const json = JSON.parse(lines.pop() as string, (_, v) => (v === "NaN" ? Number.NaN : v));
  return { lines, exports: json };
}

/** Where numbers differ: nothing missing, nothing more, relative errors of 1e-12 at most. */
function* differences(got: Numbers | undefined, want: Numbers, path: string): Iterable<string> {
  if (typeof want === "number" && typeof got === "number") {
    const near = Math.abs(got - want) <= 1e-12 * Math.abs(want) + 1e-15;
    if (!near && !Object.is(got, want)) yield `${path}: got ${got}, expected ${want}`;
  } else if (typeof want === "object" && typeof got === "object") {
    const [have, wanted] = [got as Exports, want as Exports];
    for (const key of new Set([...Object.keys(have), ...Object.keys(wanted)]))
      if (wanted[key] === undefined) yield `${path}.${key}: not expected`;
      else yield* differences(have[key], wanted[key], `${path}.${key}`);
  } else if (got !== want) yield `${path}: got ${got}, expected ${want}`;
}

test.each(notes)("$program: $claim", ({ program, claim, given = [], expected }) => {
  const { lines, exports } = run(program);
  expect(lines.at(-1)).toBe(claim);
  const shown = Object.fromEntries(Object.entries(exports).filter(([key]) => !given.includes(key)));
  expect([...differences(shown, expected(exports), program)]).toEqual([]);
});

test("every program of the notes is tested, and described beside them", () => {
  const programs = readdirSync(folder).filter((name) => name.endsWith(".mjs"));
  const helpers = ["withBackward.mjs"];
  const tested = notes.map(({ program }) => `${program}.mjs`);
  expect(programs.toSorted()).toEqual([...tested, ...helpers].toSorted());
  const readme = readFileSync(new URL("README.md", folder), "utf8");
  expect(programs.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});
