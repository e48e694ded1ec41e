/**
 * The softmax loss, L = −ln p_label with p = exp(x)/Σⱼ exp(xⱼ), with and without the node that takes
 * off the maximum (CS231n, "Linear classification"). `node examples/notes/softmaxLoss.mjs`
 */
import { circuit } from "chainrule/inspect";
import * as nn from "chainrule/nn";
import { grad, gradCheck, init, tensor, ts } from "chainrule/pure";
import { withBackward } from "./withBackward.mjs";

init({ backend: ts, dtype: "f64" });

// CS231n's cat, car and frog scores, of a picture of a cat.
const scores = tensor([3.2, 5.1, -1.7]);
const cat = 0;
const label = tensor([cat], { dtype: "i32" });

const plain = (x) => x.exp().slice([cat]).div(x.exp().sum()).log().neg();
// ln Σ exp(x − m) − (x_label − m): the same number whatever m is, for exp(xⱼ − m) = exp(xⱼ)/exp(m),
// and exp(m) cancels. What is returned by name can be looked at below.
const withMax = (x) => {
  const m = x.max();
  const sum = x.sub(m).exp().sum();
  const own = x.slice([cat]).sub(m);
  return { m, loss: sum.log().sub(own) };
};
const stable = (x) => withMax(x).loss;
const fused = (x) => nn.crossEntropy(x.expandDims(0), label);

// Slides that go round give this loss as 0.89, which is −log₁₀ 0.13. The gradient p − y belongs to the
// natural logarithm, and to 2.04; with the other, all of it would have to be divided by ln 10.
const forms = { plain, stable, fused };
const at = (x) =>
  Object.fromEntries(
    Object.entries(forms).map(([name, loss]) => [
      name,
      { loss: loss(x).item(), gradient: grad(loss)(x).toArray() },
    ]),
  );
export const moderate = at(scores);
console.log("scores", scores.toArray(), moderate);

// The max node is a gate like others, and would route its gradient to the largest score. But m is
// used twice. By way of the sum, over which it is broadcast, there comes −Σ p = −1, by way of the
// label +1, and 0 in all, as it must be where the value of m makes no difference.
const { wires, gates } = circuit(withMax, [scores]);
const m = wires.find(({ label }) => label === "m");
export const throughMax = {
  terms: Object.fromEntries(m.terms.map(({ gate, gradient }) => [gates[gate].name, gradient.mean])),
  gradient: m.gradient.mean,
};
console.log("through the max node:", throughMax);

// So libraries leave the node out of their backward pass, and that is no approximation. The fused
// gate, opened: its max node has nothing to pass on.
const opened = circuit(fused, [scores], { names: ["x"] });
const { inside } = opened.gates.find((gate) => gate.inside);
const maxGate = inside.gates.find(({ name }) => name === "max");
export const inFused = inside.wires[maxGate.outputs[0]].gradient.mean;
console.log(opened.toText({ depth: 1 }));

// Without the node, exp of a thousand is Infinity, and Infinity/Infinity is NaN. With it, the largest
// exponent is 0: one term of the sum is 1, and those that underflow to 0 are not missed.
export const large = at(scores.mul(1000));
console.log("scores × 1000", large);

// p sums over the classes of one example; the examples meet only in the mean of their losses. A
// derivation that writes one Σ for both comes out with a sum over N in the denominator. With as many
// examples as classes the shapes do not object. The differences do.
const batch = tensor([
  [3.2, 5.1, -1.7],
  [1.3, 4.9, 2],
  [2.2, 2.5, -3.1],
]);
const truth = tensor([0, 1, 2], { dtype: "i32" });
const oneHot = tensor([
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]);
const meanLoss = (x) => nn.crossEntropy(x, truth);
const backward = (axis) => (dL, x) => x.softmax(axis).sub(oneHot).div(3).mul(dL);
const [right, wrong] = [1, 0].map((axis) =>
  gradCheck(withBackward(meanLoss, backward(axis)), batch),
);
export const checks = { right: right.passed, slip: wrong.passed };
export const batchGradient = grad(meanLoss)(batch).toArray();
console.log(`(p − y)/N, p over C: ${right}`);
console.log(`(p − y)/N, p over N: ${wrong}`);

const survived = Object.keys(forms).filter((name) => Number.isFinite(large[name].loss));
console.log(
  Math.abs(throughMax.gradient) < 1e-15 && right.passed && !wrong.passed
    ? `nothing passes the max node, and at × 1000 only ${survived.join(" and ")} survive`
    : "unexpected",
);
