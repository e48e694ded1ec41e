/** How a row is checked. The checks return errors; tests and proof hold them to `BOUNDS`. */
import {
  add,
  type Backend,
  init,
  jvp,
  mul,
  sub,
  sum,
  type Tensor,
  tensor,
  vjp,
  wasm,
} from "../../src/index.js";
import { ts } from "../../src/pure.js";
import type { F, Row } from "./row.js";

/** The largest relative error of each check of derivatives, in f64. */
export const BOUNDS = {
  /** ⟨u, Jv⟩ by reverse mode, against central differences. */
  reverse: 1e-8,
  /** ⟨u, Jv⟩ by forward mode, against reverse mode. */
  forward: 1e-12,
  /** The same two for the function's own gradient. */
  secondReverse: 1e-7,
  secondForward: 1e-11,
} as const;

export type Check = keyof typeof BOUNDS;

/** A fixed stream of numbers in [low, high). */
export function stream(seed: number): (low: number, high: number) => number {
  let s = seed * 2654435761 + 1;
  return (low, high) => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return low + ((s >>> 8) / 2 ** 24) * (high - low);
  };
}

export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((n, length) => n * length, 1);

const NEAR = 0.05;

/** Numbers of the row's domain that keep the distances the row asks for. */
function numbersOf(row: Row, count: number, next: ReturnType<typeof stream>): number[] {
  const [low, high] = row.domain ?? [-2, 2];
  const taken: number[] = [];
  const distance = row.distinct ? Math.min(NEAR, (high - low) / (4 * count)) : 0;
  while (taken.length < count) {
    const x = next(low, high);
    if (row.kinks?.some((kink) => Math.abs(x - kink) < NEAR)) continue;
    if (taken.some((other) => Math.abs(x - other) < distance)) continue;
    taken.push(x);
  }
  return taken;
}

export function inputsOf(row: Row, seed: number, dtype: "f32" | "f64"): Tensor[] {
  const next = stream(seed);
  const numbers = numbersOf(row, sizeOf([row.shapes.reduce((n, s) => n + sizeOf(s), 0)]), next);
  // Through f32, so that every build starts from the same numbers.
  return row.shapes.map((shape) =>
    tensor(numbers.splice(0, sizeOf(shape)).map(Math.fround), { shape, dtype }),
  );
}

export const like = (x: Tensor, seed: number): Tensor => {
  const next = stream(seed);
  const data = Array.from({ length: x.size }, () => Math.fround(next(-1, 1)));
  return tensor(data, { shape: x.shape, dtype: x.dtype });
};

const dot = (a: Tensor, b: Tensor): number => sum(mul(a, b)).item();
const dots = (a: readonly Tensor[], b: readonly Tensor[]): number =>
  a.reduce((total, x, i) => total + dot(x, b[i] as Tensor), 0);
const relative = (got: number, want: number): number =>
  Math.abs(got - want) / Math.max(1, Math.abs(want));

/** ⟨u, (f(x + hv) − f(x − hv)) / 2h⟩ */
function difference(f: F, x: readonly Tensor[], v: readonly Tensor[], u: Tensor): number {
  const h = 1e-5;
  const at = (sign: number): Tensor =>
    f(...x.map((xi, i) => add(xi, mul(v[i] as Tensor, sign * h))));
  return dot(u, sub(at(1), at(-1))) / (2 * h);
}

/** The relative error of every check of the row's derivatives, in f64. */
export function derivativeErrors(row: Row): Record<Check, number> {
  init({ backend: ts, dtype: "f64" });
  try {
    const x = inputsOf(row, 1, "f64");
    const f = (all: readonly Tensor[]): Tensor => row.f(...all);
    const { value, pullback } = vjp(f, x);
    const u = like(value, 2);
    const v = x.map((xi, i) => like(xi, 3 + i));
    const pulled = dots(pullback(u) as Tensor[], v);
    const pushed = dot(u, jvp(f, x, v).tangent);

    // ⟨∇⟨u, f(x)⟩, v⟩ as a function of x: every rule is differentiated once more.
    const slope = (all: readonly Tensor[]): Tensor =>
      (vjp(f, all).pullback(u) as Tensor[]).reduce(
        (total, part, i) => add(total, sum(mul(part, v[i] as Tensor))),
        tensor(0, { dtype: "f64" }),
      );
    const one = tensor(1, { dtype: "f64" });
    const pulledTwice = dots(vjp(slope, x).pullback(one) as Tensor[], v);
    const pushedTwice = jvp(slope, x, v).tangent.item();
    return {
      reverse: relative(pulled, difference(row.f, x, v, u)),
      forward: relative(pushed, pulled),
      secondReverse: relative(
        pulledTwice,
        difference((...all) => slope(all), x, v, one),
      ),
      secondForward: relative(pushedTwice, pulledTwice),
    };
  } finally {
    init({ backend: wasm });
  }
}

/** Bits of the row's value, and of all its gradients, in f32; NaNs made one. */
export function bitsOf(
  row: Row,
  inputs: readonly (readonly number[])[],
  backend: Backend,
): number[][] {
  init({ backend });
  try {
    const x = inputs.map((data, i) =>
      tensor([...data], { shape: row.shapes[i] as number[], dtype: "f32" }),
    );
    const { value, pullback } = vjp((all: readonly Tensor[]) => row.f(...all), x);
    const all = row.constant ? [value] : [value, ...(pullback(like(value, 5)) as Tensor[])];
    return all.map((t) => {
      const data = t.toTypedArray();
      if (!(data instanceof Float32Array)) return [...data];
      return [...new Uint32Array(data.buffer)].map((word, i) =>
        Number.isNaN(data[i]) ? 0x7fc00000 : word,
      );
    });
  } finally {
    init({ backend: wasm });
  }
}
