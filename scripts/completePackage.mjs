// What belongs into dist beside the bundled JavaScript: the kernels as a file with its type, and
// the types of the CommonJS build, which are those of the other one under another name.
// `clean` empties dist before the build, whose two parts run side by side.
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { kernelId, marked } from "./kernelId.mjs";

if (process.argv[2] === "clean") {
  rmSync("dist", { recursive: true, force: true });
  process.exit();
}
for (const name of readdirSync("dist").filter((file) => file.endsWith(".d.ts"))) {
  const text = readFileSync(`dist/${name}`, "utf8").replace(/(from '\.\/[^']+)\.js'/g, "$1.cjs'");
  writeFileSync(`dist/${name.replace(/\.d\.ts$/, ".d.cts")}`, text);
}
for (const [build, name] of [
  ["simd", "kernels.wasm"],
  ["relaxed", "kernels.relaxed.wasm"],
]) {
  writeFileSync(`dist/${name}`, marked(readFileSync(`build/kernels.${build}.wasm`), kernelId()));
  copyFileSync("src/wasmModule.d.ts", `dist/${name}.d.ts`);
}
