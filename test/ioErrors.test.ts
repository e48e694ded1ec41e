import { describe, expect, it } from "vitest";
import {
  loadSafetensors,
  readSafetensors,
  type StateEntry,
  saveSafetensors,
} from "../src/io/index.js";

/** A file of any header and `size` bytes of data. */
function fileOf(header: string, size = 0): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const MASK: StateEntry = { shape: [1], dtype: "BOOL", data: Uint8Array.of(1) };

type Refusal = readonly [what: string, kind: ErrorConstructor, run: () => unknown, message: string];
const load =
  (header: string, size = 0) =>
  () =>
    loadSafetensors(fileOf(header, size));
const one = (fields: string, size = 0) => load(`{"w":{${fields}}}`, size);
const T = TypeError;
const R = RangeError;
const DTYPES = "BOOL U8 I8 I16 U16 I32 U32 F32 F64 I64 U64";

const MALFORMED: readonly Refusal[] = [
  [
    "7 bytes",
    R,
    () => loadSafetensors(new Uint8Array(7)),
    "file is too short: got 7 bytes, expected at least 8",
  ],
  [
    "a header of 100,000,001 bytes",
    R,
    () => loadSafetensors(Uint8Array.of(1, 0xe1, 0xf5, 5, 0, 0, 0, 0)),
    "header is too long: got 100,000,001 bytes, expected at most 100,000,000; is this a " +
      "safetensors file?",
  ],
  [
    "a header of 2⁶⁴ − 1 bytes",
    R,
    () => loadSafetensors(new Uint8Array(9).fill(255)),
    "header is too long: got 18,446,744,073,709,551,615 bytes, expected at most " +
      "100,000,000; is this a safetensors file?",
  ],
  [
    "a header past the end",
    R,
    () => loadSafetensors(fileOf("{}").subarray(0, 9)),
    "header is truncated: got 1 bytes, expected 2",
  ],
  ["no header", T, load("", 4), 'header is not a JSON object: got no bytes, expected "{" first'],
  ["an array", T, load("[]"), 'header is not a JSON object: got 0x5b, expected "{" first'],
  ["a space first", T, load(" {}"), 'header is not a JSON object: got 0x20, expected "{" first'],
  [
    "no JSON",
    T,
    load("{oops}"),
    "header is not JSON: got 6 bytes that do not parse, expected a JSON object",
  ],
  [
    "two objects",
    T,
    load("{}{}"),
    "header is not JSON: got 4 bytes that do not parse, expected a JSON object",
  ],
  [
    "no UTF-8",
    T,
    () => loadSafetensors(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d)),
    "header is not UTF-8: got other bytes, expected JSON text",
  ],
  [
    "a tensor twice",
    T,
    load(
      '{"w":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"\\u0077":{"dtype":"U8",' +
        '"shape":[],"data_offsets":[0,1]}}',
      1,
    ),
    'header repeats a key: got "w" twice, expected it once',
  ],
  [
    "a field twice",
    T,
    one('"dtype":"U8","shape":[],"dtype":"U8","data_offsets":[0,1]', 1),
    'header repeats a key: got "dtype" twice, expected it once',
  ],
  [
    "metadata twice",
    T,
    load('{"__metadata__":{"a":"1","a":"2"}}'),
    'header repeats a key: got "a" twice, expected it once',
  ],
  [
    "a tensor that is null",
    T,
    load('{"w":null}'),
    'tensor "w": description is no object: got null, expected dtype, shape and data_offsets',
  ],
  [
    "a tensor that is an array",
    T,
    load('{"w":[]}'),
    'tensor "w": description is no object: got Array, expected dtype, shape and data_offsets',
  ],
  [
    "no dtype",
    T,
    one('"shape":[],"data_offsets":[0,1]'),
    `tensor "w": dtype is unknown: got undefined, expected one of ${DTYPES}`,
  ],
  [
    "an unknown dtype",
    T,
    one('"dtype":"f32","shape":[],"data_offsets":[0,4]', 4),
    `tensor "w": dtype is unknown: got "f32", expected one of ${DTYPES}`,
  ],
  ...["F16", "BF16"].map(
    (dtype): Refusal => [
      dtype,
      T,
      one(`"dtype":"${dtype}","shape":[],"data_offsets":[0,2]`, 2),
      `tensor "w": dtype is not supported: got "${dtype}", expected one of ${DTYPES}; ` +
        `convert it to F32 first`,
    ],
  ),
  ...["[-1]", "[1.5]", "[-0]", '["1"]', "[9007199254740992]", "{}", "3"].map(
    (shape): Refusal => [
      `shape ${shape}`,
      T,
      one(`"dtype":"U8","shape":${shape},"data_offsets":[0,1]`, 1),
      `tensor "w": bad shape: got ${shape === "[-0]" ? "[0]" : shape}, expected ` +
        `non-negative integers`,
    ],
  ),
  ...["[0]", "[0,1,1]", "[-1,0]", '["0",1]', "null"].map(
    (offsets): Refusal => [
      `offsets ${offsets}`,
      T,
      one(`"dtype":"U8","shape":[],"data_offsets":${offsets}`, 1),
      `tensor "w": bad data_offsets: got ${offsets}, expected two non-negative integers`,
    ],
  ),
  [
    "a shape that overflows",
    R,
    one('"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,8]', 8),
    'tensor "w": shape overflows: got [4294967296, 4294967296], expected less than 2^53 bytes',
  ],
  [
    "too few bytes",
    R,
    one('"dtype":"F32","shape":[2],"data_offsets":[0,4]', 4),
    'tensor "w": data_offsets do not fit F32[2]: got 4 bytes, expected 8',
  ],
  [
    "offsets that run backwards",
    R,
    one('"dtype":"U8","shape":[1],"data_offsets":[1,0]', 1),
    'tensor "w": data_offsets do not fit U8[1]: got -1 bytes, expected 1',
  ],
  [
    "data after the end",
    R,
    one('"dtype":"U8","shape":[3],"data_offsets":[0,3]', 2),
    'tensor "w": data end after the file: got data_offsets [0, 3], expected at most 2 bytes ' +
      "of data",
  ],
  [
    "a hole at the start",
    R,
    one('"dtype":"U8","shape":[1],"data_offsets":[1,2]', 2),
    'tensor "w": data leave a hole: got data_offsets [1, 2], expected a start at 0',
  ],
  [
    "overlap",
    R,
    load(
      '{"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"a":{"dtype":"U8","shape":[2],' +
        '"data_offsets":[0,2]}}',
      3,
    ),
    'tensor "b": data overlap those before: got data_offsets [1, 3], expected a start at 2',
  ],
  [
    "bytes after the last",
    R,
    one('"dtype":"U8","shape":[1],"data_offsets":[0,1]', 3),
    "data go on after the last tensor: got 3 bytes, expected 1",
  ],
  [
    "metadata null",
    T,
    load('{"__metadata__":null}'),
    "metadata is no object: got null, expected strings by name",
  ],
  [
    "metadata of numbers",
    T,
    load('{"__metadata__":{"epoch":3}}'),
    'metadata "epoch" is no string: got Number, expected a string',
  ],
  [
    "metadata of objects",
    T,
    load('{"__metadata__":{"a":{"constructor":null}}}'),
    'metadata "a" is no string: got Object, expected a string',
  ],
  [
    "a string",
    T,
    () => loadSafetensors("model" as unknown as Uint8Array),
    "wrong argument: got String, expected a Uint8Array or an ArrayBuffer",
  ],
];

describe("loadSafetensors refuses", () => {
  it.each(MALFORMED)("%s", (_, kind, run, message) => {
    expect(run).toThrow(kind);
    expect(run).toThrow(new kind(`loadSafetensors: ${message}`));
  });

  it("a header of a million escapes or brackets without running out of stack", () => {
    const n = 1_000_000;
    const deep = `{"w":${"[".repeat(n)}${"]".repeat(n)}}`;
    expect(load(deep)).toThrow(/^loadSafetensors: (tensor "w"|header is not JSON)/);
    const long = fileOf(`{"__metadata__":{"a":"${"\\n".repeat(n)}"}}`);
    expect(readSafetensors(long).metadata.a).toHaveLength(n);
  });
});

const w = (entry: Partial<Record<keyof StateEntry, unknown>>) => () =>
  saveSafetensors({
    w: { shape: [1], dtype: "F32", data: Float32Array.of(1), ...entry } as StateEntry,
  });

const UNSAVABLE: readonly Refusal[] = [
  [
    "the name of the metadata",
    T,
    () => saveSafetensors({ __metadata__: MASK }),
    'tensor "__metadata__": name is reserved: got a tensor, expected another name',
  ],
  [
    "an unknown dtype",
    T,
    w({ dtype: "f32" }),
    `tensor "w": dtype is unknown: got "f32", expected one of ${DTYPES}`,
  ],
  [
    "F16",
    T,
    w({ dtype: "F16" }),
    `tensor "w": dtype is not supported: got "F16", expected one of ${DTYPES}; convert it ` +
      `to F32 first`,
  ],
  [
    "other data",
    T,
    w({ data: Float64Array.of(1) }),
    'tensor "w": data do not match dtype F32: got Float64Array, expected Float32Array',
  ],
  [
    "an array",
    T,
    w({ data: [1] }),
    'tensor "w": data do not match dtype F32: got Array, expected Float32Array',
  ],
  [
    "a bad shape",
    T,
    w({ shape: [-1] }),
    'tensor "w": bad shape: got [-1], expected non-negative integers',
  ],
  [
    "the wrong shape",
    R,
    w({ shape: [2, 1000] }),
    'tensor "w": data do not fill the shape: got 1 elements, expected 2,000 for [2, 1000]',
  ],
  [
    "metadata of numbers",
    T,
    () => saveSafetensors({}, { epoch: 3 } as unknown as Record<string, string>),
    'metadata "epoch" is no string: got Number, expected a string',
  ],
];

describe("saveSafetensors refuses", () => {
  it.each(UNSAVABLE)("%s", (_, kind, run, message) => {
    expect(run).toThrow(kind);
    expect(run).toThrow(new kind(`saveSafetensors: ${message}`));
  });
});
