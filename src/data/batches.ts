import { checkOptions } from "../describe.js";
import { grouped } from "../grouped.js";
import { arrayOf, constant } from "../ops/create.js";
import { formatShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { foldIn, threefry2x32 } from "../threefry.js";
import { classesOf } from "./classes.js";
import type { IdxArray } from "./idx.js";

/**
 * Labelled examples, and their batches.
 *
 * An order is a function of (seed, epoch) and of nothing else, in every engine: Fisher–Yates
 * (Durstenfeld 1964) from the last place down, place i exchanged with one of 0 … i. The index is
 * a word modulo i + 1, the words being x0 ^ x1 of Threefry-2x32 at counters 0, 1, 2, … under the
 * key foldIn(foldIn(seed, STREAM), epoch). Words from the largest multiple of i + 1 on are
 * dropped, so that no index is likelier than another.
 */

/**
 * Examples of one shape, each with a class or with a target of numbers: example i is x[i·size …],
 * i < length, and its target y[i·targetSize …].
 */
export interface Dataset {
  readonly x: Float32Array | Float64Array;
  readonly y: Int32Array | Float32Array | Float64Array;
  /** Of one example. */
  readonly shape: readonly number[];
  /** Of one target; [] by default, a number each. */
  readonly targetShape?: readonly number[];
  readonly length: number;
  /** Classes are numbered from 0; 0 where targets are no classes. */
  readonly classes: number;
}

export interface DatasetOptions {
  /** Every pixel is multiplied by this; 1 by default, and 1 / 255 maps bytes to 0 … 1. */
  readonly scale?: number;
  /** 1 + the largest label by default; give it when a class may be missing. */
  readonly classes?: number;
}

export interface Batch {
  /** [count, …shape of an example] */
  readonly x: Tensor;
  /** [count, …shape of a target]; classes are i32 */
  readonly y: Tensor;
}

export interface BatchOptions {
  readonly batchSize: number;
  /** An integer from 0 to 2⁵³ − 1; 0 by default. */
  readonly seed?: number;
  /** True by default; false keeps the order of the dataset. */
  readonly shuffle?: boolean;
  /** An integer from 0 to 2³² − 1; each one gives an order of its own. 0 by default. */
  readonly epoch?: number;
  /** Whether a last batch of fewer than `batchSize` examples is left out. */
  readonly dropLast?: boolean;
}

/** Images [n, …shape] and labels [n], as `readIdx` gives them, put together. */
export function idxDataset(
  images: IdxArray,
  labels: IdxArray,
  { scale = 1, classes }: DatasetOptions = {},
): Dataset {
  const [length = 0, ...shape] = images.shape;
  if (images.shape.length < 2)
    throw new TypeError(
      `idxDataset: images are no images: got shape ${formatShape(images.shape)}, ` +
        "expected [count, …]; images come first, labels second",
    );
  if (labels.shape.length !== 1)
    throw new TypeError(
      `idxDataset: labels are no labels: got shape ${formatShape(labels.shape)}, ` +
        "expected [count]; images come first, labels second",
    );
  if (labels.data instanceof Float32Array || labels.data instanceof Float64Array)
    throw new TypeError(
      `idxDataset: labels are no integers: got ${labels.data.constructor.name}, ` +
        "expected u8, i8, i16 or i32",
    );
  if (labels.data.length !== length)
    throw new RangeError(
      `idxDataset: counts differ: got ${grouped(length)} images and ` +
        `${grouped(labels.data.length)} labels, expected as many labels as images`,
    );
  if (!Number.isFinite(scale))
    throw new RangeError(`idxDataset: bad scale: got ${scale}, expected a finite number`);
  if (classes !== undefined) checkInteger("idxDataset", "classes", classes, 1, 2 ** 31 - 1);
  const y = Int32Array.from(labels.data);
  return {
    x: scaled(images.data, scale),
    y,
    shape,
    length,
    classes: classesOf("idxDataset", y, classes),
  };
}

/** A loop: `Float32Array.from` with a function takes twenty times as long, seconds for MNIST. */
function scaled(pixels: IdxArray["data"], scale: number): Float32Array {
  const x = new Float32Array(pixels.length);
  for (let i = 0; i < x.length; i++) x[i] = (pixels[i] as number) * scale;
  return x;
}

/** The examples of one epoch, `batchSize` at a time; the last batch may be smaller. */
export function batches(dataset: Dataset, options: BatchOptions): Generator<Batch, void, void> {
  checkOptions("batches", options, ["batchSize", "seed", "shuffle", "epoch", "dropLast"]);
  const { batchSize, seed = 0, shuffle = true, epoch = 0, dropLast = false } = options;
  checkInteger("batches", "batchSize", batchSize, 1, Number.MAX_SAFE_INTEGER);
  checkInteger("batches", "seed", seed, 0, Number.MAX_SAFE_INTEGER);
  checkInteger("batches", "epoch", epoch, 0, 2 ** 32 - 1);
  const { x, y, shape, targetShape = [], length } = dataset;
  const expected = length * sizeOf(shape);
  const targets = length * sizeOf(targetShape);
  if (x.length !== expected || y.length !== targets)
    throw new RangeError(
      `batches: dataset is inconsistent: got ${grouped(x.length)} values and ` +
        `${grouped(y.length)} labels, expected ${grouped(expected)} and ${grouped(targets)}`,
    );
  return walk(dataset, batchSize, dropLast, shuffle ? permutation(length, seed, epoch) : undefined);
}

function* walk(
  dataset: Dataset,
  batchSize: number,
  dropLast: boolean,
  order: Uint32Array | undefined,
): Generator<Batch, void, void> {
  const { x, y, shape, targetShape = [], length } = dataset;
  const end = dropLast ? length - (length % batchSize) : length;
  for (let from = 0; from < end; from += batchSize) {
    const count = Math.min(batchSize, end - from);
    const rows = Uint32Array.from({ length: count }, (_, i) =>
      order === undefined ? from + i : (order[from + i] as number),
    );
    yield { x: pick(x, shape, rows), y: pick(y, targetShape, rows) };
  }
}

/** Some rows of an array of rows of `shape`, as a tensor of the array's own kind. */
function pick(data: Dataset["x" | "y"], shape: readonly number[], rows: Uint32Array): Tensor {
  const size = sizeOf(shape);
  const dtype = data instanceof Float64Array ? "f64" : data instanceof Int32Array ? "i32" : "f32";
  const picked = arrayOf(dtype, rows.length * size);
  if (size === 1) for (const [i, row] of rows.entries()) picked[i] = data[row] as number;
  else
    for (const [i, row] of rows.entries())
      picked.set(data.subarray(row * size, (row + 1) * size), i * size);
  return constant(picked, [rows.length, ...shape], dtype);
}

/** Keeps orders apart from the other draws of a seed: "shuf" in ASCII. */
const STREAM = 0x73687566;

function permutation(length: number, seed: number, epoch: number): Uint32Array {
  const stream = foldIn([Math.floor(seed / 2 ** 32), seed >>> 0], STREAM);
  const [k0, k1] = foldIn(stream, epoch);
  const order = Uint32Array.from({ length }, (_, i) => i);
  let counter = 0;
  for (let i = length - 1; i > 0; i--) {
    const limit = 2 ** 32 - (2 ** 32 % (i + 1));
    let word: number;
    do {
      const [x0, x1] = threefry2x32(k0, k1, Math.floor(counter / 2 ** 32), counter >>> 0);
      counter++;
      word = (x0 ^ x1) >>> 0;
    } while (word >= limit);
    const j = word % (i + 1);
    const last = order[i] as number;
    order[i] = order[j] as number;
    order[j] = last;
  }
  return order;
}

function checkInteger(op: string, name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(
      `${op}: bad ${name}: got ${value}, expected an integer from ${least} to ${grouped(most)}`,
    );
}
