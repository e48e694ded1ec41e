/** What calls of this library are written with. */
import type { Shape } from "../shape.js";
import type { Dtype, Node, Tensor } from "../tensor.js";
import { literal } from "./code.js";

/** Writes operands, and keeps what has to be imported. */
export interface Writer {
  /** A tensor's name or expression. */
  text(tensor: Tensor): string;
  /** The name of a function of the library, imported. */
  use(name: string): string;
}

/** An op as a call: `index` is the output that is written. */
export type TensorForm = (to: Writer, node: Node<never>, index: number) => string;

export const listText = (list: readonly number[]): string => `[${list.join(", ")}]`;
/** Numbers are f32 unless the default says otherwise. */
const typed = (dtype: Dtype): string => (dtype === "f32" ? "" : `, { dtype: "${dtype}" }`);
/** An operand of a node. */
export const input = ({ inputs }: Node<never>, index: number): Tensor => inputs[index] as Tensor;
export const calling = (to: Writer, name: string, ...operands: readonly string[]): string =>
  `${to.use(name)}(${operands.join(", ")})`;

export const fullText = (to: Writer, shape: Shape, value: number, dtype: Dtype): string =>
  calling(to, "full", listText(shape), `${literal(value, dtype === "f32").text}${typed(dtype)}`);

export const zerosText = (to: Writer, shape: Shape, dtype: Dtype): string =>
  calling(to, "zeros", `${listText(shape)}${typed(dtype)}`);
