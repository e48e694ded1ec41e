/**
 * A character GPT on names: `node examples/gpt.mjs [steps]`. It says what a bigram table could reach
 * at best, how far below that the loss falls, and invents a few names.
 */
import { readFile } from "node:fs/promises";
import { add, arange, checkpoint, compile, gradients, tensor } from "chainrule";
import * as nn from "chainrule/nn";
import { AdamW, clipGradNorm, schedules } from "chainrule/optim";
import * as random from "chainrule/random";

const [CONTEXT, SIZE, HEADS, BLOCKS, BATCH] = [16, 64, 4, 2, 64];
const steps = Number(process.argv[2] ?? 400);
random.seed(1);

const text = await readFile(new URL("data/names/names.txt", import.meta.url), "utf8");
const names = text.trim().split("\n");
// "." ends a name, and begins the next one.
const characters = [".", ...new Set(names.join(""))].sort();
const ids = Int32Array.from(`.${names.join(".")}.`, (c) => characters.indexOf(c));
const i32 = { dtype: "i32" };

class Block extends nn.Module {
  norm1 = new nn.LayerNorm(SIZE);
  attention = new nn.MultiheadAttention(SIZE, HEADS, { batchFirst: true });
  norm2 = new nn.LayerNorm(SIZE);
  mlp = new nn.Sequential(
    new nn.Linear(SIZE, 4 * SIZE),
    new nn.GELU(),
    new nn.Linear(4 * SIZE, SIZE),
  );

  forward(x) {
    const n = this.norm1.forward(x);
    const attended = add(x, this.attention.forward(n, n, n, { causal: true }));
    return add(attended, this.mlp.forward(this.norm2.forward(attended)));
  }
}

class GPT extends nn.Module {
  tokens = new nn.Embedding(characters.length, SIZE);
  positions = new nn.Embedding(CONTEXT, SIZE);
  blocks = new nn.Sequential(...Array.from({ length: BLOCKS }, () => new Block()));
  norm = new nn.LayerNorm(SIZE);
  head = new nn.Linear(SIZE, characters.length);

  forward(tokens) {
    const places = arange(tokens.shape[1], undefined, 1, i32);
    const x = add(this.tokens.forward(tokens), this.positions.forward(places));
    // Recomputed in the backward pass: the step needs less memory, and has the same bits.
    return this.head.forward(this.norm.forward(checkpoint((t) => this.blocks.forward(t))(x)));
  }
}

/** The entropy of a character given the one before it, counted; in nats, as the loss is. */
function bigramEntropy() {
  const counts = Array.from(characters, () => new Float64Array(characters.length));
  for (let i = 1; i < ids.length; i++) counts[ids[i - 1]][ids[i]]++;
  let total = 0;
  for (const row of counts) {
    const all = row.reduce((a, b) => a + b);
    for (const n of row) if (n > 0) total -= n * Math.log(n / all);
  }
  return total / (ids.length - 1);
}

/** Windows of the text, and the same one character on. */
function batch() {
  const starts = random.uniform([BATCH]).toTypedArray();
  const take = (shift) =>
    tensor(
      Int32Array.from({ length: BATCH * CONTEXT }, (_, i) => {
        const start = Math.floor(starts[Math.floor(i / CONTEXT)] * (ids.length - CONTEXT - 1));
        return ids[start + (i % CONTEXT) + shift];
      }),
      { shape: [BATCH, CONTEXT] },
    );
  return [take(0), take(1)];
}

const model = new GPT();
const optimizer = new AdamW(model.parameters(), {
  lr: 3e-3,
  betas: [0.9, 0.95],
  weightDecay: 0.01,
});
const schedule = schedules.cosine(optimizer, { steps, warmup: 20, minimum: 3e-4 });
const step = compile((x, y) => {
  const logits = model.forward(x).reshape([-1, characters.length]);
  const loss = nn.crossEntropy(logits, y.reshape([-1]));
  optimizer.apply(clipGradNorm(gradients(loss, optimizer.parameters), 1).gradients);
  return loss;
});

const entropy = bigramEntropy();
console.log(`${names.length} names, bigram entropy ${entropy.toFixed(3)}`);
let average = 0;
for (let k = 1; k <= steps; k++) {
  const loss = step(...batch()).item();
  average = k === 1 ? loss : 0.95 * average + 0.05 * loss;
  schedule.step();
  if (k % 100 === 0 || k === steps) console.log(`step ${k}: loss ${average.toFixed(3)}`);
}
const { peakBytes } = step.plan;
console.log(`${step.callsPerStep} call per step, ${(peakBytes / 2 ** 20).toFixed(1)} MiB planned`);

const predict = compile((x) => model.forward(x).softmax());
const invented = Array.from({ length: 5 }, () => {
  const window = [0];
  for (let k = 0; k < CONTEXT - 1 && (k === 0 || window.at(-1) !== 0); k++) {
    const odds = predict(tensor([window], i32))
      .slice([0, -1])
      .toTypedArray();
    const draw = random.uniform([]).item();
    let next = 0;
    for (let below = odds[0]; draw >= below && next < odds.length - 1; below += odds[next]) next++;
    window.push(next);
  }
  return window
    .map((id) => characters[id])
    .join("")
    .replaceAll(".", "");
});
console.log(`invented: ${invented.join(", ")}`);
console.log(average < entropy ? "below the bigram entropy" : "not below the bigram entropy");
