/** Runs the cases of a golden suite in one build of the library. */
import { readdirSync } from "node:fs";
import { type Backend, init, jvp, mul, type Tensor, tensor, vjp, wasm } from "../../src/index.js";
import { ts } from "../../src/pure.js";
import { type GoldenCase, type GoldenTensor, mismatch } from "./case.js";
import type { Inputs, Program } from "./program.js";
import { programs } from "./programs/index.js";
import { specials } from "./special/index.js";

export interface Build {
  readonly name: string;
  readonly backend: Backend;
  readonly dtype: "f32" | "f64";
}

export const builds: readonly Build[] = [
  { name: "wasm f32", backend: wasm, dtype: "f32" },
  { name: "ts f32", backend: ts, dtype: "f32" },
  { name: "ts f64", backend: ts, dtype: "f64" },
];

/** The files of a suite: every JSON file with cases. */
export function goldenFiles(folder: URL): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json") && file !== "index.json")
    .map((file) => file.slice(0, -".json".length))
    .sort();
}

/** How a kind of case that is not "inputs → outputs" is run: yields what is wrong. */
export type Special = (golden: GoldenCase, build: Build) => Iterable<string>;

/** Why a case cannot be run at all; undefined if it can. */
export function unsupported({ op }: GoldenCase): string | undefined {
  return op in specials || op in programs ? undefined : `${op} is not offered`;
}

/** What is wrong with the library's results; nothing when the case passes. */
export function check(golden: GoldenCase, build: Build): string[] {
  init({ backend: build.backend, dtype: build.dtype });
  try {
    const special = specials[golden.op];
    if (special) return [...special(golden, build)];
    const program = programs[golden.op] as Program;
    return [...(golden.error ? checkRefusal : checkValues)(golden, program, build)];
  } finally {
    init({ backend: wasm });
  }
}

const sameNumbers = (a: Tensor, b: readonly number[]): boolean =>
  a.toTypedArray().every((x, index) => x === b[index]);

/** A tensor of a case, floats in the precision of the build. */
export const asTensor = ({ data, shape, dtype }: GoldenTensor, { dtype: float }: Build): Tensor =>
  tensor([...data], { shape, dtype: dtype === "u8" ? "bool" : dtype === "i32" ? dtype : float });

const plain = (x: Tensor) => ({ shape: x.shape, data: x.toTypedArray() });

/** Refused with the sizes or the value in the message, and usable afterwards. */
function* checkRefusal(golden: GoldenCase, program: Program, build: Build): Iterable<string> {
  const inputs = golden.inputs.map((input) => asTensor(input, build)) as unknown as Inputs;
  let message: string | undefined;
  try {
    for (const output of program(inputs, golden.attrs)) output.toTypedArray();
  } catch (error) {
    message = (error as Error).message;
  }
  if (message === undefined) yield `got no error, expected one like "${golden.error?.message}"`;
  else if (!/\d/.test(message)) yield `got "${message}", expected the sizes or the value in it`;
  if (!sameNumbers(tensor([1, 2]).mul(3), [3, 6])) yield "the library does not work afterwards";
}

function* checkValues(golden: GoldenCase, program: Program, build: Build): Iterable<string> {
  const inputs = golden.inputs.map((input) => asTensor(input, build));
  const gradients = golden.input_grads ?? [];
  const wanted = inputs.flatMap((_, index) => (gradients[index] ? [index] : []));
  const run = (moving: readonly Tensor[]): Tensor[] => {
    const all = inputs.map((input, index) => moving[wanted.indexOf(index)] ?? input);
    return [...program(all as unknown as Inputs, golden.attrs)];
  };
  const compared = function* (
    what: string,
    got: Tensor | undefined,
    want: GoldenTensor | null | undefined,
    error: number | null | undefined,
  ): Iterable<string> {
    if (!want) return;
    const wrong = got ? mismatch(plain(got), want, build.dtype, error ?? 0) : "got nothing";
    if (wrong) yield `${what}: ${wrong}`;
  };
  const errors = golden.torch_f32_err;
  const primal = wanted.map((index) => inputs[index] as Tensor);
  const { value, pullback } = vjp(run, primal);
  for (const [index, want] of golden.outputs.entries())
    yield* compared(`output ${index}`, value[index], want, errors?.outputs[index]);
  if (golden.cotangents) {
    const cotangents = value.map((output, index) => {
      const given = golden.cotangents?.[index];
      return given ? asTensor(given, build) : mul(output, 0);
    });
    for (const [place, got] of pullback(cotangents).entries()) {
      const index = wanted[place] as number;
      yield* compared(`gradient ${index}`, got, gradients[index], errors?.input_grads?.[index]);
    }
  }
  const tangents = golden.tangents?.filter((_, index) => wanted.includes(index));
  if (!tangents || !golden.output_tangents) return;
  const directions = tangents.map((t) => asTensor(t as GoldenTensor, build));
  const moved = jvp(run, primal, directions).tangent;
  // No error is recorded for tangents: theirs is like that of the outputs and gradients together.
  const all = [...(errors?.outputs ?? []), ...(errors?.input_grads ?? [])];
  const largest = Math.max(0, ...all.map((error) => error ?? 0));
  for (const [index, want] of golden.output_tangents.entries())
    yield* compared(`tangent ${index}`, moved[index], want, largest);
}
