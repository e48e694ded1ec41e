import { grouped } from "../grouped.js";
import { formatShape, sizeOf } from "../shape.js";
import { isGzip, readSource, type Source } from "./source.js";

/**
 * The IDX format of MNIST (Y. LeCun, http://yann.lecun.com/exdb/mnist/), big-endian throughout:
 *
 *     byte   0   1      2       3      4 … 7     8 … 11
 *          ┌───┬───┬────────┬────────┬─────────┬─────────┬───┬──────────────────────────┐
 *          │ 0 │ 0 │  type  │  rank  │ shape 0 │ shape 1 │ … │ elements, row-major       │
 *          └───┴───┴────────┴────────┴─────────┴─────────┴───┴──────────────────────────┘
 *
 *     type   08 u8   09 i8   0b i16   0c i32   0d f32   0e f64
 *
 * Shape entries are u32. Files are usually gzipped; `readIdx` sees that by their first bytes.
 */

/** An array of any rank, row-major, in the type of its file. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: IdxData;
}
export type IdxData =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

interface Format {
  readonly bytes: number;
  readonly make: (n: number) => IdxData;
  readonly read: (view: DataView, at: number) => number;
}

const FORMATS: ReadonlyMap<number, Format> = new Map<number, Format>([
  [0x08, { bytes: 1, make: (n) => new Uint8Array(n), read: (v, at) => v.getUint8(at) }],
  [0x09, { bytes: 1, make: (n) => new Int8Array(n), read: (v, at) => v.getInt8(at) }],
  [0x0b, { bytes: 2, make: (n) => new Int16Array(n), read: (v, at) => v.getInt16(at) }],
  [0x0c, { bytes: 4, make: (n) => new Int32Array(n), read: (v, at) => v.getInt32(at) }],
  [0x0d, { bytes: 4, make: (n) => new Float32Array(n), read: (v, at) => v.getFloat32(at) }],
  [0x0e, { bytes: 8, make: (n) => new Float64Array(n), read: (v, at) => v.getFloat64(at) }],
]);

/**
 * The array that an uncompressed IDX file holds; it shares no memory with `bytes`. `name` is
 * named in errors: TypeError when this is no IDX file, RangeError when its length is not what its
 * header says.
 */
export function parseIdx(bytes: Uint8Array, name?: string): IdxArray {
  return parse(bytes, name === undefined ? "parseIdx" : `parseIdx: ${name}`);
}

function parse(bytes: Uint8Array, where: string): IdxArray {
  if (isGzip(bytes))
    throw new TypeError(
      `${where}: file is gzipped: got 0x1f 0x8b, expected 0x00 0x00; read it with readIdx`,
    );
  if (bytes.length < 4)
    throw new RangeError(
      `${where}: file is too short: got ${bytes.length} bytes, expected at least 4`,
    );
  const [zero0 = 0, zero1 = 0, type = 0, rank = 0] = bytes;
  if (zero0 !== 0 || zero1 !== 0)
    throw new TypeError(
      `${where}: not an IDX file: got ${hex(zero0)} ${hex(zero1)}, expected 0x00 0x00`,
    );
  const format = FORMATS.get(type);
  if (format === undefined)
    throw new TypeError(
      `${where}: unknown type code: got ${hex(type)}, ` +
        `expected one of ${[...FORMATS.keys()].map(hex).join(" ")}`,
    );
  const header = 4 + 4 * rank;
  if (bytes.length < header)
    throw new RangeError(
      `${where}: header is truncated: got ${grouped(bytes.length)} bytes, ` +
        `expected ${grouped(header)} for ${rank} dimensions`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = sizeOf(shape);
  const length = header + size * format.bytes;
  if (!Number.isSafeInteger(length))
    throw new RangeError(
      `${where}: dimensions overflow: got ${formatShape(shape)}, expected less than 2^53 bytes`,
    );
  if (bytes.length !== length)
    throw new RangeError(
      `${where}: file ${bytes.length < length ? "is truncated" : "has trailing bytes"}: ` +
        `got ${grouped(bytes.length)} bytes, expected ${grouped(length)}`,
    );
  const data = format.make(size);
  if (data instanceof Uint8Array) data.set(bytes.subarray(header));
  else for (let i = 0; i < size; i++) data[i] = format.read(view, header + i * format.bytes);
  return { shape, data };
}

/**
 * Reads an IDX file, gunzipping it when it is gzipped. A string that begins with http:// or
 * https:// is fetched, one with file:// read; any other is a path, for runtimes that have a file
 * system. Errors as in `parseIdx`; TypeError for a damaged gzip stream, Error when there is
 * nothing to read.
 */
export async function readIdx(source: Source): Promise<IdxArray> {
  const { bytes, where } = await readSource("readIdx", source);
  return parse(bytes, where);
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
