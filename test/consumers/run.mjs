/**
 * Installs the packed package and builds with it as its users do; checks what it says of itself
 * with publint and attw. Named parts only, or all. With CI=true missing tools are a failure.
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { DIGITS } from "../runtimes/expected.mjs";
import { bundlers, drawings } from "./bundlers.mjs";
import { next } from "./next.mjs";
import { areInstalled, install, node, tool } from "./project.mjs";
import { types } from "./types.mjs";

async function publint(tarball) {
  const { publint } = await import(pathToFileURL(tool("publint/src/index-node.js")).href);
  const pkgDir = join(dirname(tarball), "node_modules/chainrule");
  const { messages } = await publint({ pkgDir, strict: true });
  if (messages.length > 0) throw new Error(JSON.stringify(messages));
}

/** The kernels are a file without a module of their own: nothing that types could resolve to. */
function attw(tarball) {
  const args = [
    "@arethetypeswrong/cli/dist/index.js",
    "--exclude-entrypoints",
    "kernels.wasm",
    "kernels.relaxed.wasm",
  ];
  node([tool(args[0]), tarball, ...args.slice(1)]);
}

const withDigits = (build) => async (tarball) => {
  const { digits } = await build(tarball);
  const sha256 = createHash("sha256").update(Buffer.from(digits.weights, "hex")).digest("hex");
  if (sha256 !== DIGITS) throw new Error(`other weights: got ${sha256}, expected ${DIGITS}`);
};

const parts = {
  ...Object.fromEntries(Object.entries({ ...bundlers, next }).map(([n, f]) => [n, withDigits(f)])),
  ...drawings,
  ...types,
  publint,
  attw,
};

async function main(names) {
  const chosen = Object.entries(parts).filter(([name]) => !names.length || names.includes(name));
  if (!areInstalled()) {
    const failed = process.env.CI === "true" ? chosen.length : 0;
    console.log(`– consumers: not installed here: npm run tools\n`);
    console.log(`0 passed, ${failed} failed, ${chosen.length - failed} skipped`);
    return failed > 0 ? 1 : 0;
  }
  const tarball = await install();
  let failed = 0;
  for (const [name, check] of chosen)
    try {
      await check(tarball);
      console.log(`✓ ${name}`);
    } catch (error) {
      failed++;
      console.log(`✗ ${name}: ${error.stack}\n${error.stdout ?? ""}`);
    }
  console.log(`\n${chosen.length - failed} passed, ${failed} failed, 0 skipped`);
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
