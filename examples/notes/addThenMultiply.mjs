/**
 * f = (x + y)·z at (−2, 5, −4): the smallest circuit that needs the chain rule, from Stanford
 * CS231n's "Backpropagation, Intuitions". `node examples/notes/addThenMultiply.mjs`
 */
import { circuit } from "chainrule/inspect";
import { grad, init, tensor, ts } from "chainrule/pure";

init({ backend: ts, dtype: "f64" });

// Forward: every gate computes its output, knowing nothing of the circuit around it.
const [x, y, z] = [-2, 5, -4];
const q = x + y;
const f = q * z;

// Backward, in the opposite order: every gate hears how much the end wants its output to grow, and
// passes that on to its inputs, times its own local slope.
const df = 1; // the end depends on itself one to one
const dq = z * df; // ∂(q·z)/∂q = z: a product's slope in one operand is the other operand
const dz = q * df;
const dx = 1 * dq; // ∂(x + y)/∂x = 1, so this is the chain rule: ∂f/∂x = ∂f/∂q · ∂q/∂x
const dy = 1 * dq;

export const byHand = { q, f, dq, dx, dy, dz };

// The library does this, for any function, from the list of ops that it records.
const gradient = grad((x, y, z) => x.add(y).mul(z));
const [tx, ty, tz] = gradient(tensor(x), tensor(y), tensor(z)).map((d) => d.item());
export const byTape = { dx: tx, dy: ty, dz: tz };

console.log(`f = (x + y)·z = ${f} at x = ${x}, y = ${y}, z = ${z}, with x + y = ${q}`);
console.log("by hand", byHand);
console.log("by tape", byTape);

// A circuit keeps what the walk finds on its way: on every wire a value and a gradient, and at every
// gate what it did. Of what the function returns, the last is differentiated; the rest gets a name.
const notes = circuit(
  (x, y, z) => {
    const q = x.add(y);
    return { q, f: q.mul(z) };
  },
  [x, y, z],
  { names: ["x", "y", "z"] },
);
console.log(notes.toText());
for (const { text } of notes.steps()) console.log(text);
export const onWires = notes.wires.map(({ label, value, gradient }) => ({
  wire: label,
  value: value.mean,
  gradient: gradient.mean,
}));

// Both x and y should fall if f is to grow: they raise q, and q is multiplied by a negative z.
console.log(`the gradient is (${tx}, ${ty}, ${tz})`);
