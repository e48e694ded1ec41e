/** What may import what, what the kernels may call, what is published. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build as bundled } from "esbuild";
import { build } from "vite";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const listed = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((path) => posix.join(folder, path.replaceAll("\\", "/")))
    .filter((path) => path.endsWith(".ts"));
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** The imports and re-exports of a file; one is type-only when each of its names is. */
function importsOf(path: string): Import[] {
  const statement = /^(?:import|export)\s+(?:([^;"]*?)\s+from\s+)?"([^"]+)";/gm;
  return [...withoutComments(read(path)).matchAll(statement)].map(([, names = "", source]) => {
    const each = /^\{([\s\S]*)\}$/.exec(names)?.[1]?.split(",") ?? [names];
    const typeOnly = each.every((name) => /^\s*(type\s|$)/.test(name)) && names !== "";
    const to = source as string;
    const local = to.startsWith(".");
    return {
      from: path,
      to: local ? posix.join(posix.dirname(path), to).replace(/\.js$/, ".ts") : to,
      typeOnly,
    };
  });
}

const src = listed("src");
const imports = src.flatMap(importsOf);

describe("imports of src point one way", () => {
  /** Each layer may use those before it, and itself. */
  const layers: readonly (readonly [string, RegExp])[] = [
    [
      "words and shapes",
      /^(assembly\/opcodes|src\/(kernels|shape|shapeTypes\/\w+|describe|tree|grouped|promise|threefry))\.ts$/,
    ],
    ["memory", /^src\/(memory|backend|finalizer)\.ts$/],
    ["tape", /^src\/(tape|trace|tensor|origins?)\.ts$/],
    ["parameter", /^src\/parameter\.ts$/],
    ["plan", /^src\/plan\//],
    ["evaluate", /^src\/(evaluate|reading)\.ts$/],
    ["ops", /^src\/ops\//],
    ["autodiff", /^src\/autodiff\//],
    ["compile", /^src\/(compile|callArguments|badOp|badOpCauses)\.ts$/],
    ["state", /^src\/(state|random|train)\.ts$|^src\/io\//],
    ["nn, optim, data, checks", /^src\/(nn|optim|data|inspect|check)\//],
    ["entries", /^src\/(core|pure|threads|index(\.\w+)?|wasm(Files|Module)\.d)\.ts$/],
  ];
  const layerOf = (path: string): number => layers.findIndex(([, pattern]) => pattern.test(path));
  const isBackend = (path: string): boolean =>
    /^src\/((wasm|ts|generated)\/|kernels\.(relaxed\.)?wasm)/.test(path);

  test("every file has a layer", () => {
    expect(src.filter((path) => !isBackend(path) && layerOf(path) < 0)).toEqual([]);
  });

  test.each(layers.map(([name], layer) => ({ name, layer })))("$name", ({ layer }) => {
    const wrong = imports.filter(
      ({ from, to, typeOnly }) =>
        !typeOnly &&
        layerOf(from) === layer &&
        !isBackend(to) &&
        !(layerOf(to) <= layer && layerOf(to) >= 0),
    );
    expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  test("the backends are chosen at the top, and use words, shapes and memory only", () => {
    const chosen = imports.filter(({ from, to }) => !isBackend(from) && isBackend(to));
    expect(new Set(chosen.map(({ from, to }) => `${from} → ${to}`))).toEqual(
      new Set([
        ...["index", "index.workerd", "index.edgeLight"].flatMap((entry) => [
          `src/${entry}.ts → src/wasm/backend.ts`,
          `src/${entry}.ts → src/wasm/modules.ts`,
        ]),
        "src/index.ts → src/wasm/embedded.ts",
        "src/threads.ts → src/wasm/threads.ts",
        "src/threads.ts → src/wasm/backend.ts",
        "src/index.workerd.ts → src/kernels.wasm",
        "src/index.workerd.ts → src/kernels.relaxed.wasm",
        "src/index.edgeLight.ts → src/kernels.wasm?module",
        "src/pure.ts → src/ts/backend.ts",
        // Called by the checks alone: a bundle that does not check does not hold it.
        "src/check/backends.ts → src/generated/double/run.ts",
        "src/check/backends.ts → src/ts/arrayBackend.ts",
      ]),
    );
    const used = imports.filter(({ from, to }) => isBackend(from) && !isBackend(to));
    const above = used.filter(
      ({ to, typeOnly }) => !typeOnly && !(layerOf(to) >= 0 && layerOf(to) < 2),
    );
    expect(above.map(({ from, to }) => `${from} → ${to}`)).toEqual([
      "src/wasm/modules.ts → @assemblyscript/loader",
    ]);
  });

  test("pages of circuits and runs hold what draws, and nothing that computes", async () => {
    const pages = ["draw", "report"].map((part) => `src/inspect/${part}/client/page.ts`);
    const { metafile } = await bundled({
      entryPoints: pages,
      absWorkingDir: root,
      bundle: true,
      write: false,
      outdir: "out",
      metafile: true,
      loader: { ".css": "empty" },
    });
    const allowed =
      /^node_modules\/|^src\/(inspect\/.*|shape|grouped|describe|tensor)\.ts$|^src\/inspect\/.*\.css$/;
    expect(Object.keys(metafile.inputs).filter((path) => !allowed.test(path))).toEqual([]);
  });

  test("what threads load has constants alone in common with what is loaded at once", () => {
    const reached = (entry: string): Set<string> => {
      const files = new Set([entry]);
      for (const file of files)
        for (const { from, to, typeOnly } of imports) if (from === file && !typeOnly) files.add(to);
      return files;
    };
    const first = reached("src/index.ts");
    const both = [...reached("src/threads.ts")].filter((file) => first.has(file));
    expect(both.sort()).toEqual(["assembly/opcodes.ts", "src/plan/blocks.ts"]);
  });

  test("assembly imports nothing from outside", () => {
    const outside = listed("assembly").flatMap(importsOf);
    expect(outside.filter(({ to }) => !to.startsWith("assembly/"))).toEqual([]);
  });
});

describe("what the code does without", () => {
  const found = (paths: readonly string[], pattern: RegExp): string[] =>
    paths.flatMap((path) =>
      [...withoutComments(read(path)).matchAll(pattern)].map(([text]) => `${path}: ${text.trim()}`),
    );
  const single = listed("src/ts").filter((path) => !path.endsWith("/doubleMath.ts"));
  const exact = "fround|imul|clz32|abs|floor|ceil|trunc|sqrt|min|max";
  test.each<[string, readonly string[], RegExp]>([
    ["code made at run time", src, /(?<![.\w])eval\((?!\))|\bnew\s+Function\b/g],
    ["modules of one runtime", src, /\bfrom\s+"node:[^"]*"|\bimport\s+"node:|\brequire\s*\(/g],
    ["suppressed types", src, /@ts-(ignore|expect-error|nocheck)/g],
    [
      "what engines round differently",
      single,
      new RegExp(`\\bMath\\.(?!(${exact})\\b)[a-z]\\w*|\\*\\*`, "g"),
    ],
    [
      "powers of hyper-parameters",
      listed("src/optim"),
      /\bMath\.(?!(abs|floor|sqrt|min|max|PI)\b)\w+|\*\*/g,
    ],
    ["engine functions in kernels", listed("assembly"), /\b(Native)?Mathf?\.\w+|\*\*/g],
  ])("%s", (_, paths, pattern) => {
    expect(paths.length).toBeGreaterThan(0);
    expect(found(paths, pattern)).toEqual([]);
  });
});

describe("the package", () => {
  const manifest = JSON.parse(read("package.json"));

  test("has no dependencies", () => {
    for (const kind of [
      "dependencies",
      "peerDependencies",
      "optionalDependencies",
      "bundleDependencies",
    ])
      expect(manifest[kind]).toBeUndefined();
  });

  test("holds what its entries need, and no more", () => {
    const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      shell: process.platform === "win32",
    });
    const packed = (JSON.parse(output)[0].files as { path: string }[]).map(({ path }) => path);
    type Target = string | { readonly [condition: string]: Target };
    const filesOf = (target: Target): string[] =>
      typeof target === "string" ? [target] : Object.values(target).flatMap(filesOf);
    const entries = filesOf(manifest.exports);
    expect(packed).toEqual(expect.arrayContaining(entries.map((path) => path.replace("./", ""))));
    const allowed =
      /^dist\/[\w.-]+\.(c?js|c?js\.map|d\.c?ts|wasm)$|^(CHANGELOG|README)\.md$|^(LICENSE|NOTICE)$|^package\.json$/;
    expect(packed.filter((path) => !allowed.test(path))).toEqual([]);
  });

  // A bundler leaves out what `sideEffects` calls pure: methods, hooks and the default backend must
  // not be.
  test.each<[string, string, unknown]>([
    ["index", "grad((x) => x.square().sum())(tensor([1, 2])).toArray()", [2, 4]],
    ["nn", "new nn.Linear(2, 1).forward(tensor([[1, 2]])).shape", [1, 1]],
    ["data", "[...data.batches(set, { batchSize: 2 })][0].x.toArray().length", 2],
    ["random", "random.uniform([3]).shape", [3]],
  ])("works when it is bundled: %s", async (entry, code, value) => {
    const folder = mkdtempSync(join(tmpdir(), "chainrule-bundle-"));
    try {
      const from = (name: string): string => JSON.stringify(join(root, "dist", `${name}.js`));
      const lines = [
        entry === "index" || entry === "nn" ? `import { grad, tensor } from ${from("index")};` : "",
        entry === "index" ? "" : `import * as ${entry} from ${from(entry)};`,
        "const set = { x: new Float32Array(4), y: new Int32Array(2), shape: [2], length: 2, classes: 1 };",
        `export const value = ${code};`,
      ];
      writeFileSync(join(folder, "main.js"), lines.join("\n"));
      await build({
        configFile: false,
        logLevel: "silent",
        root: folder,
        build: {
          outDir: folder,
          emptyOutDir: false,
          lib: { entry: join(folder, "main.js"), formats: ["es"], fileName: () => "bundle.mjs" },
        },
      });
      const bundle = await import(
        /* @vite-ignore */ pathToFileURL(join(folder, "bundle.mjs")).href
      );
      expect(bundle.value).toEqual(value);
      const files = readdirSync(folder).filter((file) => file.endsWith(".mjs"));
      const text = files.map((file) => readFileSync(join(folder, file), "utf8")).join("\n");
      if (entry === "index") expect(/name:\s*"wasm"/.test(text), "WebAssembly").toBe(true);
      expect(/name:\s*"ts"/.test(text), "the TypeScript backend").toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  // Newer tools take the ES modules by `module-sync` even for `require`.
  test("works as CommonJS", () => {
    const code = `const { circuit, toSvg } = require("./dist/inspect.cjs");
      const { Linear } = require("./dist/nn.cjs");
      for (const name of ["data", "io", "optim", "pure", "random"]) require(\`./dist/\${name}.cjs\`);
      const layer = new Linear(2, 1);
      toSvg(circuit((x) => layer.forward(x).sum(), [[1, 2]].map(require("./dist/index.cjs").tensor)))
        .then((svg) => console.log(svg.includes("weight")));`;
    const output = execFileSync(process.execPath, ["-e", code], { cwd: root, encoding: "utf8" });
    expect(output).toBe("true\n");
  });

  // Messages print them.
  test.each(["js", "cjs"])("exported classes have their names: %s", async (extension) => {
    const code = `const found = [];
      for (const entry of ["index", "nn", "optim", "data", "io", "random", "inspect", "pure"]) {
        const module = await import(\`./dist/\${entry}.${extension}\`);
        const all = module.default ?? module;
        for (const [name, value] of Object.entries(all))
          if (/^class\\b/.test(String(value))) found.push([name, value.name, all[value.name] === value]);
      }
      console.log(JSON.stringify(found));`;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", code], {
      cwd: root,
      encoding: "utf8",
    });
    const found = JSON.parse(output) as [string, string, boolean][];
    expect(found.map(([name]) => name)).toEqual(
      expect.arrayContaining(["Parameter", "Tensor", "Linear", "Adam"]),
    );
    expect(found.filter(([, , same]) => !same)).toEqual([]);
  });

  test("the pure entry with all the others contains no WebAssembly", async () => {
    const entries = ["pure", "nn", "optim", "data", "io", "random"];
    const { outputFiles } = await bundled({
      stdin: {
        contents: entries.map((name) => `export * as ${name} from "./${name}.js";`).join("\n"),
        resolveDir: join(root, "dist"),
      },
      bundle: true,
      format: "esm",
      write: false,
    });
    const text = outputFiles[0]?.text ?? "";
    expect(text).toMatch(/name:\s*"ts"/);
    expect(text).not.toMatch(/\bWebAssembly\s*[.[(]|name:\s*"wasm"|[0-9a-f]{200}/);
  });
});
