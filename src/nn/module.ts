import { Parameter } from "../parameter.js";
import { entryOf, loadInto, type StateDict, snakeCase } from "../state.js";
import { setHooks } from "../tape.js";
import type { Tensor } from "../tensor.js";
import { noteTraining } from "../trace.js";

/** The outermost module that was asked for a Parameter, and its key there. */
interface Owner {
  readonly root: Module;
  readonly key: string;
}
const owners = new WeakMap<Parameter, Owner>();

/**
 * A layer, or a network of them. Parameters, buffers and child modules are its properties; their
 * names are those of PyTorch's state dictionaries (`runningMean` is saved as `running_mean`).
 */
export abstract class Module {
  /**
   * Whether `forward` trains (batch statistics, dropout) or only predicts. Read while tracing: see
   * `compile`.
   */
  training = true;

  /** What the module computes: one tensor from one for a `Layer`. */
  abstract forward(...inputs: never[]): unknown;

  /**
   * The Parameters that are trained, in the order of construction; one that several modules share
   * comes once.
   */
  parameters(): Parameter[] {
    return [...new Set(this.namedParameters().values())].filter(({ trainable }) => trainable);
  }

  /** Parameters and buffers by key. */
  namedParameters(): ReadonlyMap<string, Parameter> {
    const named = this.#named();
    for (const [key, parameter] of named) {
      const known = owners.get(parameter);
      if (!known || known.key.length < key.length) owners.set(parameter, { root: this, key });
    }
    return named;
  }

  /** This module under the key "", and all those inside it under theirs, outer before inner. */
  namedModules(): ReadonlyMap<string, Module> {
    const named = new Map<string, Module>([["", this]]);
    for (const [name, child] of this.#children())
      for (const [key, module] of child.namedModules())
        named.set(key ? `${name}.${key}` : name, module);
    return named;
  }

  train(mode = true): this {
    this.training = mode;
    for (const [, child] of this.#children()) child.train(mode);
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** Copies of all Parameters and buffers under PyTorch's key names. */
  stateDict(): StateDict {
    return Object.fromEntries(
      [...this.#named()].map(([key, parameter]) => [key, entryOf(parameter)]),
    );
  }

  /**
   * Copies the values in place, after checking every key, shape and dtype; compiled programs stay
   * valid.
   */
  loadStateDict(state: Readonly<StateDict>): void {
    loadInto("loadStateDict", this.#named(), state);
  }

  /** `training` as part of the trace's key. */
  protected isTraining(): boolean {
    return noteTraining(this);
  }

  *#children(): Generator<[string, Module]> {
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Module) yield [snakeCase(name), value];
      else if (Array.isArray(value))
        for (const [index, item] of value.entries())
          if (item instanceof Module) yield [this.childKey(name, index), item];
    }
  }

  /** The key of a module in an array property. */
  protected childKey(name: string, index: number): string {
    return `${snakeCase(name)}.${index}`;
  }

  #named(): Map<string, Parameter> {
    const named = new Map<string, Parameter>();
    for (const [name, value] of Object.entries(this))
      if (value instanceof Parameter) named.set(snakeCase(name), value);
    for (const [name, child] of this.#children())
      for (const [key, parameter] of child.#named()) named.set(`${name}.${key}`, parameter);
    return named;
  }
}

/** A module from one tensor to one: what `Sequential` chains. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor;
}

function rootsOf(parameters: Iterable<Parameter>): Set<Module> {
  const roots = new Set<Module>();
  for (const parameter of parameters) {
    const owner = owners.get(parameter);
    if (owner) roots.add(owner.root);
  }
  return roots;
}

/** Lets a module keep its key in `path` while its `forward` runs; returns how to undo it. */
function watchForward(key: string, module: Module, path: string[]): () => void {
  const { forward } = module;
  const own = Object.getOwnPropertyDescriptor(module, "forward");
  Object.defineProperty(module, "forward", {
    configurable: true,
    value: (...inputs: never[]) => {
      path.push(key);
      try {
        return forward.apply(module, inputs);
      } finally {
        path.pop();
      }
    },
  });
  return () => {
    if (own) Object.defineProperty(module, "forward", own);
    else Reflect.deleteProperty(module, "forward");
  };
}

setHooks({
  modules: {
    watch(parameters, path) {
      const undo: (() => void)[] = [];
      for (const root of rootsOf(parameters))
        for (const [key, module] of root.namedModules())
          if (key !== "") undo.push(watchForward(key, module, path));
      return () => {
        for (const restore of undo.reverse()) restore();
      };
    },
    keyOf: (parameter) => owners.get(parameter)?.key,
  },
});
