// Writes the WebAssembly kernels into a TypeScript module as text, so that importing the package
// needs no asset, no fetch and no file system: scripts/packInstructions.mjs says how, assembly/unpack.ts
// reads it. The files are replaced by what their text stands for.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import binaryen from "assemblyscript/binaryen";
import { kernelId } from "./kernelId.mjs";
import { disassemble } from "./kernelInstructions.mjs";
import { pack } from "./packInstructions.mjs";
import { unpacked } from "./unpacked.mjs";

/** Functions that are alike side by side, in the order of their names, which are left out. */
function arranged(bytes) {
  const module = binaryen.readBinary(bytes);
  module.setFeatures(binaryen.Features.All);
  module.runPasses(["reorder-functions-by-name", "strip-debug"]);
  return Buffer.from(module.emitBinary());
}

const BUILDS = ["simd", "relaxed"];
const modules = BUILDS.map((build) => {
  const file = `build/kernels.${build}.wasm`;
  const module = disassemble(arranged(readFileSync(file)));
  writeFileSync(file, module.bytes);
  return module;
});
const sizes = Object.fromEntries(BUILDS.map((build, at) => [build, modules[at].bytes.length]));
const text = pack(modules.map(({ strings }) => strings));
const unpack = readFileSync("build/kernels.unpack.wasm");
for (const [at, bytes] of unpacked(unpack, text, Object.values(sizes)).entries())
  if (!modules[at].bytes.equals(bytes)) throw new Error(`kernels: ${BUILDS[at]} is unpacked wrong`);
mkdirSync("src/generated", { recursive: true });
writeFileSync(
  "src/generated/kernels.ts",
  [
    "/** How many bytes the modules have, in their order. */",
    `export const sizes = ${JSON.stringify(sizes)};`,
    `export const text = ${JSON.stringify(text)};`,
    `export const unpack = "${unpack.toString("base64")}";`,
    "",
  ].join("\n"),
);
writeFileSync(
  "src/generated/kernelId.ts",
  `/** Of these kernels: in a custom section of dist/kernels.wasm too. */
export const kernelId = "${kernelId()}";
`,
);
