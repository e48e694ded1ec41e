/** Checking a user's function: its derivatives in both modes against differences, entry by entry. */

import { checkFloats, jvp, leavesOf, type Tensors, vjp } from "../autodiff/transforms.js";
import { compile } from "../compile.js";
import { constant } from "../ops/create.js";
import { valuesOf } from "../ops/reading.js";
import { formatShape, indicesAt, type Shape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { mapTree } from "../tree.js";
import { doubleBackend } from "./backends.js";
import { type Recording, recordFunction, replay, within } from "./recording.js";

/** One entry of the Jacobian: ∂output[…] / ∂input[…]. */
export interface GradCheckEntry {
  /** Path and indices, such as `x.weight[2, 0]`. */
  readonly input: string;
  readonly output: string;
  readonly reverse: number;
  readonly forward: number;
  /** By differences; at a kink the pair of one-sided slopes. */
  readonly numeric: number | readonly [left: number, right: number];
  /** The greater of both modes' errors, relative to the entry. */
  readonly error: number;
}

export interface GradCheckReport {
  readonly passed: boolean;
  /** Entries of the Jacobian that were checked. */
  readonly entries: number;
  readonly tolerance: number;
  /** The largest relative error of each mode. */
  readonly reverse: number;
  readonly forward: number;
  /** The entry with the largest error; undefined for a function of nothing. */
  readonly worst: GradCheckEntry | undefined;
  /** Entries where the left and right slopes differ, held to lie between them. */
  readonly kinks: readonly GradCheckEntry[];
  /** The report in words. */
  toString(): string;
}

/** Elements of all leaves, one after another. */
class Layout {
  readonly shapes: readonly Shape[];
  readonly size: number;
  readonly #paths: readonly string[];

  constructor(name: string, tree: unknown, tensors: readonly Tensor[]) {
    this.shapes = tensors.map(({ shape }) => shape);
    this.size = this.shapes.reduce((n, shape) => n + sizeOf(shape), 0);
    const paths: string[] = [];
    mapTree(tree, (_, path) => paths.push(name + path));
    this.#paths = paths;
  }

  /** Tensors of these elements. */
  split(flat: Float64Array): Tensor[] {
    let at = 0;
    return this.shapes.map((shape) => {
      const end = at + sizeOf(shape);
      const part = constant(flat.slice(at, end), shape, "f64");
      at = end;
      return part;
    });
  }

  name(position: number): string {
    let rest = position;
    for (const [leaf, shape] of this.shapes.entries()) {
      const size = sizeOf(shape);
      if (rest >= size) {
        rest -= size;
        continue;
      }
      const index = shape.length > 0 ? formatShape(indicesAt(rest, shape)) : "";
      return `${this.#paths[leaf]}${index}`;
    }
    return "";
  }
}

const joined = (tensors: readonly Tensor[]): Float64Array => {
  const parts = tensors.map((tensor) => valuesOf("gradCheck", tensor));
  const all = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** f and both of its derivatives on flat vectors, in f64. */
function flatFunctions(recording: Recording, inputs: Layout, outputs: Layout) {
  const f = (x: readonly Tensor[]): Tensor[] => recording.outputs.map(replay(recording, x, "f64"));
  const value = compile(f);
  const forward = compile((x: Tensor[], v: Tensor[]) => jvp(f, x, v).tangent);
  const reverse = compile((x: Tensor[], u: Tensor[]) => vjp(f, x).pullback(u));
  return {
    value: (x: Float64Array) => joined(value(inputs.split(x))),
    forward: (x: Float64Array, v: Float64Array) =>
      joined(forward(inputs.split(x), inputs.split(v))),
    reverse: (x: Float64Array, u: Float64Array) =>
      joined(reverse(inputs.split(x), outputs.split(u))),
  };
}

const unit = (size: number, position: number): Float64Array => {
  const vector = new Float64Array(size);
  vector[position] = 1;
  return vector;
};

type Value = (x: Float64Array) => Float64Array;

/** What is known of one column of the Jacobian by evaluating f near x. */
interface Slopes {
  /** Central differences at h and h / 2, extrapolated: O(h⁴). */
  readonly central: Float64Array;
  readonly left: () => Float64Array;
  readonly right: () => Float64Array;
}

function slopes(f: Value, x: Float64Array, position: number): Slopes {
  const scale = Math.max(1, Math.abs(x[position] as number));
  const at = (offset: number): Float64Array => {
    const moved = x.slice();
    moved[position] = (moved[position] as number) + offset;
    return f(moved);
  };
  const middle = (h: number): Float64Array => {
    const [above, below] = [at(h), at(-h)];
    return above.map((a, i) => (a - (below[i] as number)) / (2 * h));
  };
  const wide = 1e-3 * scale;
  const [far, near] = [middle(wide), middle(wide / 2)];
  // Three points on one side: O(h²), so the step is small and a kink nearby is not reached.
  const oneSided = (h: number): Float64Array => {
    const [zero, one, two] = [at(0), at(h), at(2 * h)];
    return zero.map((a, i) => (4 * (one[i] as number) - 3 * a - (two[i] as number)) / (2 * h));
  };
  const small = 1e-6 * scale;
  return {
    central: near.map((a, i) => a + (a - (far[i] as number)) / 3),
    left: () => oneSided(-small),
    right: () => oneSided(small),
  };
}

interface Judged {
  readonly numeric: GradCheckEntry["numeric"];
  readonly error: (analytic: number) => number;
}

/** Relative to the entry, or to a thousandth of the column's largest where the entry is small. */
const relative = (got: number, want: number, floor: number): number => {
  if (Object.is(got, want)) return 0;
  const error = Math.abs(got - want) / Math.max(Math.abs(want), Math.abs(got), floor);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
};

/** One-sided slopes are known to about this much, relatively. */
const ONE_SIDED = 1e-4;

function judgeOneSided(left: number, right: number, floor: number): Judged {
  if (Number.isNaN(left) || Number.isNaN(right)) {
    // f is defined on one side only.
    const side = Number.isNaN(left) ? right : left;
    return { numeric: side, error: (a) => oneSidedError(a, side, side, floor) };
  }
  const smooth = relative(left, right, floor) < ONE_SIDED;
  const [low, high] = [Math.min(left, right), Math.max(left, right)];
  return {
    numeric: smooth ? (left + right) / 2 : [left, right],
    error: (a) => oneSidedError(a, low, high, floor),
  };
}

/** 0 between the slopes, as far as they are known. */
function oneSidedError(a: number, low: number, high: number, floor: number): number {
  const nearest = Math.min(Math.max(a, low), high);
  const error = relative(a, nearest, floor);
  return error < ONE_SIDED ? 0 : error;
}

/**
 * Checks the derivatives of f at x: every entry of the Jacobian, by reverse and by forward mode,
 * against differences of f. It runs in f64 whatever the active backend is, on copies of x and of
 * the Parameters f reads; nothing f assigns is kept.
 *
 * The error of an entry is |mode − numeric| relative to the greater of them (or to a thousandth of
 * its column's largest entry). Where it is beyond the tolerance, the left and right slopes decide:
 * at a kink any value between them passes, and the kink is reported. An infinite slope fails.
 *
 * @param f from x, a tensor or arrays and objects of tensors, to the same
 * @throws TypeError where x holds integers: close over them instead
 */
export function gradCheck<X extends Tensors, Y extends Tensors>(
  f: (x: X) => Y,
  x: X,
  options: { readonly tolerance?: number } = {},
): GradCheckReport {
  const { tolerance = 1e-6 } = options;
  if (!(tolerance > 0))
    throw new RangeError(`gradCheck: bad tolerance: got ${tolerance}, expected a positive number`);
  const given = leavesOf("gradCheck", x);
  checkFloats("gradCheck", given);
  const at = joined(given);
  let result: unknown;
  const recording = recordFunction(
    "gradCheck",
    (all: X) => {
      const y = f(all);
      result = y;
      return y;
    },
    x,
  );
  checkFloats("gradCheck", recording.outputs);
  const inputs = new Layout("x", x, recording.inputs);
  const outputs = new Layout("f(x)", result, recording.outputs);
  return within(doubleBackend(), "f64", () =>
    report(
      checkEntries(flatFunctions(recording, inputs, outputs), at, inputs, outputs, tolerance),
      tolerance,
    ),
  );
}

/** An entry, with the error of each mode. */
interface Checked extends GradCheckEntry {
  readonly errors: readonly [reverse: number, forward: number];
}

function* checkEntries(
  { value, forward, reverse }: ReturnType<typeof flatFunctions>,
  x: Float64Array,
  inputs: Layout,
  outputs: Layout,
  tolerance: number,
): Iterable<Checked> {
  const rows = Array.from({ length: outputs.size }, (_, i) => reverse(x, unit(outputs.size, i)));
  for (let column = 0; column < inputs.size; column++) {
    const pushed = forward(x, unit(inputs.size, column));
    const { central, left, right } = slopes(value, x, column);
    const largest = central.reduce((most, n) => Math.max(most, Math.abs(n) || 0), 0);
    const floor = Math.max(1e-3 * largest, 1e-8);
    let sides: readonly [Float64Array, Float64Array] | undefined;
    for (let row = 0; row < outputs.size; row++) {
      const modes = [(rows[row] as Float64Array)[column], pushed[row]] as [number, number];
      const estimate = central[row] as number;
      let judged: Judged = { numeric: estimate, error: (a) => relative(a, estimate, floor) };
      if (modes.some((mode) => judged.error(mode) > tolerance)) {
        sides ??= [left(), right()];
        judged = judgeOneSided(sides[0][row] as number, sides[1][row] as number, floor);
      }
      const errors: [number, number] = [judged.error(modes[0]), judged.error(modes[1])];
      yield {
        input: inputs.name(column),
        output: outputs.name(row),
        reverse: modes[0],
        forward: modes[1],
        numeric: judged.numeric,
        error: Math.max(...errors),
        errors,
      };
    }
  }
}

function report(checked: Iterable<Checked>, tolerance: number): GradCheckReport {
  let entries = 0;
  let [reverse, forward] = [0, 0];
  let worst: GradCheckEntry | undefined;
  const kinks: GradCheckEntry[] = [];
  for (const { errors, ...entry } of checked) {
    entries++;
    reverse = Math.max(reverse, errors[0]);
    forward = Math.max(forward, errors[1]);
    if (!worst || entry.error > worst.error) worst = entry;
    if (typeof entry.numeric !== "number") kinks.push(entry);
  }
  const passed = !worst || worst.error <= tolerance;
  return {
    passed,
    entries,
    tolerance,
    reverse,
    forward,
    worst,
    kinks,
    toString() {
      const lines = [
        `gradCheck: ${passed ? "passed" : "failed"}: ${entries} entries, relative error ` +
          `${reverse.toExponential(1)} in reverse and ${forward.toExponential(1)} in forward mode, tolerance ${tolerance}`,
      ];
      if (worst) lines.push(`worst: ${describeEntry(worst)}`);
      for (const kink of kinks) lines.push(`kink: ${describeEntry(kink)}`);
      return lines.join("\n");
    },
  };
}

/** A slope with as many digits as differences give. */
const digits = (slope: number): string => String(Number(slope.toPrecision(9)));

function describeEntry({
  input,
  output,
  reverse,
  forward,
  numeric,
  error,
}: GradCheckEntry): string {
  const slopes =
    typeof numeric === "number"
      ? `numeric ${digits(numeric)}`
      : `slopes ${digits(numeric[0])} and ${digits(numeric[1])}`;
  return (
    `∂${output}/∂${input}: reverse ${digits(reverse)}, forward ${digits(forward)}, ${slopes}, ` +
    `error ${error.toExponential(1)}`
  );
}
