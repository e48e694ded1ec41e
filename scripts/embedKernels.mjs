// Writes the WebAssembly kernels into a TypeScript module as hexadecimal text, so that importing
// the package needs no asset, no fetch and no file system. Hex, not base64: it keeps bytes aligned,
// so gzip and brotli still see repeats.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const embed = (build) => {
  const bytes = readFileSync(`build/kernels.${build}.wasm`);
  const hex = bytes.toString("hex");
  return `/** build/kernels.${build}.wasm, ${bytes.length} bytes. */\nexport const ${build} = "${hex}";\n`;
};
mkdirSync("src/generated", { recursive: true });
writeFileSync("src/generated/kernels.ts", ["simd", "relaxed"].map(embed).join(""));
