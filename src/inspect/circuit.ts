/**
 * The circuit of a function: its gates, and on every wire the value that goes forward and the
 * gradient that comes back. Recorded like a step, computed by one program, and nothing is committed.
 */
import { defaultDtype } from "../backend.js";
import { homeOf } from "../evaluate.js";
import { arrayOf, constant, full } from "../ops/create.js";
import { valuesOf } from "../ops/methods.js";
import { Parameter } from "../parameter.js";
import type { HostSource } from "../plan/lowering.js";
import { makePlan } from "../plan/plan.js";
import { Program } from "../plan/program.js";
import { formatShape, sameShape } from "../shape.js";
import {
  ancestors,
  currentTrace,
  describe,
  makeNode,
  type Op,
  operand,
  type Trace,
} from "../tape.js";
import { isFloat, type Node, Tensor, type TensorType, type TypedArray } from "../tensor.js";
import { mapTree } from "../tree.js";
import { attributesText } from "./attributes.js";
import { type Draft, draftOf } from "./graph.js";
import { type Origin, plainFunction, recordWithOrigins } from "./recording.js";
import { summarise } from "./summary.js";
import type { CircuitData, Gate, Summary, Wire } from "./types.js";

export interface CircuitOptions {
  /** What the arguments are called, one name for each; else keys of objects, and x0, x1, … */
  readonly names?: readonly string[];
  /** The name of the output that is differentiated; else the last one. */
  readonly output?: string;
  /** The gradient that the output is given, in its shape: 1 by default, for an output of shape []. */
  readonly cotangent?: Tensor;
  /** How many entries of each tensor are kept: 16 by default; Infinity for all. */
  readonly entries?: number;
  /** How many times gates within gates are opened: Infinity by default; 0 leaves all closed. */
  readonly depth?: number;
}

const inputOp: Op<{ readonly index: number }> = {
  name: "placeholder",
  infer: () => [],
  // Its bytes are copied in before the program runs.
  lower: () => undefined,
};

interface Input {
  readonly label: string;
  readonly type: TensorType;
  readonly data: TypedArray;
}

/** ".a[0]" → "a.0" */
const pathName = (path: string): string => path.replaceAll(/\[(\d+)\]/g, ".$1").replace(/^\./, "");

/** The arguments' tensors, each replaced by a placeholder when the function is called. */
function readInputs(args: readonly unknown[], names: readonly string[] | undefined) {
  const inputs: Input[] = [];
  const keys = new Set<string>();
  const slots = new Map<unknown, number>();
  class Slot {}
  const template = args.map((arg, at) => {
    const given = names?.[at];
    return mapTree(arg, (leaf, path) => {
      if (leaf instanceof Parameter || typeof leaf === "string" || typeof leaf === "boolean")
        return leaf;
      if (leaf === null || leaf === undefined) return leaf;
      if (!(leaf instanceof Tensor) && typeof leaf !== "number")
        throw new TypeError(
          `circuit: argument[${at}]${path} is of the wrong kind: got ${describe(leaf)}, expected tensors, numbers, ` +
            "strings, booleans or null, in arrays or plain objects; wrap data with tensor(…)",
        );
      const key = pathName(path);
      const own = given ?? `x${at}`;
      const label =
        key === "" ? own : given || keys.has(key) || /^\d/.test(key) ? `${own}.${key}` : key;
      keys.add(label);
      const slot = new Slot();
      slots.set(slot, inputs.length);
      const dtype = defaultDtype();
      if (typeof leaf === "number")
        inputs.push({ label, type: { shape: [], dtype }, data: arrayOf(dtype, 1).fill(leaf) });
      else inputs.push({ label, type: leaf, data: valuesOf("circuit", leaf) });
      return slot;
    });
  });
  const fill = (placeholders: readonly Tensor[]): unknown[] =>
    template.map((tree) =>
      mapTree(tree, (leaf) =>
        leaf instanceof Slot ? placeholders[slots.get(leaf) as number] : leaf,
      ),
    );
  return { inputs, fill };
}

interface NamedOutput {
  readonly tensor: Tensor;
  readonly label: string | undefined;
}

function readOutputs(value: unknown): NamedOutput[] {
  if (typeof (value as { then?: unknown } | null)?.then === "function") {
    // What the promise ends with is a consequence of this error, and not reported as well.
    (value as PromiseLike<unknown>).then(undefined, () => undefined);
    throw new Error(
      "circuit: the function is async: got a promise, expected a synchronous function",
    );
  }
  const outputs: NamedOutput[] = [];
  mapTree(value, (leaf, path) => {
    if (!(leaf instanceof Tensor)) return leaf;
    const name = pathName(path);
    const label = name === "" || /^\d/.test(name) ? undefined : name;
    outputs.push({ tensor: operand("circuit", leaf), label });
    return leaf;
  });
  if (outputs.length === 0)
    throw new TypeError(
      `circuit: result is not a tensor: got ${describe(value)}, expected a tensor, or an object or array of tensors`,
    );
  return outputs;
}

/** The outputs, the one that is differentiated last. */
function ordered(outputs: readonly NamedOutput[], name: string | undefined): NamedOutput[] {
  if (name === undefined) return [...outputs];
  const found = outputs.find(({ label }) => label === name);
  if (!found)
    throw new RangeError(
      `circuit: no such output: got ${describe(name)}, expected one of ${
        outputs.flatMap(({ label }) => (label === undefined ? [] : [label])).join(", ") || "none"
      }`,
    );
  return [...outputs.filter((output) => output !== found), found];
}

function seedOf({ tensor, label }: NamedOutput, cotangent: Tensor | undefined): Tensor {
  const what = label === undefined ? "output" : `output ${label}`;
  if (!isFloat(tensor.dtype))
    throw new TypeError(
      `circuit: ${what} has no derivative: got ${tensor.dtype}, expected f32 or f64; return a float last, or name it with the option output`,
    );
  if (cotangent === undefined) {
    if (tensor.rank !== 0)
      throw new RangeError(
        `circuit: ${what} is not a scalar: got ${formatShape(tensor.shape)}, expected []; reduce it with sum or mean, or give its cotangent`,
      );
    return full([], 1, { dtype: tensor.dtype });
  }
  if (!(cotangent instanceof Tensor))
    throw new TypeError(
      `circuit: cotangent is not a tensor: got ${describe(cotangent)}, expected one like ${what}`,
    );
  if (!sameShape(cotangent.shape, tensor.shape) || cotangent.dtype !== tensor.dtype)
    throw new RangeError(
      `circuit: cotangent does not fit: got ${cotangent.dtype} ${formatShape(cotangent.shape)}, expected ${tensor.dtype} ${formatShape(tensor.shape)}`,
    );
  return operand("circuit", cotangent);
}

function checkOptions(options: CircuitOptions, args: unknown): void {
  if (!Array.isArray(args))
    throw new TypeError(
      `circuit: inputs are no list: got ${describe(args)}, expected an array of the function's arguments`,
    );
  const { names, entries = 16, depth = 0 } = options;
  if (names !== undefined && names.length !== args.length)
    throw new RangeError(
      `circuit: number of names differs: got ${names.length}, expected ${args.length}, one for each argument`,
    );
  for (const [name, value] of Object.entries({ entries, depth }))
    if (!(value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value >= 0)))
      throw new RangeError(
        `circuit: bad ${name}: got ${describe(value)}, expected a whole number ≥ 0, or Infinity`,
      );
}

/** What random draws and optimizers read from JavaScript, as it is now: constants of the program. */
function frozenHosts(trace: Trace): Map<Tensor, Tensor> {
  const frozen = new Map<Tensor, Tensor>();
  for (const node of trace.nodes) {
    const { source } = (node.attrs ?? {}) as { source?: HostSource };
    if (!source || node.inputs.length > 0) continue;
    const numbers = new Float64Array(source.size);
    source.read(numbers);
    const output = node.outputs[0] as Tensor;
    const data = arrayOf(output.dtype, source.size).map((_, i) => numbers[i] as number);
    frozen.set(output, constant(data as TypedArray, output.shape, output.dtype));
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

/** Computes tensors of a trace in one program; nothing is committed. */
function compute(
  trace: Trace,
  placeholders: readonly Tensor[],
  inputs: readonly Input[],
  wanted: ReadonlySet<Tensor>,
): Map<Tensor, TypedArray> {
  const values = new Map<Tensor, TypedArray>();
  const outputs: Tensor[] = [];
  for (const tensor of wanted) {
    const known = tensor.node.values[tensor.index];
    if (known) values.set(tensor, known);
    else outputs.push(tensor);
  }
  const { backend, float } = homeOf(ancestors([...outputs, ...placeholders]), []);
  const tape = { nodes: trace.nodes, placeholders, outputs, assignments: [] };
  const program = new Program(makePlan(tape, float, frozenHosts(trace)), backend, float);
  try {
    const results = program.run(inputs.map(({ data }) => data));
    for (const [index, tensor] of outputs.entries())
      values.set(tensor, results[index] as TypedArray);
  } finally {
    program.release();
  }
  return values;
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

/** The circuit's data. */
export class Circuit implements CircuitData {
  readonly gates: readonly Gate[];
  readonly wires: readonly Wire[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];

  constructor({ gates, wires, inputs, outputs }: CircuitData) {
    this.gates = gates;
    this.wires = wires;
    this.inputs = inputs;
    this.outputs = outputs;
  }
}

/**
 * The computational graph of f at these arguments: every op a gate, every tensor a wire with its
 * value and with the gradient of the output, which is the sum of one term for each use.
 *
 * `f` is a function of tensors, of objects and arrays of tensors, or one that `compile` returned;
 * `args` are its arguments, numbers being 0-d tensors. What it assigns (an optimizer's step, running
 * statistics) is left out: Parameters and the random state stay as they are; random draws are those
 * that the next step would make. It returns a tensor, or an object or array of tensors, whose names
 * name the wires; the last one is differentiated, and has shape [] unless `cotangent` is given.
 * Everything is computed by one program in the backend where the Parameters live.
 *
 * Throws a TypeError for what is no function, no tensor or no float, a RangeError for an output that
 * is no scalar, and what `f` throws.
 */
export function circuit(
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  options: CircuitOptions = {},
): Circuit {
  const fn = plainFunction("circuit", f) as (...args: unknown[]) => unknown;
  checkOptions(options, args);
  if (currentTrace())
    throw new Error(
      "circuit: called while a function is being compiled: expected a call outside of it, with its values",
    );
  const { entries = 16, depth = Number.POSITIVE_INFINITY } = options;
  const { inputs, fill } = readInputs(args, options.names);
  const { trace, result } = recordWithOrigins(
    () => {
      const placeholders = inputs.map(
        ({ type }, index) => makeNode(inputOp, [], { index }, [type]).outputs[0] as Tensor,
      );
      return { placeholders, outputs: readOutputs(fn(...fill(placeholders))) };
    },
    ({ placeholders, outputs }, _, origins: ReadonlyMap<Node, Origin>) => {
      const shown = ordered(outputs, options.output);
      const seed = seedOf(shown.at(-1) as NamedOutput, options.cotangent);
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
  const { placeholders, draft } = result;
  const values = compute(trace, placeholders, inputs, new Set(tensorsOf(draft)));
  const summaries = new Map<Tensor, Summary>();
  return new Circuit(
    dataOf(draft, (tensor) => {
      const known = summaries.get(tensor);
      const summary = known ?? summarise(tensor, values.get(tensor) as TypedArray, entries);
      summaries.set(tensor, summary);
      return summary;
    }),
  );
}
