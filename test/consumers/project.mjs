/**
 * A project that installs the packed package, under .tools/consumers, where it finds the bundlers
 * of test/consumers/package.json. Its program is the suite of test/runtimes.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT, STAGE, stage } from "../runtimes/stage.mjs";

const TOOLS = join(ROOT, ".tools/consumers");
const WORK = join(TOOLS, "work");

export const areInstalled = () => existsSync(join(TOOLS, "node_modules/webpack"));

/** A module of the tools. */
export const load = (name) => createRequire(join(TOOLS, "package.json"))(name);
export const tool = (path) => join(TOOLS, "node_modules", path);

export const node = (args, options) =>
  execFileSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 26, ...options });

/** Packs the package, installs it, and returns the tarball. */
export async function install() {
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(WORK, { recursive: true });
  await stage();
  const npm = (...args) =>
    execFileSync("npm", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const packed = npm("pack", "--ignore-scripts", "--json", "--pack-destination", WORK);
  const tarball = join(WORK, JSON.parse(packed)[0].filename);
  writeFileSync(join(WORK, "package.json"), '{ "private": true }\n');
  npm("install", "--prefix", WORK, "--offline", "--no-save", "--no-audit", "--no-fund", tarball);
  return tarball;
}

/** A folder of its own with files, beside the installed package. */
export function project(name, files) {
  const folder = join(WORK, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** The suite as a program that prints its report. */
export function program(name) {
  const folder = project(name, {
    "main.mjs": 'import { run } from "./wasm.mjs";\nconsole.log(JSON.stringify(run()));\n',
    "package.json": '{ "private": true, "type": "module" }\n',
  });
  copySuite(folder);
  return folder;
}

export function copySuite(folder) {
  for (const file of ["wasm.mjs", "conformance.mjs", "digits.mjs"])
    cpSync(join(STAGE, "server", file), join(folder, file));
}
