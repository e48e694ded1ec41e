/**
 * Forward or reverse? Both multiply the same Jacobians, and the order decides the price. A pass of
 * forward mode (jvp) gives one column of the Jacobian, the answer of every output to one input; a
 * pass of reverse mode (vjp) one row, the wish of one output about every input. The work is counted
 * here on the tape itself. `node examples/notes/modes.mjs`
 */
import { arange, compile, eye, init, jvp, tensor, ts, vjp } from "chainrule/pure";

init({ backend: ts, dtype: "f64" });

/** One number in, N out: t ↦ sin(k·t), k = 1 … N. */
const spread = (n) => (t) => frequencies(n).mul(t).sin();
/** N numbers in, one out, like a loss: x ↦ Σ sin(k·xₖ). */
const gather = (n) => (x) => frequencies(n).mul(x).sin().sum();
const frequencies = (n) => arange(1, n + 1, 1, { dtype: "f64" });

/** The n rows of the identity: the directions that a Jacobian is taken apart into. */
const directions = (n) => Array.from({ length: n }, (_, k) => eye(n).slice([k]));
const columns = (f, vs) => (x) => vs.map((v) => jvp(f, x, v).tangent);
const rows = (f, us) => (x) => us.map((u) => vjp(f, x).pullback(u));

/** Ops on the tape that compute (naming or arranging costs nothing), and the numbers they compute. */
function count(fn, x) {
  const work = compile(fn)
    .trace(x)
    .tape.nodes.filter(({ op, inputs }) => op.cost !== "none" && inputs.length > 0);
  return { ops: work.length, numbers: work.reduce((n, { outputs }) => n + outputs[0].size, 0) };
}

const t = tensor(0.3);
const point = (n) => frequencies(n).div(n);
const one = [tensor(1)];
export const table = [1, 10, 100].flatMap((n) => [
  { function: `1 → ${n}`, mode: "forward", passes: 1, ...count(columns(spread(n), one), t) },
  { function: `1 → ${n}`, mode: "reverse", passes: n, ...count(rows(spread(n), directions(n)), t) },
  {
    function: `${n} → 1`,
    mode: "forward",
    passes: n,
    ...count(columns(gather(n), directions(n)), point(n)),
  },
  { function: `${n} → 1`, mode: "reverse", passes: 1, ...count(rows(gather(n), one), point(n)) },
]);
console.table(table);

// Every pass is counted whole, with the function itself in it: four ops per number. With the right
// mode the Jacobian costs one of them, however many numbers there are on the other side; with the
// wrong one it costs N. A loss is the extreme case: one output, and a million parameters. That is
// why networks are trained in reverse, and the reason for the tape: a forward pass needs no memory,
// a backward pass needs the values again.
const n = 10;
const stacked = (tensors) => tensors.map((row) => row.toArray());
export const jacobians = {
  spreadForward: stacked(columns(spread(n), one)(t))[0],
  spreadReverse: stacked(rows(spread(n), directions(n))(t)),
  gatherForward: stacked(columns(gather(n), directions(n))(point(n))),
  gatherReverse: stacked(rows(gather(n), one)(point(n)))[0],
};
const { spreadForward, spreadReverse, gatherForward, gatherReverse } = jacobians;
const equal = (a, b) => a.every((value, k) => Math.abs(value - b[k]) < 1e-14);
console.log(
  equal(spreadForward, spreadReverse) && equal(gatherForward, gatherReverse)
    ? "one Jacobian, two prices"
    : "the modes differ",
);
