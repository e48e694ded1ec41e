/** The committed page of the proof says what a fresh one says: names and verdicts, not digits. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { proof, table, verdicts } from "./proof/proof.js";

test("docs/ops.md is what the proof finds, and everything is proved", () => {
  const fresh = verdicts(table([...proof()]));
  expect(fresh.filter((line) => !line.endsWith("proved |"))).toEqual([]);
  const page = readFileSync(new URL("../docs/ops.md", import.meta.url), "utf8");
  expect(verdicts(page)).toEqual(fresh);
});
