/** The NaN finder. */
import { type BadOp, reportOf } from "../badOp.js";
import { rehearse } from "../compile.js";
import { checkCall } from "./call.js";

/**
 * Replays a step on these arguments and finds the first op that makes a NaN or an infinity of finite
 * inputs; undefined when every result is finite. Weights, moments, running statistics and random
 * state are as they were, whatever is found: nothing is committed. What is checked, and what the
 * report says, is that of `compile(fn, { debug: true })`. What else the step refuses, as a bad label,
 * it throws.
 *
 * @param step a compiled function, or what could be compiled
 * @param inputs the arguments it would be called with
 */
export function firstBadOp<A extends readonly unknown[]>(
  step: (...args: A) => unknown,
  inputs: Readonly<A>,
): BadOp | undefined {
  const fn = checkCall("firstBadOp", step, inputs);
  const rehearsal = rehearse(fn, inputs, { debug: true });
  const { program } = rehearsal;
  try {
    program.run(rehearsal.inputs, true);
    return undefined;
  } catch (error) {
    const report = reportOf(error);
    if (!report) throw error;
    return report;
  } finally {
    program.release();
  }
}
