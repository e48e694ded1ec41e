/**
 * What gates do with a gradient, in three words: add distributes it, max routes it, multiply swaps
 * it (CS231n, "Backpropagation, Intuitions"); and what the third means for data that nobody has
 * scaled. `node examples/notes/gates.mjs`
 */
import { circuit } from "chainrule/inspect";
import { grad, init, maximum, tensor, ts } from "chainrule/pure";

init({ backend: ts, dtype: "f64" });

const f = (x, y, z, w) => {
  const m = x.mul(y);
  const n = maximum(z, w);
  const s = m.add(n);
  return { m, n, s, f: s.mul(2) };
};
const at = (...numbers) => circuit(f, numbers, { names: ["x", "y", "z", "w"] });
/** The gradient on every wire. */
const gradientOn = ({ wires }) =>
  Object.fromEntries(
    wires
      .filter(({ kind }) => kind !== "constant")
      .map(({ label, gradient }) => [label, gradient.mean]),
  );
const notes = at(3, -4, 2, -1);
export const gradient = gradientOn(notes);
const { x, y, z, w, m, n, s } = gradient;

console.log("f = 2·(x·y + max(z, w))");
console.log(notes.toText());
console.log(`add distributes: ${s} arrives at x·y + max(z, w); ${m} and ${n} go on`);
console.log(`max routes:      ${n} arrives at max(z, w); ${z} goes to z, which won, ${w} to w`);
console.log(`multiply swaps:  ${m} arrives at x·y; ${x} = ${m}·y goes to x, ${y} = ${m}·x to y`);

// At a tie the function has a kink, and each side's slope would be as good an answer. The library
// follows PyTorch: both get half.
export const tie = gradientOn(at(3, -4, 2, 2));
console.log(`at a tie, z = w: ${tie.z} to z, ${tie.w} to w`);

// A linear score wᵀx is all multiply gates, so the gradient on the weights is the data. Data in
// millimetres instead of metres makes it a thousand times larger.
const [weights, data] = [tensor([0.5, -0.25, 1]), tensor([1, 2, -3])];
const score = (w, x) => w.mul(x).sum();
const onWeights = (w, x) => grad((w) => score(w, x))(w).toArray();
export const plain = onWeights(weights, data);
export const scaled = onWeights(weights, data.mul(1000));
console.log("∂(wᵀx)/∂w:             ", plain);
console.log("… with inputs × 1000:  ", scaled);

// It is worse than it looks. The weights that give the same scores are a thousand times smaller, and
// one step moves them a thousand times further: relative to its size, a weight moves a million times
// as far. The learning rate would have to pay for it; it is cheaper to scale the data.
const step = (w, gradient) => gradient.map((d, i) => d / w[i]);
const relative = step(weights.toArray(), plain);
const small = weights.div(1000);
const relativeScaled = step(small.toArray(), onWeights(small, data.mul(1000)));
export const worse = relativeScaled.map((r, i) => r / relative[i]);
export const sameScore = [score(weights, data).item(), score(small, data.mul(1000)).item()];
console.log("relative to the weights:", worse.map(Math.round), "times as far");
console.log(scaled.every((d, i) => d === 1000 * plain[i]) ? "a thousand times" : "unexpected");
