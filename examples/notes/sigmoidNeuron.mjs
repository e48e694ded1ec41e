/**
 * One neuron, σ(w₀x₀ + w₁x₁ + w₂) with w = [2, −3, −3] and x = [−1, −2] (CS231n, "Backpropagation,
 * Intuitions"): the sigmoid as four small gates, and as one. `node examples/notes/sigmoidNeuron.mjs`
 */
import { circuit } from "chainrule/inspect";
import { grad, init, tensor, ts, vjp } from "chainrule/pure";

init({ backend: ts, dtype: "f64" });

const w = tensor([2, -3, -3]);
const x = tensor([-1, -2]);
const dot = (w, x) =>
  w
    .slice([[0, 2]])
    .mul(x)
    .sum()
    .add(w.slice([2]));

// σ(s) = 1/(1 + e⁻ˢ), one gate after another.
const gates = [
  ["·(−1)", (s) => s.neg()], // slope −1
  ["exp", (s) => s.exp()], // slope eˢ: its own output
  ["+1", (s) => s.add(1)], // slope 1
  ["1/s", (s) => s.reciprocal()], // slope −1/s²
];

// Forward through all gates, keeping what is needed to come back: each gate's pullback.
let value = dot(w, x);
export const score = value.item();
const passed = gates.map(([name, gate]) => {
  const { value: out, pullback } = vjp(gate, value);
  value = out;
  return { name, out: out.item(), pullback };
});
export const output = value.item();

// Backward: what comes out of one pullback goes into the one before.
let d = tensor(1);
const slopes = passed.toReversed().map(({ name, out, pullback }) => {
  d = pullback(d);
  return { gate: name, output: out, "gradient at its input": d.item() };
});
export const stagedSlopes = slopes.map((row) => row["gradient at its input"]);

// One gate for the four: σ′ = (1 − σ)·σ, an expression in the output alone. Which pieces of a function
// are called a gate is a choice of convenience; the gradient is the same.
export const fusedSlope = (1 - output) * output;

// From the score on, the neuron's gradient on its weights is its input, on its input its weights.
const { pullback } = vjp(({ w, x }) => dot(w, x), { w, x });
const staged = pullback(d);
const fused = grad(({ w, x }) => dot(w, x).sigmoid())({ w, x });
export const stagedGradient = { w: staged.w.toArray(), x: staged.x.toArray() };
export const fusedGradient = { w: fused.w.toArray(), x: fused.x.toArray() };

console.log(`score ${score}, output ${output}`);
console.table(slopes);
console.log(`(1 − σ)·σ = ${fusedSlope}`);
console.log(circuit(({ w, x }) => dot(w, x).sigmoid(), [{ w, x }]).toText({ entries: 3 }));
console.log("staged", stagedGradient);
console.log("fused ", fusedGradient);

const near = (a, b) => a.every((n, i) => Math.abs(n - b[i]) < 1e-15);
const same = near(stagedGradient.w, fusedGradient.w) && near(stagedGradient.x, fusedGradient.x);
console.log(same ? "four gates and one: the same" : "not the same");
