// Writes the WebAssembly kernels into a TypeScript module as hexadecimal text, so that importing
// the package needs no asset, no fetch and no file system. Hex, not base64: it keeps bytes aligned,
// so gzip and brotli still see repeats.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const bytes = readFileSync("build/kernels.simd.wasm");
mkdirSync("src/generated", { recursive: true });
writeFileSync(
  "src/generated/kernels.ts",
  `/** build/kernels.simd.wasm, ${bytes.length} bytes. */\nexport const simd = "${bytes.toString("hex")}";\n`,
);
