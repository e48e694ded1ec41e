/** A call of a function, recorded with its reverse walk; nothing is computed yet. */
import { currentTrace, makeNode, type Op, type Trace } from "../tape.js";
import { isFloat, type Tensor } from "../tensor.js";
import {
  type CircuitOptions,
  checkOptions,
  type Input,
  type NamedOutput,
  ordered,
  readInputs,
  readOutputs,
  seedOf,
} from "./arguments.js";
import { type Draft, draftOf } from "./graph.js";
import { plainFunction, recordWithOrigins } from "./recording.js";

const inputOp: Op<{ readonly index: number }> = {
  name: "placeholder",
  infer: () => [],
  // Its bytes are copied in before the program runs.
  lower: () => undefined,
};

export interface Drafted {
  readonly trace: Trace;
  readonly inputs: readonly Input[];
  readonly placeholders: readonly Tensor[];
  readonly draft: Draft;
}

/** `op` is who asks, for errors. */
export function draftCall(
  op: string,
  f: unknown,
  args: readonly unknown[],
  options: CircuitOptions,
): Drafted {
  const fn = plainFunction(op, f) as (...args: unknown[]) => unknown;
  checkOptions(op, options, args);
  if (currentTrace())
    throw new Error(
      `${op}: called while a function is being compiled: expected a call outside of it, with its values`,
    );
  const { depth = Number.POSITIVE_INFINITY } = options;
  const { inputs, fill } = readInputs(op, args, options.names);
  const { trace, result } = recordWithOrigins(
    () => {
      const placeholders = inputs.map(
        ({ type }, index) => makeNode(inputOp, [], { index }, [type]).outputs[0] as Tensor,
      );
      return { placeholders, outputs: readOutputs(op, fn(...fill(placeholders))) };
    },
    ({ placeholders, outputs }, _, origins) => {
      const shown = ordered(op, outputs, options.output);
      const seed = seedOf(op, shown.at(-1) as NamedOutput, options.cotangent);
      const draft = draftOf({
        leaves: placeholders.map((tensor, index) => ({
          tensor,
          label: (inputs[index] as Input).label,
        })),
        outputs: shown,
        cotangents: shown.map((_output, index) => (index === shown.length - 1 ? seed : undefined)),
        targets: placeholders.filter(({ dtype }) => isFloat(dtype)),
        origins,
        depth,
      });
      return { placeholders, draft };
    },
  );
  return { trace, inputs, ...result };
}
