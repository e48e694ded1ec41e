import { grouped } from "../grouped.js";
import { formatShape, sizeOf, stridesOf } from "../shape.js";
import { readSource, type Source } from "./source.js";

/**
 * NumPy's array file (NEP 1, versions 1.0 to 3.0):
 *
 *     byte   0 … 5       6   7     8 … 9 (1.0) or 11     …
 *          ┌────────────┬───┬───┬───────────────────┬──────────────────────────┬──────────┐
 *          │ \x93NUMPY  │ major │ header length, LE │ Python dict in ASCII, \n │ elements │
 *          │            │ minor │ u16, u32 from 2.0 │ descr, fortran_order,    │          │
 *          └────────────┴───┴───┴───────────────────┴──────────────────────────┴──────────┘
 *                                                     shape
 */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: NpyData;
}
export type NpyData =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Float32Array
  | Float64Array;

interface Format {
  readonly bytes: number;
  readonly make: (n: number) => NpyData;
  readonly read: (view: DataView, at: number, little: boolean) => number | bigint;
}

const FORMATS: Readonly<Record<string, Format>> = {
  b1: { bytes: 1, make: (n) => new Uint8Array(n), read: (v, at) => v.getUint8(at) },
  u1: { bytes: 1, make: (n) => new Uint8Array(n), read: (v, at) => v.getUint8(at) },
  i1: { bytes: 1, make: (n) => new Int8Array(n), read: (v, at) => v.getInt8(at) },
  u2: { bytes: 2, make: (n) => new Uint16Array(n), read: (v, at, le) => v.getUint16(at, le) },
  i2: { bytes: 2, make: (n) => new Int16Array(n), read: (v, at, le) => v.getInt16(at, le) },
  u4: { bytes: 4, make: (n) => new Int32Array(n), read: (v, at, le) => v.getUint32(at, le) },
  i4: { bytes: 4, make: (n) => new Int32Array(n), read: (v, at, le) => v.getInt32(at, le) },
  u8: { bytes: 8, make: (n) => new Int32Array(n), read: (v, at, le) => v.getBigUint64(at, le) },
  i8: { bytes: 8, make: (n) => new Int32Array(n), read: (v, at, le) => v.getBigInt64(at, le) },
  f4: { bytes: 4, make: (n) => new Float32Array(n), read: (v, at, le) => v.getFloat32(at, le) },
  f8: { bytes: 8, make: (n) => new Float64Array(n), read: (v, at, le) => v.getFloat64(at, le) },
};

/**
 * The array that an npy file holds, row-major whatever its order in the file; integers wider than
 * 32 bits become i32 when they fit. TypeError when this is no npy file or of a kind that is not
 * read, RangeError for a wrong length or an integer that does not fit.
 */
export function parseNpy(bytes: Uint8Array): NpyArray {
  return parse(bytes, "parseNpy");
}

/** Reads an npy file or address, gunzipped when gzipped. Errors as in `parseNpy` and `readIdx`. */
export async function readNpy(source: Source): Promise<NpyArray> {
  const { bytes, where } = await readSource("readNpy", source);
  return parse(bytes, where);
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

function parse(bytes: Uint8Array, where: string): NpyArray {
  if (bytes.length < 10 || MAGIC.some((byte, index) => bytes[index] !== byte))
    throw new TypeError(
      `${where}: not an npy file: got [${[...bytes.subarray(0, 6)].join(", ")}], expected it to begin with \\x93NUMPY`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [major, start] = [bytes[6] as number, bytes[6] === 1 ? 10 : 12];
  if (major < 1 || major > 3)
    throw new TypeError(`${where}: unknown version: got ${major}, expected 1, 2 or 3`);
  const headerEnd = start + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (headerEnd > bytes.length)
    throw new RangeError(
      `${where}: header is truncated: got ${grouped(bytes.length)} bytes, expected ${grouped(headerEnd)}`,
    );
  const { format, little, fortran, shape } = readHeader(
    new TextDecoder().decode(bytes.subarray(start, headerEnd)),
    where,
  );
  const size = sizeOf(shape);
  const length = headerEnd + size * format.bytes;
  if (bytes.length !== length)
    throw new RangeError(
      `${where}: file ${bytes.length < length ? "is truncated" : "has trailing bytes"}: ` +
        `got ${grouped(bytes.length)} bytes, expected ${grouped(length)}`,
    );
  const data = format.make(size);
  const integers = data instanceof Int32Array;
  const place = fortran ? rowMajor(shape) : (index: number) => index;
  for (let index = 0; index < size; index++) {
    const value = Number(format.read(view, headerEnd + index * format.bytes, little));
    if (integers && value !== (value | 0))
      throw new RangeError(
        `${where}: element ${index} does not fit 32 bits: got ${value}, expected −2³¹ ≤ it < 2³¹`,
      );
    data[place(index)] = value;
  }
  return { shape, data };
}

/** Where element `index` of a column-major array goes in a row-major one. */
function rowMajor(shape: readonly number[]): (index: number) => number {
  const strides = stridesOf(shape);
  return (index) => {
    let [rest, at] = [index, 0];
    for (const [axis, length] of shape.entries()) {
      at += (rest % length) * (strides[axis] as number);
      rest = Math.floor(rest / length);
    }
    return at;
  };
}

function readHeader(text: string, where: string) {
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shapeText = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text)?.[1];
  if (descr === undefined || fortran === undefined || shapeText === undefined)
    throw new TypeError(
      `${where}: header is not understood: got ${JSON.stringify(text.trim())}, expected descr, fortran_order and shape`,
    );
  const format = FORMATS[descr.slice(1)];
  if (!format || !"<>|=".includes(descr[0] ?? ""))
    throw new TypeError(
      `${where}: dtype is not read: got ${descr}, expected one of ${Object.keys(FORMATS).join(" ")} with < or >`,
    );
  const shape = shapeText
    .split(",")
    .map((part) => part.trim().replace("L", ""))
    .filter((part) => part !== "")
    .map(Number);
  return { format, little: descr[0] !== ">", fortran: fortran === "True", shape };
}

const DESCRIPTIONS = new Map<unknown, string>([
  [Uint8Array, "|u1"],
  [Int8Array, "|i1"],
  [Int16Array, "<i2"],
  [Uint16Array, "<u2"],
  [Int32Array, "<i4"],
  [Float32Array, "<f4"],
  [Float64Array, "<f8"],
]);

/** The bytes of an npy file, version 1.0, that holds an array. */
export function toNpy({ shape, data }: NpyArray): Uint8Array {
  const descr = DESCRIPTIONS.get(data.constructor);
  if (!descr || sizeOf(shape) !== data.length)
    throw new RangeError(
      `toNpy: array is inconsistent: got ${data.constructor.name} of ${data.length} for ${formatShape(shape)}, expected ${sizeOf(shape)} numbers`,
    );
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // The elements begin at a multiple of 64 bytes.
  const padding = (64 - ((10 + dict.length + 1) % 64)) % 64;
  const header = new TextEncoder().encode(`${dict}${" ".repeat(padding)}\n`);
  const bytes = new Uint8Array(10 + header.length + data.byteLength);
  bytes.set([...MAGIC, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(header, 10);
  const view = new DataView(bytes.buffer, 10 + header.length);
  const width = data.BYTES_PER_ELEMENT;
  for (let index = 0; index < data.length; index++) {
    const value = data[index] as number;
    if (data instanceof Float64Array) view.setFloat64(index * width, value, true);
    else if (data instanceof Float32Array) view.setFloat32(index * width, value, true);
    else if (width === 4) view.setInt32(index * width, value, true);
    else if (width === 2) view.setInt16(index * width, value, true);
    else view.setInt8(index, value);
  }
  return bytes;
}
