/** A server of build/runtimes/site, once under each set of headers. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { STAGE } from "./stage.mjs";

const types = { html: "text/html", mjs: "text/javascript", js: "text/javascript" };

/** Headers by the first part of the path. */
const headers = {
  plain: {},
  isolated: {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
  },
  policy: { "Content-Security-Policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'" },
  strict: { "Content-Security-Policy": "default-src 'self'" },
};

async function answer(request, response) {
  const [, kind, ...path] = new URL(request.url, "http://localhost").pathname.split("/");
  const name = path.join("/") || "index.html";
  try {
    const body = await readFile(join(STAGE, "site", name));
    const type = types[name.split(".").at(-1)] ?? "application/octet-stream";
    response.writeHead(200, { "Content-Type": type, ...headers[kind] });
    response.end(body);
  } catch {
    response.writeHead(404);
    response.end();
  }
}

/** Calls `use` with the origin of a running server. */
export async function* served(use) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    yield* use(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/**
 * The pages to open: address, label, and what is expected of it. `policies`: whether pages under a
 * content security policy are among them, of which the strict one refuses WebAssembly.
 */
export function pages({ policies }) {
  const all = [
    ["plain", "wasm", "page"],
    ["plain", "wasm", "worker"],
    ["plain", "pure", "page"],
    ["isolated", "wasm", "page"],
    ["isolated", "wasm", "worker"],
    ["policy", "wasm", "page"],
    ["policy", "wasm", "worker"],
    ["strict", "wasm", "page"],
    ["strict", "pure", "page"],
  ];
  return all
    .filter(([kind]) => policies || !(kind in { policy: 1, strict: 1 }))
    .map(([kind, build, place]) => ({
      path: `/${kind}/index.html#${build}/${place}`,
      label: `${build}, ${place}, ${kind}`,
      refused: kind === "strict" && build === "wasm",
    }));
}

/** What a page left in RESULT, as a run. */
export function outcome({ label, refused }, text) {
  const { report, error, isolated } = JSON.parse(text);
  if (refused) return { label, refusal: error ?? "nothing was refused" };
  if (isolated !== label.endsWith("isolated"))
    return { label, error: `cross-origin isolated: ${isolated}` };
  return { label, report, error };
}
