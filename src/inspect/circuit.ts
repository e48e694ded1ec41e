/**
 * The circuit of a function: its gates, and on every wire the value that goes forward and the
 * gradient that comes back. Recorded like a step, computed by one program, and nothing is committed.
 */

import { elementBytes } from "../backend.js";
import { homeOf } from "../evaluate.js";
import { constant, hostValue } from "../ops/create.js";
import { placeApart } from "../plan/apart.js";
import type { HostSource } from "../plan/lowering.js";
import { makePlan } from "../plan/plan.js";
import { Program } from "../plan/program.js";
import { ancestors } from "../tape.js";
import type { Tensor } from "../tensor.js";
import type { Trace } from "../trace.js";
import { type CircuitOptions, type NamedOutput, seedOf } from "./arguments.js";
import { attributesText } from "./attributes.js";
import { checkCircuit } from "./check.js";
import { type DotOptions, toDot } from "./dot.js";
import { type Call, draftCall, recordCall } from "./draft.js";
import type { DrawOptions } from "./draw/open.js";
import { toHtml } from "./draw/toHtml.js";
import { toSvg } from "./draw/toSvg.js";
import type { Draft } from "./graph.js";
import { collapsed } from "./group.js";
import { type Json, toJson } from "./json.js";
import { type Step, stepsOf } from "./steps.js";
import { summarise } from "./summary.js";
import { type TextOptions, toText } from "./text.js";
import type { CircuitData, Gate, Summary, Wire } from "./types.js";

/** What random draws and optimizers read from JavaScript, as it is now: constants of the program. */
function frozenHosts(trace: Trace): Map<Tensor, Tensor> {
  const frozen = new Map<Tensor, Tensor>();
  for (const node of trace.nodes) {
    const { source } = (node.attrs ?? {}) as { source?: HostSource };
    if (!source || node.inputs.length > 0) continue;
    const output = node.outputs[0] as Tensor;
    frozen.set(output, constant(hostValue(output, source), output.shape, output.dtype));
  }
  return frozen;
}

/** Every tensor of a draft that is to be computed. */
function* tensorsOf({ gates, wires }: Draft): Generator<Tensor> {
  for (const { tensor, gradient, terms } of wires) {
    yield tensor;
    if (gradient) yield gradient;
    for (const term of terms) yield term.gradient;
  }
  for (const { locals, inside } of gates) {
    for (const local of locals) if (local) yield local;
    if (inside) yield* tensorsOf(inside);
  }
}

/** Computes tensors of a call in one program, and says how they are; nothing is committed. */
function compute(
  { trace, placeholders, inputs }: Call,
  wanted: Iterable<Tensor>,
  entries: number,
): Map<Tensor, Summary> {
  const summaries = new Map<Tensor, Summary>();
  const outputs: Tensor[] = [];
  for (const tensor of new Set(wanted)) {
    const known = tensor.node.values[tensor.index];
    if (known) summaries.set(tensor, summarise(tensor, known, entries));
    else outputs.push(tensor);
  }
  const { backend, float } = homeOf(ancestors([...outputs, ...placeholders]), []);
  const tape = { nodes: trace.nodes, placeholders, outputs, assignments: [] };
  const plan = makePlan(tape, float, frozenHosts(trace), "plain", placeApart);
  const program = new Program(plan, backend, float);
  try {
    const given = inputs.map(({ data }) => data);
    program.run(given, false, outputs.length);
    const { views } = backend.memory;
    for (const [index, tensor] of outputs.entries()) {
      const begin = program.placeOf(index).address / elementBytes(tensor.dtype);
      const numbers = views[tensor.dtype];
      summaries.set(tensor, summarise(tensor, numbers, entries, begin, tensor.size));
    }
  } finally {
    program.release();
  }
  return summaries;
}

/** The draft in numbers. */
function dataOf(draft: Draft, summary: (tensor: Tensor) => Summary): CircuitData {
  const maybe = (tensor: Tensor | undefined): Summary | undefined => tensor && summary(tensor);
  return {
    gates: draft.gates.map(
      ({ node, inputs, outputs, origin, rule, locals, inside }, id): Gate => ({
        id,
        name: node.op.name,
        attributes: attributesText(node.attrs),
        inputs,
        outputs,
        modules: origin.modules,
        source: origin.source,
        rule: rule.words,
        locals: locals.map(maybe),
        inside: inside && dataOf(inside, summary),
      }),
    ),
    wires: draft.wires.map(
      ({ tensor, label, kind, from, gradient, terms }, id): Wire => ({
        id,
        label,
        kind,
        from,
        value: summary(tensor),
        gradient: maybe(gradient),
        terms: terms.map((term) => ({ ...term, gradient: summary(term.gradient) })),
      }),
    ),
    inputs: draft.inputs,
    outputs: draft.outputs,
  };
}

/** A circuit and its pictures. Its fields are plain data. */
export class Circuit implements CircuitData {
  readonly gates: readonly Gate[];
  readonly wires: readonly Wire[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];

  constructor(data: CircuitData) {
    checkCircuit("Circuit", data);
    const { gates, wires, inputs, outputs } = data;
    this.gates = gates;
    this.wires = wires;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /** Aligned text for a terminal: see `toText`. */
  toText(options?: TextOptions): string {
    return toText(this, options);
  }

  toString(): string {
    return toText(this, { color: false });
  }

  /** Graphviz's language: see `toDot`. */
  toDot(options?: DotOptions): string {
    return toDot(this, options);
  }

  /** Plain data for JSON.stringify, NaN and infinities as strings: see `toJson`. */
  toJSON(): Json {
    return toJson(this);
  }

  /** A picture that stands by itself: see `toSvg`. */
  toSvg(options?: DrawOptions): Promise<string> {
    return toSvg(this, options);
  }

  /** A page to look around in: see `toHtml`. */
  toHtml(options?: DrawOptions): Promise<string> {
    return toHtml(this, options);
  }

  /** The backward pass gate by gate, last first. */
  steps(): Step[] {
    return stepsOf(this);
  }

  /** With each module as one gate that opens: see `collapsed`. */
  collapsed(): Circuit {
    return new Circuit(collapsed(this));
  }
}

const KNOWN = ["names", "output", "cotangent", "entries", "depth"] as const;

/**
 * The computational graph of f at these arguments: every op a gate, every tensor a wire with its
 * value and with the gradient of the output, which is the sum of one term for each use.
 *
 * `f` is a function of tensors, of objects and arrays of tensors, or one that `compile` returned;
 * `inputs` are its arguments, numbers being 0-d tensors. What it assigns (an optimizer's step, running
 * statistics) is left out: Parameters and the random state stay as they are; random draws are those
 * that the next step would make. It returns a tensor, or an object or array of tensors, whose names
 * name the wires; the last one is differentiated, and has shape [] unless `cotangent` is given.
 * Everything is computed by one program in the backend where the Parameters live. Gates know the
 * modules they were recorded in, and Parameters their keys, once a module was asked for its
 * Parameters, as one is to make an optimizer.
 *
 * Throws a TypeError for what is no function, no tensor or no float, a RangeError for an output that
 * is no scalar, and what `f` throws.
 */
export function circuit(
  f: (...args: never[]) => unknown,
  inputs: readonly unknown[],
  options: CircuitOptions = {},
): Circuit {
  const call = recordCall("circuit", f, inputs, options, KNOWN, (recorded) => {
    const { entries = 16, depth = Number.POSITIVE_INFINITY, cotangent } = options;
    const seed = seedOf("circuit", recorded.outputs.at(-1) as NamedOutput, cotangent);
    return { ...recorded, draft: draftCall(recorded, seed, depth), entries };
  });
  const { draft, entries } = call;
  const summaries = compute(call, tensorsOf(draft), entries);
  return new Circuit(dataOf(draft, (tensor) => summaries.get(tensor) as Summary));
}
