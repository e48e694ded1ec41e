import { gradients } from "../autodiff/transforms.js";
import { evaluate, keepsGraphs } from "../evaluate.js";
import { host } from "../ops/random.js";
import { assign, Parameter } from "../parameter.js";
import { formatShape, sameShape } from "../shape.js";
import { entryOf, loadInto, type StateDict } from "../state.js";
import { type Assignment, currentTrace, describe, type Trace } from "../tape.js";
import type { FloatDtype, Tensor } from "../tensor.js";

/** A hyper-parameter as it is about to be used: finite and not negative. */
export function checkRate(op: string, name: string, value: number): number {
  if (!(typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new RangeError(`${op}: bad ${name}: got ${value}, expected a finite number ≥ 0`);
  return value;
}

/** A hyper-parameter in [0, 1). */
export function checkFraction(op: string, name: string, value: number): number {
  if (!(typeof value === "number" && value >= 0 && value < 1))
    throw new RangeError(`${op}: bad ${name}: got ${value}, expected 0 ≤ ${name} < 1`);
  return value;
}

/** The Parameters an optimizer keeps for one of its own, by their names in PyTorch's state. */
export type Moments = Readonly<Record<string, Parameter>>;

/**
 * Moves Parameters against gradients. Inside `compile` the updates become part of the step; outside
 * they run at once. Hyper-parameters are plain fields, read before each run.
 */
export abstract class Optimizer {
  abstract readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly #moments = new Map<Parameter, Moments>();
  /** How often a trace has updated a Parameter so far. */
  readonly #updates = new WeakMap<Trace, Map<Parameter, number>>();

  constructor(parameters: readonly Parameter[]) {
    for (const item of parameters)
      if (!(item instanceof Parameter))
        throw new TypeError(
          `${new.target.name}: not a parameter: got ${describe(item)}, expected Parameters, as from model.parameters()`,
        );
    if (parameters.length === 0 || new Set(parameters).size !== parameters.length)
      throw new RangeError(
        `${new.target.name}: bad list of parameters: got ${parameters.length}, expected at least one and each once`,
      );
    this.parameters = [...parameters];
  }

  /** What one update assigns: the Parameter's new value and those of its moments. */
  protected abstract update(parameter: Parameter, gradient: Tensor): readonly Assignment[];
  /** Names of the float moments, in PyTorch's words; made as zeros at the first update. */
  protected abstract readonly momentNames: readonly string[];
  /** Whether an update also counts its steps, under the name `step`. */
  protected abstract readonly countsSteps: boolean;
  /** The hyper-parameters by PyTorch's names, for saving. */
  protected abstract hyperParameters(): Record<string, number>;
  protected abstract setHyperParameters(values: Record<string, number>): void;

  /**
   * `apply(gradients(loss, parameters))`. Outside `compile` it runs at once, and `loss` keeps its
   * value.
   */
  minimize(loss: Tensor): void {
    if (!currentTrace() && loss.node.values[loss.index])
      throw new Error(
        `minimize: the loss was read before: got a value without its graph, expected minimize(loss) first; the loss keeps its value`,
      );
    const found = gradients(loss, this.parameters);
    if (found.every((gradient) => gradient === undefined))
      throw new Error(
        `minimize: the loss reaches none of the parameters: got ${loss}, expected one computed from ${this.parameters[0]} or others`,
      );
    this.#commit(found, [loss]);
  }

  /**
   * Updates each Parameter by the gradient at its position; undefined skips it whole: no decay, no
   * momentum. Outside `compile` it runs at once.
   */
  apply(gradients: readonly (Tensor | undefined)[]): void {
    if (gradients.length !== this.parameters.length)
      throw new RangeError(
        `apply: number of gradients differs: got ${gradients.length}, expected ${this.parameters.length}, one per parameter`,
      );
    this.#commit(gradients, []);
  }

  #commit(gradients: readonly (Tensor | undefined)[], results: readonly Tensor[]): void {
    if (keepsGraphs() && !currentTrace())
      throw new Error(
        `${this.name}: an update inside a transform: got a call within grad, vjp or jvp, expected it outside or inside compile`,
      );
    for (const [index, gradient] of gradients.entries()) {
      const owner = this.parameters[index] as Parameter;
      if (gradient && (!sameShape(gradient.shape, owner.shape) || gradient.dtype !== owner.dtype))
        throw new RangeError(
          `apply: gradient ${index} does not fit: got ${gradient.dtype} ${formatShape(gradient.shape)}, expected that of ${owner}`,
        );
    }
    const assignments = this.parameters.flatMap((owner, index) => {
      const gradient = gradients[index];
      return gradient ? this.update(owner, gradient) : [];
    });
    if (currentTrace()) for (const { parameter, value } of assignments) assign(parameter, value);
    else evaluate(results, assignments);
  }

  /**
   * Updates of a Parameter that come before this one in the same step, and are not counted yet when
   * it begins.
   */
  protected updatesBefore(owner: Parameter): number {
    const trace = currentTrace();
    if (!trace) return 0;
    const counts = this.#updates.get(trace) ?? new Map<Parameter, number>();
    this.#updates.set(trace, counts);
    const before = counts.get(owner) ?? 0;
    counts.set(owner, before + 1);
    return before;
  }

  protected moments(owner: Parameter): Moments {
    let moments = this.#moments.get(owner);
    if (!moments) {
      const { shape, dtype } = owner;
      const like = (name: string): Parameter =>
        new Parameter(shape, dtype, zerosLike(owner), name, false, owner.backend);
      moments = Object.fromEntries(this.momentNames.map((name) => [name, like(name)]));
      if (this.countsSteps)
        moments = {
          ...moments,
          step: new Parameter([], "i32", new Int32Array(1), "step", false, owner.backend),
        };
      this.#moments.set(owner, moments);
    }
    return moments;
  }

  /**
   * Moments by PyTorch's keys (`state.0.exp_avg`), the step count as I64, hyper-parameters as F64
   * scalars.
   */
  stateDict(): StateDict {
    const state: StateDict = {};
    for (const [index, owner] of this.parameters.entries())
      for (const [name, moment] of Object.entries(this.#moments.get(owner) ?? {}))
        state[`state.${index}.${name}`] = entryOf(moment);
    for (const [name, value] of Object.entries(this.hyperParameters()))
      state[`param_groups.0.${name}`] = { shape: [], dtype: "F64", data: Float64Array.of(value) };
    return state;
  }

  /**
   * Goes on from a saved state: every key, shape and dtype is checked before anything is changed.
   */
  loadStateDict(state: Readonly<StateDict>): void {
    const hyper: Record<string, number> = {};
    const rest: StateDict = {};
    for (const [key, entry] of Object.entries(state)) {
      const name = /^param_groups\.0\.(.+)$/.exec(key)?.[1];
      if (name === undefined) rest[key] = entry;
      else if (entry.dtype === "F64" && entry.data.length === 1)
        hyper[name] = Number(entry.data[0]);
      else
        throw new TypeError(
          `loadStateDict: "${key}" is not a number: got ${entry.dtype} of ${entry.data.length}, expected F64 of 1`,
        );
    }
    const known = Object.keys(this.hyperParameters());
    const wrong = [
      ...known.filter((name) => !(name in hyper)),
      ...Object.keys(hyper).filter((name) => !known.includes(name)),
    ];
    if (wrong.length > 0)
      throw new RangeError(
        `loadStateDict: hyper-parameters differ: got [${Object.keys(hyper).join(", ")}], expected [${known.join(", ")}]`,
      );
    const before = new Set(this.#moments.keys());
    const moments = new Map<string, Parameter>();
    for (const [index, owner] of this.parameters.entries())
      if (Object.keys(rest).some((key) => key.startsWith(`state.${index}.`)))
        for (const [name, moment] of Object.entries(this.moments(owner)))
          moments.set(`state.${index}.${name}`, moment);
    try {
      loadInto("loadStateDict", moments, rest);
    } catch (error) {
      // Moments made to be filled are taken back.
      for (const owner of this.#moments.keys()) if (!before.has(owner)) this.#moments.delete(owner);
      throw error;
    }
    this.setHyperParameters(hyper);
  }
}

function zerosLike(owner: Parameter): Float32Array | Float64Array {
  return owner.dtype === "f64" ? new Float64Array(owner.size) : new Float32Array(owner.size);
}

/** Numbers that `read` supplies before each run, in the precision of a Parameter. */
export function hyper(owner: Parameter, size: number, read: (into: Float64Array) => void): Tensor {
  return host({ size, dtype: "float", read }, owner.dtype as FloatDtype);
}
