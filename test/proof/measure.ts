/** What the proof measures of one op in one build. */
import {
  add,
  type Backend,
  init,
  jvp,
  mul,
  sum,
  type Tensor,
  tensor,
  vjp,
  wasm,
} from "../../src/index.js";
import { ts } from "../../src/pure.js";
import { builds, check } from "../golden/adapter.js";
import type { GoldenCase } from "../golden/case.js";
import {
  BOUNDS,
  bitsOf,
  type Check,
  derivativeErrors,
  inputsOf,
  like,
  sizeOf,
  stream,
} from "../ops/checks.js";
import type { Row } from "../ops/row.js";

/** The largest relative error of derivatives in f32, from those in f64. */
const SINGLE: Readonly<Record<Check, number>> = {
  reverse: 1e-4,
  forward: 1e-4,
  secondReverse: 1e-3,
  secondForward: 1e-3,
};

export interface Measured {
  readonly op: string;
  readonly build: string;
  /** Of the result, in units in the last place of its largest element; undefined in f64. */
  readonly ulp: number | undefined;
  /** Relative; undefined for an op without a derivative. */
  readonly errors: Readonly<Record<Check, number>> | undefined;
  /** Whether WebAssembly and TypeScript agree; undefined in f64. */
  readonly equalBits: boolean | undefined;
  readonly passed: number;
  readonly cases: number;
  /** What does not hold; empty for a proven op. */
  readonly misses: readonly string[];
}

type Numbers = readonly ArrayLike<number>[];
type Values = Readonly<Record<Check | "value", Numbers>>;

/** The row's value and derivatives, at the same inputs and directions in every build. */
function valuesOf(row: Row, backend: Backend, dtype: "f32" | "f64"): Values {
  init({ backend, dtype });
  try {
    const x = inputsOf(row, 1, dtype);
    const f = (all: readonly Tensor[]): Tensor => row.f(...all);
    const read = (...tensors: readonly Tensor[]): Numbers => tensors.map((t) => t.toTypedArray());
    if (row.constant) {
      const value = read(f(x));
      return { value, reverse: [], forward: [], secondReverse: [], secondForward: [] };
    }
    const { value, pullback } = vjp(f, x);
    const u = like(value, 2);
    const v = x.map((xi, i) => like(xi, 3 + i));
    const slope = (all: readonly Tensor[]): Tensor =>
      (vjp(f, all).pullback(u) as Tensor[]).reduce(
        (total, part, i) => add(total, sum(mul(part, v[i] as Tensor))),
        tensor(0, { dtype }),
      );
    return {
      value: read(value),
      reverse: read(...(pullback(u) as Tensor[])),
      forward: read(jvp(f, x, v).tangent),
      secondReverse: read(...(vjp(slope, x).pullback(tensor(1, { dtype })) as Tensor[])),
      secondForward: read(jvp(slope, x, v).tangent),
    };
  } finally {
    init({ backend: wasm });
  }
}

/** The largest difference relative to the largest magnitude (or `least`), over all arrays together. */
function distance(got: Numbers, want: Numbers, least: number): number {
  let [error, most] = [0, least];
  for (const [part, wanted] of want.entries())
    for (let i = 0; i < wanted.length; i++) {
      const [g, w] = [got[part]?.[i] as number, wanted[i] as number];
      if (Number.isFinite(w)) most = Math.max(most, Math.abs(w));
      if (Object.is(g, w) || g === w) continue;
      const difference = Math.abs(g - w);
      error = Math.max(error, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    }
  return error / most;
}

/** Whether both builds give equal bits on plain, large, small and special numbers. */
function bitsAgree(row: Row): boolean {
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1e-40];
  return [0, 1, 2, 3].every((round) => {
    const next = stream(round + 11);
    const draw = (index: number): number =>
      round === 3 && index % 4 === 0
        ? (special[index % special.length] as number)
        : Math.fround(next(-2, 2) * 10 ** (2 * round - 2));
    const inputs = row.shapes.map((shape) =>
      Array.from({ length: sizeOf(shape) }, (_, i) => draw(i)),
    );
    return String(bitsOf(row, inputs, ts)) === String(bitsOf(row, inputs, wasm));
  });
}

const largest = (errors: readonly Readonly<Record<Check, number>>[]): Record<Check, number> => {
  const checks = Object.keys(BOUNDS) as Check[];
  return Object.fromEntries(
    checks.map((name) => [name, Math.max(...errors.map((error) => error[name]))]),
  ) as Record<Check, number>;
};

const beyond = (
  errors: Readonly<Record<Check, number>> | undefined,
  bounds: Readonly<Record<Check, number>>,
): string[] =>
  (Object.entries(errors ?? {}) as [Check, number][])
    .filter(([name, error]) => !(error <= bounds[name]))
    .map(([name, error]) => `${name} ${error.toExponential(1)}`);

/** One op in every build: its rows of the table, its cases of the golden suite. */
export function measure(
  op: string,
  rows: readonly Row[],
  cases: readonly GoldenCase[],
): readonly Measured[] {
  const smooth = rows.filter(({ constant }) => !constant);
  const equalBits = rows.every(bitsAgree);
  return builds.map((build): Measured => {
    const failed = cases.filter((golden) => check(golden, build).length > 0);
    const golden = { passed: cases.length - failed.length, cases: cases.length };
    const failures = failed.map(({ name }) => `case ${name}`);
    if (build.dtype === "f64") {
      const errors = smooth.length > 0 ? largest(smooth.map(derivativeErrors)) : undefined;
      const misses = [...beyond(errors, BOUNDS), ...failures];
      return {
        op,
        build: build.name,
        ulp: undefined,
        errors,
        equalBits: undefined,
        ...golden,
        misses,
      };
    }
    let ulp = 0;
    const wrong: string[] = [];
    const found = rows.map((row) => {
      const got = valuesOf(row, build.backend, "f32");
      const want = valuesOf(row, ts, "f64");
      const own = distance(got.value, want.value, 1e-30) * 2 ** 23;
      ulp = Math.max(ulp, own);
      if (!(own <= (row.ulp ?? 8))) wrong.push(`${own.toPrecision(3)} ULP, ${row.use ?? ""}`);
      const relative = (name: Check): number => distance(got[name], want[name], 1);
      return {
        reverse: relative("reverse"),
        forward: relative("forward"),
        secondReverse: relative("secondReverse"),
        secondForward: relative("secondForward"),
      };
    });
    const errors = smooth.length > 0 ? largest(found) : undefined;
    const misses = [
      ...wrong,
      ...beyond(errors, SINGLE),
      ...(equalBits ? [] : ["bits differ"]),
      ...failures,
    ];
    return { op, build: build.name, ulp, errors, equalBits, ...golden, misses };
  });
}
