/**
 * A function's ops as they are recorded, each with the line of user code and the modules that it
 * comes from. Nothing of the user's is changed: while recording, the modules that own the
 * function's Parameters tell when they are entered.
 */

import { userLine } from "./origin.js";
import type { Parameter } from "./parameter.js";
import { moduleHooks, watched } from "./tape.js";
import type { Node } from "./tensor.js";
import { type Trace, traced } from "./trace.js";

export interface Origin {
  /** "file:line:column"; undefined where it is not known. */
  readonly source: string | undefined;
  /** Keys of the modules it was recorded in, outermost first: ["blocks.0", "blocks.0.attention"]. */
  readonly modules: readonly string[];
  /** The node whose derivative it is a part of. */
  readonly derivativeOf: Node | undefined;
}

export interface Recording<R> {
  readonly trace: Trace;
  readonly result: R;
  readonly origins: ReadonlyMap<Node, Origin>;
}

interface Observed<T> {
  readonly result: T;
  readonly origins: ReadonlyMap<Node, Origin>;
}

/** Which lines of user code to find; "forward" for those of what computes and is no derivative. */
type Lines = boolean | "forward";

function observe<T>(parameters: Iterable<Parameter>, fn: () => T, lines: Lines): Observed<T> {
  const origins = new Map<Node, Origin>();
  const path: string[] = [];
  // Nodes that follow one another mostly have one path, which is kept once.
  let modules: readonly string[] = [];
  const undo = moduleHooks()?.watch(parameters, path);
  try {
    const result = watched((node, derivativeOf) => {
      const wanted = lines === "forward" ? !derivativeOf && node.inputs.length > 0 : lines;
      const source = wanted ? userLine() : undefined;
      if (path.length !== modules.length || path.some((key, level) => key !== modules[level]))
        modules = [...path];
      origins.set(node, { source, modules, derivativeOf });
    }, fn);
    return { result, origins };
  } finally {
    undo?.();
  }
}

/** What a function does, as far as it is known before it is recorded. */
interface Sketch {
  /** Which Parameters it reads or assigns, and so which modules there are. */
  readonly parameters: Iterable<Parameter>;
  /** Whether nothing that it records depends on an optimizer's update. */
  readonly withoutUpdates: boolean;
}

/** Records `fn` apart. */
export function sketchOf(fn: (trace: Trace) => unknown): Sketch {
  const outline = { leftOut: false, missed: false };
  const { trace } = traced(fn, { outline });
  return { parameters: trace.standIns.keys(), withoutUpdates: !outline.missed };
}

/**
 * Runs `fn`, which records in the trace that is open, after recording it apart. `lines`: whether
 * to find the lines of user code, which takes most of the time.
 */
export const withOrigins = <T>(
  fn: () => T,
  lines: Lines = true,
  { parameters }: Sketch = sketchOf(fn),
): Observed<T> => observe(parameters, fn, lines);

/** Records `fn`, which may read Parameters and assign them; nothing runs. */
export function recordWithOrigins<R>(fn: (trace: Trace) => R): Recording<R> {
  const { result, origins } = observe(sketchOf(fn).parameters, () => traced(fn), true);
  return { ...result, origins };
}
