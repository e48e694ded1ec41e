/**
 * A function's ops as they are recorded, each with the line of user code and the modules that it
 * comes from. Nothing of the user's is changed: while recording, the modules that own the
 * function's Parameters tell when they are entered.
 */
import { functionOf } from "../compile.js";
import { type Module, ownerOf } from "../nn/module.js";
import type { Parameter } from "../parameter.js";
import { describe, type Trace, traced, watched } from "../tape.js";
import type { Node } from "../tensor.js";
import { userLine } from "./origin.js";

export interface Origin {
  /** "file:line:column"; undefined where it is not known. */
  readonly source: string | undefined;
  /** Keys of the modules it was recorded in, outermost first: ["blocks.0", "blocks.0.attention"]. */
  readonly modules: readonly string[];
}

export interface Recording<R> {
  readonly trace: Trace;
  readonly result: R;
  readonly origins: ReadonlyMap<Node, Origin>;
}

/** The function behind a compiled one, or the function itself. */
export function plainFunction(op: string, fn: unknown): (...args: never[]) => unknown {
  if (typeof fn !== "function")
    throw new TypeError(
      `${op}: not a function: got ${describe(fn)}, expected a function of tensors`,
    );
  return functionOf(fn) ?? (fn as (...args: never[]) => unknown);
}

/**
 * Records `fn`, which may read Parameters and assign them; nothing runs. What `then` makes of its
 * result is recorded on the same trace, without origins.
 */
export function recordWithOrigins<R>(fn: (trace: Trace) => R): Recording<R>;
export function recordWithOrigins<F, R>(
  fn: (trace: Trace) => F,
  then: (result: F, trace: Trace, origins: ReadonlyMap<Node, Origin>) => R,
): Recording<R>;
export function recordWithOrigins(
  fn: (trace: Trace) => unknown,
  then: (result: unknown, trace: Trace, origins: ReadonlyMap<Node, Origin>) => unknown = (result) =>
    result,
): Recording<unknown> {
  // The modules are known once it is known which Parameters are read.
  const { trace } = traced(fn);
  const roots = rootsOf(trace.standIns.keys());
  const origins = new Map<Node, Origin>();
  const path: string[] = [];
  const undo = roots.flatMap((root) => watchModules(root, path));
  try {
    const note = (node: Node): unknown =>
      origins.set(node, { source: userLine(), modules: [...path] });
    return {
      ...traced((own) =>
        then(
          watched(note, () => fn(own)),
          own,
          origins,
        ),
      ),
      origins,
    };
  } finally {
    for (const restore of undo) restore();
  }
}

function rootsOf(parameters: Iterable<Parameter>): Module[] {
  const roots = new Set<Module>();
  for (const parameter of parameters) {
    const owner = ownerOf(parameter);
    if (owner) roots.add(owner.root);
  }
  return [...roots];
}

/** Lets every module under `root` keep `path` while its `forward` runs; returns how to undo it. */
function watchModules(root: Module, path: string[]): (() => void)[] {
  return [...root.namedModules()].flatMap(([key, module]) => {
    if (key === "") return [];
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
    return [
      () =>
        own
          ? void Object.defineProperty(module, "forward", own)
          : void Reflect.deleteProperty(module, "forward"),
    ];
  });
}
