/** Where data comes from: bytes, addresses, files; gunzipped when gzipped. */
import { grouped } from "../grouped.js";

export type Source = Uint8Array | ArrayBuffer | URL | string;

/**
 * The bytes of a source, and how errors name it. A string that begins with http:// or https:// is
 * fetched, one with file:// read; any other is a path, for runtimes that have a file system.
 */
export async function readSource(
  op: string,
  source: Source,
): Promise<{ readonly bytes: Uint8Array; readonly where: string }> {
  const named = typeof source === "string" || source instanceof URL;
  const where = named ? `${op}: ${nameOf(String(source))}` : op;
  const bytes = await bytesOf(source, where);
  return { bytes: isGzip(bytes) ? await gunzip(bytes, where) : bytes, where };
}

/** The last part of a path or address, which tells the file. */
function nameOf(source: string): string {
  const path = source.replace(/[?#].*$/, "");
  return path.split(/[/\\]/).at(-1) || source;
}

async function bytesOf(source: Source, where: string): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof source !== "string" && !(source instanceof URL))
    throw new TypeError(
      `${where}: source has the wrong type: got ${typeof source}, expected bytes, a URL or a path`,
    );
  const isAddress = source instanceof URL || /^(https?|file):\/\//i.test(source);
  const address = isAddress ? new URL(source) : undefined;
  return address === undefined || address.protocol === "file:"
    ? readFile(address ?? String(source), where)
    : fetchBytes(address, where);
}

async function fetchBytes(address: URL, where: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok)
    throw new Error(
      `${where}: server refused: got status ${response.status}, expected 200 for ${address.href}`,
    );
  return new Uint8Array(await response.arrayBuffer());
}

/** Through `process`, so that no bundler sees an import that browsers do not have. */
async function readFile(path: URL | string, where: string): Promise<Uint8Array> {
  const process = globalThis.process as Partial<NodeJS.Process> | undefined;
  const files = process?.getBuiltinModule?.("node:fs/promises");
  if (files === undefined)
    throw new Error(
      `${where}: this runtime reads no files: got a path, expected bytes or an http(s) address; ` +
        "Node needs version 20.16 or later",
    );
  try {
    return await files.readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new Error(`${where}: file cannot be read: got ${code}, expected a file at ${path}`, {
      cause,
    });
  }
}

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

async function gunzip(bytes: Uint8Array, where: string): Promise<Uint8Array> {
  try {
    const packed = new Blob([bytes.slice()]).stream();
    const stream = packed.pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (cause) {
    throw new TypeError(
      `${where}: gzip stream is damaged: got ${grouped(bytes.length)} bytes that do not ` +
        "decompress, expected a whole gzip file",
      { cause },
    );
  }
}
