/** The structure that the imports promise: one direction, no dependencies, nothing that an edge isolate forbids. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const src = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".ts") && !path.startsWith("generated/"));
const text = (path: string): string => readFileSync(src + path, "utf8");

/** From the bottom up; a module imports from its own line and from those above it in this list. */
const layers: readonly (readonly string[])[] = [
  ["shape", "memory", "kernels", "grouped", "threefry", "tree"],
  ["backend"],
  ["tensor", "tape"],
  ["parameter"],
  ["plan"],
  ["evaluate"],
  ["ops"],
  ["autodiff"],
  ["compile"],
  ["state", "random", "data", "io"],
  ["nn", "optim"],
];
/** The backends implement `backend` and know nothing of tapes; the entries choose among them. */
const backends = ["wasm", "ts"];
const entries = ["index", "pure"];

/** A file's module: the folder it is in, or its own name. */
const moduleOf = (path: string): string => (path.split("/")[0] as string).replace(/\.ts$/, "");
const level = (module: string): number => layers.findIndex((names) => names.includes(module));

/** What a file imports at run time, as paths below src; packages as they are. */
function imports(path: string): string[] {
  const found: string[] = [];
  const statement = /^(?:import|export)\s+(?!type\b)(?:[^;"']*?\sfrom\s+)?["']([^"']+)["'];/gm;
  for (const [whole, target = ""] of text(path).matchAll(statement)) {
    // All of its names are types.
    const names = /\{([^}]*)\}/
      .exec(whole)?.[1]
      ?.split(",")
      .filter((name) => name.trim());
    if (names?.length && names.every((name) => /^\s*type\s/.test(name))) continue;
    found.push(target.startsWith(".") ? new URL(target, `file:///src/${path}`).pathname : target);
  }
  return found.map((target) => target.replace(/^\/src\//, ""));
}

test("imports point one way", () => {
  const wrong: string[] = [];
  for (const path of files) {
    const from = moduleOf(path);
    for (const target of imports(path)) {
      const to = moduleOf(target.replace(/\.js$/, ".ts"));
      if (entries.includes(from) || target.startsWith("/assembly/") || to === from) continue;
      if (target.startsWith("generated/") && backends.includes(from)) continue;
      const allowed = backends.includes(from) ? level("backend") : level(from);
      const isLoader = target === "@assemblyscript/loader" && from === "wasm";
      if (!isLoader && (level(to) < 0 || level(to) > allowed)) wrong.push(`${path} → ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("every file of src belongs to a layer", () => {
  const known = [...layers.flat(), ...backends, ...entries];
  expect(files.map(moduleOf).filter((module) => !known.includes(module))).toEqual([]);
});

test("no run-time dependency, no code generation, no static import of Node's modules", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(Object.keys(manifest.dependencies ?? {})).toEqual([]);
  for (const path of files) {
    expect(
      imports(path).filter((target) => target.startsWith("node:")),
      path,
    ).toEqual([]);
    expect(text(path), path).not.toMatch(/(?<![.\w])eval\((?!\))|new Function\b/);
  }
});

test("f32 kernels use no function in which engines differ", () => {
  const kernels = files.filter((path) => path.startsWith("ts/") && path !== "ts/doubleMath.ts");
  expect(kernels.length).toBeGreaterThan(8);
  const exact = ["fround", "imul", "clz32", "abs", "floor", "ceil", "trunc", "sqrt", "min", "max"];
  for (const path of kernels) {
    const code = text(path).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    const used = [...code.matchAll(/\bMath\.([a-z]\w*)/g)].map(([, name]) => name as string);
    expect(
      used.filter((name) => !exact.includes(name)),
      path,
    ).toEqual([]);
    expect(code, path).not.toMatch(/\*\*/);
  }
});
