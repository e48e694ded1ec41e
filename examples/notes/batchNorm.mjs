/**
 * Batch norm (Ioffe & Szegedy 2015), backward three times: staged, a line for every line of the
 * forward pass; in closed form; and as the library's one op. `node examples/notes/batchNorm.mjs`
 */

import { circuit } from "chainrule/inspect";
import * as nn from "chainrule/nn";
import { gradCheck, init, tensor, ts, vjp } from "chainrule/pure";
import { withBackward } from "./withBackward.mjs";

init({ backend: ts, dtype: "f64" });

// N = 4 examples of C = 3 features. Everything below is for one feature at a time, a column; every
// sum runs over N.
const N = 4;
const eps = 1e-5;
const x = tensor([
  [1, -2, 0.5],
  [3, 0, 0.25],
  [-1, 1, 4],
  [2, 5, -1],
]);
const gamma = tensor([1.5, -0.5, 2]);
const beta = tensor([0.1, 0.2, -0.3]);
const dy = tensor([
  [1, 0.5, -1],
  [-2, 1, 0.25],
  [0.5, -1, 2],
  [0.25, 3, 1],
]);
const overN = (t) => t.sum(0);

// Forward.
const mu = x.mean(0); //                    1
const centred = x.sub(mu); //               2
const squared = centred.square(); //        3
const variance = squared.mean(0); //        4
const root = variance.add(eps).sqrt(); //   5
const rstd = root.reciprocal(); //          6
const xHat = centred.mul(rstd); //          7
const y = xHat.mul(gamma).add(beta); //     8

// Staged backward, last line first.
function staged(dy) {
  const dBeta = overN(dy); //                                      8  β was broadcast over N, so its
  const dGamma = overN(dy.mul(xHat)); //                           8  gradients add up over N; γ's too
  const dxHat = dy.mul(gamma); //                                  8
  const dRstd = overN(dxHat.mul(centred)); //                      7
  let dCentred = dxHat.mul(rstd); //                               7
  const dRoot = dRstd.mul(root.square().reciprocal().neg()); //    6
  const dVariance = dRoot.mul(rstd).div(2); //                     5  (√v)′ = 1/(2√v)
  const dSquared = dVariance.div(N).broadcastTo(x.shape); //       4
  dCentred = dCentred.add(centred.mul(2).mul(dSquared)); //        3  used twice: the paths add
  const dMu = overN(dCentred).neg(); //                            2
  const dx = dCentred.add(dMu.div(N)); //                          2 and 1: x was used twice as well
  return { dx, dGamma, dBeta, dMu, dVariance, dRoot, dRstd };
}

// Closed form. The eight lines collapse because Σ(x − μ) = 0 (the paper's ∂ℓ/∂μ carries a second term
// with that sum, which is always zero) and Σ(x − μ)² = N·v.
const closed = (dy) => {
  const [dBeta, dGamma] = [overN(dy), overN(dy.mul(xHat))];
  const dx = dy
    .sub(dBeta.div(N))
    .sub(xHat.mul(dGamma.div(N)))
    .mul(gamma.mul(rstd));
  return { dx, dGamma, dBeta };
};

// One op: it keeps x, μ and v and computes the closed form in two sweeps.
const batchNorm = ({ x, gamma, beta }) =>
  nn.batchNorm(x, { weight: gamma, bias: beta, training: true, eps });
const { value, pullback } = vjp(batchNorm, { x, gamma, beta });
const back = pullback(dy);
const fused = { dx: back.x, dGamma: back.gamma, dBeta: back.beta };

// The circuit opens that gate again, into the stages above, with a gradient on each of them.
const opened = circuit(batchNorm, [{ x, gamma, beta }], { cotangent: dy });
const { inside } = opened.gates[0];
const [onMu, onVariance, onRoot, onRstd] = ["mean", "sqrt", "div"].flatMap((op) =>
  inside.gates
    .filter(({ name }) => name === op)
    .map(({ outputs }) => inside.wires[outputs[0]].gradient.entries),
);

const numbers = (all) => Object.fromEntries(Object.entries(all).map(([k, t]) => [k, t.toArray()]));
export const output = { staged: y.toArray(), fused: value.toArray() };
export const gradients = {
  staged: numbers(staged(dy)),
  closed: numbers(closed(dy)),
  fused: numbers(fused),
  opened: { dMu: onMu, dVariance: onVariance, dRoot: onRoot, dRstd: onRstd },
};
export const secondTermOfDMu = overN(centred).toArray();
console.log("y", output.fused);
console.log("dx", gradients.fused.dx);
console.log("dγ", gradients.fused.dGamma, "dβ", gradients.fused.dBeta);
console.log("Σ(x − μ)", secondTermOfDMu);
console.log(opened.toText({ depth: 1 }));

// The slip that the paper's second section warns of: to take μ and σ for constants. Then dx = γ·dy/σ,
// which forgets that every example moves the statistics of all. Such a gradient may push x where the
// normalisation takes the push off again, for ever.
const onX = (x) => batchNorm({ x, gamma, beta });
const [right, wrong] = [(d) => closed(d).dx, (d) => d.mul(gamma.mul(rstd))].map((backward) =>
  gradCheck(withBackward(onX, backward), x),
);
export const checks = { right: right.passed, slip: wrong.passed };
console.log(`closed form:   ${right}`);
console.log(`constant μ, σ: ${wrong}`);

const distance = (a, b) =>
  Math.max(...Object.keys(b).map((name) => a[name].sub(b[name]).abs().max().item()));
const most = Math.max(distance(staged(dy), fused), distance(closed(dy), fused));
console.log(
  most < 1e-14 && right.passed && !wrong.passed ? "staged, closed, fused: the same" : "unexpected",
);
