/**
 * f = (x + σ(y)) / (σ(x) + (x + y)²) at (3, −4) (CS231n, "Backpropagation, Intuitions"). Nobody wants
 * the formula of its gradient, and nobody needs it: the function is cut into stages whose slopes are
 * known, and the backward pass is written line against line. `node examples/notes/staged.mjs`
 */
import { circuit } from "chainrule/inspect";
import { gradCheck, init, tensor, ts } from "chainrule/pure";
import { withBackward } from "./withBackward.mjs";

init({ backend: ts, dtype: "f64" });

const [x, y] = [3, -4];
const sigmoid = (s) => 1 / (1 + Math.exp(-s));

// Forward. Every intermediate value has a name, since the way back will need it.
const sigy = sigmoid(y); //          1
const num = x + sigy; //             2  the numerator
const sigx = sigmoid(x); //          3
const xpy = x + y; //                4
const xpysqr = xpy ** 2; //          5
const den = sigx + xpysqr; //        6  the denominator
const invden = 1 / den; //           7
const f = num * invden; //           8

// Backward: a line for each line above, from the last to the first.
const dnum = invden; //              8
const dinvden = num; //              8
const dden = (-1 / den ** 2) * dinvden; // 7
const dsigx = dden; //               6
const dxpysqr = dden; //             6
const dxpy = 2 * xpy * dxpysqr; //   5
let dx = dxpy; //                    4
let dy = dxpy; //                    4
// From here on x and y already have a gradient from elsewhere. A value that was used twice moves the
// result in two ways, and the two add up (the multivariable chain rule): `+=`, never `=`.
dx += (1 - sigx) * sigx * dsigx; //  3
dx += dnum; //                       2
const dsigy = dnum; //               2
dy += (1 - sigy) * sigy * dsigy; //  1

export const values = { sigy, num, sigx, xpy, xpysqr, den, invden, f };
export const byHand = {
  ...{ x: dx, y: dy, sigy: dsigy, num: dnum, sigx: dsigx },
  ...{ xpy: dxpy, xpysqr: dxpysqr, den: dden, invden: dinvden },
};

// By tape: the same stages, and no way back. What is returned has its name on the circuit's wires.
const staged = (x, y) => {
  const sigy = y.sigmoid();
  const num = x.add(sigy);
  const sigx = x.sigmoid();
  const xpy = x.add(y);
  const xpysqr = xpy.square();
  const den = sigx.add(xpysqr);
  const invden = den.reciprocal();
  return { sigy, num, sigx, xpy, xpysqr, den, invden, f: num.mul(invden) };
};
const notes = circuit(staged, [x, y], { names: ["x", "y"] });
const { wires, gates } = notes;
export const byTape = Object.fromEntries(
  wires
    .filter(({ label, kind }) => label !== "f" && kind !== "constant")
    .map(({ label, gradient }) => [label, gradient.mean]),
);
// x forks into three gates. What came back along each of the three is kept as well. (So does x + y,
// which is multiplied by itself: two equal terms are the 2 of stage 5.)
export const terms = Object.fromEntries(
  wires[0].terms.map(({ gate, gradient }) => [wires[gates[gate].outputs[0]].label, gradient.mean]),
);

// The common slip: `dx = dnum` in stage 2 forgets the paths through σ(x) and (x + y)². Differences
// of f, which know of no chain rule, side with the sum.
export const slip = dnum;
const [right, wrong] = [dx, slip].map((dx) =>
  gradCheck(
    withBackward(
      ({ x, y }) => staged(x, y).f,
      (df) => ({ x: df.mul(dx), y: df.mul(dy) }),
    ),
    { x: tensor(x), y: tensor(y) },
  ),
);
export const checks = { right: right.passed, slip: wrong.passed };

console.log(`f = ${f}`);
console.table(
  Object.keys(byHand).map((name) => ({
    name,
    value: { x, y, ...values }[name],
    "by hand": byHand[name],
    "by tape": byTape[name],
  })),
);
console.log("What the tape knows, with every sum at a fork term by term:");
console.log(notes.toText());
console.log(`∂f/∂x is ${dx}; with = for += it would be ${slip}`);
console.log(`+=: ${right}`);
console.log(`=:  ${wrong}`);
const same = Object.keys(byHand).every((name) => Math.abs(byHand[name] - byTape[name]) < 1e-14);
console.log(
  same && right.passed && !wrong.passed ? "by hand and by tape: the same" : "not the same",
);
