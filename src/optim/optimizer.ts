import { gradients, reaches } from "../autodiff/transforms.js";
import { checkRate } from "../describe.js";
import { evaluate, keepsGraphs } from "../evaluate.js";
import { arrayOf } from "../ops/create.js";
import { neg } from "../ops/elementwise.js";
import { host } from "../ops/random.js";
import { assign, Parameter } from "../parameter.js";
import type { HostSource } from "../plan/lowering.js";
import { type Shape, sizeOf } from "../shape.js";
import { entryOf, loadInto, type StateDict } from "../state.js";
import { checkTensors } from "../tape.js";
import type { FloatDtype, Tensor } from "../tensor.js";
import { type Assignment, currentTrace, type Trace } from "../trace.js";
import { checkFits, type Gradients } from "./gradients.js";
import { loadGroups, saveGroups } from "./groupState.js";
import { type Group, groupsOf, type Hyper, type ParametersOrGroups } from "./groups.js";

/** The state an optimizer keeps for a Parameter, by its names in PyTorch's state. */
export type Moments = Readonly<Record<string, Parameter>>;

/** A float moment: of the Parameter's shape unless `shape` is given, filled with `start`. */
export interface MomentSpec {
  readonly start?: number;
  readonly shape?: Shape;
}

/**
 * Moves Parameters against gradients. Inside `compile` the updates become part of the step; outside
 * they run at once. Hyper-parameters are plain fields of `groups`, read before each run.
 */
export abstract class Optimizer<H extends Hyper = Hyper> {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** One for all Parameters, or those it was made with: their rates may be changed between runs. */
  readonly groups: readonly Group<H>[];
  readonly #groupOf = new Map<Parameter, Group<H>>();
  readonly #moments = new Map<Parameter, Moments>();
  /** How often a trace has updated a Parameter so far. */
  readonly #updates = new WeakMap<Trace, Map<Parameter, number>>();

  /** What is read before each run, by group and variant. */
  readonly #sources = new Map<Group<H>, Map<string, HostSource>>();

  constructor(name: string, given: ParametersOrGroups<H>, defaults: H, options: Partial<H>) {
    this.name = name;
    this.groups = groupsOf(name, given, defaults, options);
    this.parameters = this.groups.flatMap(({ parameters }) => [...parameters]);
    for (const group of this.groups) {
      this.check(group);
      for (const parameter of group.parameters) this.#groupOf.set(parameter, group);
    }
  }

  /** What one update assigns: the Parameter's new value and those of its moments. */
  protected abstract update(
    parameter: Parameter,
    gradient: Tensor,
    group: Group<H>,
  ): readonly Assignment[];

  /** Throws for hyper-parameters that are not to be used; called before each run. */
  protected check({ lr, weightDecay }: Group<H>): void {
    checkRate(this.name, "lr", lr);
    checkRate(this.name, "weightDecay", weightDecay);
  }

  /** The learning rate of the first group; setting it sets that of every group. */
  get lr(): number {
    return this.first.lr;
  }
  set lr(value: number) {
    for (const group of this.groups) group.lr = value;
  }

  /** The weight decay of the first group; setting it sets that of every group. */
  get weightDecay(): number {
    return this.first.weightDecay;
  }
  set weightDecay(value: number) {
    for (const group of this.groups) group.weightDecay = value;
  }

  protected get first(): Group<H> {
    return this.groups[0] as Group<H>;
  }

  /**
   * `apply(gradients(loss, parameters))`. Outside `compile` it runs at once, and `loss` keeps its
   * value.
   */
  minimize(loss: Tensor): void {
    checkTensors("minimize", loss);
    if (!currentTrace() && loss.node.values[loss.index])
      throw new Error(
        `minimize: the loss was read before: got a value without its graph, expected minimize(loss) first; the loss keeps its value`,
      );
    const outlined = currentTrace()?.outline !== undefined;
    const found = outlined ? [] : gradients(loss, this.parameters);
    if (!(outlined ? reaches(loss, this.parameters) : found.some((gradient) => gradient)))
      throw new Error(
        `minimize: the loss reaches none of the parameters: got ${loss}, expected one computed from ${this.parameters[0]} or others`,
      );
    this.#commit(found, [loss]);
  }

  /**
   * Updates each Parameter by the gradient at its position; undefined skips it whole: no decay, no
   * momentum. Outside `compile` it runs at once.
   */
  apply(gradients: Gradients): void {
    checkFits("apply", gradients, this.parameters);
    this.#commit(gradients, []);
  }

  #commit(gradients: Gradients, results: readonly Tensor[]): void {
    if (keepsGraphs() && !currentTrace())
      throw new Error(
        `${this.name}: an update inside a transform: got a call within grad, vjp or jvp, expected it outside or inside compile`,
      );
    const trace = currentTrace();
    if (trace?.outline) {
      trace.outline.leftOut = true;
      return;
    }
    const assignments = this.parameters.flatMap((owner, index) => {
      const gradient = gradients[index];
      if (!gradient) return [];
      const group = this.#groupOf.get(owner) as Group<H>;
      return this.update(owner, group.maximize ? neg(gradient) : gradient, group);
    });
    if (trace) for (const { parameter, value } of assignments) assign(parameter, value);
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

  /** The moments of a Parameter; the float ones of `momentsOf`, and its step count if it has one. */
  protected moments(owner: Parameter): Moments {
    let moments = this.#moments.get(owner);
    if (!moments) {
      const made: Record<string, Parameter> = {};
      const specs = this.momentsOf(this.#groupOf.get(owner) as Group<H>);
      for (const [name, spec] of Object.entries(specs))
        made[name] = spec === "count" ? counter(owner) : moment(owner, name, spec);
      moments = made;
      this.#moments.set(owner, moments);
    }
    return moments;
  }

  /** What is kept for each Parameter of a group, by PyTorch's names; made at the first update. */
  protected abstract momentsOf(group: Group<H>): Readonly<Record<string, MomentSpec | "count">>;

  /**
   * Numbers that are read from a group before each run: one vector for all its Parameters, and for
   * each `variant` of what is read.
   */
  protected shared(
    owner: Parameter,
    group: Group<H>,
    size: number,
    read: (into: Float64Array) => void,
    variant = "",
  ): Tensor {
    const sources = this.#sources.get(group) ?? new Map<string, HostSource>();
    this.#sources.set(group, sources);
    const source = sources.get(variant) ?? {
      size,
      dtype: "float",
      read: (into) => {
        this.check(group);
        read(into);
      },
    };
    sources.set(variant, source);
    return host(source, owner.dtype as FloatDtype);
  }

  /** One-element values that are read from the group, or computed from it alone. */
  protected scalars<Name extends string>(
    owner: Parameter,
    group: Group<H>,
    reads: Readonly<Record<Name, () => number>>,
    variant = "",
  ): Record<Name, Tensor> {
    const list = Object.values<() => number>(reads);
    const vector = this.shared(
      owner,
      group,
      list.length,
      (into) => {
        for (const [k, read] of list.entries()) into[k] = read();
      },
      variant,
    );
    return named(reads, vector);
  }

  /** The same, computed for one Parameter: from its step count. */
  protected ownScalars<Name extends string>(
    owner: Parameter,
    group: Group<H>,
    reads: Readonly<Record<Name, () => number>>,
  ): Record<Name, Tensor> {
    const list = Object.values<() => number>(reads);
    const vector = hyper(owner, list.length, (into) => {
      this.check(group);
      for (const [k, read] of list.entries()) into[k] = read();
    });
    return named(reads, vector);
  }

  /**
   * Moments by PyTorch's keys (`state.0.exp_avg`), the step count as I64, hyper-parameters as F64
   * scalars (`param_groups.0.lr`).
   */
  stateDict(): StateDict {
    const state: StateDict = {};
    for (const [index, owner] of this.parameters.entries())
      for (const [name, moment] of Object.entries(this.#moments.get(owner) ?? {}))
        state[`state.${index}.${name}`] = entryOf(moment);
    return { ...state, ...saveGroups(this.groups) };
  }

  /**
   * Goes on from a saved state: every key, shape and dtype is checked before anything is changed.
   */
  loadStateDict(state: Readonly<StateDict>): void {
    const { rest, restore } = loadGroups(this.groups, state);
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
    restore();
  }
}

const counter = (owner: Parameter): Parameter =>
  new Parameter([], "i32", new Int32Array(1), "step", false, owner.backend);

function moment(owner: Parameter, name: string, { start = 0, shape }: MomentSpec): Parameter {
  const { dtype, backend } = owner;
  const own = shape ?? owner.shape;
  const data = arrayOf(dtype, sizeOf(own)).fill(start);
  return new Parameter(own, dtype, data, name, false, backend);
}

/** The elements of a vector as one-element values, by name. */
function named<Name extends string>(
  names: Readonly<Record<Name, unknown>>,
  vector: Tensor,
): Record<Name, Tensor> {
  const entries = Object.keys(names).map((name, k) => [name, vector.slice([k])]);
  return Object.fromEntries(entries) as Record<Name, Tensor>;
}

/** Numbers that `read` supplies before each run, in the precision of a Parameter. */
export function hyper(owner: Parameter, size: number, read: (into: Float64Array) => void): Tensor {
  return host({ size, dtype: "float", read }, owner.dtype as FloatDtype);
}
