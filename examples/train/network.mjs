/** The network, its optimizer, and the two compiled functions that train and question it. */
import { compile } from "chainrule";
import * as nn from "chainrule/nn";
import { Adam } from "chainrule/optim";

/**
 * sizes[0] pixels in, sizes.at(-1) classes out; batch norm and ReLU follow every hidden layer.
 *
 * `step(x, labels)` makes one update and returns the loss and the logits before it; `predict(x)`
 * returns logits, after `model.eval()` with the running statistics.
 */
export function makeNetwork(sizes) {
  const hidden = sizes.slice(1, -1);
  const layers = hidden.flatMap((width, index) => [
    new nn.Linear(sizes[index], width),
    new nn.BatchNorm1d(width),
    new nn.ReLU(),
  ]);
  const model = new nn.Sequential(...layers, new nn.Linear(sizes.at(-2), sizes.at(-1)));
  const optimizer = new Adam(model.parameters());
  const step = compile((x, labels) => {
    const logits = model.forward(x);
    const loss = nn.crossEntropy(logits, labels);
    optimizer.minimize(loss);
    return { loss, logits };
  });
  const predict = compile((x) => model.forward(x));
  return { model, optimizer, step, predict };
}

/** The most likely class of each row of logits [n, classes]; the first of equals. */
export function predictedClasses(logits) {
  const [count, classes] = logits.shape;
  const values = logits.toTypedArray();
  return Int32Array.from({ length: count }, (_, row) => {
    const scores = values.subarray(row * classes, (row + 1) * classes);
    return scores.reduce((best, score, index) => (score > scores[best] ? index : best), 0);
  });
}
