// What tells the kernels of one build from those of any other: a module that users compile
// themselves must be that of the JavaScript which runs it.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** Of the modules in build. */
export function kernelId() {
  const hash = createHash("sha256");
  for (const build of ["simd", "relaxed"]) hash.update(readFileSync(`build/kernels.${build}.wasm`));
  return hash.digest("hex").slice(0, 16);
}

/** The module with its id in a custom section, which engines pass over. */
export function marked(bytes, id) {
  const name = "chainrule";
  const content = Buffer.concat([Buffer.of(name.length), Buffer.from(name + id)]);
  return Buffer.concat([bytes, Buffer.of(0, content.length), content]);
}
