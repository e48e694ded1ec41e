/** Arrays, CSV and npy as datasets; how good predictions are. */
import { describe, expect, test } from "vitest";
import {
  accuracy,
  batches,
  confusionMatrix,
  csvDataset,
  fromArrays,
  type NpyData,
  parseCsv,
  parseNpy,
  predictions,
  readCsv,
  readNpy,
  toNpy,
  topKAccuracy,
} from "../src/data/index.js";
import { tensor } from "../src/index.js";

describe("fromArrays", () => {
  const x = [
    [1, 2],
    [3, 4],
    [5, 6],
  ];

  test("numbers to predict, in batches of their shape", () => {
    const set = fromArrays(x, [[0.5], [1.5], [2.5]]);
    expect(set).toMatchObject({ shape: [2], targetShape: [1], length: 3, classes: 0 });
    const [first, second] = [...batches(set, { batchSize: 2, shuffle: false })];
    expect([first?.x.toArray(), first?.y.toArray()]).toEqual([x.slice(0, 2), [[0.5], [1.5]]]);
    expect([second?.y.shape, second?.y.dtype]).toEqual([[1, 1], "f32"]);
  });

  test.each([
    ["labels: true", [2, 0, 1], { labels: true }],
    ["an i32 tensor", tensor([2, 0, 1], { dtype: "i32" }), {}],
    ["an integer array", Uint8Array.of(2, 0, 1), {}],
  ])("classes from %s", (_, y, options) => {
    const set = fromArrays(x, y, options);
    expect(set).toMatchObject({ classes: 3, y: Int32Array.of(2, 0, 1) });
    const [batch] = [...batches(set, { batchSize: 3, shuffle: false })];
    expect([batch?.y.dtype, batch?.y.toArray()]).toEqual(["i32", [2, 0, 1]]);
  });

  test("flat data with a shape, f64", () => {
    const set = fromArrays(new Float64Array(12), [1, 2], { shape: [2, 3] });
    expect(set).toMatchObject({ shape: [2, 3], length: 2, x: new Float64Array(12) });
    const [batch] = [...batches(set, { batchSize: 2 })];
    expect([batch?.x.shape, batch?.x.dtype, batch?.y.dtype]).toEqual([[2, 2, 3], "f64", "f64"]);
  });

  test.each<[string, () => unknown, string]>([
    [
      "counts",
      () => fromArrays(x, [1, 2]),
      "fromArrays: counts differ: got 3 examples and 2 targets, expected as many",
    ],
    [
      "labels out of range",
      () => fromArrays(x, [0, 1, 5], { labels: true, classes: 3 }),
      "fromArrays: label 5 at 2 is out of range: expected 0 ≤ label < 3",
    ],
    ["a scalar", () => fromArrays(tensor(1), [1]), "fromArrays: x is a scalar: got []"],
    [
      "parts of examples",
      () => fromArrays([1, 2, 3], [1], { shape: [2] }),
      "fromArrays: x is not whole examples: got [3], expected a multiple of [2]",
    ],
  ])("bad input: %s", (_, call, message) => expect(call).toThrow(message));
});

describe("CSV", () => {
  test.each([
    ["a,b\n1,2\n", ["a", "b"], [["1", "2"]]],
    [
      "a,b\r\n1,\r\n,2",
      ["a", "b"],
      [
        ["1", ""],
        ["", "2"],
      ],
    ],
    ['"x, y","say ""hi"""\n"line\nend",2\n', ["x, y", 'say "hi"'], [["line\nend", "2"]]],
    ["\ufeffa\n1\n\n2\n", ["a"], [["1"], ["2"]]],
    ["a,b,\n1,2,\n", ["a", "b", ""], [["1", "2", ""]]],
    ["a\n1,", ["a"], "row 2 differs"],
    ["", [], []],
  ])("%j", (text, header, rows) => {
    if (typeof rows === "string") expect(() => parseCsv(text)).toThrow(rows);
    else expect(parseCsv(text)).toEqual({ header, rows });
  });

  test("without a header, with another separator", () => {
    expect(parseCsv("1;2\n3;4", { header: false, separator: ";" })).toEqual({
      header: ["0", "1"],
      rows: [
        ["1", "2"],
        ["3", "4"],
      ],
    });
  });

  test("a dataset of some columns, classes numbered in order", async () => {
    const text = "width,kind,height\n1,rose,2\n3,iris,4\n-5e-1,rose,NaN\n";
    const table = await readCsv(new TextEncoder().encode(text));
    const set = csvDataset(table, { target: "kind" });
    expect(set).toEqual({
      x: Float32Array.of(1, 2, 3, 4, -0.5, Number.NaN),
      y: Int32Array.of(1, 0, 1),
      shape: [2],
      length: 3,
      classes: 2,
      classNames: ["iris", "rose"],
    });
    const numbers = csvDataset(table, { target: "width", features: ["height"], labels: false });
    expect(numbers).toMatchObject({ y: Float32Array.of(1, 3, -0.5), shape: [1], classes: 0 });
    const digits = parseCsv("x,y\n0,10\n0,9\n");
    expect(csvDataset(digits, { target: "y" }).classNames).toEqual(["9", "10"]);
  });

  const table = parseCsv("a,b\n1,x\n");
  test.each<[string, () => unknown, string]>([
    [
      "ragged rows",
      () => parseCsv("a,b\n1\n"),
      "parseCsv: row 2 differs in length: got 1 fields, expected 2",
    ],
    [
      "an open quote",
      () => parseCsv('a\n"b'),
      'parseCsv: row 2: quote is not closed: got the end of the text, expected "',
    ],
    [
      "text after a quote",
      () => parseCsv('"a"b\n'),
      'parseCsv: row 1: text after a closing quote: got "b", expected "," or a line end',
    ],
    [
      "a separator of two",
      () => parseCsv("a", { separator: ",," }),
      'parseCsv: bad separator: got ",,", expected one character',
    ],
    [
      "no such column",
      () => csvDataset(table, { target: "c" }),
      'csvDataset: no such column: got "c", expected one of [a, b]',
    ],
    [
      "a text for a number",
      () => csvDataset(table, { target: "a" }),
      'csvDataset: row 0, column "b" is not a number: got "x", expected one',
    ],
  ])("bad input: %s", (_, call, message) => expect(call).toThrow(message));
});

/** An npy file as NumPy writes it: `numpy.save` of the array named in each test. */
function npy(descr: string, shape: string, fortran: string, elements: ArrayBufferView): Uint8Array {
  const dict = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
  const text = dict.padEnd(128 - 10 - 1).concat("\n");
  return Uint8Array.of(
    ...[0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, text.length & 255, text.length >> 8],
    ...new TextEncoder().encode(text),
    ...new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength),
  );
}

describe("npy", () => {
  test.each<[string, Uint8Array, number[], NpyData]>([
    ["f4", npy("<f4", "(2,)", "False", Float32Array.of(1.5, -2)), [2], Float32Array.of(1.5, -2)],
    ["f8, a scalar", npy("<f8", "()", "False", Float64Array.of(0.1)), [], Float64Array.of(0.1)],
    [
      "i8, column-major",
      npy("<i8", "(2, 3)", "True", BigInt64Array.of(1n, 4n, 2n, 5n, 3n, 6n)),
      [2, 3],
      Int32Array.of(1, 2, 3, 4, 5, 6),
    ],
    ["b1", npy("|b1", "(3,)", "False", Uint8Array.of(1, 0, 1)), [3], Uint8Array.of(1, 0, 1)],
    ["i2, big-endian", npy(">i2", "(1,)", "False", Uint8Array.of(1, 2)), [1], Int16Array.of(258)],
    ["nothing", npy("<f4", "(0, 3)", "False", new Float32Array(0)), [0, 3], new Float32Array(0)],
  ])("%s", async (_, bytes, shape, data) => {
    expect(parseNpy(bytes)).toEqual({ shape, data });
    expect(await readNpy(bytes)).toEqual({ shape, data });
  });

  test("what is written is what NumPy writes, and reads back", () => {
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    expect(toNpy({ shape: [2, 3], data })).toEqual(npy("<f4", "(2, 3)", "False", data));
    for (const array of [
      Uint8Array,
      Int8Array,
      Int16Array,
      Uint16Array,
      Int32Array,
      Float64Array,
    ]) {
      const numbers = { shape: [3], data: array.of(1, 2, 120) };
      expect(parseNpy(toNpy(numbers))).toEqual(numbers);
    }
  });

  const good = npy("<f4", "(2,)", "False", Float32Array.of(1, 2));
  test.each<[string, Uint8Array, string]>([
    ["another file", Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), "parseNpy: not an npy file"],
    [
      "a cut file",
      good.subarray(0, -1),
      "parseNpy: file is truncated: got 135 bytes, expected 136",
    ],
    ["more bytes", Uint8Array.of(...good, 0), "file has trailing bytes: got 137"],
    [
      "a cut header",
      good.subarray(0, 50),
      "parseNpy: header is truncated: got 50 bytes, expected 128",
    ],
    [
      "complex numbers",
      npy("<c8", "(1,)", "False", new Float32Array(2)),
      "parseNpy: dtype is not read: got <c8, expected one of b1 u1",
    ],
    [
      "a large integer",
      npy("<i8", "(1,)", "False", BigInt64Array.of(2n ** 40n)),
      "parseNpy: element 0 does not fit 32 bits: got 1099511627776",
    ],
    [
      "a version",
      Uint8Array.of(...good.subarray(0, 6), 9, ...good.subarray(7)),
      "unknown version: got 9",
    ],
  ])("bad input: %s", (_, bytes, message) => expect(() => parseNpy(bytes)).toThrow(message));

  test("an inconsistent array is not written", () => {
    expect(() => toNpy({ shape: [3], data: new Float32Array(2) })).toThrow(
      "toNpy: array is inconsistent: got Float32Array of 2 for [3], expected 3 numbers",
    );
  });
});

describe("metrics", () => {
  const scores = tensor([
    [0.1, 0.7, 0.2],
    [0.4, 0.3, 0.4],
    [0.1, 0.2, Number.NaN],
  ]);
  const labels = tensor([1, 2, 2], { dtype: "i32" });

  test("the first of ties, NaN wins", () => {
    expect(predictions(scores)).toEqual(Int32Array.of(1, 0, 2));
  });

  test("accuracy of scores and of classes", () => {
    expect(accuracy(scores, labels)).toBe(2 / 3);
    expect(accuracy([1, 2, 0], [1, 2, 2])).toBe(2 / 3);
    expect(accuracy([], [])).toBeNaN();
  });

  test("top k", () => {
    expect([1, 2, 3].map((k) => topKAccuracy(scores, labels, k))).toEqual([1 / 3, 2 / 3, 2 / 3]);
  });

  test("confusion matrix", () => {
    expect(confusionMatrix(scores, labels, 3)).toEqual([
      [0, 0, 0],
      [0, 1, 0],
      [1, 0, 1],
    ]);
  });

  test.each<[string, () => unknown, string]>([
    [
      "counts",
      () => accuracy(scores, [1]),
      "accuracy: counts differ: got 3 predictions and 1 labels, expected as many",
    ],
    [
      "labels of floats",
      () => accuracy(scores, tensor([1, 2, 3])),
      "accuracy: labels are no labels: got Tensor(f32[3]), expected i32 [n]",
    ],
    [
      "k",
      () => topKAccuracy(scores, labels, 4),
      "topKAccuracy: bad k: got 4, expected a whole number from 1 to 3",
    ],
    [
      "a label out of range",
      () => confusionMatrix([0], [3], 3),
      "confusionMatrix: label 3 at row 0 is out of range: expected 0 ≤ label < 3",
    ],
    [
      "scores of one axis",
      () => predictions(tensor([1, 2])),
      "predictions: scores are no table: got [2], expected [n, classes]",
    ],
  ])("bad input: %s", (_, call, message) => expect(call).toThrow(message));
});
