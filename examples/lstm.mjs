/**
 * An LSTM that adds up what is marked: `node examples/lstm.mjs [steps]`. Each input is a sequence of
 * pairs (number, mark), two marks are 1, and the target is the sum of the two numbers (Hochreiter &
 * Schmidhuber 1997): what has to be kept for long is forgotten by a plain network.
 */
import { compile, gradients, tensor } from "chainrule";
import * as nn from "chainrule/nn";
import { Adam, clipGradNorm } from "chainrule/optim";
import * as random from "chainrule/random";

const [LENGTH, BATCH, HIDDEN] = [20, 64, 32];
const steps = Number(process.argv[2] ?? 600);
random.seed(3);

const lstm = new nn.LSTM(2, HIDDEN);
const head = new nn.Linear(HIDDEN, 1);
const optimizer = new Adam([...lstm.parameters(), ...head.parameters()], { lr: 5e-3 });
const step = compile((x, y) => {
  const { hidden } = lstm.forward(x);
  const loss = nn.mse(head.forward(hidden.squeeze(0)).squeeze(1), y);
  optimizer.apply(clipGradNorm(gradients(loss, optimizer.parameters), 1).gradients);
  return loss;
});

/** Sequences [length, batch, 2] and their sums [batch]. */
function batch() {
  const draws = random.uniform([LENGTH + 2, BATCH]).toTypedArray();
  const x = new Float32Array(LENGTH * BATCH * 2);
  const y = new Float32Array(BATCH);
  for (let b = 0; b < BATCH; b++) {
    const half = LENGTH / 2;
    const marks = [0, 1].map((k) => k * half + Math.floor(draws[(LENGTH + k) * BATCH + b] * half));
    for (let t = 0; t < LENGTH; t++) x[(t * BATCH + b) * 2] = draws[t * BATCH + b];
    for (const t of marks) {
      x[(t * BATCH + b) * 2 + 1] = 1;
      y[b] += draws[t * BATCH + b];
    }
  }
  return [tensor(x, { shape: [LENGTH, BATCH, 2] }), tensor(y)];
}

// To say 1 always is off by the variance of a sum of two uniform numbers: 1 / 6.
console.log(`sums of 2 of ${LENGTH}; saying 1 every time: error ${(1 / 6).toFixed(4)}`);
let average = 0;
for (let k = 1; k <= steps; k++) {
  const loss = step(...batch()).item();
  average = k === 1 ? loss : 0.95 * average + 0.05 * loss;
  if (k % 150 === 0 || k === steps) console.log(`step ${k}: error ${average.toFixed(4)}`);
}
console.log(`${step.callsPerStep} call per step`);
console.log(average < 1 / 60 ? "learned to remember" : "has not learned to remember");
