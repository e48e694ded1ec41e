/**
 * A function's ops as they are recorded, each with the line of user code and the modules that it
 * comes from. Nothing of the user's is changed: while recording, the modules that own the
 * function's Parameters tell when they are entered.
 */
import { userLine } from "./origin.js";
import { moduleHooks, type Trace, traced, watched } from "./tape.js";
import type { Node } from "./tensor.js";

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

/**
 * Runs `fn`, which records in the trace that is open: what it does again is recorded apart first, to
 * learn which Parameters it reads, and so which modules there are. `lines`: whether to find the
 * lines of user code, which takes much of the time; "forward" for those of no derivative.
 */
export function withOrigins<T>(
  fn: () => T,
  lines: boolean | "forward" = true,
): { readonly result: T; readonly origins: ReadonlyMap<Node, Origin> } {
  const { trace } = traced(fn);
  const origins = new Map<Node, Origin>();
  const path: string[] = [];
  const undo = moduleHooks()?.watch(trace.standIns.keys(), path);
  try {
    const result = watched((node, derivativeOf) => {
      const wanted = lines === "forward" ? !derivativeOf : lines;
      const source = wanted ? userLine() : undefined;
      origins.set(node, { source, modules: [...path], derivativeOf });
    }, fn);
    return { result, origins };
  } finally {
    undo?.();
  }
}

/** Records `fn`, which may read Parameters and assign them; nothing runs. */
export function recordWithOrigins<R>(fn: (trace: Trace) => R): Recording<R> {
  const { trace, result } = traced((own) => withOrigins(() => fn(own)));
  return { trace, ...result };
}
