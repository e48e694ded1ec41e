/** Bundles the Worker of this folder and runs it under workerd, Cloudflare's runtime. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const VERSION = "1.20261117.1";
const root = fileURLToPath(new URL("../../", import.meta.url));

/** The path of workerd's binary, which is installed first where it is not. */
function workerd() {
  const system = { darwin: "darwin", linux: "linux", win32: "windows" }[process.platform];
  const name = `@cloudflare/workerd-${system}-${process.arch === "x64" ? "64" : process.arch}`;
  const file = process.platform === "win32" ? "workerd.exe" : "workerd";
  const binaryIn = (tools) => join(root, ".tools", tools, "node_modules", name, "bin", file);
  const found = ["runtimes", "edge"].map(binaryIn).find(existsSync);
  if (found !== undefined) return found;
  const prefix = join(root, ".tools/edge");
  mkdirSync(prefix, { recursive: true });
  const args = ["install", "--prefix", prefix, "--no-save", "--no-audit", "--no-fund"];
  execFileSync("npm", [...args, `${name}@${VERSION}`], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  return binaryIn("edge");
}

/** As Cloudflare's own tool bundles: `.wasm` files stay files that the runtime imports. */
const bundle = (folder) =>
  build({
    entryPoints: [fileURLToPath(new URL("worker.mjs", import.meta.url))],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    logLevel: "error",
  });

const configuration = ({
  port,
  budgetMs,
  maxSteps,
}) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .learner),
    (name = "models", disk = (writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const learner :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "kernels.wasm", wasm = embed "kernels.wasm"),
    (name = "kernels.relaxed.wasm", wasm = embed "kernels.relaxed.wasm"),
  ],
  bindings = [
    (name = "MODELS", kvNamespace = "models"),
    (name = "BUDGET_MS", json = "${budgetMs}"),
    (name = "MAX_STEPS", json = "${maxSteps}"),
  ],
);
`;

/**
 * Starts workerd and waits until it listens; port 0 is any that is free. `folder` gets the bundle,
 * and the models as files in `models`, which workerd shows the Worker as a KV namespace: they are
 * there again after a restart.
 *
 * @returns {Promise<{ url: string, pid: number, ended: Promise<unknown>, stop(): Promise<unknown> }>}
 */
export async function serve({
  port = 0,
  folder = join(root, "build/edge"),
  budgetMs = 5,
  maxSteps = 20,
} = {}) {
  const models = join(folder, "models");
  mkdirSync(models, { recursive: true });
  await bundle(folder);
  writeFileSync(join(folder, "config.capnp"), configuration({ port, budgetMs, maxSteps }));
  const child = spawn(
    workerd(),
    ["serve", "config.capnp", `--directory-path=models=${models}`, "--control-fd=3"],
    { cwd: folder, stdio: ["ignore", "inherit", "inherit", "pipe"] },
  );
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
  const listening = new Promise((resolve) => {
    createInterface(child.stdio[3]).on("line", (line) => resolve(JSON.parse(line).port));
  });
  const actual = await Promise.race([listening, ended.then(() => undefined)]);
  if (actual === undefined) throw new Error("workerd: did not start: what it says is above");
  const stop = () => {
    child.kill();
    return ended;
  };
  return { url: `http://127.0.0.1:${actual}`, pid: child.pid, ended, stop };
}
