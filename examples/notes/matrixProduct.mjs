/**
 * D = W·X, and the two lines that every fully connected layer is trained by: dW = dD·Xᵀ and
 * dX = Wᵀ·dD (CS231n, "Backpropagation, Intuitions"). `node examples/notes/matrixProduct.mjs`
 */
import { gradCheck, init, matmul, tensor, ts, vjp } from "chainrule/pure";
import { withBackward } from "./withBackward.mjs";

init({ backend: ts, dtype: "f64" });

// Two outputs from four features, for three examples, which are columns.
const W = tensor([
  [0.5, -1, 2, 0.25],
  [1.5, 0, -0.5, 1],
]);
const X = tensor([
  [1, 2, -1],
  [0, -2, 3],
  [0.5, 1, -1.5],
  [4, -3, 2],
]);
// What the rest of the circuit hands down: the gradient on D, in D's shape.
const dD = tensor([
  [1, -2, 0.5],
  [-1, 0.25, 3],
]);

// D[i, j] = Σₖ W[i, k]·X[k, j]: a multiply gate for each k, so W[i, k] hears of every example j by
// way of X[k, j]. Its paths add up: dW[i, k] = Σⱼ dD[i, j]·X[k, j], which is a product with Xᵀ.
const byHand = { dW: matmul(dD, X.transpose()), dX: matmul(W.transpose(), dD) };

const { value: D, pullback } = vjp(({ W, X }) => matmul(W, X), { W, X });
const byTape = pullback(dD);

export const value = D.toArray();
export const hand = { dW: byHand.dW.toArray(), dX: byHand.dX.toArray() };
export const tape = { dW: byTape.W.toArray(), dX: byTape.X.toArray() };

// There is no need to remember the two lines. dW has the shape of W, [2, 4], and must be made of
// dD, [2, 3], and X, [4, 3]: dD·Xᵀ is the one product that fits.
console.log("D = W·X", value);
console.log("dW = dD·Xᵀ", tape.dW);
console.log("dX = Wᵀ·dD", tape.dX);

// Shapes stop helping where everything is square. Here Xᵀ·dD fits as well, and is wrong: the check
// by differences finds it at once.
const product = ({ W, X }) => matmul(W, X);
const slip = withBackward(product, (dD, { W, X }) => ({
  W: matmul(X.transpose(), dD),
  X: matmul(W.transpose(), dD),
}));
const square = {
  W: tensor([
    [1, 2],
    [3, 4],
  ]),
  X: tensor([
    [0, 1],
    [-1, 2],
  ]),
};
const [right, wrong] = [product, slip].map((f) => gradCheck(f, square));
export const checks = { right: right.passed, slip: wrong.passed };
console.log(`dD·Xᵀ: ${right}`);
console.log(`Xᵀ·dD: ${wrong}`);
console.log(right.passed && !wrong.passed ? "the slopes agree with the right one" : "unexpected");
