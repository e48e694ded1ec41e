/** The whole digits run gives one hash on a second JavaScript engine too: Bun's JavaScriptCore. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const installed = `${root}.tools/node_modules/@oven/bun-linux-x64/bin/bun`;

function findBun(): string | undefined {
  if (existsSync(installed)) return installed;
  try {
    execFileSync("bun", ["--version"]);
    return "bun";
  } catch {
    return undefined;
  }
}

const bun = findBun();
const train = (engine: string, backend: string): string => {
  const args = ["examples/train.mjs", "--json", "--backend", backend];
  const output = execFileSync(engine, args, { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
  return JSON.parse(output.toString()).sha256;
};

if (!bun && !process.env.CI)
  console.warn("bun is not installed: the run on a second engine is skipped");

test.runIf(bun || process.env.CI)("the digits run has the same hash in Bun and Node", () => {
  if (!bun) throw new Error("bun: not found: expected it on the PATH or in .tools; see .ci/run");
  const hash = train(process.execPath, "wasm");
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(train(bun, "wasm")).toBe(hash);
  expect(train(bun, "ts")).toBe(hash);
});
