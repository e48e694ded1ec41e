import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { embedded } from "../src/wasm/embedded.js";

const fileOf = (build: string) =>
  readFileSync(new URL(`../build/kernels.${build}.wasm`, import.meta.url));

test.each(["simd", "relaxed"] as const)(
  "the text of the %s kernels is that of the file",
  (build) => {
    const file = fileOf(build);
    const bytes = embedded.bytes?.(build) as Uint8Array;
    expect(bytes.length).toBe(file.length);
    expect(file.equals(bytes)).toBe(true);
  },
);

type Strings = readonly (readonly number[])[];
type Pack = { pack(modules: readonly Strings[]): string };
type Unpacked = {
  unpacked(module: Uint8Array, text: string, sizes: readonly number[]): readonly Uint8Array[];
};
const script = (name: string) => import(new URL(`../scripts/${name}.mjs`, import.meta.url).href);

/** What strings stand for: one function if one begins, of the bytes between `[` and `]`. */
const BYTES = 0xfe;
const FUNCTION = 0xff;
const times = <T>(count: number, one: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => one(at));
const sized = (body: readonly number[]) => [
  (body.length & 127) | 128,
  ((body.length >> 7) & 127) | 128,
  body.length >> 14,
  ...body,
];
const HEADER = [BYTES, 7, 8, 9];
const V128_CONST = [0xfd, 12];

/** Modules as strings, and their bytes. */
const CASES: Record<
  string,
  { strings: readonly Strings[]; bytes: readonly (readonly number[])[] }
> = {
  "bytes only": { strings: [[HEADER]], bytes: [[7, 8, 9]] },
  "bytes after functions": {
    strings: [[HEADER, [FUNCTION, 0, 0], [0x0b], [FUNCTION, 1, 0], [0x0b], [BYTES, 1, 2]]],
    bytes: [[7, 8, 9, ...sized([0, 0x0b]), ...sized([0, 0x0b]), 1, 2]],
  },
  "strings that differ by 1 in their last byte, and long ones": {
    strings: [[HEADER, ...times(300, (at) => [0x41, at & 127, at >> 7]), times(900, () => 5)]],
    bytes: [
      [7, 8, 9, ...times(300, (at) => [0x41, at & 127, at >> 7]).flat(), ...times(900, () => 5)],
    ],
  },
  "the same again, longer than one number says": {
    strings: [
      [HEADER, ...times(5000, () => [0x6a])],
      [HEADER, ...times(4999, () => [0x6a])],
    ],
    bytes: [
      [7, 8, 9, ...times(5000, () => 0x6a)],
      [7, 8, 9, ...times(4999, () => 0x6a)],
    ],
  },
  "locals of two lists by rank": {
    strings: [
      [
        HEADER,
        [FUNCTION, 2, 1, 1, 123],
        ...[
          [0x20, 2],
          [0x20, 2],
          [0x21, 128],
          [0x22, 1],
          [0x20, 129],
        ],
        [0x0b],
      ],
    ],
    bytes: [[7, 8, 9, ...sized([1, 1, 123, 0x20, 1, 0x20, 0, 0x21, 2, 0x22, 0, 0x20, 2, 0x0b])]],
  },
  "locals of two bytes": {
    strings: [
      [HEADER, [FUNCTION, 120, 1, 20, 123], ...times(20, () => [0x21, 128]), [0x20, 128 + 20]],
    ],
    bytes: [
      [
        ...[7, 8, 9],
        ...sized([
          ...[1, 20, 123],
          ...times(20, (at) => (at < 8 ? [0x21, 120 + at] : [0x21, 120 + at, 1])).flat(),
          ...[0x20, 120],
        ]),
      ],
    ],
  },
  "vectors that repeat 4 or 8 bytes": {
    strings: [
      [
        HEADER,
        [...V128_CONST, 1, 2, 3, 4],
        [...V128_CONST, 1, 2, 3, 4, 5, 6, 7, 8],
        [...V128_CONST, ...times(16, (at) => at)],
        [0x0b],
      ],
    ],
    bytes: [
      [
        ...[7, 8, 9],
        ...[...V128_CONST, ...times(16, (at) => 1 + (at & 3))],
        ...[...V128_CONST, ...times(16, (at) => 1 + (at & 7))],
        ...[...V128_CONST, ...times(16, (at) => at)],
        0x0b,
      ],
    ],
  },
};

describe("what is packed is unpacked", () => {
  test.each(Object.entries(CASES))("%s", async (_, { strings, bytes }) => {
    const { pack } = (await script("packInstructions")) as Pack;
    const { unpacked } = (await script("unpacked")) as Unpacked;
    const text = pack(strings);
    // Four characters are 24 bits; none that HTML or literals escape.
    expect(text.length % 4).toBe(0);
    expect(text).toMatch(/^[>-[\]-~]*$/);
    const sizes = bytes.map(({ length }) => length);
    expect(unpacked(fileOf("unpack"), text, sizes).map((one) => [...one])).toEqual(bytes);
  });
});
