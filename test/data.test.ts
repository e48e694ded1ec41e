import { describe, expect, it } from "vitest";
import { batches, type Dataset, type IdxArray, idxDataset, readIdx } from "../src/data/index.js";
import "../src/ops/methods.js";
import { foldIn, threefry2x32 } from "../src/threefry.js";

const folder = new URL("../examples/data/digits/", import.meta.url);
const imagesFile = new URL("t10k-images-idx3-ubyte", folder);
const labelsFile = new URL("t10k-labels-idx1-ubyte", folder);

describe("idxDataset", () => {
  const images: IdxArray = { shape: [3, 2], data: Uint8Array.of(0, 15, 30, 45, 60, 240) };
  const labels: IdxArray = { shape: [3], data: Uint8Array.of(1, 0, 4) };

  it("puts the digits together", async () => {
    const digits = idxDataset(await readIdx(imagesFile), await readIdx(labelsFile), {
      scale: 1 / 240,
    });
    expect(digits).toMatchObject({ shape: [8, 8], length: 360, classes: 10 });
    expect(Math.max(...digits.x)).toBe(1);
    expect(digits.x.length).toBe(360 * 64);
  });

  it("scales pixels and counts classes", () => {
    expect(idxDataset(images, labels)).toEqual({
      x: Float32Array.of(0, 15, 30, 45, 60, 240),
      y: Int32Array.of(1, 0, 4),
      shape: [2],
      length: 3,
      classes: 5,
    });
    const scaled = idxDataset(images, labels, { scale: 1 / 240, classes: 10 });
    expect(scaled.x).toEqual(Float32Array.of(0, 0.0625, 0.125, 0.1875, 0.25, 1));
    expect(scaled.classes).toBe(10);
  });

  const order = "; images come first, labels second";
  const floats: IdxArray = { shape: [3], data: Float32Array.of(1, 2, 3) };
  const negative: IdxArray = { shape: [3], data: Int8Array.of(1, -1, 0) };
  const two: IdxArray = { shape: [2], data: Uint8Array.of(0, 1) };
  it.each([
    [
      "labels for images",
      labels,
      labels,
      {},
      TypeError,
      `images are no images: got shape [3], expected [count, …]${order}`,
    ],
    [
      "images for labels",
      images,
      images,
      {},
      TypeError,
      `labels are no labels: got shape [3, 2], expected [count]${order}`,
    ],
    [
      "labels of floats",
      images,
      floats,
      {},
      TypeError,
      "labels are no integers: got Float32Array, expected u8, i8, i16 or i32",
    ],
    [
      "other counts",
      images,
      two,
      {},
      RangeError,
      "counts differ: got 3 images and 2 labels, expected as many labels as images",
    ],
    [
      "a negative label",
      images,
      negative,
      {},
      RangeError,
      "label -1 at 1 is out of range: expected 0 ≤ label",
    ],
    [
      "a label too large",
      images,
      labels,
      { classes: 4 },
      RangeError,
      "label 4 at 2 is out of range: expected 0 ≤ label < 4",
    ],
    [
      "no classes",
      images,
      labels,
      { classes: 0 },
      RangeError,
      "bad classes: got 0, expected an integer from 1 to 2,147,483,647",
    ],
    [
      "a scale of NaN",
      images,
      labels,
      { scale: NaN },
      RangeError,
      "bad scale: got NaN, expected a finite number",
    ],
  ])("refuses %s", (_, first, second, options, kind, message) => {
    expect(() => idxDataset(first, second, options)).toThrow(new kind(`idxDataset: ${message}`));
    expect(() => idxDataset(first, second, options)).toThrow(kind);
  });
});

/** Example i is [i, −i], of class i mod 3. */
function counting(length: number): Dataset {
  return {
    x: Float32Array.from({ length: 2 * length }, (_, i) => (i % 2 ? -(i >> 1) : i >> 1)),
    y: Int32Array.from({ length }, (_, i) => i % 3),
    shape: [2],
    length,
    classes: 3,
  };
}

/** The examples of an epoch in order, checked to be whole and with their labels. */
function orderOf(dataset: Dataset, options: Parameters<typeof batches>[1]): number[] {
  return [...batches(dataset, options)].flatMap(({ x, y }) => {
    const [values, labels] = [x.toTypedArray(), y.toTypedArray()];
    expect([x.shape, y.shape]).toEqual([[labels.length, 2], [labels.length]]);
    return Array.from(labels, (label, i) => {
      const example = values[2 * i] as number;
      expect([Math.abs(values[2 * i + 1] as number), label]).toEqual([example, example % 3]);
      return example;
    });
  });
}

describe("batches", () => {
  const ten = counting(10);

  it("have the order of their seed on every engine", () => {
    expect(orderOf(ten, { batchSize: 4, seed: 1 })).toEqual([9, 4, 0, 8, 6, 3, 7, 1, 5, 2]);
    expect(orderOf(ten, { batchSize: 10 })).toEqual([8, 1, 9, 0, 6, 7, 5, 2, 4, 3]);
    expect(orderOf(ten, { batchSize: 3, seed: 2 ** 53 - 1, epoch: 2 ** 32 - 1 })).toEqual([
      9, 0, 8, 4, 3, 7, 6, 5, 1, 2,
    ]);
  });

  it("have another order in each epoch and for each seed, every example once", () => {
    const keys = [0, 1, 2].flatMap((seed) => [0, 1, 2].map((epoch) => ({ seed, epoch })));
    const orders = keys.map((key) => orderOf(counting(50), { batchSize: 7, ...key }));
    for (const order of orders)
      expect([...order].sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
    expect(new Set(orders.map(String)).size).toBe(9);
  });

  it("shuffle without favour", () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 6000; seed++) {
      const order = String(orderOf(counting(3), { batchSize: 3, seed }));
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    expect(counts.size).toBe(6);
    expect(chiSquare).toBeLessThan(20.5);
  });

  it("keep the order without shuffle", () => {
    expect(orderOf(ten, { batchSize: 4, shuffle: false })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it.each([
    [10, 4, false, [4, 4, 2]],
    [10, 4, true, [4, 4]],
    [10, 5, true, [5, 5]],
    [10, 100, false, [10]],
    [10, 100, true, []],
    [1, 1, false, [1]],
    [1, 64, false, [1]],
    [0, 4, false, []],
  ])("of %i examples by %i, dropLast %s: %j", (length, batchSize, dropLast, sizes) => {
    const made = [...batches(counting(length), { batchSize, seed: 3, dropLast })];
    expect(made.map(({ x }) => x.shape[0])).toEqual(sizes);
    for (const { x, y } of made) expect([x.dtype, y.dtype]).toEqual(["f32", "i32"]);
  });

  it("keep f64", () => {
    const [batch] = batches(
      { ...ten, x: Float64Array.from(ten.x, (v) => v + 1e-12) },
      { batchSize: 1, shuffle: false },
    );
    expect(batch?.x.dtype).toBe("f64");
    expect(batch?.x.toTypedArray()).toEqual(Float64Array.of(1e-12, 1e-12));
  });

  const most = "9,007,199,254,740,991";
  it.each([
    [{ batchSize: 0 }, `bad batchSize: got 0, expected an integer from 1 to ${most}`],
    [{ batchSize: 2.5 }, `bad batchSize: got 2.5, expected an integer from 1 to ${most}`],
    [{ batchSize: 1, seed: -1 }, `bad seed: got -1, expected an integer from 0 to ${most}`],
    [{ batchSize: 1, seed: NaN }, `bad seed: got NaN, expected an integer from 0 to ${most}`],
    [
      { batchSize: 1, epoch: 2 ** 32 },
      "bad epoch: got 4294967296, expected an integer from 0 to 4,294,967,295",
    ],
  ])("refuse %o at once", (options, message) => {
    expect(() => batches(ten, options)).toThrow(new RangeError(`batches: ${message}`));
  });

  it.each([
    [undefined, "bad options: got undefined, expected an object"],
    [
      { batchsize: 4 },
      "unknown option: got batchsize, expected batchSize, seed, shuffle, epoch or dropLast",
    ],
  ])("refuse the options %o", (options, message) => {
    expect(() => batches(ten, options as never)).toThrow(new TypeError(`batches: ${message}`));
  });

  it("refuse a dataset that is inconsistent", () => {
    expect(() => batches({ ...ten, length: 1100 }, { batchSize: 1 })).toThrow(
      new RangeError(
        "batches: dataset is inconsistent: got 20 values and 10 labels, expected 2,200 and 1,100",
      ),
    );
  });
});

describe("threefry2x32", () => {
  it.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x13198a2e, 0x03707344],
      [0x243f6a88, 0x85a308d3],
      [0xc4923a9c, 0x483df7a0],
    ],
  ] as const)("gives the vectors of Random123: key %j", ([k0, k1], [c0, c1], out) => {
    expect(threefry2x32(k0, k1, c0, c1)).toEqual(out);
    expect(foldIn([k0, k1], c1)).toEqual(threefry2x32(k0, k1, 0, c1));
  });
});
