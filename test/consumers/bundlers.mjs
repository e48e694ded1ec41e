/** Bundles the suite and runs the bundle. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { load, node, program, tool } from "./project.mjs";

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
  // What only threads need is a file of its own: `file` would want `inlineDynamicImports`.
  await bundle.write({ dir, entryFileNames: "[name].mjs", format: "es" });
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
        output: { path, filename: "main.cjs" },
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
  const file = readdirSync(join(folder, "out/assets")).find((name) => name.startsWith("main"));
  return reportOf(join(folder, "out/assets", file));
}

export const bundlers = { esbuild, rollup, webpack, vite };
