/** Installs the peers, once for each lock file, from the lock file. */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";

const at = (path) => new URL(path, import.meta.url);
const installed = at("node_modules/.package-lock.json");
const changed = (url) => statSync(url).mtimeMs;

if (!existsSync(installed) || changed(installed) < changed(at("package-lock.json"))) {
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
  const { status } = spawnSync("npm", args, { cwd: at("."), stdio: ["ignore", 2, 2] });
  process.exitCode = status ?? 1;
}
