import { grouped } from "../grouped.js";
import { formatShape, sizeOf } from "../shape.js";
import { checkState } from "../state.js";
import { duplicateKey } from "./duplicateKey.js";
import {
  ARRAYS,
  checkDtype,
  checkMetadata,
  checkShape,
  DTYPES,
  isCount,
  kindOf,
  type StateDtype,
  type StateEntry,
} from "./stateEntry.js";

/**
 * The safetensors format (https://github.com/huggingface/safetensors), little-endian:
 *
 *     byte 0         8                 8 + n
 *          ┌─────────┬─────────────────┬──────────────────┐
 *          │ n (u64) │ header, n bytes │ data of tensors  │
 *          └─────────┴─────────────────┴──────────────────┘
 *
 *     {"__metadata__":{"key":"value"},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},…}
 *
 * The header is JSON, padded with spaces so that the data begin at a multiple of 8. Offsets count
 * from the first byte of data, and the tensors cover the data without gap or overlap. Files are
 * written as by the reference implementation: wide types first and equal types by name, so that
 * every tensor is aligned. Typed arrays are taken to be little-endian, as on every engine there
 * is.
 */

export interface SafetensorsFile {
  readonly tensors: Record<string, StateEntry>;
  readonly metadata: Record<string, string>;
}

const MAX_HEADER = 100_000_000;

/**
 * The bytes of a safetensors file of the named tensors.
 * TypeError for names, types and metadata, RangeError for shapes.
 */
export function saveSafetensors(
  state: Readonly<Record<string, StateEntry>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  checkState("saveSafetensors", state);
  const entries = Object.entries(state);
  for (const [name, entry] of entries) checkEntry(name, entry);
  entries.sort(
    ([a, { dtype: left }], [b, { dtype: right }]) =>
      DTYPES.indexOf(right) - DTYPES.indexOf(left) || compareBytes(a, b),
  );
  const fields: string[] = [];
  if (metadata !== undefined) {
    checkMetadata("saveSafetensors", metadata);
    fields.push(`"__metadata__":${JSON.stringify(metadata)}`);
  }
  let end = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    const start = end;
    end += data.byteLength;
    const info = JSON.stringify({ dtype, shape, data_offsets: [start, end] });
    fields.push(`${JSON.stringify(name)}:${info}`);
  }
  const text = new TextEncoder().encode(`{${fields.join(",")}}`);
  const headerBytes = Math.ceil(text.length / 8) * 8;
  if (headerBytes > MAX_HEADER)
    throw new RangeError(
      `saveSafetensors: header is too long: got ${grouped(headerBytes)} bytes, ` +
        `expected at most ${grouped(MAX_HEADER)}`,
    );
  const bytes = new Uint8Array(8 + headerBytes + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, 8, 8 + headerBytes);
  bytes.set(text, 8);
  let at = 8 + headerBytes;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

function checkEntry(name: string, { shape, dtype, data }: StateEntry): void {
  const where = `saveSafetensors: tensor ${JSON.stringify(name)}`;
  if (name === "__metadata__")
    throw new TypeError(`${where}: name is reserved: got a tensor, expected another name`);
  checkDtype(where, dtype);
  if (!(data instanceof ARRAYS[dtype]))
    throw new TypeError(
      `${where}: data do not match dtype ${dtype}: got ${kindOf(data)}, ` +
        `expected ${ARRAYS[dtype].name}`,
    );
  checkShape(where, shape);
  if (data.length !== sizeOf(shape))
    throw new RangeError(
      `${where}: data do not fill the shape: got ${grouped(data.length)} elements, ` +
        `expected ${grouped(sizeOf(shape))} for ${formatShape(shape)}`,
    );
}

/** The order of UTF-8 bytes, which is that of code points. */
function compareBytes(a: string, b: string): number {
  const left = Array.from(a, (character) => character.codePointAt(0) as number);
  const right = Array.from(b, (character) => character.codePointAt(0) as number);
  const place = left.findIndex((point, i) => point !== right[i]);
  return place < 0 ? left.length - right.length : (left[place] as number) - (right[place] ?? -1);
}

/**
 * The tensors and metadata of a safetensors file; the data are copies. A malformed file is
 * refused as a whole: RangeError for sizes and places, TypeError for everything else.
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer): SafetensorsFile {
  if (!(bytes instanceof Uint8Array || bytes instanceof ArrayBuffer))
    throw new TypeError(
      `${LOAD}: wrong argument: got ${kindOf(bytes)}, expected a Uint8Array or an ArrayBuffer`,
    );
  // Never Node's Buffer, whose `slice` does not copy.
  const file =
    bytes instanceof ArrayBuffer
      ? new Uint8Array(bytes)
      : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const { header, start } = readHeader(file);
  const { __metadata__: metadata = {}, ...infos } = header;
  checkMetadata(LOAD, metadata);
  const places = Object.entries(infos).map(([name, info]) => checkInfo(name, info));
  checkCover(places, file.length - start);
  const tensors = places.map(({ name, dtype, shape, from, to }) => {
    const { buffer } = file.slice(start + from, start + to);
    return [name, { shape, dtype, data: new ARRAYS[dtype](buffer) }] as const;
  });
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** The tensors of a safetensors file, as `saveSafetensors` takes them: see `readSafetensors`. */
export function loadSafetensors(bytes: Uint8Array | ArrayBuffer): Record<string, StateEntry> {
  return readSafetensors(bytes).tensors;
}

const LOAD = "loadSafetensors";

function readHeader(file: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (file.length < 8)
    throw new RangeError(
      `${LOAD}: file is too short: got ${file.length} bytes, expected at least 8`,
    );
  const length = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER)
    throw new RangeError(
      `${LOAD}: header is too long: got ${grouped(length)} bytes, ` +
        `expected at most ${grouped(MAX_HEADER)}; is this a safetensors file?`,
    );
  const start = 8 + Number(length);
  if (start > file.length)
    throw new RangeError(
      `${LOAD}: header is truncated: got ${grouped(file.length - 8)} bytes, ` +
        `expected ${grouped(length)}`,
    );
  if (file[8] !== 0x7b || length === 0n)
    throw new TypeError(
      `${LOAD}: header is not a JSON object: got ${firstByte(file, start)}, expected "{" first`,
    );
  const text = decode(file.subarray(8, start));
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new TypeError(
      `${LOAD}: header is not JSON: got ${grouped(length)} bytes that do not parse, ` +
        "expected a JSON object",
      { cause },
    );
  }
  const repeated = duplicateKey(text);
  if (repeated !== undefined)
    throw new TypeError(
      `${LOAD}: header repeats a key: got ${JSON.stringify(repeated)} twice, expected it once`,
    );
  return { header, start };
}

function firstByte(file: Uint8Array, start: number): string {
  return start === 8 ? "no bytes" : `0x${(file[8] as number).toString(16).padStart(2, "0")}`;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TypeError(`${LOAD}: header is not UTF-8: got other bytes, expected JSON text`, {
      cause,
    });
  }
}

interface Place {
  readonly name: string;
  readonly dtype: StateDtype;
  readonly shape: number[];
  /** Bytes, counted from the first byte of data. */
  readonly from: number;
  readonly to: number;
}

function checkInfo(name: string, info: unknown): Place {
  const where = `${LOAD}: tensor ${JSON.stringify(name)}`;
  if (typeof info !== "object" || info === null || Array.isArray(info))
    throw new TypeError(
      `${where}: description is no object: got ${kindOf(info)}, ` +
        "expected dtype, shape and data_offsets",
    );
  const { dtype, shape, data_offsets: offsets } = info as Record<string, unknown>;
  checkDtype(where, dtype);
  checkShape(where, shape);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw new TypeError(
      `${where}: bad data_offsets: got ${JSON.stringify(offsets)}, ` +
        "expected two non-negative integers",
    );
  const [from, to] = offsets as [number, number];
  const size = sizeOf(shape) * ARRAYS[dtype].BYTES_PER_ELEMENT;
  if (!Number.isSafeInteger(size))
    throw new RangeError(
      `${where}: shape overflows: got ${formatShape(shape)}, expected less than 2^53 bytes`,
    );
  if (to - from !== size)
    throw new RangeError(
      `${where}: data_offsets do not fit ${dtype}${formatShape(shape)}: ` +
        `got ${grouped(to - from)} bytes, expected ${grouped(size)}`,
    );
  return { name, dtype, shape: [...shape], from, to };
}

/** The tensors follow one another from the first byte of data to the last. */
function checkCover(places: readonly Place[], size: number): void {
  let end = 0;
  for (const { name, from, to } of [...places].sort((a, b) => a.from - b.from || a.to - b.to)) {
    const where = `${LOAD}: tensor ${JSON.stringify(name)}`;
    if (to > size)
      throw new RangeError(
        `${where}: data end after the file: got data_offsets [${from}, ${to}], ` +
          `expected at most ${grouped(size)} bytes of data`,
      );
    if (from !== end)
      throw new RangeError(
        `${where}: data ${from < end ? "overlap those before" : "leave a hole"}: ` +
          `got data_offsets [${from}, ${to}], expected a start at ${end}`,
      );
    end = to;
  }
  if (end !== size)
    throw new RangeError(
      `${LOAD}: data go on after the last tensor: got ${grouped(size)} bytes, ` +
        `expected ${grouped(end)}`,
    );
}
