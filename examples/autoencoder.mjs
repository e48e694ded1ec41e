/**
 * An autoencoder of handwritten digits: `node examples/autoencoder.mjs [epochs]`. 64 pixels go through
 * 8 numbers and come back; the best that 8 numbers can do linearly (principal components) is beaten.
 */
import { compile, sigmoid, tensor } from "chainrule";
import * as data from "chainrule/data";
import * as nn from "chainrule/nn";
import { Adam } from "chainrule/optim";
import * as random from "chainrule/random";

const CODE = 8;
const epochs = Number(process.argv[2] ?? 30);
random.seed(1);

const file = (name) => data.readIdx(new URL(`data/digits/${name}`, import.meta.url));
const load = async (part) =>
  data.idxDataset(
    await file(`${part}-images-idx3-ubyte`),
    await file(`${part}-labels-idx1-ubyte`),
    {
      scale: 1 / 240,
    },
  );
const [train, test] = await Promise.all(["train", "t10k"].map(load));

const encoder = new nn.Sequential(
  new nn.Flatten(),
  new nn.Linear(64, 64),
  new nn.ReLU(),
  new nn.Linear(64, CODE),
);
const decoder = new nn.Sequential(new nn.Linear(CODE, 64), new nn.ReLU(), new nn.Linear(64, 64));
const restore = (x) => sigmoid(decoder.forward(encoder.forward(x)));
const optimizer = new Adam([...encoder.parameters(), ...decoder.parameters()], { lr: 3e-3 });
const step = compile((x) => {
  const loss = nn.mse(restore(x), x.flatten(1));
  optimizer.minimize(loss);
  return loss;
});
const judge = compile((x) => nn.mse(restore(x), x.flatten(1)));

const all = tensor(test.x, { shape: [test.length, 8, 8] });
for (let epoch = 1; epoch <= epochs; epoch++) {
  for (const { x } of data.batches(train, { batchSize: 32, seed: 1, epoch })) step(x);
  if (epoch % 10 === 0 || epoch === epochs)
    console.log(`epoch ${epoch}: squared error ${judge(all).item().toFixed(4)} on unseen digits`);
}

/** The error that is left by the first principal components, by power iteration on the covariance. */
function linearError() {
  const mean = Float64Array.from({ length: 64 }, (_, p) => {
    let sum = 0;
    for (let i = 0; i < train.length; i++) sum += train.x[i * 64 + p];
    return sum / train.length;
  });
  const components = [];
  const centred = (set, i) =>
    Float64Array.from({ length: 64 }, (_, p) => set.x[i * 64 + p] - mean[p]);
  const without = (x) => {
    for (const c of components) {
      const share = x.reduce((s, v, p) => s + v * c[p], 0);
      for (let p = 0; p < 64; p++) x[p] -= share * c[p];
    }
    return x;
  };
  for (let k = 0; k < CODE; k++) {
    let c = Float64Array.from({ length: 64 }, (_, p) => Math.cos(p * (k + 1)));
    for (let round = 0; round < 20; round++) {
      const next = new Float64Array(64);
      for (let i = 0; i < train.length; i++) {
        const x = without(centred(train, i));
        const share = x.reduce((s, v, p) => s + v * c[p], 0);
        for (let p = 0; p < 64; p++) next[p] += share * x[p];
      }
      const norm = Math.hypot(...next);
      c = next.map((v) => v / norm);
    }
    components.push(c);
  }
  let error = 0;
  for (let i = 0; i < test.length; i++)
    error += without(centred(test, i)).reduce((s, v) => s + v * v, 0);
  return error / test.length / 64;
}

const best = linearError();
console.log(`principal components, ${CODE} numbers: squared error ${best.toFixed(4)}`);
console.log(judge(all).item() < best ? "better than linear" : "not better than linear");
