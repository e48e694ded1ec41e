/** Where f32 loses its way: every op of a function in f32 and in f64, side by side. */

import { leavesOf, type Tensors } from "../autodiff/transforms.js";
import { compile } from "../compile.js";
import { checkFunction } from "../describe.js";
import { constant } from "../ops/create.js";
import { valuesOf } from "../reading.js";
import { formatShape, type Shape, sizeOf } from "../shape.js";
import type { FloatDtype, Tensor, TypedArray } from "../tensor.js";
import { doubleBackend, singleBackend } from "./backends.js";
import { type Recording, recast, recordFunction, replay, within } from "./recording.js";

/** One op's result in both precisions. */
export interface ComparedOp {
  readonly op: string;
  /** Its place on the tape, from 0. */
  readonly position: number;
  readonly shape: Shape;
  /**
   * The op's own error: of f32 from f64 when both get f32's operands, in units in the last place of
   * the result's largest element.
   */
  readonly ulp: number;
  /** What `ulp` may be: 16, and one more for each operand element that one result element sums. */
  readonly bound: number;
  /** The error so far: of f32 from f64, relative to the result's largest element. */
  readonly relative: number;
}

export interface CompareReport {
  readonly passed: boolean;
  /** Every op of the tape, in order. */
  readonly ops: readonly ComparedOp[];
  /** The first op whose own error leaves its bound, or whose error so far the tolerance. */
  readonly first: ComparedOp | undefined;
  readonly tolerance: number;
  /** The report in words. */
  toString(): string;
}

const ULP = 2 ** -23;

/** The largest difference, relative to the largest finite magnitude wanted. */
function distance(got: TypedArray, want: TypedArray): number {
  let [error, most] = [0, 0];
  for (const [index, w] of want.entries()) {
    const g = got[index] as number;
    if (Number.isFinite(w)) most = Math.max(most, Math.abs(w));
    if (Object.is(g, w) || g === w) continue;
    const difference = Math.abs(g - w);
    error = Math.max(error, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return error === 0 ? 0 : error / most;
}

/** How many operand elements can enter one element of the result. */
const fanIn = (operands: readonly Tensor[], result: Tensor): number =>
  Math.max(
    1,
    ...operands.map(
      ({ shape }) => sizeOf(shape) / Math.max(1, Math.min(result.size, sizeOf(shape))),
    ),
    ...operands.map(({ shape }) => shape.at(-1) ?? 1),
  );

/** The values of every tensor that the recording's ops compute. */
function compute(recording: Recording, data: readonly TypedArray[], float: FloatDtype) {
  const all = recording.nodes.flatMap(({ outputs }) => outputs);
  const step = compile((x: Tensor[]) => all.map(replay(recording, x, float)));
  const inputs = recording.inputs.map(({ shape, dtype }, index) => {
    const [elements, own] = recast(data[index] as TypedArray, dtype, float);
    return constant(elements, shape, own);
  });
  return new Map(step(inputs).map((y, i) => [all[i] as Tensor, valuesOf("compare", y)]));
}

/** Each op in f64, from the operands that f32 computed. */
function computeAlone(
  recording: Recording,
  data: readonly TypedArray[],
  single: ReadonlyMap<Tensor, TypedArray>,
) {
  const computed = [...single.keys()];
  const step = compile((x: Tensor[], given: Tensor[]) => {
    const stand = new Map(computed.map((tensor, index) => [tensor, given[index] as Tensor]));
    return computed.map(replay(recording, x, "f64", (operand) => stand.get(operand)));
  });
  const double = ({ shape, dtype }: Tensor, elements: TypedArray): Tensor => {
    const [recasted, own] = recast(elements, dtype, "f64");
    return constant(recasted, shape, own);
  };
  const inputs = recording.inputs.map((input, index) => double(input, data[index] as TypedArray));
  const given = computed.map((tensor) => double(tensor, single.get(tensor) as TypedArray));
  return new Map(
    step(inputs, given).map((y, i) => [computed[i] as Tensor, valuesOf("compare", y)]),
  );
}

/**
 * Computes f(x) in WebAssembly's f32 and in TypeScript's f64, op by op, on copies of x and of the
 * Parameters f reads, and names the first op whose error leaves its bound: a cancellation, an
 * overflow, or a defect. Compare a gradient by passing a function that takes one.
 *
 * @param options.tolerance of the error so far, relative to the largest element; default 10⁻³
 */
export function compare<X extends Tensors, Y extends Tensors>(
  f: (x: X) => Y,
  x: X,
  options: { readonly tolerance?: number } = {},
): CompareReport {
  checkFunction("compare", f);
  const { tolerance = 1e-3 } = options;
  if (!(tolerance > 0))
    throw new RangeError(`compare: bad tolerance: got ${tolerance}, expected a positive number`);
  const data = leavesOf("compare", x).map((leaf) => valuesOf("compare", leaf));
  const recording = recordFunction("compare", f, x);
  const single = within(singleBackend(), "f32", () => compute(recording, data, "f32"));
  const [double, alone] = within(doubleBackend(), "f64", () => [
    compute(recording, data, "f64"),
    computeAlone(recording, data, single),
  ]);
  const ops = recording.nodes.flatMap(({ op, inputs, outputs }, position) =>
    outputs.map((output): ComparedOp => {
      const got = single.get(output) as TypedArray;
      return {
        op: op.name,
        position,
        shape: output.shape,
        ulp: distance(got, alone.get(output) as TypedArray) / ULP,
        bound: 16 + fanIn(inputs, output),
        relative: distance(got, double.get(output) as TypedArray),
      };
    }),
  );
  const first = ops.find(({ ulp, bound, relative }) => ulp > bound || relative > tolerance);
  return {
    passed: !first,
    ops,
    first,
    tolerance,
    toString: () => inWords(ops, first, tolerance),
  };
}

const inWords = (
  ops: readonly ComparedOp[],
  first: ComparedOp | undefined,
  tolerance: number,
): string => {
  if (!first) return `compare: passed: ${ops.length} results within their bounds`;
  const { op, position, shape, ulp, bound, relative } = first;
  return (
    `compare: op ${position}, ${op} ${formatShape(shape)}, is the first to leave its bound: ` +
    `got ${ulp.toPrecision(3)} ULP of its own and a relative error of ${relative.toExponential(1)} ` +
    `so far, expected at most ${bound} ULP and ${tolerance}`
  );
};
