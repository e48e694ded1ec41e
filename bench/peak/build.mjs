// Compiles bench/peak/peak.ts to build/peak.simd.wasm and build/peak.relaxed.wasm with the very options
// of the library's kernels (asconfig.json), so that the peak and what is measured against it are
// compiled alike.
import { mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("../../", import.meta.url));
const { options, targets } = JSON.parse(readFileSync(`${root}asconfig.json`, "utf8"));

mkdirSync(`${root}build`, { recursive: true });
for (const target of ["simd", "relaxed"]) {
  const flags = Object.entries({ ...options, enable: targets[target].enable.join() }).flatMap(
    ([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, String(value)]),
  );
  const { error, stderr } = await asc.main([
    "bench/peak/peak.ts",
    ...["--baseDir", root, "--config", "none", "--outFile", `build/peak.${target}.wasm`],
    ...flags,
  ]);
  if (error) {
    process.stderr.write(`${stderr}`);
    process.exitCode = 1;
  }
}
