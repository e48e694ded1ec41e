/** The instructions of a program one by one. */
import { type Program, STATUS_BYTES } from "../plan/program.js";
import type { TypedArray } from "../tensor.js";

export interface Pieces {
  /** All of them; throws what is refused. */
  run(): void;
  readonly instructions: readonly (() => void)[];
  /** None of them: what entering the backend costs. */
  idle(): void;
}

/**
 * Puts program and inputs in place; then its instructions can be run one by one, in order, on one
 * thread. Whoever runs them restores what they write to Parameters.
 */
export function piecesOf(program: Program, inputs: readonly TypedArray[]): Pieces {
  const { backend, float, words } = program;
  const status = program.prepare(inputs);
  const base = status + STATUS_BYTES;
  const enter = (from: number, count: number): number =>
    backend.run(float, base + from * 4, count * 4, status, []);
  const instructions: (() => void)[] = [];
  for (let at = 0; at < words.length; ) {
    const [begin, length] = [at, words[at + 1] as number];
    instructions.push(() => void enter(begin, length));
    at += length;
  }
  const run = (): void => {
    if (enter(0, words.length) !== 0) throw program.refusal();
  };
  return { run, instructions, idle: () => void enter(0, 0) };
}
