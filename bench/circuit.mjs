/**
 * `npm run bench:circuit`: how long the circuit of a transformer's step of about 5,000 gates takes, to
 * compute, to draw grouped by module and to write as a page, in a process that has done nothing yet
 * and in one that has.
 */
import { compile, tensor } from "chainrule";
import { circuit, toHtml, toSvg } from "chainrule/inspect";
import * as nn from "chainrule/nn";
import { AdamW } from "chainrule/optim";
import { normal } from "chainrule/random";

const quick = process.argv.includes("--quick");
const [WIDTH, CLASSES] = [8, 4];
const [BLOCKS, CALLS] = quick ? [2, 2] : [126, 5];

class Block extends nn.Module {
  norm = new nn.LayerNorm([WIDTH]);
  attention = new nn.MultiheadAttention(WIDTH, 2);
  mlp = new nn.Sequential(
    new nn.Linear(WIDTH, 2 * WIDTH),
    new nn.GELU(),
    new nn.Linear(2 * WIDTH, WIDTH),
  );

  forward(x) {
    const y = this.norm.forward(x);
    const attended = x.add(this.attention.forward(y, y, y));
    return attended.add(this.mlp.forward(attended));
  }
}

const blocks = Array.from({ length: BLOCKS }, () => new Block());
const model = new nn.Sequential(...blocks, new nn.Flatten(), new nn.Linear(3 * WIDTH, CLASSES));
const optimizer = new AdamW(model.parameters());
const step = compile((x, labels) => {
  const loss = nn.crossEntropy(model.forward(x), labels);
  optimizer.minimize(loss);
  return { loss };
});
const inputs = [normal([2, 3, WIDTH]), tensor([0, 1], { dtype: "i32" })];

const rows = [];
for (let call = 0; call < CALLS; call++) {
  const start = performance.now();
  const drawn = circuit(step, inputs, { names: ["x", "labels"], depth: 0 });
  const computed = performance.now();
  await toSvg(drawn);
  const picture = performance.now();
  await toHtml(drawn);
  const page = performance.now();
  rows.push({
    gates: drawn.gates.length,
    "circuit, ms": Math.round(computed - start),
    "picture, ms": Math.round(picture - computed),
    "page, ms": Math.round(page - picture),
    "circuit and picture, ms": Math.round(picture - start),
  });
}
console.table(rows);
