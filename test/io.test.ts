import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  loadSafetensors,
  readSafetensors,
  type StateEntry,
  saveSafetensors,
} from "../src/io/index.js";

const state: Record<string, StateEntry> = {
  "0.weight": {
    shape: [2, 3],
    dtype: "F32",
    data: Float32Array.of(1, -2, 3.5, -0, Infinity, 1e-45),
  },
  "0.bias": { shape: [2], dtype: "F32", data: Float32Array.of(0.5, NaN) },
  count: { shape: [], dtype: "I64", data: BigInt64Array.of(-(2n ** 62n)) },
  big: { shape: [1], dtype: "U64", data: BigUint64Array.of(2n ** 64n - 1n) },
  double: { shape: [1, 1], dtype: "F64", data: Float64Array.of(Math.PI) },
  mask: { shape: [3], dtype: "BOOL", data: Uint8Array.of(1, 0, 1) },
  bytes: { shape: [5], dtype: "U8", data: Uint8Array.of(0, 1, 2, 254, 255) },
  i8: { shape: [1], dtype: "I8", data: Int8Array.of(-128) },
  i16: { shape: [1], dtype: "I16", data: Int16Array.of(-32768) },
  u16: { shape: [1], dtype: "U16", data: Uint16Array.of(65535) },
  i32: { shape: [2], dtype: "I32", data: Int32Array.of(-1, 2 ** 31 - 1) },
  u32: { shape: [1], dtype: "U32", data: Uint32Array.of(2 ** 32 - 1) },
  empty: { shape: [0, 7], dtype: "F32", data: new Float32Array(0) },
};

describe("round trip", () => {
  it("gives back every type, shape and name", () => {
    const { tensors, metadata } = readSafetensors(saveSafetensors(state, { format: "pt" }));
    expect(tensors).toEqual(state);
    expect(metadata).toEqual({ format: "pt" });
  });

  it("gives back nothing for nothing", () => {
    expect(readSafetensors(saveSafetensors({}))).toEqual({ tensors: {}, metadata: {} });
  });

  it("keeps names that mean something to JavaScript or to JSON", () => {
    const data = Float32Array.of(1);
    const names = ["__proto__", "constructor", "10", "2", 'a"b\\c\n', "é😀", ""];
    const odd = Object.fromEntries(
      names.map((name) => [name, { shape: [1], dtype: "F32", data } as const]),
    );
    const tensors = loadSafetensors(saveSafetensors(odd));
    expect(Object.keys(tensors).sort()).toEqual([...names].sort());
    for (const name of names)
      expect(Object.getOwnPropertyDescriptor(tensors, name)?.value.data).toEqual(data);
  });

  it("reads an ArrayBuffer, and a view at an odd place; the data are copies", () => {
    const bytes = saveSafetensors(state);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const view = shifted.subarray(3);
    const tensors = loadSafetensors(view);
    view.fill(0);
    expect(tensors).toEqual(state);
    expect(loadSafetensors(bytes.buffer)).toEqual(state);
  });

  it("reads Node's Buffer, in a pool or of a file", () => {
    const bytes = saveSafetensors(state);
    const pooled = Buffer.from(bytes);
    const alone = Buffer.alloc(bytes.length);
    alone.set(bytes);
    for (const buffer of [pooled, alone]) {
      const tensors = loadSafetensors(buffer);
      buffer.fill(0);
      expect(tensors).toEqual(state);
    }
  });

  it("writes part of a larger array", () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const tensors = loadSafetensors(saveSafetensors({ w: { shape: [2], dtype: "F32", data } }));
    expect(tensors.w?.data).toEqual(Float32Array.of(2, 3));
  });
});

describe("the bytes of a file", () => {
  it("are those of the reference implementation", () => {
    const bytes = saveSafetensors(
      {
        b: { shape: [2], dtype: "U8", data: Uint8Array.of(7, 8) },
        a: { shape: [1], dtype: "F32", data: Float32Array.of(1) },
        n: { shape: [], dtype: "I64", data: BigInt64Array.of(3n) },
        "a.0": { shape: [1], dtype: "F32", data: Float32Array.of(2) },
      },
      { format: "pt" },
    );
    const header =
      '{"__metadata__":{"format":"pt"},' +
      '"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},' +
      '"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},' +
      '"a.0":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},' +
      '"b":{"dtype":"U8","shape":[2],"data_offsets":[16,18]}}';
    const data = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 7, 8];
    const text = [...new TextEncoder().encode(header.padEnd(256))];
    expect([...bytes]).toEqual([0, 1, 0, 0, 0, 0, 0, 0, ...text, ...data]);
  });

  it("go by code point among equal types", () => {
    const data = Uint8Array.of(0);
    const names = ["\u{1F600}", "\uFFFD", "b", "ab", "a"];
    const bytes = saveSafetensors(
      Object.fromEntries(names.map((n) => [n, { shape: [], dtype: "U8", data }])),
    );
    expect(Object.keys(loadSafetensors(bytes))).toEqual(["a", "ab", "b", "\uFFFD", "\u{1F600}"]);
  });
});

describe("a damaged file", () => {
  it("is refused when a byte is missing or too many", () => {
    const bytes = saveSafetensors(state, { a: "b" });
    for (let length = 0; length < bytes.length; length++)
      expect(() => loadSafetensors(bytes.subarray(0, length)), `${length}`).toThrow(
        /^loadSafetensors: /,
      );
    expect(() => loadSafetensors(Uint8Array.of(...bytes, 0))).toThrow(
      /^loadSafetensors: data go on/,
    );
  });

  it("is read or refused, and fails in no other way", () => {
    const bytes = saveSafetensors(state, { a: "b" });
    const flip = fc.record({ at: fc.nat({ max: bytes.length - 1 }), value: fc.nat({ max: 255 }) });
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 5 }), (flips) => {
        const damaged = bytes.slice();
        for (const { at, value } of flips) damaged[at] = value;
        try {
          for (const { data, shape } of Object.values(loadSafetensors(damaged)))
            expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect((error as Error).message).toMatch(/^loadSafetensors: /);
        }
      }),
      { numRuns: 5000, seed: 1 },
    );
  });
});
