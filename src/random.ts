/**
 * Random numbers. A draw is a pure function of the seed, the run and its ordinal in the program
 * (Threefry-2x32, JAX's partitionable layout), so the same seed gives the same numbers in every
 * engine and in both backends.
 */

import { defaultDtype } from "./backend.js";
import { checkOptions } from "./describe.js";
import { compiledTrace, currentTrace, needUpdates } from "./trace.js";
import "./ops/methods.js";
import { lt, where } from "./ops/compare.js";
import { constant } from "./ops/create.js";
import { type DrawKey, dropoutWith, host, normal01, randomBits, uniform01 } from "./ops/random.js";
import type { HostSource } from "./plan/lowering.js";
import { checkShape, type Shape } from "./shape.js";
import type { ShapeOf } from "./shapeTypes/shapeOf.js";
import { checkState, type StateDict } from "./state.js";
import type { FloatDtype, Tensor } from "./tensor.js";

/** Everything that decides which numbers come next. */
export interface RandomState {
  /** 64 bits: [high, low]. */
  readonly seed: readonly [number, number];
  /** Programs with draws run so far, and draws recorded outside `compile`. */
  readonly run: number;
}

let state: RandomState = { seed: [0, 0], run: 0 };

const source: HostSource = {
  size: 3,
  dtype: "i32",
  read(into) {
    into.set([state.seed[0] | 0, state.seed[1] | 0, state.run | 0]);
  },
  committed() {
    state = { ...state, run: (state.run + 1) >>> 0 };
  },
};

/** Starts the stream of `value`, an integer of at most 53 bits. Without a call the seed is 0. */
export function seed(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`seed: not a seed: got ${value}, expected an integer from 0 to 2⁵³ − 1`);
  state = { seed: [Math.floor(value / 2 ** 32), value >>> 0], run: 0 };
}

/** The state now, for saving. */
export const getState = (): RandomState => state;

/** Goes back to a saved state. */
export function setState(saved: RandomState): void {
  const numbers = [...saved.seed, saved.run];
  if (numbers.length !== 3 || numbers.some((n) => !Number.isInteger(n) || n < 0 || n >= 2 ** 32))
    throw new RangeError(
      `setState: not a random state: got [${numbers.join(", ")}], expected three integers of 32 bits`,
    );
  state = { seed: [saved.seed[0], saved.seed[1]], run: saved.run };
}

/** The state as entries `seed` and `run`, to be saved beside a model's. */
export function stateDict(): StateDict {
  return {
    seed: { shape: [2], dtype: "U32", data: Uint32Array.from(state.seed) },
    run: { shape: [], dtype: "U32", data: Uint32Array.of(state.run) },
  };
}

/** Goes back to a state saved by `stateDict`. */
export function loadStateDict(saved: Readonly<StateDict>): void {
  checkState("loadStateDict", saved);
  const { seed: words, run } = saved;
  if (
    words?.dtype !== "U32" ||
    words.data.length !== 2 ||
    run?.dtype !== "U32" ||
    run.data.length !== 1
  )
    throw new TypeError(
      `loadStateDict: not a random state: got [${Object.keys(saved).join(", ")}], expected seed U32 [2] and run U32 []`,
    );
  const [high, low] = [...words.data].map(Number) as [number, number];
  setState({ seed: [high, low], run: Number(run.data[0]) });
}

/**
 * The key of the next draw: inside `compile` the run is read before each run, outside it is taken
 * now.
 */
function nextKey(): DrawKey {
  const trace = compiledTrace(currentTrace());
  needUpdates(trace);
  if (trace) return { state: host(source, "i32"), ordinal: trace.draws++ };
  const numbers = new Float64Array(3);
  source.read(numbers);
  source.committed?.();
  return { state: constant(Int32Array.from(numbers), [3], "i32"), ordinal: 0 };
}

/** One index of a draw for all of them, inside a body that runs once for each. */
function mapped(make: (lead: Shape) => Tensor): Tensor | undefined {
  for (let trace = currentTrace(); trace?.body; trace = trace.body.parent)
    if (trace.body.mapped) return trace.body.mapped((count) => make([count]));
  return undefined;
}

interface DrawOptions {
  readonly dtype?: FloatDtype;
}

/** Uniform in [low, high). */
export function uniform<const S extends Shape>(
  shape: S,
  options?: DrawOptions & { readonly low?: number; readonly high?: number },
): Tensor<S>;
export function uniform(
  shape: Shape,
  options: DrawOptions & { readonly low?: number; readonly high?: number } = {},
): Tensor {
  checkShape("uniform", shape);
  checkOptions("uniform", options, ["low", "high", "dtype"]);
  const { low = 0, high = 1, dtype = defaultDtype() } = options;
  if (!(low <= high))
    throw new RangeError(`uniform: bad interval: got [${low}, ${high}), expected low ≤ high`);
  const slice = mapped((lead) => uniform([...lead, ...shape], options));
  if (slice) return slice;
  const draw = uniform01(nextKey(), shape, dtype);
  return low === 0 && high === 1 ? draw : draw.mul(high - low).add(low);
}

/** Normal with the given mean and standard deviation. */
export function normal<const S extends Shape>(
  shape: S,
  options?: DrawOptions & { readonly mean?: number; readonly std?: number },
): Tensor<S>;
export function normal(
  shape: Shape,
  options: DrawOptions & { readonly mean?: number; readonly std?: number } = {},
): Tensor {
  checkShape("normal", shape);
  checkOptions("normal", options, ["mean", "std", "dtype"]);
  const { mean = 0, std = 1, dtype = defaultDtype() } = options;
  if (!(std >= 0)) throw new RangeError(`normal: bad std: got ${std}, expected a number ≥ 0`);
  const slice = mapped((lead) => normal([...lead, ...shape], options));
  if (slice) return slice;
  const draw = normal01(nextKey(), shape, dtype);
  return mean === 0 && std === 1 ? draw : draw.mul(std).add(mean);
}

/** 32 random bits per element, as i32. */
export function bits<const S extends Shape>(shape: S): Tensor<S>;
export function bits(shape: Shape): Tensor {
  checkShape("bits", shape);
  return mapped((lead) => bits([...lead, ...shape])) ?? randomBits(nextKey(), shape);
}

/**
 * x with each element zeroed with probability p and the others divided by 1 − p; the gradient sees
 * the same mask.
 */
export function dropout<X extends Tensor>(x: X, p: number): Tensor<ShapeOf<X>>;
export function dropout(x: Tensor, p: number): Tensor {
  if (!(p >= 0 && p <= 1))
    throw new RangeError(`dropout: not a probability: got ${p}, expected 0 ≤ p ≤ 1`);
  if (p === 0) return x;
  const slice = mapped((lead) => uniform([...lead, ...x.shape], { dtype: x.dtype as FloatDtype }));
  if (slice) return where(lt(slice, p), 0, x.mul(p === 1 ? 0 : 1 / (1 - p)));
  return dropoutWith(nextKey(), x, p);
}
