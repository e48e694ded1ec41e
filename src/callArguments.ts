/**
 * What a compiled function is called with: the tensors and numbers among its arguments are inputs of
 * its programs, everything else is part of what a program is kept under.
 */
import { type Backend, defaultBackend, defaultDtype } from "./backend.js";
import { describe } from "./describe.js";
import { arrayOf, checkDtype, constant } from "./ops/create.js";
import { Parameter } from "./parameter.js";
import { identity } from "./plan/passes.js";
import { valuesOf } from "./reading.js";
import { checkShape, type Shape, sameShape } from "./shape.js";
import { type Dtype, type FloatDtype, Tensor, type TensorType, type TypedArray } from "./tensor.js";
import { mapTree } from "./tree.js";

/** Of arguments that are all tensors: what they are, and what was the default then. */
export interface Plain {
  readonly types: readonly TensorType[];
  readonly backend: Backend;
  readonly dtype: FloatDtype;
}

/** Stands for a tensor in the structure around it: the one of that place in a list. */
export class Slot {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

/** What a call copies into a program. */
export interface Input {
  /** "argument 1.x" */
  readonly name: string;
  readonly type: TensorType;
  /** Undefined for a `{ shape, dtype }` that is only traced. */
  readonly data: TypedArray | undefined;
}

/** What to say of an argument that the function given to `op` cannot be called with. */
export const wrongKind = (op: string, path: string, argument: unknown): string =>
  `${op}: argument${path} is of the wrong kind: got ${describe(argument)}, expected tensors, numbers, strings, ` +
  "booleans or null, in arrays or plain objects; wrap data with tensor(…)";

const isSpec = (value: unknown): value is { shape: Shape; dtype?: Dtype } =>
  typeof value === "object" &&
  value !== null &&
  !(value instanceof Tensor) &&
  Array.isArray((value as { shape?: unknown }).shape);

/**
 * Separates what varies between runs from what is static; the key tells calls apart that need
 * programs of their own.
 */
export function readArguments(
  args: readonly unknown[],
  specs: boolean,
): { inputs: Input[]; template: unknown; key: string } {
  const inputs: Input[] = [];
  const parts: string[] = [`backend#${identity(defaultBackend())}`, defaultDtype()];
  const add = (path: string, type: TensorType, data: TypedArray | undefined): Slot => {
    parts.push(`${type.dtype}[${type.shape.join()}]`);
    inputs.push({ name: `argument ${path.replace(/^\[(\d+)\]/, "$1")}`, type, data });
    return new Slot(inputs.length - 1);
  };
  const template = mapTree(
    args,
    (leaf, path) => {
      if (leaf instanceof Parameter) {
        parts.push(`parameter#${identity(leaf)}`);
        return leaf;
      }
      if (leaf instanceof Tensor) return add(path, leaf, valuesOf("compile", leaf));
      if (typeof leaf === "number") {
        const dtype = defaultDtype();
        return add(path, { shape: [], dtype }, arrayOf(dtype, 1).fill(leaf));
      }
      if (specs && isSpec(leaf)) {
        checkShape("trace", leaf.shape);
        checkDtype("trace", leaf.dtype ?? defaultDtype());
        return add(path, { shape: leaf.shape, dtype: leaf.dtype ?? defaultDtype() }, undefined);
      }
      if (leaf !== null && leaf !== undefined && !["string", "boolean"].includes(typeof leaf))
        throw new TypeError(wrongKind("compile", path, leaf));
      parts.push(`${typeof leaf}:${JSON.stringify(leaf)}`);
      return leaf;
    },
    (value) => specs && isSpec(value),
  );
  return { inputs, template, key: [structureOf(template), ...parts].join("|") };
}

/** The arrays and objects around the leaves; empty ones count. */
function structureOf(template: unknown): string {
  if (Array.isArray(template)) return `[${template.map(structureOf).join()}]`;
  if (template === null || typeof template !== "object") return "0";
  if (template instanceof Slot || template instanceof Parameter) return "0";
  const fields = Object.entries(template);
  return `{${fields.map(([key, item]) => JSON.stringify(key) + structureOf(item)).join()}}`;
}

/** Undefined where not all arguments are tensors. */
export function plainOf(template: unknown, inputs: readonly Input[]): Plain | undefined {
  if (!(template as readonly unknown[]).every((item) => item instanceof Slot)) return undefined;
  const types = inputs.map(({ type }) => type);
  return { types, backend: defaultBackend(), dtype: defaultDtype() };
}

/**
 * The data of tensors like those, without a key: a training loop's calls, of which the small ones
 * take microseconds. Undefined for any others.
 */
export function dataOfAlike(plain: Plain, args: readonly unknown[]): TypedArray[] | undefined {
  if (plain.types.length !== args.length) return undefined;
  if (plain.backend !== defaultBackend() || plain.dtype !== defaultDtype()) return undefined;
  for (const [index, { dtype, shape }] of plain.types.entries()) {
    const given = args[index];
    if (!(given instanceof Tensor) || given instanceof Parameter) return undefined;
    if (given.dtype !== dtype || !sameShape(given.shape, shape)) return undefined;
  }
  return args.map((given) => valuesOf("compile", given as Tensor));
}

/**
 * Inside a trace or a transform a compiled function is the function itself, with numbers made
 * tensors.
 */
export function inline(args: readonly unknown[]): unknown[] {
  return mapTree(args, (leaf) =>
    typeof leaf === "number"
      ? constant(arrayOf(defaultDtype(), 1).fill(leaf), [], defaultDtype())
      : leaf,
  ) as unknown[];
}
