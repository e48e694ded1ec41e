/**
 * Synchronous data-parallel training: `node examples/parallel.mjs [epochs]`. Two workers have a copy of
 * the network each and half of each batch. Their gradients, side by side in the memory of a step
 * already, leave it as one vector; the mean of both goes into the step that applies it. All copies stay
 * equal to the bit, and near one process that sees whole batches.
 *
 *     worker 0   x, y → [compiled: gradients] → vector ┐                       ┌ [compiled: apply]
 *                                                      ├ shared memory → mean ─┤
 *     worker 1   x, y → [compiled: gradients] → vector ┘                       └ [compiled: apply]
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { compile, concat, gradients, tensor } from "chainrule";
import { batches, idxDataset, readIdx } from "chainrule/data";
import * as nn from "chainrule/nn";
import { Adam } from "chainrule/optim";
import * as random from "chainrule/random";

const [WORKERS, BATCH, SEED] = [2, 64, 1];

const [images, labels] = await Promise.all(
  ["images-idx3", "labels-idx1"].map((kind) =>
    readIdx(new URL(`data/digits/train-${kind}-ubyte`, import.meta.url)),
  ),
);
const digits = { ...idxDataset(images, labels, { scale: 1 / 240 }), shape: [64] };
/** Whole batches; what is left over by one process is left over by the workers too. */
const perEpoch = Math.floor(digits.length / BATCH);
/** The same examples in the same order, whatever the size: two of half the size are one. */
const epochOf = (epoch, batchSize) =>
  batches(digits, { batchSize, seed: SEED, epoch, dropLast: true });

function network() {
  random.seed(SEED);
  const model = new nn.Sequential(
    new nn.Linear(64, 100),
    new nn.ReLU(),
    new nn.Linear(100, 50),
    new nn.ReLU(),
    new nn.Linear(50, 10),
  );
  const optimizer = new Adam(model.parameters(), { lr: 3e-3 });
  const lossOf = (x, y) => nn.crossEntropy(model.forward(x), y);
  const weights = () => model.parameters().map((parameter) => parameter.toTypedArray());
  return { optimizer, lossOf, weights };
}

/** One copy. `rows` [worker, gradient] and `arrived` are shared. */
function work({ worker, epochs, rows: shared, arrived }) {
  const { optimizer, lossOf, weights } = network();
  const { parameters } = optimizer;
  // No copy: concat and slice only name what lies side by side.
  const backward = compile((x, y) => {
    const loss = lossOf(x, y);
    const all = gradients(loss, parameters).map((gradient) => gradient.reshape([-1]));
    return { loss, vector: concat(all) };
  });
  const update = compile((vector) => {
    let end = 0;
    const parts = parameters.map(({ size, shape }) => {
      end += size;
      return vector.slice([[end - size, end]]).reshape(shape);
    });
    optimizer.apply(parts);
  });

  let meetings = 0;
  /** Waits until all workers have come here as often. */
  const meet = () => {
    const target = ++meetings * WORKERS;
    if (Atomics.add(arrived, 0, 1) + 1 === target) Atomics.notify(arrived, 0);
    for (let count = Atomics.load(arrived, 0); count < target; count = Atomics.load(arrived, 0))
      Atomics.wait(arrived, 0, count);
  };
  /** The mean over the workers, added up in the same order by each. */
  const exchange = (vector) => {
    const { length } = vector;
    const rowOf = (k) => shared.subarray(k * length, (k + 1) * length);
    rowOf(worker).set(vector);
    meet();
    const rows = Array.from({ length: WORKERS }, (_, k) => rowOf(k));
    const mean = new Float32Array(length);
    for (const row of rows) for (let i = 0; i < length; i++) mean[i] += row[i];
    for (let i = 0; i < length; i++) mean[i] /= WORKERS;
    meet();
    return mean;
  };

  const losses = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const own = [];
    for (const [k, { x, y }] of [...epochOf(epoch, BATCH / WORKERS)].entries()) {
      if (k % WORKERS !== worker || Math.floor(k / WORKERS) >= perEpoch) continue;
      const { loss, vector } = backward(x, y);
      update(tensor(exchange(vector.toTypedArray())));
      own.push(loss.item());
    }
    losses.push(own);
  }
  return { losses, weights: weights() };
}

/** The largest difference of two lists of arrays. */
const distance = (a, b) =>
  a.reduce((most, row, k) => row.reduce((m, x, i) => Math.max(m, Math.abs(x - b[k][i])), most), 0);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The same steps on whole batches. */
function alone(epochs) {
  const { optimizer, lossOf, weights } = network();
  const step = compile((x, y) => {
    const loss = lossOf(x, y);
    optimizer.minimize(loss);
    return loss;
  });
  const losses = [];
  for (let epoch = 0; epoch < epochs; epoch++)
    losses.push(Array.from(epochOf(epoch, BATCH), ({ x, y }) => step(x, y).item()));
  return { losses, weights: weights() };
}

async function main(epochs) {
  const { optimizer, weights } = network();
  const size = optimizer.parameters.reduce((sum, parameter) => sum + parameter.size, 0);
  console.log(`${WORKERS} workers, each with ${BATCH / WORKERS} of ${BATCH} digits a step`);
  console.log(`${size} gradients exchanged as one vector\n`);
  const rows = new Float32Array(new SharedArrayBuffer(4 * size * WORKERS));
  const arrived = new Int32Array(new SharedArrayBuffer(4));
  const copies = await Promise.all(
    Array.from({ length: WORKERS }, (_, worker) => {
      const data = { worker, epochs, rows, arrived };
      const thread = new Worker(new URL(import.meta.url), { workerData: data });
      return new Promise((resolve, reject) => thread.on("message", resolve).on("error", reject));
    }),
  );
  const one = alone(epochs);
  for (const epoch of one.losses.keys()) {
    const [many, single] = [copies.flatMap(({ losses }) => losses[epoch]), one.losses[epoch]];
    console.log(
      `epoch ${epoch + 1}: loss ${mean(many).toFixed(4)} in ${WORKERS} workers, ${mean(single).toFixed(4)} in one process`,
    );
  }
  const [first, second] = copies.map(({ weights }) => weights);
  const [between, apart] = [distance(first, second), distance(first, one.weights)];
  const moved = distance(weights(), one.weights);
  console.log(
    `\nweights moved by ${moved.toFixed(2)}; the copies differ by ${between}, from one process by ${apart.toExponential(1)}`,
  );
  return between === 0 && apart < moved / 100;
}

if (isMainThread) console.log((await main(Number(process.argv[2] ?? 5))) ? "as one" : "apart");
else parentPort.postMessage(work(workerData));
