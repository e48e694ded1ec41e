import { type Backend, defaultBackend, elementBytes } from "./backend.js";
import { describe } from "./describe.js";
import { makeFinalizer } from "./finalizer.js";
import { formatShape, type Shape, sameShape, sizeOf } from "./shape.js";
import { makeNode, moduleHooks, NONE, type Op, operand, setHooks } from "./tape.js";
import { type Dtype, type Node, Tensor, type TypedArray } from "./tensor.js";
import { type Assignment, currentTrace, inTrace, needUpdates, type Trace } from "./trace.js";

interface ReadAttrs {
  readonly parameter: Parameter;
  /** The version outside `compile`; undefined where any will do. */
  readonly version: number | undefined;
}

/** The value of a Parameter, read where it lives. */
export const readOp: Op<ReadAttrs> = {
  name: "parameter",
  infer: (_, { parameter }) => [{ shape: parameter.shape, dtype: parameter.dtype }],
  lower: (node, to) => to.bind(node, 0, to.parameter(node.attrs.parameter)),
};

/** Returns the bytes of Parameters that were dropped without `dispose`. */
const finalizer = makeFinalizer<{ backend: Backend; address: number }>((block) =>
  block.backend.memory.free(block.address),
);

/**
 * A tensor with a persistent place in linear memory, updated in place by the assignments of a step.
 * It lives in the backend that was the default when it was made, until `dispose` or until nothing
 * refers to it.
 */
export class Parameter<S extends Shape = Shape> extends Tensor<S> {
  readonly backend: Backend;
  readonly name: string;
  /** False for buffers: running statistics, moments, counters. */
  readonly trainable: boolean;
  /** Counts the writes; a node recorded outside `compile` remembers the one it reads. */
  version = 0;
  #address: number;
  #read: Tensor | undefined;
  #disposed = false;

  /** For the library's own use: see `parameter()`. `data` is copied. */
  constructor(
    shape: Shape,
    dtype: Dtype,
    data: TypedArray,
    name: string,
    trainable: boolean,
    backend: Backend = defaultBackend(),
  ) {
    const node: Node = {
      id: -1,
      op: readOp,
      attrs: undefined,
      inputs: [],
      outputs: [],
      trace: undefined,
      values: [],
      pinned: false,
      dropped: NONE,
    };
    super(node, 0, { shape, dtype });
    // A wrong size would break the memory of all that comes after.
    if (!Array.isArray(shape) || !ArrayBuffer.isView(data) || data.length !== this.size)
      throw new TypeError(
        `Parameter: made with new: got ${describe(shape)}, expected parameter(data), which makes one`,
      );
    this.name = name;
    this.trainable = trainable;
    this.backend = backend;
    if (dtype === "f64" && !this.backend.floats.includes("f64"))
      throw new TypeError(
        `parameter: dtype f64 is not supported by the backend: got ${this.backend.name}, expected ts`,
      );
    this.#address = this.backend.memory.allocate(this.byteLength);
    this.#view().set(data);
    finalizer.register(this, { backend: this.backend, address: this.#address }, this);
  }

  /** Where its bytes are in its backend's memory. Throws after `dispose`. */
  get address(): number {
    if (this.#disposed)
      throw new Error(`${this}: the parameter was disposed: expected one that is alive`);
    return this.#address;
  }

  get byteLength(): number {
    return this.size * elementBytes(this.dtype);
  }

  /** A copy of its value now. */
  value(): TypedArray {
    const data = this.#view();
    return this.dtype === "bool" ? Uint8Array.from(data) : data.slice();
  }

  /** The value of a Parameter of one element now. */
  scalar(): number {
    return this.backend.memory.views[this.dtype][this.address / elementBytes(this.dtype)] as number;
  }

  /** Replaces its value at once. */
  write(data: TypedArray): void {
    if (data.length !== this.size)
      throw new RangeError(
        `write: number of values differs: got ${data.length} for ${this}, expected ${this.size}`,
      );
    this.#view().set(data);
    this.written();
  }

  /** Notes that a program has written it. */
  written(): void {
    this.version++;
    this.#read = undefined;
  }

  /** The node that reads it outside `compile`, at its version now. */
  read(): Tensor {
    this.#read ??= readNode(this, this.version);
    return this.#read;
  }

  /** Gives its bytes back. Using it afterwards throws. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    finalizer.unregister(this);
    this.backend.memory.free(this.#address);
  }

  override toString(): string {
    return `Parameter(${this.name ? `${this.name}: ` : ""}${this.dtype}${formatShape(this.shape)})`;
  }

  #view(): TypedArray {
    const views = this.backend.memory.views;
    const start = this.address / elementBytes(this.dtype);
    return views[this.dtype].subarray(start, start + sizeOf(this.shape));
  }
}

/** What a Parameter is called: its key in the outermost module that was asked for it, or its name. */
export const nameOf = (parameter: Parameter): string | undefined =>
  moduleHooks()?.keyOf(parameter) ?? (parameter.name || undefined);

function readNode(parameter: Parameter, version: number | undefined): Tensor {
  return makeNode(readOp, [], { parameter, version }, [parameter]).outputs[0] as Tensor;
}

/** What a Parameter stands for at this point of a trace; a body reads what is around it. */
function binding(trace: Trace, parameter: Parameter): Tensor {
  needUpdates(trace);
  const known = trace.bindings.get(parameter);
  if (known) return known;
  if (trace.body) {
    const { parent } = trace.body;
    return parent
      ? inTrace(parent, () => binding(parent, parameter))
      : inTrace(undefined, () => parameter.read());
  }
  const tensor = readNode(parameter, undefined);
  bind(trace, parameter, tensor);
  return tensor;
}

function bind(trace: Trace, parameter: Parameter, tensor: Tensor): void {
  trace.bindings.set(parameter, tensor);
  const standIns = trace.standIns.get(parameter);
  if (standIns) standIns.push(tensor);
  else trace.standIns.set(parameter, [tensor]);
}

setHooks({
  isParameter: (tensor) => tensor instanceof Parameter,
  read(parameter) {
    const trace = currentTrace();
    // Checked while recording, so that the error is at the caller's line.
    void parameter.address;
    return trace ? binding(trace, parameter) : parameter.read();
  },
});

/**
 * Effects recorded outside `compile`: they commit with the first program that contains their node.
 */
const riding = new WeakMap<Node, Assignment[]>();

export function ridingOn(node: Node): readonly Assignment[] {
  return riding.get(node) ?? [];
}

export function settle(node: Node): void {
  riding.delete(node);
}

/**
 * When the program ends, `parameter` holds `value`; later reads in the same trace see `value`, and
 * of several assignments the last one commits. Outside `compile` the effect rides on `value`: it
 * commits once, when `value` is first evaluated; at once if it already is. Returns `value`. The
 * shapes and dtypes must be equal.
 */
export function assign(parameter: Parameter, value: Tensor): Tensor {
  if (!(parameter instanceof Parameter))
    throw new TypeError(
      `assign: not a parameter: got ${describe(parameter)}, expected a Parameter`,
    );
  const source = operand("assign", value);
  if (!sameShape(parameter.shape, value.shape))
    throw new RangeError(
      `assign: shapes differ: got ${formatShape(value.shape)} for ${parameter}, ` +
        `expected ${formatShape(parameter.shape)}`,
    );
  if (parameter.dtype !== value.dtype)
    throw new TypeError(
      `assign: dtypes differ: got ${value.dtype} for ${parameter}, expected ${parameter.dtype}`,
    );
  const trace = currentTrace();
  if (trace) {
    needUpdates(trace);
    bind(trace, parameter, source);
    trace.assigned.add(parameter);
    return source;
  }
  const known = value instanceof Parameter ? value.value() : source.node.values[source.index];
  if (known) parameter.write(known);
  else ride(source.node, { parameter, value: source });
  return source;
}

function ride(node: Node, assignment: Assignment): void {
  const list = riding.get(node);
  if (list) list.push(assignment);
  else riding.set(node, [assignment]);
}

/**
 * `parameter` becomes `update(its value)` whenever `carrier` is computed: running statistics and
 * counters. The read is taken when the effect commits, so several forwards before a read follow one
 * another.
 */
export function updateWith(
  carrier: Tensor,
  parameter: Parameter,
  update: (old: Tensor) => Tensor,
): void {
  if (currentTrace()) {
    assign(parameter, update(parameter));
    return;
  }
  const own = readNode(parameter, undefined);
  ride(carrier.node, { parameter, value: update(own), own });
}
