/**
 * A convolutional network on images of digits: `node examples/cnn.mjs [--data FOLDER]`. The folder
 * holds MNIST's four files, gzipped or not; without it the 8x8 digits are learned. Two epochs of
 * MNIST suffice for 98.5 % of unseen images.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "chainrule";
import * as data from "chainrule/data";
import * as nn from "chainrule/nn";
import { Adam, schedules } from "chainrule/optim";
import * as random from "chainrule/random";
import { Command } from "commander";

const DIGITS = fileURLToPath(new URL("data/digits", import.meta.url));
const TEST_BATCH = 500;

const options = new Command("cnn")
  .description("Train a convolutional network with batch norm on images in IDX files.")
  .option("--data <folder>", "folder with MNIST's four files, gzipped or not", DIGITS)
  .option("--epochs <count>", "passes over the training set; 2, for the 8x8 digits 12", Number)
  .option("--batch <size>", "examples per step", Number, 64)
  .option("--lr <rate>", "Adam's learning rate; falls along a cosine to 0", Number, 0.004)
  .option("--seed <number>", "for weights and order of batches", Number, 1)
  .parse()
  .opts();
const bundled = options.data === DIGITS;
const epochs = options.epochs ?? (bundled ? 12 : 2);
const { batch: batchSize, seed } = options;
random.seed(seed);

function read(part, kind) {
  const plain = join(options.data, `${part}-${kind}-ubyte`);
  return data.readIdx(existsSync(plain) ? plain : `${plain}.gz`);
}
const load = async (part) =>
  data.idxDataset(await read(part, "images-idx3"), await read(part, "labels-idx1"), {
    scale: bundled ? 1 / 240 : 1 / 255,
  });
const [train, test] = await Promise.all(["train", "t10k"].map(load));
const [height, width] = train.shape;
/** [n, height, width] as images of one channel. */
const images = (x) => x.reshape([-1, 1, height, width]);

const model = new nn.Sequential(
  new nn.Conv2d(1, 16, 3, { padding: "same", bias: false }),
  new nn.BatchNorm2d(16),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Conv2d(16, 32, 3, { padding: "same", bias: false }),
  new nn.BatchNorm2d(32),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
  new nn.Linear(32 * (height >> 2) * (width >> 2), train.classes),
);
const optimizer = new Adam(model.parameters(), { lr: options.lr });
const perEpoch = Math.floor(train.length / batchSize);
const schedule = schedules.cosine(optimizer, { steps: epochs * perEpoch });
const step = compile((x, labels) => {
  const loss = nn.crossEntropy(model.forward(images(x)), labels);
  optimizer.minimize(loss);
  return loss;
});
const predict = compile((x) => model.forward(images(x)));

/** The part of the unseen images that is recognised. */
function judge() {
  model.eval();
  let right = 0;
  for (const { x, y } of data.batches(test, { batchSize: TEST_BATCH, shuffle: false }))
    right += data.accuracy(predict(x), y) * y.size;
  model.train();
  return right / test.length;
}

const size = model.parameters().reduce((sum, parameter) => sum + parameter.size, 0);
console.log(`${train.length} images of ${height}x${width}, ${size} parameters`);
const start = performance.now();
let accuracy = 0;
for (let epoch = 1; epoch <= epochs; epoch++) {
  let total = 0;
  for (const { x, y } of data.batches(train, { batchSize, seed, epoch, dropLast: true })) {
    total += step(x, y).item();
    schedule.step();
  }
  accuracy = judge();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `epoch ${epoch}: loss ${(total / perEpoch).toFixed(4)}, ` +
      `${(100 * accuracy).toFixed(2)} % of unseen images right, ${seconds} s`,
  );
}
console.log(`${step.callsPerStep} call per step, peak ${step.plan.peakBytes} bytes`);
console.log(accuracy >= 0.985 ? "98.5 % and more" : "less than 98.5 %");
