/** Cloudflare's runtime and the sandbox of edge functions: neither compiles bytes. */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT, STAGE } from "./stage.mjs";
import { inTools, measured } from "./tools.mjs";

/** Before and after bytes may be compiled at start, and the newest that the pinned version knows. */
const DATES = ["2023-03-01", "2025-06-01", "2026-11-01"];

/** No Node compatibility, and JavaScript's heap so limited that all fits into 128 MB. */
const configuration = (date) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .suite)],
  v8Flags = ["--max-heap-size=64"],
);
const suite :Workerd.Worker = (
  compatibilityDate = "${date}",
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "kernels.wasm", wasm = embed "kernels.wasm"),
    (name = "kernels.relaxed.wasm", wasm = embed "kernels.relaxed.wasm"),
  ],
);
`;

const workerd = {
  name: "workerd",
  find: () => inTools("@cloudflare/workerd-linux-64/bin/workerd"),
  async *run(binary) {
    const cwd = join(STAGE, "workerd");
    for (const date of DATES) {
      writeFileSync(join(cwd, "config.capnp"), configuration(date));
      const answer = await measured(binary, ["test", "config.capnp"], { cwd });
      yield { label: `wasm, compatibility date ${date}`, ...answer, memoryLimit: 64e6 };
    }
  },
};

const edge = {
  name: "edge",
  find: () => inTools("edge-runtime/package.json"),
  async *run(manifest) {
    const { EdgeRuntime } = createRequire(manifest)("edge-runtime");
    const module = new WebAssembly.Module(readFileSync(join(ROOT, "dist/kernels.wasm")));
    const runtime = new EdgeRuntime({
      codeGeneration: { strings: false, wasm: false },
      extend: (context) => Object.assign(context, { KERNELS: module }),
    });
    const code = readFileSync(join(STAGE, "edge/edge.js"), "utf8");
    runtime.evaluate(code);
    const report = JSON.parse(runtime.evaluate("JSON.stringify(suite.run())"));
    yield { label: "wasm, code generation off", report };
  },
};

export const isolates = [workerd, edge];
