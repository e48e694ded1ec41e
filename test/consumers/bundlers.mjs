/** Bundles the suite and runs the bundle. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { load, node, program, project, tool } from "./project.mjs";

const importTool = (path) => import(pathToFileURL(tool(path)).href);
const reportOf = (file) => JSON.parse(node([file]));

async function esbuild() {
  const folder = program("esbuild");
  const outfile = join(folder, "out/main.mjs");
  await load("esbuild").build({
    entryPoints: [join(folder, "main.mjs")],
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    logLevel: "error",
  });
  return reportOf(outfile);
}

async function rollup() {
  const folder = program("rollup");
  const { rollup } = await importTool("rollup/dist/es/rollup.js");
  const { nodeResolve } = await importTool("@rollup/plugin-node-resolve/dist/es/index.js");
  const bundle = await rollup({ input: join(folder, "main.mjs"), plugins: [nodeResolve()] });
  const dir = join(folder, "out");
  await bundle.write({ dir, entryFileNames: "main.mjs", format: "es" });
  await bundle.close();
  return reportOf(join(dir, "main.mjs"));
}

async function webpack() {
  const folder = program("webpack");
  const path = join(folder, "out");
  await new Promise((resolve, reject) => {
    load("webpack")(
      {
        mode: "production",
        target: ["web", "es2022"],
        entry: join(folder, "main.mjs"),
        // Relative, as nothing is where Node runs it that would tell.
        output: { path, filename: "main.cjs", publicPath: "" },
        performance: { hints: false },
      },
      (error, stats) => {
        const { errors, warnings } = stats?.toJson() ?? {};
        const problems = [...(errors ?? []), ...(warnings ?? [])].map(({ message }) => message);
        if (error || problems.length > 0) reject(error ?? new Error(problems.join("\n")));
        else resolve();
      },
    );
  });
  return reportOf(join(path, "main.cjs"));
}

async function vite() {
  const folder = program("vite");
  const { build } = await importTool("vite/dist/node/index.js");
  await build({
    root: folder,
    configFile: false,
    logLevel: "error",
    build: {
      outDir: "out",
      modulePreload: false,
      rollupOptions: { input: join(folder, "main.mjs") },
    },
  });
  return reportOf(join(folder, "out/assets", mainOf(join(folder, "out/assets"))));
}

const mainOf = (folder) => readdirSync(folder).find((name) => name.startsWith("main"));

export const bundlers = { esbuild, rollup, webpack, vite };

const DRAWING = `import { compile, tensor } from "chainrule";
import { circuit, report } from "chainrule/inspect";
const step = compile((x, y) => ({ f: x.mul(y).sum() }));
const inputs = [tensor([1, 2]), tensor([3, 4])];
const drawn = circuit(step, inputs, { names: ["x", "y"] });
const texts = [await drawn.toSvg(), await drawn.toHtml(), await report({ step, inputs })];
console.log(JSON.stringify(texts));
`;

/** Pictures and pages, whose parts the library loads when it draws: as files of their own. */
async function drawing() {
  const folder = project("drawing", {
    "main.mjs": DRAWING,
    "package.json": '{ "private": true, "type": "module" }\n',
  });
  const outdir = join(folder, "out");
  const bundle = { bundle: true, minify: true, splitting: true, format: "esm", logLevel: "error" };
  const { metafile } = await load("esbuild").build({
    ...bundle,
    entryPoints: [join(folder, "main.mjs")],
    outdir,
    metafile: true,
  });
  const lazy = Object.values(metafile.outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ kind }) => kind === "dynamic-import");
  if (lazy.length < 2) throw new Error(`nothing is loaded late: got ${lazy.length} imports`);
  const [svg, html, page] = reportOf(join(outdir, "main.js"));
  for (const [text, start] of [
    [svg, "<svg "],
    [html, "<!doctype html>"],
    [page, "<!doctype html>"],
  ])
    if (!text.startsWith(start)) throw new Error(`no drawing: got ${text.slice(0, 80)}`);
}

export const drawings = { drawing };
