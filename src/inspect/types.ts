/**
 * What a circuit is made of: plain data, so that it can be printed, drawn, written as JSON and
 * compared. Gates stand in the order of recording, which is a topological order.
 */
import type { Shape } from "../shape.js";
import type { Dtype } from "../tensor.js";

/** What is shown of a tensor: its kind, its range, its size, and the first of its entries. */
export interface Summary {
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** Smallest and largest entry (NaN when there is a NaN, or no entry). */
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** The Euclidean norm of all entries. */
  readonly norm: number;
  /** In row-major order; the first `entries` of the options when there are more. */
  readonly entries: readonly number[];
}

/** What came back along one use of a value: gradients add where a value forks. */
export interface Term {
  /**
   * The gate that uses the value, and as which of its operands. −1 for none: the cotangent that an
   * output was given, where the value is used further on as well.
   */
  readonly gate: number;
  readonly operand: number;
  readonly gradient: Summary;
}

/** A value on its way from the gate that makes it to those that use it. */
export interface Wire {
  /** Its place in `Circuit.wires`. */
  readonly id: number;
  /** The name it was given, or one made up from its gate: "q", "0.weight", "mul3". */
  readonly label: string;
  readonly kind: "input" | "parameter" | "constant" | "value";
  /** The gate that makes it; undefined for what comes from outside. */
  readonly from: number | undefined;
  readonly value: Summary;
  /**
   * ∂output/∂value; undefined where the output does not depend on it, for constants and what is made
   * of them alone, and for what is no float.
   */
  readonly gradient: Summary | undefined;
  /** The terms that `gradient` is the sum of, in the order in which they were added. */
  readonly terms: readonly Term[];
}

/** One application of an op. */
export interface Gate {
  /** Its place in `Circuit.gates`. */
  readonly id: number;
  /** The op: "mul", "matmul", "crossEntropy". */
  readonly name: string;
  /** Its attributes, as short text: "axis 1", "stride 2"; "" for none. */
  readonly attributes: string;
  /** Wires. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Keys of the modules it was recorded in, outermost first; none outside of modules. */
  readonly modules: readonly string[];
  /** The line of user code that recorded it: "file.ts:12:7"; undefined where it is not known. */
  readonly source: string | undefined;
  /** What its backward pass does, in words: "multiply swaps: …". */
  readonly rule: string;
  /**
   * For a gate that works entry by entry: ∂output/∂operand for each operand, so that
   * upstream × local = downstream can be read off. Undefined for an operand without, and for others.
   */
  readonly locals: readonly (Summary | undefined)[];
  /**
   * What a fused gate consists of, or a collapsed module. Its first inputs are the gate's, in their
   * order; after them come constants and Parameters of its own. Its outputs are the gate's.
   */
  readonly inside: CircuitData | undefined;
  /** A module that `collapsed` made one gate of; `name` is then its key. */
  readonly group?: true;
}

export interface CircuitData {
  readonly gates: readonly Gate[];
  readonly wires: readonly Wire[];
  /** Wires that come from outside, and those that were returned; the last is differentiated. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}
