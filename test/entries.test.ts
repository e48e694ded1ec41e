/** What the entries bring, and what they say where kernels cannot be compiled. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { kernelId } from "../src/generated/kernelId.js";

const { marked } = (await import(new URL("../scripts/kernelId.mjs", import.meta.url).href)) as {
  marked(bytes: Uint8Array, id: string): Uint8Array<ArrayBuffer>;
};

beforeEach(() => vi.resetModules());
afterEach(() => vi.unstubAllGlobals());

const compute = ({ tensor }: typeof import("../src/core.js")): unknown =>
  tensor([1, 2]).add(1).toArray();

/** The message of what computing with the whole library throws, in a world with that WebAssembly. */
async function refusalWith(stub: unknown): Promise<string> {
  vi.stubGlobal("WebAssembly", stub);
  const core = await import("../src/index.js");
  try {
    return String(compute(core));
  } catch (error) {
    return (error as Error).message;
  }
}

const real = globalThis.WebAssembly;
const refusing = (validates: boolean) => ({
  Memory: real.Memory,
  Module: class {
    constructor() {
      throw new real.CompileError("refused by policy");
    }
  },
  validate: () => validates,
});

test("an engine without WebAssembly is told what to import", async () => {
  expect(await refusalWith(undefined)).toBe(
    "wasm: the engine has no WebAssembly: expected one that has it; " +
      'the same library without WebAssembly is "chainrule/pure"',
  );
});

test("an engine without SIMD is told what to import", async () => {
  expect(await refusalWith(refusing(false))).toBe(
    "wasm: the engine has no SIMD: got a refusal of 128-bit instructions, expected an engine of 2021 " +
      'or later; the same library without WebAssembly is "chainrule/pure"',
  );
});

test("a policy that forbids compiling is named, with its remedies", async () => {
  expect(await refusalWith(refusing(true))).toBe(
    'wasm: compiling the kernels is not allowed here: got "CompileError: refused by policy", expected ' +
      "permission. In a page, add 'wasm-unsafe-eval' to script-src of its Content-Security-Policy. In an " +
      'edge isolate, bundle with the condition "workerd" or "edge-light", or import module from ' +
      '"chainrule/kernels.wasm" and call init({ module }). Otherwise, the same library without ' +
      'WebAssembly is "chainrule/pure"',
  );
});

/** The kernels as a file, as the package has them; null: as they are without a mark. */
const fileOf = (id: string | null): Uint8Array<ArrayBuffer> => {
  const bytes = readFileSync("build/kernels.simd.wasm");
  return id === null ? bytes : marked(bytes, id);
};

test("the files of the package are marked, and hold what is embedded", () => {
  for (const [build, file] of [
    ["simd", "kernels.wasm"],
    ["relaxed", "kernels.relaxed.wasm"],
  ])
    expect(readFileSync(`dist/${file}`)).toEqual(
      marked(readFileSync(`build/kernels.${build}.wasm`), kernelId),
    );
});

test("a module of one's own goes before compiling bytes", async () => {
  const module = new real.Module(fileOf(kernelId));
  vi.stubGlobal("WebAssembly", {
    ...refusing(true),
    Instance: real.Instance,
    Module: Object.assign(refusing(true).Module, {
      exports: real.Module.exports,
      customSections: real.Module.customSections,
    }),
  });
  const core = await import("../src/index.js");
  core.init({ module });
  expect(compute(core)).toEqual([2, 3]);
});

test.each<[string, unknown, string | RegExp]>([
  [
    "no module",
    {},
    "init: module is of the wrong kind: got [object Object], expected a WebAssembly.Module, as from import " +
      'module from "chainrule/kernels.wasm" where bundlers make that a module, or from await ' +
      "WebAssembly.compileStreaming(fetch(url))",
  ],
  [
    "another module",
    new real.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)),
    `init: module is not that of the kernels: got exports [], expected kernels ${kernelId}, ` +
      "chainrule/kernels.wasm of this version as it is",
  ],
  [
    "the kernels of another version",
    new real.Module(fileOf("0123456789abcdef")),
    "init: module is not that of the kernels: got kernels 0123456789abcdef, expected kernels " +
      `${kernelId}, chainrule/kernels.wasm of this version as it is`,
  ],
  [
    "kernels without a mark",
    new real.Module(fileOf(null)),
    /^init: module is not that of the kernels: got exports \[(?=.*\brun\b).*\], expected kernels /,
  ],
])("%s is refused", async (_, module, message) => {
  const { init } = await import("../src/index.js");
  expect(() => init({ module: module as WebAssembly.Module })).toThrow(message);
});

test("the probe for SIMD is valid where there is SIMD", async () => {
  const validated: Uint8Array[] = [];
  const validate = (bytes: Uint8Array<ArrayBuffer>): boolean => {
    validated.push(bytes);
    return real.validate(bytes);
  };
  expect(await refusalWith({ ...refusing(true), validate })).toMatch(/not allowed here/);
  expect(validated).toHaveLength(1);
});

test("the pure entry is the whole library, on TypeScript", async () => {
  vi.stubGlobal("WebAssembly", undefined);
  const pure = await import("../src/pure.js");
  expect(compute(pure)).toEqual([2, 3]);
  expect(pure.parameter(pure.zeros([1])).backend).toBe(pure.ts);
  pure.init({ dtype: "f64" });
  expect(pure.tensor([1]).dtype).toBe("f64");
  const x = pure.tensor([0.5, 2]);
  expect(pure.gradCheck((t) => t.exp().sum(), x).passed).toBe(true);
  expect(() => pure.init({ module: {} as WebAssembly.Module })).toThrow(
    'init: module without WebAssembly: got one with "chainrule/pure" alone, expected an import of "chainrule"',
  );
  const core = await import("../src/core.js");
  const names = Object.keys(pure).filter((name) => !["ts", "createTsBackend"].includes(name));
  expect(names.sort()).toEqual(Object.keys(core).sort());
});

test.each([[["../src/pure.js", "../src/index.js"]], [["../src/index.js", "../src/pure.js"]]])(
  "WebAssembly is the default when both entries are imported: %s",
  async (paths) => {
    for (const path of paths) await import(/* @vite-ignore */ path);
    const { parameter, Tensor, zeros, wasm } = await import("../src/index.js");
    const pure = await import("../src/pure.js");
    expect(parameter(zeros([1])).backend).toBe(wasm);
    expect(pure.Tensor).toBe(Tensor);
  },
);

test.each([
  ["an ES module", "import('chainrule/optim').then(({ Adam }) => new Adam([]))"],
  ["CommonJS", "const { Adam } = require('chainrule/optim'); new Adam([])"],
])("what nobody caught is a few lines, though %s is minified", (_, program) => {
  const { stderr } = spawnSync(process.execPath, ["-e", program], { encoding: "utf8" });
  expect(stderr).toContain("RangeError: Adam: bad list of parameters: got 0");
  expect(Math.max(...stderr.split("\n").map(({ length }) => length))).toBeLessThan(400);
});
