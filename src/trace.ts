/**
 * A trace: the recording of one call of a compiled function, or of a part of it, and which one is
 * going on.
 */
import type { Parameter } from "./parameter.js";
import type { Node, Tensor } from "./tensor.js";

/** The only effect there is: when the program ends, the Parameter holds the value. */
export interface Assignment {
  readonly parameter: Parameter;
  readonly value: Tensor;
  /**
   * The effect's own read of the Parameter, which sees what earlier effects of the program
   * assigned.
   */
  readonly own?: Tensor;
}

/** The recording of one call of a compiled function. */
export interface Trace {
  readonly nodes: Node[];
  /** What a Parameter stands for from here on: its first read, or the value last assigned. */
  readonly bindings: Map<Parameter, Tensor>;
  /** Everything a Parameter stood for so far; gradients are taken with respect to all of it. */
  readonly standIns: Map<Parameter, Tensor[]>;
  readonly assigned: Set<Parameter>;
  /** What `gradients` found last for a Parameter, in this trace. */
  readonly gradients: Map<Parameter, Tensor>;
  /** The scalars that `gradients` was given. */
  readonly losses: Tensor[];
  /** `training` flags read while tracing: part of the program's key. */
  readonly flags: Map<{ readonly training: boolean }, boolean>;
  /** Random draws so far. */
  draws: number;
  closed: boolean;
  /** The recording of a part of another: of what `vmap`, `checkpoint` and others are given. */
  readonly body?: BodyTrace;
  /** Set where nothing is committed: optimizers leave their updates out. */
  readonly outline?: Outline;
}

/** Of a recording without the updates of optimizers. */
export interface Outline {
  /** Whether there was an update. */
  leftOut: boolean;
  /** Whether something was recorded after it that may depend on it. */
  missed: boolean;
}

/** What a body knows of what is around it. */
export interface BodyTrace {
  /** The trace that is going on around it; undefined outside `compile`. */
  readonly parent: Trace | undefined;
  /**
   * For a body that runs once for each index: what `make` records outside of it with a leading axis
   * of that many, one index of it.
   */
  readonly mapped?: (make: (count: number) => Tensor) => Tensor;
}

/** The trace of the compiled function around a trace; undefined for bodies outside `compile`. */
export function compiledTrace(trace: Trace | undefined): Trace | undefined {
  let at = trace;
  while (at?.body) at = at.body.parent;
  return at;
}

let current: Trace | undefined;

export function currentTrace(): Trace | undefined {
  return current;
}

/**
 * Runs `fn` with its ops recorded on a new tape. The trace is closed afterwards, whatever happens.
 */
export function traced<T>(
  fn: (trace: Trace) => T,
  { body, outline }: Pick<Trace, "body" | "outline"> = {},
): { trace: Trace; result: T } {
  const trace: Trace = {
    ...(body && { body }),
    ...(outline && { outline }),
    nodes: [],
    bindings: new Map(),
    standIns: new Map(),
    assigned: new Set(),
    gradients: new Map(),
    losses: [],
    flags: body?.parent?.flags ?? new Map(),
    draws: 0,
    closed: false,
  };
  const outer = current;
  current = trace;
  try {
    return { trace, result: fn(trace) };
  } finally {
    current = outer;
    trace.closed = true;
  }
}

/** Runs `fn` with its ops recorded on another trace that is still open. */
export function inTrace<T>(trace: Trace | undefined, fn: () => T): T {
  const before = current;
  current = trace;
  try {
    return fn();
  } finally {
    current = before;
  }
}

/** Says that what is recorded next depends on the updates before it. */
export function needUpdates(trace: Trace | undefined): void {
  if (trace?.outline?.leftOut) trace.outline.missed = true;
}

/** A module's `training` flag; while tracing it becomes part of what the program is kept under. */
export function noteTraining(module: { readonly training: boolean }): boolean {
  if (current && !current.flags.has(module)) current.flags.set(module, module.training);
  return module.training;
}
