/**
 * f = (x + σ(y)) / (σ(x) + (x + y)²) at (3, −4) (CS231n, "Backpropagation, Intuitions"). Nobody wants
 * the formula of its gradient, and nobody needs it: the function is cut into stages whose slopes are
 * known, and the backward pass is written line against line. `node examples/notes/staged.mjs`
 */
import { grad, gradCheck, init, tensor, ts } from "chainrule/pure";

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
export const byHand = { sigy: dsigy, num: dnum, sigx: dsigx, xpy: dxpy, xpysqr: dxpysqr };
Object.assign(byHand, { den: dden, invden: dinvden, x: dx, y: dy });

// By tape: the same stages, without the way back. `at` adds a zero to each named value, so that the
// gradient at the zero is the gradient on that wire.
const staged = (x, y, at = {}) => {
  const on = (name, value) => (at[name] ? value.add(at[name]) : value);
  const sigy = on("sigy", y.sigmoid());
  const num = on("num", x.add(sigy));
  const sigx = on("sigx", x.sigmoid());
  const xpy = on("xpy", x.add(y));
  const xpysqr = on("xpysqr", xpy.square());
  const den = on("den", sigx.add(xpysqr));
  const invden = on("invden", den.reciprocal());
  return num.mul(invden);
};
const { f: _, ...wires } = values;
const zeros = Object.fromEntries(Object.keys(wires).map((name) => [name, tensor(0)]));
const [tx, ty, inside] = grad(staged)(tensor(x), tensor(y), zeros);
export const byTape = Object.fromEntries(
  Object.entries({ ...inside, x: tx, y: ty }).map(([name, d]) => [name, d.item()]),
);

// The common slip: `dx = dnum` in stage 2 forgets the paths through σ(x) and (x + y)². Differences
// of f, which know of no chain rule, side with the sum.
export const slip = dnum;
const check = gradCheck(({ x, y }) => staged(x, y), { x: tensor(x), y: tensor(y) });
export const agrees = check.passed;

console.log(`f = ${f}`);
console.table(
  Object.keys(byHand).map((name) => ({
    name,
    value: { x, y, ...values }[name],
    "by hand": byHand[name],
    "by tape": byTape[name],
  })),
);
console.log(`∂f/∂x is ${dx}; with = for += it would be ${slip}`);
console.log(String(check));
const same = Object.keys(byHand).every((name) => Math.abs(byHand[name] - byTape[name]) < 1e-14);
console.log(same && agrees ? "by hand and by tape: the same" : "not the same");
