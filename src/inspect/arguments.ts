/** What `circuit` and its relatives are given, and what the function returned. */

import { defaultDtype } from "../backend.js";
import { Slot, wrongKind } from "../callArguments.js";
import { checkOptions, describe } from "../describe.js";
import { arrayOf, full } from "../ops/create.js";
import { Parameter } from "../parameter.js";
import { isPromise } from "../promise.js";
import { valuesOf } from "../reading.js";
import { formatShape, sameShape } from "../shape.js";
import { operand } from "../tape.js";
import { isFloat, Tensor, type TensorType, type TypedArray } from "../tensor.js";
import { mapTree } from "../tree.js";
import { checkCount, checkNames } from "./check.js";

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

/** Of what is called `op`, options among those of `CircuitOptions` that are `known`. */
export function checkCircuitOptions(
  op: string,
  options: CircuitOptions,
  known: readonly (keyof CircuitOptions)[],
  args: readonly unknown[],
): void {
  checkOptions(op, options, known);
  checkNames(op, options.names, args);
  checkCount(op, "entries", options.entries);
  checkCount(op, "depth", options.depth);
}

export interface Input {
  readonly label: string;
  readonly type: TensorType;
  readonly data: TypedArray;
}

/** ".a[0]" → "a.0" */
const pathName = (path: string): string => path.replaceAll(/\[(\d+)\]/g, ".$1").replace(/^\./, "");

/** The arguments' tensors, each replaced by a placeholder when the function is called. */
export function readInputs(
  op: string,
  args: readonly unknown[],
  names: readonly string[] | undefined,
): { inputs: Input[]; fill: (placeholders: readonly Tensor[]) => unknown[] } {
  const inputs: Input[] = [];
  const keys = new Set<string>();
  const template = args.map((arg, at) => {
    const given = names?.[at];
    return mapTree(arg, (leaf, path) => {
      if (leaf instanceof Parameter || typeof leaf === "string" || typeof leaf === "boolean")
        return leaf;
      if (leaf === null || leaf === undefined) return leaf;
      if (!(leaf instanceof Tensor) && typeof leaf !== "number")
        throw new TypeError(wrongKind(op, `[${at}]${path}`, leaf));
      const key = pathName(path);
      const own = given ?? `x${at}`;
      const label =
        key === "" ? own : given || keys.has(key) || /^\d/.test(key) ? `${own}.${key}` : key;
      keys.add(label);
      const dtype = defaultDtype();
      if (typeof leaf === "number")
        inputs.push({ label, type: { shape: [], dtype }, data: arrayOf(dtype, 1).fill(leaf) });
      else inputs.push({ label, type: leaf, data: valuesOf(op, leaf) });
      return new Slot(inputs.length - 1);
    });
  });
  const fill = (placeholders: readonly Tensor[]): unknown[] =>
    template.map((tree) =>
      mapTree(tree, (leaf) => (leaf instanceof Slot ? placeholders[leaf.index] : leaf)),
    );
  return { inputs, fill };
}

export interface NamedOutput {
  readonly tensor: Tensor;
  readonly label: string | undefined;
}

export function readOutputs(op: string, value: unknown): NamedOutput[] {
  if (isPromise(value))
    throw new Error(`${op}: the function is async: got a promise, expected a synchronous function`);
  const outputs: NamedOutput[] = [];
  mapTree(value, (leaf, path) => {
    if (!(leaf instanceof Tensor)) return leaf;
    const name = pathName(path);
    const label = name === "" || /^\d/.test(name) ? undefined : name;
    outputs.push({ tensor: operand(op, leaf), label });
    return leaf;
  });
  if (outputs.length === 0)
    throw new TypeError(
      `${op}: result is not a tensor: got ${describe(value)}, expected a tensor, or an object or array of tensors`,
    );
  return outputs;
}

/** The outputs, the one that is differentiated last. */
export function ordered(
  op: string,
  outputs: readonly NamedOutput[],
  name: string | undefined,
): NamedOutput[] {
  if (name === undefined) return [...outputs];
  const found = outputs.find(({ label }) => label === name);
  if (!found)
    throw new RangeError(
      `${op}: no such output: got ${describe(name)}, expected one of ${
        outputs.flatMap(({ label }) => (label === undefined ? [] : [label])).join(", ") || "none"
      }`,
    );
  return [...outputs.filter((output) => output !== found), found];
}

/** The gradient that the output starts with. */
export function seedOf(
  op: string,
  { tensor, label }: NamedOutput,
  cotangent: Tensor | undefined,
): Tensor {
  const what = label === undefined ? "output" : `output ${label}`;
  if (!isFloat(tensor.dtype))
    throw new TypeError(
      `${op}: ${what} has no derivative: got ${tensor.dtype}, expected f32 or f64; return a float last, or name it with the option output`,
    );
  if (cotangent === undefined) {
    if (tensor.rank !== 0)
      throw new RangeError(
        `${op}: ${what} is not a scalar: got ${formatShape(tensor.shape)}, expected []; reduce it with sum or mean, or give its cotangent`,
      );
    return full([], 1, { dtype: tensor.dtype });
  }
  if (!(cotangent instanceof Tensor))
    throw new TypeError(
      `${op}: cotangent is not a tensor: got ${describe(cotangent)}, expected one like ${what}`,
    );
  if (!sameShape(cotangent.shape, tensor.shape) || cotangent.dtype !== tensor.dtype)
    throw new RangeError(
      `${op}: cotangent does not fit: got ${cotangent.dtype} ${formatShape(cotangent.shape)}, expected ${tensor.dtype} ${formatShape(tensor.shape)}`,
    );
  return operand(op, cotangent);
}
