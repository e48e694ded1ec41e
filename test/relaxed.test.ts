/** Relaxed SIMD: chosen where the engine has it, within the bounds of f32, else the strict build. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { createWasmBackend, init, matmul, tensor, wasm } from "../src/index.js";
import { ts } from "../src/pure.js";
import { hasRelaxedSimd } from "../src/wasm/kernels.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const here = hasRelaxedSimd();

afterEach(() => init({ backend: wasm }));

test("the default is strict; relaxedSimd is relaxed where the engine has it", () => {
  expect(wasm.variant).toBe("simd");
  expect(ts.variant).toBeUndefined();
  const backend = createWasmBackend({ relaxedSimd: true });
  expect(backend.variant).toBe(here ? "relaxed" : "simd");
  expect(createWasmBackend({ relaxedSimd: false }).variant).toBe("simd");
});

test("without relaxed SIMD the strict build runs", () => {
  const a = tensor([1, 2, 3, 4], { shape: [2, 2] });
  init({ relaxedSimd: true });
  expect(matmul(a, a).toArray()).toEqual([
    [7, 10],
    [15, 22],
  ]);
});

test("an engine with relaxed SIMD: products within the bounds, networks near the strict build", () => {
  const flags = here ? [] : ["--experimental-wasm-relaxed-simd"];
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, "scripts/runTypeScript.mjs", "test/relaxed/products.ts"],
    { cwd: root, encoding: "utf8" },
  );
  expect(stderr.replace(/^\(.*Warning.*\n|^\(Use .*\n/gm, "")).toBe("");
  expect(JSON.parse(stdout)).toEqual({ variants: ["simd", "relaxed"], wrong: [] });
}, 120_000);

test("the relaxed build lies over the memory of the strict one: no data, nothing of its own", () => {
  const bytes = readFileSync(`${root}build/kernels.relaxed.wasm`);
  const sections: number[] = [];
  for (let at = 8; at < bytes.length; ) {
    sections.push(bytes[at++] as number);
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++] as number;
      size |= (byte & 127) << shift;
      more = byte >= 128;
    }
    at += size;
  }
  const DATA = 11;
  expect(sections).not.toContain(DATA);
  const IMPORT = 2;
  expect(sections).toContain(IMPORT);
});
