/**
 * dCost/dX: the backward pass does not have to stop at the first weights. One product more, with
 * W₁ᵀ, and it says how every pixel would have to change for the network to see another digit. Here
 * the weights stand still and the picture learns. `node examples/notes/towardsAClass.mjs [digit]`
 */
import * as data from "chainrule/data";
import * as nn from "chainrule/nn";
import { Adam } from "chainrule/optim";
import { compile, full, grad, init, tensor, ts, valueAndGrad } from "chainrule/pure";
import * as random from "chainrule/random";

const digit = Number(process.argv[2] ?? 3);
init({ backend: ts, dtype: "f64" });
random.seed(1);

// First a small network learns to read 8×8 digits.
const file = (name) => data.readIdx(new URL(`../data/digits/${name}`, import.meta.url));
const [images, labels] = [
  await file("train-images-idx3-ubyte"),
  await file("train-labels-idx1-ubyte"),
];
const bytes = data.idxDataset(images, labels);
const train = { ...bytes, x: Float64Array.from(bytes.x, (v) => v / 240) };
const model = new nn.Sequential(
  new nn.Flatten(),
  new nn.Linear(64, 32),
  new nn.Tanh(),
  new nn.Linear(32, 10),
);
const optimizer = new Adam(model.parameters(), { lr: 5e-3 });
const learn = compile((x, y) => {
  const loss = nn.crossEntropy(model.forward(x), y);
  optimizer.minimize(loss);
  return loss;
});
for (let epoch = 0; epoch < 3; epoch++)
  for (const { x, y } of data.batches(train, { batchSize: 32, epoch })) learn(x, y);
export const weights = model.parameters().map((parameter) => parameter.toArray());

// The cost of a picture: what the network does not see of the digit, and a little for bright pixels,
// which keeps the picture plain. Its gradient has the picture's shape.
const wanted = tensor([digit], { dtype: "i32" });
const cost = (x) => nn.crossEntropy(model.forward(x), wanted).add(x.square().mean());
const toPicture = compile((x) => ({ ...valueAndGrad(cost)(x), seen: model.forward(x).softmax() }));

let x = full([1, 8, 8], 0.5);
const start = toPicture(x);
// A picture's pixels stay in 0 … 1: a step down the gradient, and back into the box.
const rate = 0.2;
const steps = 100;
const move = compile((x) => x.sub(grad(cost)(x).mul(rate)).clamp(0, 1));
for (let k = 0; k < steps; k++) x = move(x);
const end = toPicture(x);

export const settings = { digit, rate, steps };
const flat = (t) => [...t.toTypedArray()];
const describe = ({ value, grad, seen }) => ({
  cost: value.item(),
  gradient: flat(grad),
  seen: flat(seen),
});
export const before = describe(start);
export const after = describe(end);
export const picture = flat(x);

const [shades, percent] = [" .:-=+*#%@", (p) => `${(100 * p).toFixed(1)} %`];
for (const row of x.slice([0]).toArray())
  console.log(row.map((v) => shades[Math.round(v * 9)].repeat(2)).join(""));
console.log(`cost ${before.cost} before, ${after.cost} after ${steps} steps`);
console.log(
  `a ${digit}? ${percent(before.seen[digit])} before, ${percent(after.seen[digit])} after`,
);
console.log(after.seen[digit] > 0.9 ? "seen" : "not seen");
