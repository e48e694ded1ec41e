/** Products with the Jacobian, Jacobians and Hessians of whole programs, and CS231n's circuits. */
import { add, hessian, hvp, jacobian, jvp, type Tensor, tensor, vjp } from "../../../src/index.js";
import { asTensor, type Special } from "../adapter.js";
import { type GoldenCase, type GoldenTensor, mismatch } from "../case.js";
import { type Named, run } from "./expression.js";

interface SecondOrder extends GoldenCase {
  /** Which inputs are differentiated. */
  readonly wrt: readonly number[];
  readonly jvp: GoldenTensor;
  readonly vjp: readonly GoldenTensor[];
  readonly jacobian: readonly GoldenTensor[];
  readonly hvp?: readonly GoldenTensor[];
  readonly hessian?: readonly (readonly GoldenTensor[])[];
}

/** Texts that are not written in operators. */
const spelled: Readonly<Record<string, string>> = {
  "0.5*x'Ax": "0.5*(x@(A@x))",
};

/**
 * No f32 error of PyTorch's is recorded for these. Entries of one Jacobian are sums of terms as
 * large as its largest entry, so that is what a quarter of 8·2⁻²³ is relative to; for products with
 * a vector, that times the sum of the vector.
 */
const ROUNDING = 2 * 2 ** -23;

const largest = (tensors: readonly GoldenTensor[]): number =>
  tensors.reduce((most, { data }) => data.reduce((m, v) => Math.max(m, Math.abs(v)), most), 0);

const total = (tensors: readonly (GoldenTensor | null)[]): number =>
  tensors.reduce((sum, t) => (t ? t.data.reduce((s, v) => s + Math.abs(v), sum) : sum), 0);

export const secondOrder: Special = function* (golden, build) {
  const { attrs, inputs, wrt, ...want } = golden as SecondOrder;
  const text: string = spelled[attrs.program] ?? attrs.program.replace(/, mean$/, "");
  const all = inputs.map((input) => asTensor(input, build));
  const f = (moving: readonly Tensor[]): Tensor => {
    const names: Record<string, Tensor> = {};
    for (const [index, { name = "x" }] of inputs.entries())
      names[name] = moving[wrt.indexOf(index)] ?? (all[index] as Tensor);
    const { result } = run(text, names);
    return result as Tensor;
  };
  const x = wrt.map((index) => all[index] as Tensor);
  const compared = function* (
    what: string,
    got: Tensor | undefined,
    wanted: GoldenTensor,
    scale: number,
  ) {
    const error = ROUNDING * scale;
    const wrong = got
      ? mismatch({ shape: got.shape, data: got.toTypedArray() }, wanted, build.dtype, error)
      : "got nothing";
    if (wrong) yield `${what}: ${wrong}`;
  };
  const tangents = (golden.tangents ?? []).map((t) => asTensor(t as GoldenTensor, build));
  const { value, pullback } = vjp(f, x);
  const [first, second] = [largest(want.jacobian), largest(want.hessian?.flat() ?? [])];
  const [along, against] = [total(golden.tangents ?? []), total(golden.cotangents ?? [])];
  yield* compared("value", value, golden.outputs[0] as GoldenTensor, 0);
  yield* compared("jvp", jvp(f, x, tangents).tangent, want.jvp, first * along);
  const cotangent = asTensor(golden.cotangents?.[0] as GoldenTensor, build);
  for (const [i, got] of pullback(cotangent).entries())
    yield* compared(`vjp ${i}`, got, want.vjp[i] as GoldenTensor, first * against);
  for (const mode of ["forward", "reverse"] as const)
    for (const [i, got] of (jacobian(f, { mode })(x) as unknown as Tensor[]).entries())
      yield* compared(`jacobian ${i}, ${mode}`, got, want.jacobian[i] as GoldenTensor, first);
  if (want.hvp)
    for (const [i, got] of hvp(f, x, tangents).entries())
      yield* compared(`hvp ${i}`, got, want.hvp[i] as GoldenTensor, second * along);
  if (!want.hessian) return;
  const blocks = hessian(f)(x) as unknown as Tensor[][];
  for (const [i, row] of want.hessian.entries())
    for (const [j, block] of row.entries())
      yield* compared(`hessian ${i}, ${j}`, blocks[i]?.[j], block, second);
};

interface ScalarGraph extends GoldenCase {
  readonly values: Readonly<Record<string, number>>;
  readonly grads: Readonly<Record<string, number>>;
}

/** The stages that the notes name, where the program's text does not. */
const staged: Readonly<Record<string, string>> = {
  "f=(x+sigmoid(y))/(sigmoid(x)+(x+y)^2), staged as in the notes":
    "sigy=sigmoid(y); num=x+sigy; sigx=sigmoid(x); xpy=x+y; xpysqr=xpy^2; den=sigx+xpysqr; invden=1/den; f=num*invden",
  "f=2*(x*y+max(z,w))": "m=x*y; n=max(z,w); s=m+n; f=2*s",
};

/** Every wire of a circuit, its value and its gradient. */
export const scalarGraph: Special = function* (golden, { dtype }) {
  const { attrs, values, grads } = golden as ScalarGraph;
  const text: string = staged[attrs.program] ?? attrs.program;
  const assigned = new Set(text.split(";").map((part) => part.split("=")[0]?.trim()));
  const scalar = (x: number): Tensor => tensor(x, { dtype });
  const leaves = Object.keys(values).filter((name) => !assigned.has(name));
  const stages = Object.keys(values).filter((name) => assigned.has(name));
  // A zero added to each stage: its gradient is that of the stage.
  const wires = Object.fromEntries([
    ...leaves.map((name) => [name, scalar(values[name] as number)] as const),
    ...stages.map((name) => [name, scalar(0)] as const),
  ]);
  let seen: Named = {};
  const { pullback } = vjp((all: Record<string, Tensor>) => {
    const inputs = Object.fromEntries(leaves.map((name) => [name, all[name] as Tensor]));
    seen = run(text, inputs, (name, value) => (all[name] ? add(value, all[name]) : value));
    return seen[attrs.output] as Tensor;
  }, wires);
  const found = pullback(scalar(1));
  const vector = (named: Readonly<Record<string, number>>): GoldenTensor => {
    const data = Float64Array.from(Object.values(named));
    return { shape: [data.length], dtype: "f64", data };
  };
  const read = (named: Named, like: object) =>
    Object.keys(like).map((name) => (named[name] as Tensor).item());
  for (const [what, got, want] of [
    ["values", read(seen, values), values],
    ["gradients", read(found, grads), grads],
  ] as const) {
    const wrong = mismatch({ shape: [got.length], data: got }, vector(want), dtype, 0);
    if (wrong) yield `${what} [${Object.keys(want).join(", ")}]: ${wrong}`;
  }
};
