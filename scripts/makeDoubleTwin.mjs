// Makes the f64 kernels from the f32 ones: `F(…)` (Math.fround) goes, `float.js` becomes `double.js`, and `math.js`
// becomes `doubleMath.js`, where f64 may use Math.*.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const source = "src/ts";
const target = "src/generated/double";
const notKernels = new Set(["float.ts", "double.ts", "math.ts", "doubleMath.ts", "backend.ts"]);

/** Removes every `F(` and its closing parenthesis's meaning: the parentheses themselves stay. */
function drop(text) {
  return text
    .replace(/^import \{([^}]*)\} from "\.\/float\.js";/gm, (_, names) => {
      const kept = names.split(",").map((name) => name.trim()).filter((name) => name && name !== "F");
      return kept.length === 0 ? "" : `import { ${kept.join(", ")} } from "../../ts/double.js";`;
    })
    .replace(/^import type \{([^}]*)\} from "\.\/float\.js";/gm, 'import type {$1} from "../../ts/double.js";')
    .replaceAll('from "./math.js"', 'from "../../ts/doubleMath.js"')
    .replaceAll('from "../../assembly/', 'from "../../../assembly/')
    .replaceAll('from "../kernels.js"', 'from "../../kernels.js"')
    .replace(/\bF\(/g, "(");
}

mkdirSync(target, { recursive: true });
for (const name of readdirSync(source)) {
  if (!name.endsWith(".ts") || notKernels.has(name)) continue;
  writeFileSync(`${target}/${name}`, drop(readFileSync(`${source}/${name}`, "utf8")));
}
