/**
 * Ten layers of sigmoids, and a gradient that fades on its way back (Nielsen, "Neural Networks and
 * Deep Learning", chapter 5); then what changes it: the size of the first weights (Glorot & Bengio
 * 2010), ReLU (with He et al. 2015) and batch norm (Ioffe & Szegedy 2015).
 * `node examples/notes/vanishing.mjs`
 *
 * By BP2 the error of layer l is δˡ = (wˡ⁺¹)ᵀ·δˡ⁺¹ ⊙ σ′(zˡ): a factor for every layer that it
 * passes. σ′ is ¼ at most, and from the tenth layer to the first there are nine such factors:
 * unless the weights make up for them, 4⁹ = 262,144.
 */
import * as nn from "chainrule/nn";
import { grad, init, matmul, tensor, ts, zeros } from "chainrule/pure";
import * as random from "chainrule/random";

init({ backend: ts, dtype: "f64" });
random.seed(1);

const [depth, width, examples, classes] = [10, 20, 16, 3];
// One draw of everything, shared by all networks, so that only what is named differs.
const x = random.normal([examples, width]);
const labels = tensor(
  Array.from({ length: examples }, (_, i) => i % classes),
  { dtype: "i32" },
);
const weights = Array.from({ length: depth }, () => random.normal([width, width]));
const head = random.normal([width, classes]).div(Math.sqrt(width));
export const drawn = {
  x: x.toArray(),
  weights: weights.map((w) => w.toArray()),
  head: head.toArray(),
};

// Weights of size 1/√width keep a sum of `width` terms about as large as one of them; 4/√width pays
// for σ′ ≤ ¼; √2/√width for the half of all units that a ReLU switches off.
const unit = 1 / Math.sqrt(width);
const sigmoid = (z) => z.sigmoid();
const relu = (z) => z.relu();
const norm = (z) => nn.batchNorm(z, { training: true });
const networks = {
  sigmoid: { scale: unit, gate: sigmoid },
  "weights × 4": { scale: 4 * unit, gate: sigmoid },
  "batch norm": { scale: unit, gate: (z) => sigmoid(norm(z)) },
  relu: { scale: unit, gate: relu },
  "relu, weights × √2": { scale: Math.SQRT2 * unit, gate: relu },
  "relu, batch norm": { scale: unit, gate: (z) => relu(norm(z)) },
};

/** ‖δˡ‖ for every layer, first to last: the norm of the gradient at the layer's sums z. */
function errors({ scale, gate }) {
  const loss = (nudges) => {
    let a = x;
    for (const [l, w] of weights.entries()) a = gate(matmul(a, w.mul(scale)).add(nudges[l]));
    return nn.crossEntropy(matmul(a, head), labels);
  };
  const nudges = weights.map(() => zeros([examples, width]));
  return grad(loss)(nudges).map((delta) => delta.norm().item());
}

export const norms = Object.fromEntries(
  Object.entries(networks).map(([name, network]) => [name, errors(network)]),
);
console.log("the norm of δ by layer, from the first to the last");
console.table(
  weights.map((_, l) => ({
    layer: l + 1,
    ...Object.fromEntries(
      Object.entries(norms).map(([name, all]) => [name, all[l].toExponential(1)]),
    ),
  })),
);

export const faded = Object.fromEntries(
  Object.entries(norms).map(([name, all]) => [name, all.at(-1) / all[0]]),
);
for (const [name, times] of Object.entries(faded))
  console.log(`${name}: the last layer's δ is ${times.toPrecision(3)} times the first's`);

// Larger weights alone are no way out: σ′ is ¼ at z = 0 only, and large weights drive z away from
// there, into the flat ends. Batch norm holds every z where the slope is; and because it divides by
// the spread of its inputs, its backward pass divides by it too, so it makes up for small weights as
// well. A ReLU has slope 1 wherever it is on at all, and needs no more than weights √2 larger.
const steady = ["batch norm", "relu, weights × √2", "relu, batch norm"];
console.log(
  faded.sigmoid > 1e5 && steady.every((name) => faded[name] > 0.1 && faded[name] < 10)
    ? "sigmoids fade; batch norm, or ReLU with the right weights, does not"
    : "unexpected",
);
