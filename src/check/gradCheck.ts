/** Checking a user's function: its derivatives in both modes against differences, entry by entry. */

import { checkFloats, leavesOf, type Tensors } from "../autodiff/transforms.js";
import { checkFunction } from "../describe.js";
import { doubleBackend } from "./backends.js";
import { type Judged, judgeOneSided, relative, slopes } from "./differences.js";
import { flatFunctions, joined, Layout, unit } from "./flat.js";
import { recordFunction, within } from "./recording.js";

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
  checkFunction("gradCheck", f);
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
