/** A call of a function, recorded with its reverse walk; nothing is computed yet. */

import { type Origin, sketchOf, withOrigins } from "../origins.js";
import { placeholder } from "../tape.js";
import { isFloat, type Node, type Tensor } from "../tensor.js";
import { type Outline, type Trace, traced } from "../trace.js";
import {
  type CircuitOptions,
  checkCircuitOptions,
  type Input,
  type NamedOutput,
  ordered,
  readInputs,
  readOutputs,
} from "./arguments.js";
import { checkCall } from "./call.js";
import { type Draft, draftOf } from "./graph.js";

/** A recorded call, while more can be recorded after it. */
export interface Call {
  readonly op: string;
  readonly trace: Trace;
  readonly inputs: readonly Input[];
  readonly placeholders: readonly Tensor[];
  /** The last one is to be differentiated. */
  readonly outputs: readonly NamedOutput[];
  readonly origins: ReadonlyMap<Node, Origin>;
}

/** `op` is who asks, for errors, and has the `known` options; `then` records what else is needed. */
export function recordCall<R>(
  op: string,
  f: unknown,
  args: readonly unknown[],
  options: CircuitOptions,
  known: readonly (keyof CircuitOptions)[],
  then: (call: Call) => R,
): R {
  const fn = checkCall(op, f, args) as (...args: unknown[]) => unknown;
  checkCircuitOptions(op, options, known, args);
  const { inputs, fill } = readInputs(op, args, options.names);
  const body = () => {
    const placeholders = inputs.map(({ type }, index) => placeholder(type, index));
    return { placeholders, outputs: readOutputs(op, fn(...fill(placeholders))) };
  };
  const sketch = sketchOf(body);
  /** Nothing for a function that, other than its sketch, needs the updates which are left out. */
  const recorded = (outline: Outline | undefined): { made: R } | undefined =>
    traced((trace) => {
      const { result, origins } = withOrigins(body, "forward", sketch);
      if (outline?.missed) return undefined;
      const { placeholders } = result;
      const outputs = ordered(op, result.outputs, options.output);
      return { made: then({ op, trace, inputs, placeholders, outputs, origins }) };
    }, outline && { outline }).result;
  const made =
    (sketch.withoutUpdates && recorded({ leftOut: false, missed: false })) || recorded(undefined);
  return (made as { made: R }).made;
}

/** The call's graph with the reverse walk from its last output, on which `seed` arrives. */
export function draftCall(
  { inputs, placeholders, outputs, origins }: Call,
  seed: Tensor | undefined,
  depth: number,
): Draft {
  return draftOf({
    leaves: placeholders.map((tensor, index) => ({
      tensor,
      label: (inputs[index] as Input).label,
    })),
    outputs,
    cotangents: outputs.map((_, index) => (index === outputs.length - 1 ? seed : undefined)),
    targets: placeholders.filter(({ dtype }) => isFloat(dtype)),
    origins,
    depth,
  });
}
