/** Reads a data set in MNIST's four files and checks that they belong together. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { idxDataset, readIdx } from "chainrule/data";
import { explain, Problem } from "./problem.mjs";

/**
 * @typedef {object} Data
 * @property {import("chainrule/data").Dataset} train examples of shape [pixels]
 * @property {import("chainrule/data").Dataset} test
 * @property {string} images the shape of an image, as in 8x8
 */

/**
 * Pixels become 0 … 1: bytes are divided by 255; those of the 8x8 digits, which are 15 times the
 * original 0 … 16, by 240. There are as many classes as 1 + the largest label for training.
 *
 * @returns {Promise<Data>}
 */
export async function loadData(folder, bundled) {
  if (!existsSync(folder))
    throw new Problem(
      `data folder is missing: got ${folder}, expected a folder with MNIST's files`,
    );
  const scale = bundled ? 1 / 240 : 1 / 255;
  const train = await loadPart(folder, "train", { scale });
  const test = await loadPart(folder, "t10k", { scale, classes: train.classes });
  const images = train.shape.join("x");
  const testImages = test.shape.join("x");
  if (testImages !== images)
    throw new Problem(`images differ in size: got ${testImages} for testing, expected ${images}`);
  if (train.length < 2 || test.length < 1)
    throw new Problem(
      `too few images: got ${train.length} for training and ${test.length} for testing, ` +
        "expected at least 2 and 1",
    );
  return { train: flat(train), test: flat(test), images };
}

async function loadPart(folder, part, options) {
  const images = await readBytes(folder, `${part}-images-idx3-ubyte`, 3, "[count, rows, columns]");
  const labels = await readBytes(folder, `${part}-labels-idx1-ubyte`, 1, "[count]");
  return explain(labels.name, () => idxDataset(images.array, labels.array, options));
}

/** The file, gzipped or not; a Problem when it holds anything but bytes of that rank. */
async function readBytes(folder, plain, rank, shape) {
  const name = [plain, `${plain}.gz`].find((candidate) => existsSync(join(folder, candidate)));
  if (name === undefined)
    throw new Problem(`file is missing: got no ${plain} in ${folder}, expected it, or ${plain}.gz`);
  const array = await explain(name, () => readIdx(join(folder, name)));
  if (!(array.data instanceof Uint8Array) || array.shape.length !== rank)
    throw new Problem(
      `${name}: wrong content: got ${array.data.constructor.name} [${array.shape.join(", ")}], ` +
        `expected Uint8Array ${shape}`,
    );
  return { name, array };
}

/** The same examples as vectors, which is what a linear layer takes. */
const flat = (dataset) => ({ ...dataset, shape: [dataset.x.length / dataset.length] });
