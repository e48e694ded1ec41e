/** Node, Deno and Bun: the package as installed, by import, and by require where there is one. */
import { join } from "node:path";
import { STAGE } from "./stage.mjs";
import { inTools, onPath, reportOf } from "./tools.mjs";

const cwd = join(STAGE, "server");
const runs = [
  ["wasm", "wasm.command.mjs"],
  ["pure", "pure.command.mjs"],
  ["threads", "threads.command.mjs"],
  ["relaxed", "relaxed.command.mjs"],
];
const required = ["wasm, required", "command.cjs"];

const server = (name, find, args, files) => ({
  name,
  find,
  async *run(binary) {
    for (const [build, file] of files)
      yield { label: build, report: await reportOf(binary, [...args, file], { cwd }) };
  },
});

const node = (version) =>
  server(`node${version}`, () => inTools(`node${version}/bin/node`), [], [...runs, required]);

export const servers = [
  ...[20, 22, 24, 26].map(node),
  // Without any permission, and the packages as npm laid them.
  server(
    "deno",
    () => inTools("@deno/linux-x64-glibc/deno") ?? onPath("deno"),
    ["run", "--no-prompt", "--node-modules-dir=manual"],
    runs,
  ),
  server(
    "bun",
    () => inTools("@oven/bun-linux-x64/bin/bun") ?? onPath("bun"),
    ["run"],
    [...runs, required],
  ),
];
