import { Opcode } from "../../assembly/opcodes.js";
import { elementBytes } from "../backend.js";
import type { Parameter } from "../parameter.js";
import { sizeOf } from "../shape.js";
import {
  type Dtype,
  type FloatDtype,
  isFloat,
  type Node,
  type Tensor,
  type TypedArray,
} from "../tensor.js";

/** One-element values, or short vectors, that JavaScript writes before each run. */
export interface HostSource {
  readonly size: number;
  readonly dtype: "float" | "i32";
  /** Writes the values of the next run; throws to refuse the run. */
  read(into: Float64Array): void;
  /** Called when a run that read it has committed. */
  committed?(): void;
}

/** Something an instruction reads or writes: where it lies is the plan's business. */
export class Value {
  readonly dtype: Dtype;
  readonly size: number;
  /** Set for a value that is a Parameter's storage, also by the planner for an update in place. */
  parameter: Parameter | undefined;
  /** Set for a constant in the program's pool. */
  data: TypedArray | undefined;
  /** Set for a slot in the pool that JavaScript fills before each run. */
  source: HostSource | undefined;
  /** Set by the planner for a value that lies inside another one, `begin` bytes from its start. */
  parent: Value | undefined;
  begin = 0;
  /** Byte offset in the arena or in the pool, once planned. */
  offset = 0;

  constructor(dtype: Dtype, size: number) {
    this.dtype = dtype;
    this.size = size;
  }

  get bytes(): number {
    return this.size * elementBytes(this.dtype);
  }

  /** The value that it lies inside of, which has a place of its own; mostly itself. */
  get root(): Value {
    let value: Value = this;
    while (value.parent) value = value.parent;
    return value;
  }

  /** Bytes from the start of `root`. */
  get within(): number {
    return this.parent ? this.begin + this.parent.within : 0;
  }

  get inPool(): boolean {
    const { data, source } = this.root;
    return data !== undefined || source !== undefined;
  }

  get inArena(): boolean {
    return this.root.parameter === undefined && !this.inPool;
  }
}

export interface Instruction {
  readonly opcode: Opcode;
  /** The first operands. */
  readonly writes: readonly Value[];
  /** The operands after them: values that are read, and numbers. */
  readonly rest: readonly (Value | number)[];
  /** The operands, where they are not `writes` and then `rest`. */
  readonly words?: readonly (Value | number)[];
  /** Which written value may take the place of which read one. */
  readonly inPlace: readonly (readonly [written: Value, read: Value])[];
  readonly node: Node;
}

/**
 * What a plan is for. "fused": to run fast and often. "plain": to run once, with nearly every value
 * an output: nothing is merged, fused or written in place. "checked": to debug: nothing is fused or in
 * place, and every node's results are checked as soon as they are there, while its inputs still are.
 */
export type PlanKind = "fused" | "plain" | "checked";

/**
 * Turns the nodes of a tape into instructions. Ops see this class only: they emit, and never see an
 * address.
 */
export class Lowering {
  /** Of a debug program: the tensor behind each value that it checks. */
  readonly checks: Map<Value, Tensor> | undefined;
  readonly instructions: Instruction[] = [];
  readonly float: FloatDtype;
  readonly #find: (tensor: Tensor) => Tensor;
  readonly #values = new Map<Node, Value[]>();
  readonly #parameters = new Map<Parameter, Value>();
  readonly #sources = new Map<HostSource, Value>();
  readonly #scalars = new Map<string, Value>();
  readonly #inPlace: boolean;
  #node: Node | undefined;

  /**
   * `find` gives the tensor that stands for another after common subexpressions are merged.
   */
  constructor(float: FloatDtype, find: (tensor: Tensor) => Tensor, kind: PlanKind) {
    this.float = float;
    this.#find = find;
    this.#inPlace = kind === "fused";
    if (kind === "checked") this.checks = new Map();
  }

  lower(node: Node): void {
    this.#node = node;
    node.op.lower(node, this);
    if (!this.checks) return;
    for (const output of node.outputs) {
      const value = this.#values.get(node)?.[output.index];
      const inputs = node.inputs.filter(({ dtype }) => isFloat(dtype));
      // What is chosen, as a mask's −Infinity, may be infinite; what is computed or trained may not.
      const infinities = node.inputs.length > 0 || value?.parameter?.trainable === true;
      if (value) this.check(output, value, infinities, inputs);
    }
  }

  /** Checks a value, unless it was checked before; NaN is always refused. */
  check(tensor: Tensor, value: Value, infinities: boolean, inputs: readonly Tensor[] = []): void {
    if (!this.checks || this.checks.has(value) || !isFloat(tensor.dtype) || value.size === 0)
      return;
    const values = inputs.map((input) => this.valueOf(input));
    if (values.includes(value)) return;
    this.checks.set(value, tensor);
    const operands = values.flatMap((input) => [input, input.size]);
    this.instructions.push({
      opcode: Opcode.CheckFinite,
      writes: [],
      rest: [value, value.size, infinities ? 1 : 0, values.length, ...operands],
      inPlace: [],
      node: tensor.node,
    });
  }

  /** The tensor that an operand stands for. */
  operand(node: Node, index: number): Tensor {
    return this.#find(node.inputs[index] as Tensor);
  }

  input(node: Node, index: number): Value {
    return this.valueOf(this.operand(node, index));
  }

  /** The value of a tensor that has been lowered, or is a constant. */
  valueOf(tensor: Tensor): Value {
    const { node, index } = this.#find(tensor);
    const known = this.#values.get(node)?.[index];
    if (known) return known;
    const data = node.values[index];
    if (!data) throw new Error(`${node.op.name}: an operand was not lowered: expected tape order`);
    const value = new Value(tensor.dtype, data.length);
    value.data = data;
    this.bind(node, index, value);
    this.check(node.outputs[index] as Tensor, value, false);
    return value;
  }

  /** A fresh arena value for an output of the node. */
  output(node: Node, index = 0): Value {
    const { dtype, shape } = node.outputs[index] as Tensor;
    return this.bind(node, index, new Value(dtype, sizeOf(shape)));
  }

  /** Makes an output be an existing value: the op costs nothing. */
  bind(node: Node, index: number, value: Value): Value {
    const values = this.#values.get(node) ?? [];
    values[index] = value;
    this.#values.set(node, values);
    return value;
  }

  temporary(dtype: Dtype, size: number): Value {
    return new Value(dtype, size);
  }

  /** A constant float of the pool. */
  scalar(x: number): Value {
    const key = Object.is(x, -0) ? "-0" : String(x);
    let value = this.#scalars.get(key);
    if (!value) {
      value = new Value(this.float, 1);
      value.data = this.float === "f64" ? Float64Array.of(x) : Float32Array.of(x);
      this.#scalars.set(key, value);
    }
    return value;
  }

  /** A constant word of the pool: an integer, or a bool as 0 or 1. */
  word(x: number): Value {
    const key = `i32 ${x}`;
    let value = this.#scalars.get(key);
    if (!value) {
      value = new Value("i32", 1);
      value.data = Int32Array.of(x);
      this.#scalars.set(key, value);
    }
    return value;
  }

  parameter(parameter: Parameter): Value {
    let value = this.#parameters.get(parameter);
    if (!value) {
      value = new Value(parameter.dtype, parameter.size);
      value.parameter = parameter;
      this.#parameters.set(parameter, value);
    }
    return value;
  }

  host(source: HostSource): Value {
    let value = this.#sources.get(source);
    if (!value) {
      value = new Value(source.dtype === "i32" ? "i32" : this.float, source.size);
      value.source = source;
      this.#sources.set(source, value);
    }
    return value;
  }

  emit(
    opcode: Opcode,
    writes: readonly Value[],
    rest: readonly (Value | number)[],
    inPlace: Instruction["inPlace"] = [],
  ): void {
    const node = this.#node as Node;
    this.instructions.push({ opcode, writes, rest, inPlace: this.#inPlace ? inPlace : [], node });
  }
}

/** The operands of an instruction in the order of the contract, by number. */
export const operandsOf = ({ writes, rest, words }: Instruction): readonly (Value | number)[] =>
  words ?? [...writes, ...rest];

export function reads(instruction: Instruction): Value[] {
  return instruction.rest.filter((operand) => typeof operand !== "number");
}

/** How often each value is an operand. */
export function countReads(instructions: readonly Instruction[]): Map<Value, number> {
  const counts = new Map<Value, number>();
  for (const instruction of instructions)
    for (const value of reads(instruction)) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Drops instructions whose results nothing reads. */
export function dropUnread(
  instructions: readonly Instruction[],
  kept: ReadonlySet<Value>,
): Instruction[] {
  const needed = new Set(kept);
  const result: Instruction[] = [];
  for (const instruction of [...instructions].reverse()) {
    if (!instruction.node.op.refusal && !instruction.writes.some((value) => needed.has(value)))
      continue;
    for (const value of reads(instruction)) needed.add(value);
    result.push(instruction);
  }
  return result.reverse();
}
