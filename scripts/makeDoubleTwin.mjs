// Makes the f64 kernels from the f32 ones: `F(…)` (Math.fround) goes, `float.js` becomes
// `double.js`, and `math.js` and the `wide` files become `doubleMath.js`, where f64 may use Math.*.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const source = "src/ts";
const target = "src/generated/double";
const functions = [
  "math.ts",
  "wideLanes.ts",
  "wideMath.ts",
  "wideTrig.ts",
  "gelu.ts",
  "doubleMath.ts",
];
const notKernels = new Set([
  ...functions,
  "float.ts",
  "double.ts",
  "backend.ts",
  "arrayBackend.ts",
]);

/** Drops the rounding: the parentheses of `F(…)` stay. */
function drop(text) {
  return text
    .replace(/^const F = Math\.fround;\n/m, "")
    .replaceAll('from "./float.js"', 'from "../../ts/double.js"')
    .replaceAll('from "../threefry.js"', 'from "../../threefry.js"')
    .replaceAll(/from "\.\/(math|wideMath|wideTrig|gelu)\.js"/g, 'from "../../ts/doubleMath.js"')
    .replaceAll('from "../../assembly/', 'from "../../../assembly/')
    .replaceAll('from "../kernels.js"', 'from "../../kernels.js"')
    .replace(/\bF\(/g, "(");
}

mkdirSync(target, { recursive: true });
for (const name of readdirSync(source)) {
  if (!name.endsWith(".ts") || notKernels.has(name)) continue;
  writeFileSync(`${target}/${name}`, drop(readFileSync(`${source}/${name}`, "utf8")));
}
