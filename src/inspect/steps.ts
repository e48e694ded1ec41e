/** The backward pass, one gate after the other, as one would walk it by hand. */
import type { CircuitData, Gate, Summary } from "./types.js";
import { callText, summaryText, wireOf } from "./words.js";

export interface Step {
  readonly gate: Gate;
  /** The gradients that arrive at its outputs; undefined where none does. */
  readonly upstream: readonly (Summary | undefined)[];
  /** ∂output/∂operand for each operand: see `Gate.locals`. */
  readonly local: readonly (Summary | undefined)[];
  /** What goes on to each operand; undefined for those that get nothing. */
  readonly downstream: readonly (Summary | undefined)[];
  /** The rule in words, and the numbers. */
  readonly text: string;
}

/** "dq = 1 · -4 = -4" */
function productText(
  name: string,
  up: Summary | undefined,
  local: Summary | undefined,
  down: Summary,
): string {
  const product = up && local ? `${summaryText(up)} · ${summaryText(local)} = ` : "";
  return `d${name} = ${product}${summaryText(down)}`;
}

function stepOf(circuit: CircuitData, gate: Gate): Step {
  const outputs = gate.outputs.map((id) => wireOf(circuit, id));
  const inputs = gate.inputs.map((id) => wireOf(circuit, id));
  const upstream = outputs.map(({ gradient }) => gradient);
  const downstream = inputs.map(
    ({ terms }, operand) =>
      terms.find((term) => term.gate === gate.id && term.operand === operand)?.gradient,
  );
  const call = `${outputs.map(({ label }) => label).join(", ")} = ${callText(circuit, gate)}`;
  const arrived = outputs.flatMap(({ label, gradient }) =>
    gradient ? [`d${label} = ${summaryText(gradient)}`] : [],
  );
  const sent = inputs.flatMap(({ label }, operand) => {
    const down = downstream[operand];
    return down ? [productText(label, upstream[0], gate.locals[operand], down)] : [];
  });
  const text = `${call}: ${gate.rule}. Given ${arrived.join(", ")}: ${sent.join(", ") || "nothing goes on"}`;
  return { gate, upstream, local: gate.locals, downstream, text };
}

/** The gates that a gradient arrives at, last first. */
export const stepsOf = (circuit: CircuitData): Step[] =>
  circuit.gates
    .filter(({ outputs }) => outputs.some((id) => wireOf(circuit, id).gradient))
    .map((gate) => stepOf(circuit, gate))
    .reverse();
