/** What a program is assembled of: instructions, or the shares that threads have of them. */
import type { Opcode } from "../../assembly/opcodes.js";
import type { Node } from "../tensor.js";
import type { Value } from "./lowering.js";

/** Some bytes of a value. */
export class Part {
  readonly value: Value;
  /** The first byte used, from the value's start. */
  readonly offset: number;
  /** From the first byte used to the last. */
  readonly bytes: number;
  /** Of a column band in a matrix: bytes from row to row, and of one row; 0: all are used. */
  readonly pitch: number;
  readonly width: number;
  /** What is added to the value's address: `offset`, or 0 for a kernel that finds its part itself. */
  readonly moved: number;

  constructor(
    value: Value,
    offset: number,
    bytes: number,
    { pitch = 0, width = 0, moved = offset } = {},
  ) {
    this.value = value;
    this.offset = offset;
    this.bytes = bytes;
    this.pitch = pitch;
    this.width = width;
    this.moved = moved;
  }
}

export type Operand = Value | Part | number;

/** What one thread runs of an instruction. */
export interface Share {
  readonly opcode: Opcode;
  /** As the kernel takes them. */
  readonly operands: readonly Operand[];
  /** The values among them that are written. */
  readonly writes: readonly Value[];
  readonly node: Node;
}

/** Of one kernel, in the order of the contract. */
export type Operands = readonly Operand[];
