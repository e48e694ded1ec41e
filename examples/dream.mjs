/**
 * Input optimisation: `node examples/dream.mjs [digit]`. A network learns digits; then its weights stand
 * still, and gradient descent moves the picture, along dCost/dX, until the network sees the digit.
 */
import { compile, grad, tensor } from "chainrule";
import * as data from "chainrule/data";
import * as nn from "chainrule/nn";
import { Adam } from "chainrule/optim";
import * as random from "chainrule/random";

const digit = Number(process.argv[2] ?? 3);
random.seed(2);
const file = (name) => data.readIdx(new URL(`data/digits/${name}`, import.meta.url));
const [images, labels] = [
  await file("train-images-idx3-ubyte"),
  await file("train-labels-idx1-ubyte"),
];
const train = data.idxDataset(images, labels, { scale: 1 / 240 });

const model = new nn.Sequential(
  new nn.Flatten(),
  new nn.Linear(64, 64),
  new nn.Tanh(),
  new nn.Linear(64, 10),
);
const optimizer = new Adam(model.parameters(), { lr: 3e-3 });
const step = compile((x, y) => {
  const loss = nn.crossEntropy(model.forward(x), y);
  optimizer.minimize(loss);
  return loss;
});
for (let epoch = 0; epoch < 10; epoch++)
  for (const { x, y } of data.batches(train, { batchSize: 32, seed: 1, epoch })) step(x, y);

const wanted = tensor([digit], { dtype: "i32" });
// What makes a picture a digit, and what keeps it smooth and dark.
const cost = (x) => nn.crossEntropy(model.forward(x), wanted).add(x.square().mean().mul(2));
const move = compile((x) => x.sub(grad(cost)(x).mul(0.1)).clamp(0, 1));
const confidence = compile((x) => model.forward(x).softmax().slice([0, digit]));

let x = random.uniform([1, 8, 8], { low: 0.3, high: 0.5 });
const before = confidence(x).item();
for (let k = 0; k < 300; k++) x = move(x);
const after = confidence(x).item();

for (const row of x.slice([0]).toArray())
  console.log(row.map((v) => " .:-=+*#%@"[Math.round(v * 9)].repeat(2)).join(""));
console.log(
  `the network sees a ${digit}: ${(100 * before).toFixed(1)} % before, ${(100 * after).toFixed(1)} % after`,
);
console.log(after > 0.9 ? "seen" : "not seen");
