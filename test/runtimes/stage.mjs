/**
 * Lays the built package out as each kind of place gets it, under build/runtimes:
 * `server/node_modules/chainrule` as installed, `site/chainrule` as plain files without a bundler,
 * `workerd` and `edge` bundled with the conditions of those isolates.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const STAGE = join(ROOT, "build/runtimes");
/** The ways to run the suite: a module each, of which `run` does it. */
const BUILDS = ["wasm", "pure", "threads", "relaxed"];
const HERE = join(ROOT, "test/runtimes");

/** The four files of the digits as a module, for places that have no files. */
function digitsModule() {
  const folder = join(ROOT, "examples/data/digits");
  const names = readdirSync(folder).filter((name) => name.endsWith("-ubyte"));
  const files = names.map((name) => [name, readFileSync(join(folder, name), "base64")]);
  return `const files = ${JSON.stringify(Object.fromEntries(files))};
export const bytesOf = (name) => Uint8Array.from(atob(files[name]), (byte) => byte.charCodeAt(0));
`;
}

function copyDist(to) {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(join(ROOT, "dist")))
    if (!name.endsWith(".map")) cpSync(join(ROOT, "dist", name), join(to, name));
}

function stageServer(folder) {
  const installed = join(folder, "node_modules/chainrule");
  copyDist(join(installed, "dist"));
  cpSync(join(ROOT, "package.json"), join(installed, "package.json"));
  for (const name of readdirSync(HERE).filter((file) => /\.(mjs|cjs)$/.test(file)))
    cpSync(join(HERE, name), join(folder, name));
  writeFileSync(join(folder, "digits.mjs"), digitsModule());
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  for (const build of BUILDS)
    writeFileSync(
      join(folder, `${build}.command.mjs`),
      `import { run } from "./${build}.mjs";\nconsole.log(JSON.stringify(await run()));\n`,
    );
}

/** No bundler and no import map: names become the addresses of files, and nothing else changes. */
function stageSite(folder, server) {
  copyDist(join(folder, "chainrule"));
  for (const name of [...BUILDS, "conformance", "digits", "page", "worker"]) {
    const text = readFileSync(join(server, `${name}.mjs`), "utf8")
      .replace(/from "chainrule\/(\w+)"/g, 'from "./chainrule/$1.js"')
      .replace(/from "chainrule"/g, 'from "./chainrule/index.js"');
    writeFileSync(join(folder, `${name}.mjs`), text);
  }
  const page =
    '<!doctype html><meta charset="utf-8"><script type="module" src="page.mjs"></script>';
  writeFileSync(join(folder, "index.html"), `${page}\n`);
}

/** As Cloudflare's own tool bundles: `.wasm` files stay files that the runtime imports. */
async function stageWorkerd(folder, server) {
  await build({
    entryPoints: [join(server, "workerd.mjs")],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    logLevel: "error",
  });
}

/** As the bundlers of edge functions do: `?module` becomes a module that the host compiled. */
async function stageEdge(folder, server) {
  const hostModule = {
    name: "wasm modules from the host",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({
        path: join(resolveDir, path),
        namespace: "host",
      }));
      onLoad({ filter: /.*/, namespace: "host" }, () => ({ contents: "export default KERNELS;" }));
    },
  };
  await build({
    stdin: { contents: 'export { run } from "./wasm.mjs";', resolveDir: server },
    outfile: join(folder, "edge.js"),
    bundle: true,
    format: "iife",
    globalName: "suite",
    conditions: ["edge-light"],
    plugins: [hostModule],
    logLevel: "error",
  });
}

export async function stage() {
  rmSync(STAGE, { recursive: true, force: true });
  const server = join(STAGE, "server");
  stageServer(server);
  stageSite(join(STAGE, "site"), server);
  await stageWorkerd(join(STAGE, "workerd"), server);
  await stageEdge(join(STAGE, "edge"), server);
}
