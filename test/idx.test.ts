import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { parseIdx, readIdx } from "../src/data/index.js";

const imagesFile = new URL("../examples/data/digits/t10k-images-idx3-ubyte", import.meta.url);

/** An IDX file: zeros, type, shape, bytes. */
function idx(type: number, shape: readonly number[], bytes: readonly number[] = []): Uint8Array {
  const dims = shape.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
  return Uint8Array.of(0, 0, type, shape.length, ...dims, ...bytes);
}

describe("parseIdx", () => {
  it.each([
    [0x08, [0, 255], Uint8Array.of(0, 255)],
    [0x09, [127, 128], Int8Array.of(127, -128)],
    [0x0b, [0x12, 0x34, 0xff, 0xfe], Int16Array.of(0x1234, -2)],
    [0x0c, [0x12, 0x34, 0x56, 0x78, 0x80, 0, 0, 0], Int32Array.of(0x12345678, -(2 ** 31))],
    [0x0d, [0x3f, 0x80, 0, 0, 0xc0, 0x49, 0x0f, 0xdb], Float32Array.of(1, -Math.PI)],
    [0x0e, [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0], Float64Array.of(1, -2)],
  ])("reads type 0x0%x, big-endian", (type, bytes, data) => {
    expect(parseIdx(idx(type, [2], bytes))).toEqual({ shape: [2], data });
    expect(parseIdx(idx(type, [1, 2, 1], bytes))).toEqual({ shape: [1, 2, 1], data });
  });

  it("reads rank 0, empty arrays and views, and shares no memory", () => {
    expect(parseIdx(idx(8, [], [7]))).toEqual({ shape: [], data: Uint8Array.of(7) });
    expect(parseIdx(idx(12, [0, 2 ** 32 - 1]))).toEqual({
      shape: [0, 2 ** 32 - 1],
      data: new Int32Array(0),
    });
    const bytes = Uint8Array.of(9, 9, 9, ...idx(8, [2], [3, 4])).subarray(3);
    const { data } = parseIdx(bytes);
    bytes.fill(0);
    expect(data).toEqual(Uint8Array.of(3, 4));
  });

  const types = "0x08 0x09 0x0b 0x0c 0x0d 0x0e";
  it.each([
    ["nothing", [], RangeError, "file is too short: got 0 bytes, expected at least 4"],
    ["3 bytes", [0, 0, 8], RangeError, "file is too short: got 3 bytes, expected at least 4"],
    [
      "a PNG",
      [0x89, 0x50, 0x4e, 0x47],
      TypeError,
      "not an IDX file: got 0x89 0x50, expected 0x00 0x00",
    ],
    [
      "a gzip file",
      [0x1f, 0x8b, 8, 0],
      TypeError,
      "file is gzipped: got 0x1f 0x8b, expected 0x00 0x00; read it with readIdx",
    ],
    [
      "type 0x0a",
      [0, 0, 0x0a, 1],
      TypeError,
      `unknown type code: got 0x0a, expected one of ${types}`,
    ],
    [
      "half a header",
      [0, 0, 8, 3, 0, 0, 0, 1],
      RangeError,
      "header is truncated: got 8 bytes, expected 16 for 3 dimensions",
    ],
    [
      "a byte too few",
      idx(8, [2, 3], [1, 2, 3, 4, 5]),
      RangeError,
      "file is truncated: got 17 bytes, expected 18",
    ],
    [
      "a byte too many",
      idx(11, [2], [1, 2, 3, 4, 5]),
      RangeError,
      "file has trailing bytes: got 13 bytes, expected 12",
    ],
    [
      "dimensions that overflow",
      idx(8, [2 ** 32 - 1, 2 ** 32 - 1]),
      RangeError,
      "dimensions overflow: got [4294967295, 4294967295], expected less than 2^53 bytes",
    ],
    [
      "a huge file that is not there",
      idx(8, [60000, 28, 28]),
      RangeError,
      "file is truncated: got 16 bytes, expected 47,040,016",
    ],
  ])("refuses %s", (_, bytes, kind, message) => {
    expect(() => parseIdx(Uint8Array.from(bytes))).toThrow(new kind(`parseIdx: ${message}`));
    expect(() => parseIdx(Uint8Array.from(bytes), "x")).toThrow(
      new kind(`parseIdx: x: ${message}`),
    );
    expect(() => parseIdx(Uint8Array.from(bytes))).toThrow(kind);
  });
});

describe("readIdx", () => {
  const file = readFileSync(imagesFile);
  const truth = parseIdx(file);
  afterEach(() => vi.unstubAllGlobals());

  it("reads bytes, a buffer, a path and a file address", async () => {
    expect(truth.shape).toEqual([360, 8, 8]);
    const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.length);
    for (const source of [
      file,
      buffer,
      imagesFile,
      imagesFile.href,
      "examples/data/digits/t10k-images-idx3-ubyte",
    ])
      expect(await readIdx(source)).toEqual(truth);
  });

  it("gunzips what is gzipped", async () => {
    expect(await readIdx(gzipSync(file))).toEqual(truth);
  });

  it("fetches addresses, gzipped or not, and names them in errors", async () => {
    const server = createServer((request, response) => {
      if (request.url === "/images.gz?v=1") response.end(gzipSync(file));
      else if (request.url === "/images") response.end(file);
      else response.writeHead(404).end();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      expect(await readIdx(`${base}/images`)).toEqual(truth);
      expect(await readIdx(new URL(`${base}/images.gz?v=1`))).toEqual(truth);
      await expect(readIdx(`${base}/none`)).rejects.toThrow(
        new Error(`readIdx: none: server refused: got status 404, expected 200 for ${base}/none`),
      );
    } finally {
      server.close();
    }
  });

  it("names the file and counts its bytes as they are once gunzipped", async () => {
    const bytes = gzipSync(idx(8, [60000, 28, 28], new Array(984).fill(0)));
    vi.stubGlobal("fetch", async () => new Response(bytes));
    await expect(
      readIdx("https://example.org/mnist/train-images-idx3-ubyte.gz?raw=1"),
    ).rejects.toThrow(
      new RangeError(
        "readIdx: train-images-idx3-ubyte.gz: file is truncated: got 1,000 bytes, expected " +
          "47,040,016",
      ),
    );
  });

  const whole = gzipSync(file);
  const corrupt = Uint8Array.from(whole);
  corrupt[whole.length >> 1] = (corrupt[whole.length >> 1] as number) ^ 0xff;
  const badSum = Uint8Array.from(whole);
  badSum[whole.length - 6] = (badSum[whole.length - 6] as number) ^ 1;
  it.each([
    ["cut in the middle", whole.subarray(0, whole.length >> 1)],
    ["cut at its end", whole.subarray(0, whole.length - 1)],
    ["without a header", Uint8Array.of(0x1f, 0x8b)],
    ["corrupt", corrupt],
    ["with a wrong check sum", badSum],
  ])("refuses gzip %s", async (_, bytes) => {
    const message =
      `readIdx: gzip stream is damaged: got ` +
      `${String(bytes.length).replace(/(?=...$)(?<=.)/, ",")} bytes that do not ` +
      "decompress, expected a whole gzip file";
    await expect(readIdx(bytes)).rejects.toThrow(new TypeError(message));
    await expect(readIdx(bytes)).rejects.toThrow(TypeError);
  });

  it("says which file is not there", async () => {
    await expect(readIdx("no/such/file")).rejects.toThrow(
      new Error("readIdx: file: file cannot be read: got ENOENT, expected a file at no/such/file"),
    );
  });

  it("says that a runtime has no files", async () => {
    vi.stubGlobal("process", undefined);
    await expect(readIdx("digits/images")).rejects.toThrow(
      new Error(
        "readIdx: images: this runtime reads no files: got a path, expected bytes or an " +
          "http(s) address; " +
          "Node needs version 20.16 or later",
      ),
    );
  });

  it("refuses other sources", async () => {
    await expect(readIdx(3 as unknown as string)).rejects.toThrow(
      new TypeError(
        "readIdx: source has the wrong type: got number, expected bytes, a URL or a path",
      ),
    );
  });
});
