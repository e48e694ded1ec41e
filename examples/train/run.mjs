/** One run: the same seed and the same batches give the same weights, in either build. */
import { setImmediate as turn } from "node:timers/promises";
import { init } from "chainrule";
import { batches } from "chainrule/data";
import { monitor } from "chainrule/inspect";
import { seed as seedDraws } from "chainrule/random";
import { digest } from "./digest.mjs";
import { makeNetwork, predictedClasses } from "./network.mjs";
import { everySteps } from "./page.mjs";
import { explain, Problem } from "./problem.mjs";

/** How long steps follow one another before timers and Ctrl-C get their turn, in milliseconds. */
const TURN = 50;
const TEST_BATCH = 500;

/**
 * Trains and tests. The rate falls linearly: step i of n has rate lr · (1 − i / n). Batch norm
 * cannot learn from one example, so a last batch of one is left out; every epoch has an order of
 * its own, so that it is another example each time.
 *
 * @param {object} run
 * @param {import("./dataset.mjs").Data} run.data
 * @param {import("./options.mjs").Options} run.options
 * @param {import("chainrule").Backend} run.backend
 * @param {import("./progress.mjs").Progress} run.progress
 * @param {AbortSignal} run.signal ends the training, though not before its first two steps
 * @param {boolean} run.isWatched whether there will be a page of it: changes no bit
 */
export async function trainRun({ data, options, backend, progress, signal, isWatched }) {
  const { train, test } = data;
  const { epochs, batch, lr, seed } = options;
  init({ backend });
  seedDraws(seed);
  const sizes = [train.shape[0], ...options.layers, train.classes];
  const network = await explain("network", () => makeNetwork(sizes));
  const { model, optimizer, step } = network;
  const dropLast = train.length % batch === 1;
  const perEpoch = dropLast ? Math.floor(train.length / batch) : Math.ceil(train.length / batch);
  const total = perEpoch * epochs;
  // What a step writes is looked at in one that is no record of the monitor, whose program is longer.
  const plain = Math.min(1, total - 1);
  const watched = isWatched && plain > 0 ? monitor(step, { every: everySteps(total) }) : undefined;
  const curves = { "train loss": [], "train accuracy": [], "test accuracy": [] };
  const times = [];
  let sample;
  let memory;
  let yielded = performance.now();

  for (let epoch = 0; epoch < epochs; epoch++) {
    const seen = { steps: 0, examples: 0, correct: 0, loss: 0 };
    progress.start({ epoch, epochs, perEpoch, run: { made: times.length, total } });
    try {
      for (const { x, y } of batches(train, { batchSize: batch, seed, epoch, dropLast })) {
        memory ??= await explain("network", () => ({ planned: step.trace(x, y).plan.peakBytes }));
        sample ??= [x, y];
        // A pattern in the arena will show what a step writes.
        if (times.length === plain) step.trace(x, y).program.poison();
        optimizer.lr = lr * (1 - times.length / total);
        const before = performance.now();
        const { loss, logits } = (watched ?? step)(x, y);
        times.push(performance.now() - before);
        if (times.length === plain + 1) memory.used = step.program.bytesWritten();
        checkLoss(loss.item(), times.length);
        count(seen, loss, logits, y);
        if (performance.now() - yielded > TURN) {
          progress.update(seen);
          await turn();
          yielded = performance.now();
          if (signal.aborted && memory.used !== undefined) break;
        }
      }
    } finally {
      progress.end(seen);
    }
    if (isWatched) {
      curves["train loss"].push(seen.loss / seen.examples);
      curves["train accuracy"].push(seen.correct / seen.examples);
      curves["test accuracy"].push(accuracyOf(confusionOf(network, test)));
    }
    if (signal.aborted) break;
  }
  return {
    backend: backend.name,
    sizes,
    steps: times.length,
    plannedSteps: total,
    confusion: confusionOf(network, test),
    parameters: model.parameters().reduce((sum, { size }) => sum + size, 0),
    peakBytes: memory.planned,
    usedBytes: memory.used,
    callsPerStep: step.callsPerStep,
    stepMs: median(times),
    sha256: await digest(model.stateDict()),
    history: watched?.history ?? [],
    curves,
    step,
    sample,
  };
}

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

const accuracyOf = (confusion) =>
  sum(confusion.map((counts, label) => counts[label])) / sum(confusion.map(sum));

function checkLoss(loss, step) {
  if (!Number.isFinite(loss))
    throw new Problem(
      `loss is not finite: got ${loss} in step ${step}, expected a number; lower --lr`,
    );
}

function count(seen, loss, logits, labels) {
  const expected = labels.toTypedArray();
  seen.steps++;
  seen.examples += expected.length;
  seen.loss += loss.item() * expected.length;
  seen.correct += predictedClasses(logits).filter((label, i) => label === expected[i]).length;
}

/** confusion[actual][predicted]: how many test examples of a class were taken for which. */
function confusionOf({ model, predict }, test) {
  const { training } = model;
  model.eval();
  const confusion = Array.from({ length: test.classes }, () => new Array(test.classes).fill(0));
  for (const { x, y } of batches(test, { batchSize: TEST_BATCH, shuffle: false })) {
    const actual = y.toTypedArray();
    for (const [i, label] of predictedClasses(predict(x)).entries()) confusion[actual[i]][label]++;
  }
  model.train(training);
  return confusion;
}

function median(times) {
  const sorted = times.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
