/**
 * `compile`: a function is run once on placeholders for each kind of arguments, what it records
 * becomes a program, and every call is: copy inputs in, one call of the backend, copy outputs out.
 */

import { explain, whereIs } from "./badOp.js";
import {
  dataOfAlike,
  type Input,
  inline,
  type Plain,
  plainOf,
  readArguments,
  Slot,
} from "./callArguments.js";
import { checkFunction, checkOptions, describe } from "./describe.js";
import { homeOf, keepsGraphs } from "./evaluate.js";
import { constant } from "./ops/create.js";
import { recordWithOrigins } from "./origins.js";
import { reduceTape, type Tape } from "./plan/passes.js";
import { makePlan, type Plan } from "./plan/plan.js";
import { Program } from "./plan/program.js";
import { fitTape } from "./plan/recompute.js";
import { isPromise } from "./promise.js";
import { ancestors, operand, placeholder } from "./tape.js";
import { Tensor, type TensorType, type TypedArray } from "./tensor.js";
import { currentTrace, traced } from "./trace.js";
import { mapTree } from "./tree.js";

/** How many programs a compiled function keeps: the latest ones. */
const KEPT = 16;

/** What a call passes where the function takes tensors: numbers become 0-d inputs. */
export type Argument<T> = T extends Tensor
  ? Tensor | number
  : T extends readonly unknown[] | { readonly [key: string]: unknown }
    ? { readonly [K in keyof T]: Argument<T[K]> }
    : T;
export type Arguments<A extends readonly unknown[]> = { [K in keyof A]: Argument<A[K]> };

export interface Traced {
  readonly tape: Tape;
  readonly plan: Plan;
  readonly program: Program;
}

export interface Compiled<A extends readonly unknown[], R> {
  (...args: Arguments<A>): R;
  /**
   * Traces and plans for these arguments, or for `{ shape, dtype }` in the place of a tensor,
   * without running anything.
   */
  trace(...args: readonly unknown[]): Traced;
  /** Of the latest call or trace; an Error before the first. */
  readonly tape: Tape;
  readonly plan: Plan;
  readonly program: Program;
  /** How often the latest call entered the backend. */
  readonly callsPerStep: number;
}

export interface CompileOptions {
  /** The most that `plan.peakBytes` may be. */
  readonly maxBytes?: number;
  /** Stops at the first op that makes a NaN or an infinity; false by default. */
  readonly debug?: boolean;
}

function checkCompileOptions(options: CompileOptions): void {
  checkOptions("compile", options, ["maxBytes", "debug"]);
  const { maxBytes, debug } = options;
  if (debug !== undefined && typeof debug !== "boolean")
    throw new TypeError(`compile: bad debug: got ${describe(debug)}, expected true or false`);
  if (debug && maxBytes !== undefined)
    throw new TypeError(
      `compile: maxBytes and debug exclude each other: got maxBytes ${maxBytes} with debug, expected one of them`,
    );
  if (maxBytes !== undefined && typeof maxBytes !== "number")
    throw new TypeError(
      `compile: bad maxBytes: got ${describe(maxBytes)}, expected a number of bytes ≥ 0`,
    );
  if (maxBytes !== undefined && !(maxBytes >= 0))
    throw new RangeError(`compile: bad maxBytes: got ${maxBytes}, expected a number of bytes ≥ 0`);
}

interface Entry extends Traced {
  readonly key: string;
  readonly flags: ReadonlyMap<{ readonly training: boolean }, boolean>;
  /** The result, each tensor replaced by its place among the outputs. */
  readonly result: unknown;
  readonly types: readonly TensorType[];
  readonly plain: Plain | undefined;
}

/** Whether every `training` flag is as it was when the entry was traced. */
function flagsHold({ flags }: Entry): boolean {
  for (const [module, flag] of flags) if (module.training !== flag) return false;
  return true;
}

/** Calls the function on placeholders, in the trace that is open. */
function callOnPlaceholders(
  fn: (...args: never[]) => unknown,
  template: unknown,
  inputs: readonly Input[],
): { placeholders: Tensor[]; outputs: Tensor[]; shape: unknown } {
  const placeholders = inputs.map(({ type }, index) => placeholder(type, index));
  const args = mapTree(template, (leaf) =>
    leaf instanceof Slot ? placeholders[leaf.index] : leaf,
  );
  const value = fn(...(args as never[]));
  if (isPromise(value))
    throw new Error(
      "compile: the function is async: got a promise, expected a synchronous function; await before calling it",
    );
  const outputs: Tensor[] = [];
  const shape = mapTree(value, (leaf) => {
    if (!(leaf instanceof Tensor)) return leaf;
    outputs.push(operand("compile", leaf));
    return new Slot(outputs.length - 1);
  });
  return { placeholders, outputs, shape };
}

function traceFunction(
  fn: (...args: never[]) => unknown,
  template: unknown,
  inputs: readonly Input[],
  key: string,
  { maxBytes, debug = false }: CompileOptions,
  rehearsal = false,
): Entry {
  const body = () => callOnPlaceholders(fn, template, inputs);
  const recording = debug ? recordWithOrigins(body) : traced(body);
  const { trace, result } = recording;
  const assigned = [...trace.assigned].map((parameter) => ({
    parameter,
    value: trace.bindings.get(parameter) as Tensor,
  }));
  const { placeholders, shape } = result;
  // In a rehearsal what would be committed is only computed.
  const assignments = rehearsal ? [] : assigned;
  const outputs = [...result.outputs, ...(rehearsal ? assigned.map(({ value }) => value) : [])];
  const recorded: Tape = { nodes: trace.nodes, placeholders, outputs, assignments };
  const reduced: Tape = { ...recorded, nodes: reduceTape(recorded, new Map()).nodes };
  const roots = [...outputs, ...assignments.map(({ value }) => value), ...placeholders];
  const { backend, float } = homeOf(ancestors(roots), assigned);
  const { tape, plan } =
    maxBytes === undefined
      ? { tape: reduced, plan: makePlan(reduced, float, undefined, debug ? "checked" : "fused") }
      : fitTape(reduced, float, maxBytes);
  const names = new Map(placeholders.map(({ node }, at) => [node, (inputs[at] as Input).name]));
  const known = "origins" in recording ? { origins: recording.origins, names } : undefined;
  const program = new Program(
    plan,
    backend,
    float,
    known && {
      explain: (finding) => explain(finding, known),
      where: (node) => whereIs(node, known),
    },
  );
  const plain = plainOf(template, inputs);
  return { key, flags: trace.flags, tape, plan, program, result: shape, types: outputs, plain };
}

interface Rehearsal extends Traced {
  readonly inputs: readonly TypedArray[];
}

/**
 * A program of `fn` for these arguments that commits nothing: what `fn` assigns is computed, beside
 * what it returns.
 */
export function rehearse(
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
  options: CompileOptions,
): Rehearsal {
  const { inputs, template, key } = readArguments(args, false);
  const { tape, plan, program } = traceFunction(fn, template, inputs, key, options, true);
  return { tape, plan, program, inputs: inputs.map(({ data }) => data as TypedArray) };
}

/** What these arguments copy into a program, in order. */
export const dataOf = (args: readonly unknown[]): TypedArray[] =>
  readArguments(args, false).inputs.map(({ data }) => data as TypedArray);

/** What a call has computed, before it is put together. */
export interface Run {
  /** What the function returned, each tensor replaced by its place among the outputs. */
  readonly result: unknown;
  readonly types: readonly TensorType[];
  readonly outputs: readonly TypedArray[];
  readonly program: Program;
}

/** Copies the words of a tensor in the result of the latest run of all to `into`, from `at` on. */
export function takeWords({ program }: Run, slot: unknown, into: Uint32Array, at: number): void {
  const { address, bytes } = program.placeOf((slot as Slot).index);
  const { u32 } = program.backend.memory.views;
  // They are few: word by word costs less than a view of them.
  for (let k = 0; k < bytes >>> 2; k++) into[at + k] = u32[(address >>> 2) + k] as number;
}

/** A part of the result of a run, with tensors. */
export const tensorsOf = ({ types, outputs }: Run, part: unknown): unknown =>
  mapTree(part, (leaf) => {
    if (!(leaf instanceof Slot)) return leaf;
    const { shape, dtype } = types[leaf.index] as TensorType;
    return constant(outputs[leaf.index] as TypedArray, shape, dtype);
  });

interface Source {
  readonly fn: (...args: never[]) => unknown;
  readonly options: CompileOptions;
  readonly run: (args: readonly unknown[], left?: number) => Run;
}

/** What compiled functions were made from. */
const sources = new WeakMap<object, Source>();

/** The function that was compiled; undefined for one that was not made by `compile`. */
export const functionOf = (step: unknown): ((...args: never[]) => unknown) | undefined =>
  typeof step === "function" ? sources.get(step)?.fn : undefined;

/**
 * A call of a compiled function, outside of any trace, that makes no tensors; the last `left` outputs
 * are left for `takeWords`.
 */
export const runOf = (step: object): Source["run"] => (sources.get(step) as Source).run;

/** What the function was compiled with. */
export const optionsOf = (step: object): CompileOptions | undefined => sources.get(step)?.options;

/**
 * The same function, run as one program. It is traced once for each structure, shapes and dtypes of
 * its arguments (and each state of the `training` flags it reads); only arguments, Parameters,
 * random draws and optimizer scalars vary between calls: a captured number is frozen, an argument
 * is not. Returns what `fn` returns, its tensors with values.
 *
 * `maxBytes` bounds `plan.peakBytes`: values between forward and backward pass. What does not fit is
 * not kept but computed again in the backward pass, as `checkpoint` does: the same bits, more time.
 * Parameters, with their moments, are not counted (`plan.parameterBytes`).
 *
 * `debug: true` finds NaNs: every result is checked when it is there, and the first one that is not
 * finite though its inputs are stops the run, with nothing changed. The error, a RangeError, names the
 * op (of the backward pass, with the op that it is a derivative of), the line of your code that
 * recorded it, the modules around it, the ranges of its inputs, and the likely cause. Arguments and
 * Parameters that are not finite are refused too; a constant may be infinite, as in a mask, but not
 * NaN. The same bits as without, but `fn` is recorded twice for each program, nothing is fused and
 * every value has a place of its own: for finding out, not for training.
 *
 * Throws what `fn` throws while tracing, with nothing run; a RangeError for a plan that does not fit
 * in `maxBytes` however much is recomputed; a bad label or index throws with nothing changed.
 */
export function compile<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: CompileOptions = {},
): Compiled<A, R> {
  checkFunction("compile", fn);
  checkCompileOptions(options);
  const entries: Entry[] = [];
  let latest: Entry | undefined;
  let callsPerStep = 0;

  const prepare = (args: readonly unknown[], specs: boolean): { entry: Entry; inputs: Input[] } => {
    const { inputs, template, key } = readArguments(args, specs);
    const at = entries.findIndex((entry) => entry.key === key && flagsHold(entry));
    const entry =
      at >= 0
        ? (entries.splice(at, 1)[0] as Entry)
        : traceFunction(fn as (...args: never[]) => unknown, template, inputs, key, options);
    entries.unshift(entry);
    for (const { program } of entries.splice(KEPT)) program.release();
    latest = entry;
    return { entry, inputs };
  };

  const run = (args: readonly unknown[], left = 0): Run => {
    const alike = latest?.plain && flagsHold(latest) ? dataOfAlike(latest.plain, args) : undefined;
    const prepared = alike ? undefined : prepare(args, false);
    const entry = prepared?.entry ?? (latest as Entry);
    const data = alike ?? prepared?.inputs.map((input) => input.data as TypedArray) ?? [];
    const { result, types, program } = entry;
    const before = program.backend.calls;
    const outputs = program.run(data, false, left);
    callsPerStep = program.backend.calls - before;
    return { result, types, outputs, program };
  };
  const call = (...args: readonly unknown[]): unknown => {
    if (currentTrace() || keepsGraphs()) return fn(...(inline(args) as unknown as A));
    const done = run(args);
    return tensorsOf(done, done.result);
  };

  const known = (name: string): Entry => {
    if (!latest)
      throw new Error(
        `compile: ${name} is not known yet: got a function that was neither called nor traced, expected a call or trace(…) first`,
      );
    return latest;
  };
  sources.set(call, { fn: fn as (...args: never[]) => unknown, options, run });
  return Object.defineProperties(call, {
    trace: {
      value: (...args: readonly unknown[]): Traced => {
        const { tape, plan, program } = prepare(args, true).entry;
        return { tape, plan, program };
      },
    },
    tape: { get: () => known("tape").tape },
    plan: { get: () => known("plan").plan },
    program: { get: () => known("program").program },
    callsPerStep: { get: () => callsPerStep },
  }) as Compiled<A, R>;
}
