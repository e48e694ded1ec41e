/**
 * The four equations of backpropagation of Nielsen's "Neural Networks and Deep Learning", chapter 2,
 * written as they stand there and compared with the tape, error by error.
 * `node examples/notes/fourEquations.mjs`
 *
 * A layer l computes zˡ = wˡ·aˡ⁻¹ + bˡ and aˡ = σ(zˡ), all of them columns. Its error δˡ = ∂C/∂zˡ
 * says by how much the cost C would change if the layer's sum were nudged.
 */
import { grad, gradCheck, init, matmul, tensor, ts, zeros } from "chainrule/pure";
import { withBackward } from "./withBackward.mjs";

init({ backend: ts, dtype: "f64" });

const sizes = [3, 4, 4, 2];
// Any numbers will do, as long as everyone can make them again: −¾ … ¾.
const entry = (l, j, k) => (((5 * j + 3 * k + 2 * l) % 7) - 3) / 4;
const matrix = (l, rows, columns) =>
  tensor(
    Array.from({ length: rows }, (_, j) =>
      Array.from({ length: columns }, (_, k) => entry(l, j, k)),
    ),
  );
const layers = sizes.slice(1).map((rows, l) => ({
  w: matrix(l, rows, sizes[l]),
  b: matrix(l + 10, rows, 1),
  nudge: zeros([rows, 1]),
}));
const x = tensor([[0.5], [-1], [2]]);
const y = tensor([[1], [0]]);

// The cost as a program. Every nudge is zero, and the gradient at a nudge is the layer's error.
const halfSquare = (a) => a.sub(y).square().sum().div(2);
const cost = (layers) => {
  let a = x;
  for (const { w, b, nudge } of layers) a = matmul(w, a).add(b).add(nudge).sigmoid();
  return halfSquare(a);
};
const tape = grad(cost)(layers);

// The same by hand: forward, keeping every z and every a …
const a = [x];
const z = [];
for (const { w, b } of layers) {
  z.push(matmul(w, a.at(-1)).add(b));
  a.push(z.at(-1).sigmoid());
}
// … and backward. The index l counts layers from 0, so layer l maps a[l] to z[l] and a[l + 1].
const slope = (z) => z.sigmoid().mul(z.sigmoid().neg().add(1)); // σ′ = σ·(1 − σ)
const last = layers.length - 1;
const delta = [];
delta[last] = a.at(-1).sub(y).mul(slope(z[last])); //                        BP1
for (let l = last - 1; l >= 0; l--)
  delta[l] = matmul(layers[l + 1].w.transpose(), delta[l + 1]).mul(slope(z[l])); // BP2
const db = delta; //                                                          BP3
const dw = delta.map((d, l) => matmul(d, a[l].transpose())); //                BP4

const numbers = (tensors) => tensors.map((t) => t.toArray());
export const byHand = { delta: numbers(delta), db: numbers(db), dw: numbers(dw) };
export const byTape = {
  delta: numbers(tape.map(({ nudge }) => nudge)),
  db: numbers(tape.map(({ b }) => b)),
  dw: numbers(tape.map(({ w }) => w)),
};
const distance = (s, t) => s.sub(t).abs().max().item();
const rows = layers.map((_, l) => ({
  layer: l + 1,
  "‖δ‖": delta[l].norm().item(),
  "δ: hand − tape": distance(delta[l], tape[l].nudge),
  "∂C/∂b": distance(db[l], tape[l].b),
  "∂C/∂w": distance(dw[l], tape[l].w),
}));
console.table(rows);

// BP4 is an outer product: every weight hears of its own pair of δⱼ and aₖ. A line often seen in
// code, `w -= rate * delta * a`, multiplies entry by entry. In a square layer that fits: the column
// is broadcast over the matrix, and nothing complains. Differences of the cost tell the two apart.
const rest = (w) => cost(layers.map((layer, l) => (l === 1 ? { ...layer, w } : layer)));
const outer = withBackward(rest, (dC) => matmul(delta[1], a[1].transpose()).mul(dC));
const entrywise = withBackward(rest, (dC, w) => delta[1].mul(a[1]).broadcastTo(w.shape).mul(dC));
const [right, wrong] = [outer, entrywise].map((f) => gradCheck(f, layers[1].w));
export const checks = { right: right.passed, slip: wrong.passed };
console.log(`δ·aᵀ:  ${right}`);
console.log(`δ ⊙ a: ${wrong}`);

const largest = Math.max(
  ...rows.flatMap(({ layer, "‖δ‖": norm, ...errors }) => Object.values(errors)),
);
console.log(
  largest < 1e-15 && right.passed && !wrong.passed ? "four equations, one tape" : "unexpected",
);
