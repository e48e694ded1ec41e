/**
 * Staged code: a function and its gradient as one would write them by hand, a line for each stage,
 * and the backward pass in reverse. It is the reverse walk of the tape, written out.
 */
import { isFloat, type Node, type Tensor } from "../tensor.js";
import { takenApart } from "./apart.js";
import { type CircuitOptions, type NamedOutput, seedOf } from "./arguments.js";
import { atom, type Code, literal, numberOf, SCALAR, Unwritten } from "./code.js";
import { type Call, draftCall, recordCall } from "./draft.js";
import { type Draft, type DraftGate, type DraftWire, nodesBetween } from "./graph.js";
import { Names } from "./names.js";
import { TENSOR } from "./tensorCode.js";
import { fullText, listText, type Writer } from "./writer.js";

export type StagesOptions = Omit<CircuitOptions, "entries" | "depth">;

const KNOWN = ["names", "output", "cotangent"] as const;
/** Functions that are written as they are, though their gates open. */
const CLOSED = new Set(["linear", "softmax", "gelu", "geluTanh", "silu", "softplus"]);
const NONE: ReadonlySet<string> = new Set();
/** Up to how many entries a constant is written out; larger ones are arguments. */
const WRITTEN = 64;

/** A line that adds a term to a gradient. */
interface Line {
  readonly name: string;
  readonly term: string;
  readonly text: string;
}

const words = (text: string): string[] => text.match(/[\p{L}\p{N}_$]+/gu) ?? [];

/** Without gradients that nothing comes of: of what stops them, say. */
function needed(lines: readonly Line[], returned: readonly string[]): Line[] {
  const wanted = new Set(returned);
  const kept: Line[] = [];
  for (const line of [...lines].reverse()) {
    if (!wanted.has(line.name)) continue;
    for (const word of words(line.term)) wanted.add(word);
    kept.push(line);
  }
  return kept.reverse();
}

/** Writes one draft in one dialect. */
class Stages {
  readonly #draft: Draft;
  readonly #numbers: boolean;
  readonly #names = new Names();
  readonly #imports = new Set<string>();
  readonly #nameOf = new Map<Tensor, string>();
  readonly #gradientOf = new Map<DraftWire, string>();
  readonly #stage = new Map<DraftGate, number>();
  readonly #constants: string[] = [];
  readonly #given: { readonly name: string; readonly wire: DraftWire }[] = [];
  /** Gradients that arrive at the gate that is being written. */
  #arrived = new Map<Tensor, string>();

  constructor(draft: Draft, numbers: boolean) {
    this.#draft = draft;
    this.#numbers = numbers;
  }

  write(seed: Tensor): string {
    const { wires, gates, outputs, inputs } = this.#draft;
    const of = (id: number): DraftWire => wires[id] as DraftWire;
    for (const id of inputs) this.#begin(of(id));
    const forward = gates.flatMap((gate) => this.#forward(gate, gate.outputs.map(of)));
    const output = of(outputs.at(-1) as number);
    const backward = this.#backward(gates, of, output, seed);
    const returned = [...new Set(outputs)].flatMap((id) => this.#shown(of(id)));
    const found = this.#given.flatMap(({ wire }) => this.#gradientOf.get(wire) ?? []);
    const results = [...new Set([...returned, ...found])];
    const lines = needed(backward, results).map(({ text }) => text);
    return this.#module(forward, lines, results);
  }

  /** A wire from outside: an argument, or a constant. */
  #begin(wire: DraftWire): void {
    const { tensor, kind, label } = wire;
    if (kind === "constant") {
      const known = tensor.node.values[tensor.index];
      if (known && tensor.rank === 0 && isFloat(tensor.dtype)) return;
      if (known && tensor.size <= WRITTEN) {
        const name = this.#names.make(label);
        this.#nameOf.set(tensor, name);
        const data = listText(
          [...known].map((x) => Number(literal(x, tensor.dtype === "f32").text)),
        );
        this.#constants.push(
          `const ${name} = ${this.#use("tensor")}(${data}, { shape: ${listText(tensor.shape)}, dtype: "${tensor.dtype}" });`,
        );
        return;
      }
      // Random state: what draws from it has no form.
      if (!known) return;
    }
    const name = this.#names.make(label);
    this.#nameOf.set(tensor, name);
    this.#given.push({ name, wire });
  }

  #use(name: string): string {
    this.#imports.add(name);
    return name;
  }

  /** The line of a gate; none for a number that is repeated, which is written where it is used. */
  #forward(gate: DraftGate, made: readonly DraftWire[]): string[] {
    const [first] = made as [DraftWire];
    if (numberOf(first.tensor) !== undefined) return [];
    const stage = this.#stage.size + 1;
    this.#stage.set(gate, stage);
    return made.map((wire) => {
      const { text } = this.#expression(wire.tensor);
      const name = this.#names.make(wire.label);
      this.#nameOf.set(wire.tensor, name);
      return `const ${name} = ${text}; // (${stage})`;
    });
  }

  #backward(
    gates: readonly DraftGate[],
    of: (id: number) => DraftWire,
    output: DraftWire,
    seed: Tensor,
  ): Line[] {
    const lines: Line[] = [];
    const left = new Map<DraftWire, number>();
    for (const wire of this.#draft.wires) left.set(wire, Math.max(1, wire.terms.length));
    const add = (wire: DraftWire, term: string, note: string): void => {
      const known = this.#gradientOf.get(wire);
      if (known) {
        const text = this.#numbers
          ? `${known} += ${term}`
          : `${known} = ${this.#use("add")}(${known}, ${term})`;
        lines.push({ name: known, term, text: `${text};${note}` });
        return;
      }
      const name = this.#names.make(`d${this.#nameOf.get(wire.tensor)}`);
      this.#gradientOf.set(wire, name);
      const declared = (left.get(wire) as number) > 1 ? "let" : "const";
      lines.push({ name, term, text: `${declared} ${name} = ${term};${note}` });
    };
    add(output, this.#expression(seed).text, "");
    for (const [id, gate] of [...gates.entries()].reverse()) {
      this.#arrived = new Map(
        gate.outputs.flatMap((id) => {
          const { gradient } = of(id);
          const name = this.#gradientOf.get(of(id));
          return gradient && name ? [[gradient, name]] : [];
        }),
      );
      for (const [operand, at] of gate.inputs.entries()) {
        const wire = of(at);
        const term = wire.terms.find((one) => one.gate === id && one.operand === operand);
        if (term) add(wire, this.#expression(term.gradient).text, ` // (${this.#stage.get(gate)})`);
      }
    }
    return lines;
  }

  /** A value that is returned, and its gradient. */
  #shown(wire: DraftWire): string[] {
    const name = this.#nameOf.get(wire.tensor);
    return [name, this.#gradientOf.get(wire)].flatMap((one) => one ?? []);
  }

  #expression(tensor: Tensor): Code {
    const name = this.#arrived.get(tensor) ?? this.#nameOf.get(tensor);
    if (name) return atom(name);
    const { node, index } = tensor;
    const value = numberOf(tensor);
    if (this.#numbers) {
      if (value !== undefined) return literal(value, tensor.dtype === "f32");
      const form = SCALAR[node.op.name];
      if (form)
        return form(
          node.inputs.map((input) => this.#expression(input)),
          node.attrs,
        );
    } else {
      const writer: Writer = {
        text: (operand) => this.#expression(operand).text,
        use: (one) => this.#use(one),
      };
      if (value !== undefined) return atom(fullText(writer, tensor.shape, value, tensor.dtype));
      const form = TENSOR[node.op.name];
      if (form) return atom(form(writer, node as Node<never>, index));
    }
    const parts = node.op.decomposition?.(node.inputs, node.attrs);
    if (!parts) throw new Unwritten(node.op.name);
    return this.#expression(parts[index] as Tensor);
  }

  #module(
    forward: readonly string[],
    backward: readonly string[],
    found: readonly string[],
  ): string {
    const type = this.#numbers ? "number" : "Tensor";
    const names = [...this.#imports].sort();
    const imports = this.#numbers
      ? []
      : [`import { ${[...names, "type Tensor"].join(", ")} } from "chainrule";`, ""];
    const given = this.#given.map(({ name }) => `${name}: ${type}`).join(", ");
    const body = [
      ...this.#constants,
      "// forward",
      ...forward,
      "",
      "// backward, in reverse",
      ...backward,
      "",
      `return { ${found.join(", ")} };`,
    ];
    const lines = body.map((line) => (line === "" ? "" : `  ${line}`));
    return [...imports, `export function stages(${given}) {`, ...lines, "}", ""].join("\n");
  }
}

function textOf(call: Call, seed: Tensor, numbers: boolean): string {
  const closed = numbers ? NONE : CLOSED;
  const leaves = new Set(call.placeholders);
  const whole = takenApart(
    call.outputs.map(({ tensor }) => tensor),
    leaves,
    closed,
  );
  const outputs = call.outputs.map(
    ({ label }, index): NamedOutput => ({ tensor: whole[index] as Tensor, label }),
  );
  return new Stages(draftCall({ ...call, outputs }, seed, 0), numbers).write(seed);
}

const isNumber = ({ rank, dtype }: Tensor): boolean =>
  rank === 0 && (isFloat(dtype) || dtype === "bool");

/**
 * The function and its gradient at these arguments as TypeScript, the text of a module: a line
 * `const q = x + y; // (1)` for each stage, then the backward pass in reverse, each line with the
 * stage it goes back through, `+=` where a value forks. Where everything is a number it is written
 * with plain operators, else with calls of this library on tensors; fused losses and norms are
 * written as what they consist of.
 *
 * The module exports `stages`, a function of the inputs in their order, then of the Parameters that
 * are read (and of constants of more than 64 entries), which returns the named outputs, and the
 * gradients of these, of the inputs and of the Parameters: `dx` is that of `x`. `f`, `inputs` and
 * `options` are those of `circuit`. Throws what `circuit` throws while it records, and an Error for
 * an op that has no staged form: random draws, `vmap`, `customGrad`.
 */
export function stages(
  f: (...args: never[]) => unknown,
  inputs: readonly unknown[],
  options: StagesOptions = {},
): string {
  return recordCall("stages", f, inputs, options, KNOWN, (call) => {
    const output = call.outputs.at(-1) as NamedOutput;
    const seed = seedOf("stages", output, options.cotangent);
    try {
      const nodes = nodesBetween(
        call.outputs.map(({ tensor }) => tensor),
        new Set(),
      );
      if (nodes.every((node) => node.outputs.every(isNumber)))
        try {
          return textOf(call, seed, true);
        } catch (error) {
          // What has no operator is called.
          if (!(error instanceof Unwritten)) throw error;
        }
      return textOf(call, seed, false);
    } catch (error) {
      if (!(error instanceof Unwritten)) throw error;
      throw new Error(
        `stages: ${error.op} has no staged form: expected ops that are written with operators or calls of ` +
          "the library; eval() turns dropout off",
      );
    }
  });
}
