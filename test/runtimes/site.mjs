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

/** What is told where the headers do not allow a build. */
const REFUSED = {
  "strict/wasm": /'wasm-unsafe-eval'.*chainrule\/pure/,
  "plain/threads": /not cross-origin isolated.*Cross-Origin-Opener-Policy: same-origin/,
};

const ALONE = /an engine without SharedArrayBuffer/;

/**
 * The pages to open: address, label, and what is refused there. `shared`: whether the engine has
 * shared memory for pages that are isolated.
 */
export function pages({ shared }) {
  const all = [
    ["plain", "wasm", "page"],
    ["plain", "wasm", "worker"],
    ["plain", "pure", "page"],
    ["isolated", "wasm", "page"],
    ["isolated", "wasm", "worker"],
    ["plain", "threads", "page"],
    ["isolated", "threads", "page"],
    ["isolated", "threads", "worker"],
    ["plain", "relaxed", "page"],
    ["policy", "wasm", "page"],
    ["policy", "wasm", "worker"],
    ["strict", "wasm", "page"],
    ["strict", "pure", "page"],
  ];
  return all.map(([kind, build, place]) => ({
    path: `/${kind}/index.html#${build}/${place}`,
    label: `${build}, ${place}, ${kind}`,
    refused: REFUSED[`${kind}/${build}`] ?? (build === "threads" && !shared ? ALONE : undefined),
  }));
}

/** What a page left in RESULT, as a run. */
export function outcome({ label, refused }, text) {
  const { report, error, isolated } = JSON.parse(text);
  if (refused) return { label, refused, refusal: error ?? "nothing was refused" };
  if (isolated !== label.endsWith("isolated"))
    return { label, error: `cross-origin isolated: ${isolated}` };
  return { label, report, error };
}
