/** Where the time of a step goes: each instruction of its program, run and timed by itself. */

import { compile, dataOf, optionsOf } from "../compile.js";
import { checkOptions, describe } from "../describe.js";
import { type Origin, withOrigins } from "../origins.js";
import type { Parameter } from "../parameter.js";
import type { Plan } from "../plan/plan.js";
import { Program } from "../plan/program.js";
import type { Shape } from "../shape.js";
import type { Node, TypedArray } from "../tensor.js";
import { checkCall } from "./call.js";
import { type Cost, costOf } from "./cost.js";
import { kernelName } from "./kernelNames.js";
import { measurePeak, type Peak, timed } from "./peak.js";
import { piecesOf } from "./pieces.js";
import { opOf, profileText, profileTrace, type TextOptions } from "./profileText.js";
import { bytesOf, flopsOf } from "./work.js";

/** One instruction of the program, in its order. */
export interface ProfileRow extends Cost {
  readonly index: number;
  /** The kernel's name in the contract: "gemm", "chain". */
  readonly kernel: string;
  /** The op that it computes; of several fused ones, one. */
  readonly op: string;
  /** The op whose derivative that is a part of. */
  readonly derivativeOf: string | undefined;
  /** Keys of the modules around it, outermost first; the backward pass has its op's. */
  readonly modules: readonly string[];
  /** The user's line that recorded it, or the op that it is the derivative of. */
  readonly source: string | undefined;
  /** Of the op's first result. */
  readonly shape: Shape;
}

/** Instructions that have something in common. */
export interface ProfileGroup extends Cost {
  readonly name: string;
  readonly instructions: number;
}

/** A profile's figures: plain data. */
export interface ProfileData {
  /** By position in the program. */
  readonly rows: readonly ProfileRow[];
  /** By kernel, by op and by innermost module, the longest first. */
  readonly byKernel: readonly ProfileGroup[];
  readonly byOp: readonly ProfileGroup[];
  readonly byModule: readonly ProfileGroup[];
  readonly peak: Peak;
  /** Of all instructions one by one, and of the whole program at once. */
  readonly sum: Cost;
  readonly wholeMicroseconds: number;
}

export interface Profile extends ProfileData {
  /** A table: of instructions, or of groups; the longest first. */
  toText(options?: TextOptions): string;
  /** JSON for chrome://tracing and Perfetto. */
  toTrace(): string;
}

export interface ProfileOptions {
  /** Passes over the program, of which the fastest counts, instruction by instruction; default 30. */
  readonly repeats?: number;
}

/** Bytes of Parameters as they are, to be put back. */
function snapshot(parameters: readonly Parameter[]): () => void {
  const saved = parameters.map((parameter) => ({ parameter, data: parameter.value() }));
  return () => {
    for (const { parameter, data } of saved) {
      const view = parameter.backend.memory.views[parameter.dtype];
      view.set(data, parameter.address / view.BYTES_PER_ELEMENT);
    }
  };
}

interface Times {
  readonly whole: number;
  readonly parts: readonly number[];
}

/** The least times of the program and of its instructions, less what entering the backend costs. */
function measure(program: Program, inputs: readonly TypedArray[], repeats: number): Times {
  const restore = snapshot(program.plan.parameters);
  let [whole, idle] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const parts: number[] = [];
  try {
    // The first run warms up, and refuses what is to be refused.
    piecesOf(program, inputs).run();
    for (let pass = 0; pass < repeats; pass++) {
      restore();
      whole = Math.min(whole, timed(piecesOf(program, inputs).run));
      restore();
      const pieces = piecesOf(program, inputs);
      for (const [index, piece] of pieces.instructions.entries())
        parts[index] = Math.min(parts[index] ?? Number.POSITIVE_INFINITY, timed(piece));
      idle = Math.min(idle, timed(pieces.idle));
    }
  } finally {
    restore();
  }
  return { whole, parts: parts.map((time) => Math.max(0, time - idle)) };
}

function groupsOf(
  rows: readonly ProfileRow[],
  nameOf: (row: ProfileRow) => string,
  total: number,
  peak: Peak,
): ProfileGroup[] {
  const groups = new Map<string, ProfileRow[]>();
  for (const row of rows) {
    const name = nameOf(row);
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  const sumOf = (members: readonly ProfileRow[], key: "microseconds" | "flops" | "bytes") =>
    members.reduce((sum, row) => sum + row[key], 0);
  return [...groups]
    .map(([name, members]) => ({
      name,
      instructions: members.length,
      ...costOf(
        sumOf(members, "microseconds"),
        sumOf(members, "flops"),
        sumOf(members, "bytes"),
        total,
        peak,
      ),
    }))
    .sort((a, b) => b.microseconds - a.microseconds);
}

function rowsOf(
  plan: Plan,
  parts: readonly number[],
  origins: ReadonlyMap<Node, Origin>,
  peak: Peak,
): ProfileRow[] {
  const total = parts.reduce((sum, time) => sum + time, 0);
  return plan.instructions.map((instruction, index) => {
    const { node, opcode } = instruction;
    const own = origins.get(node);
    const place = (own?.derivativeOf && origins.get(own.derivativeOf)) ?? own;
    return {
      index,
      kernel: kernelName(opcode),
      op: node.op.name,
      derivativeOf: own?.derivativeOf?.op.name,
      modules: place?.modules ?? [],
      source: place?.source,
      shape: node.outputs[0]?.shape ?? [],
      ...costOf(parts[index] as number, flopsOf(instruction), bytesOf(instruction), total, peak),
    };
  });
}

/**
 * Times every instruction of a step's program, one by one on one thread, and compares it with the
 * peak of this machine, which is measured in the same call. Nothing is committed: Parameters are as
 * they were, random and optimizer state too.
 *
 *     console.log(profile(step, [x, labels]).toText({ by: "module" }));
 *     writeFileSync("step.json", profile(step, [x, labels]).toTrace());   // for chrome://tracing
 *
 * Times are the least of `repeats` passes, each over all instructions in order, so that caches are as
 * in a step. Browsers round their clocks, to 5 µs where a page is cross-origin isolated and to 100 µs
 * elsewhere: what is shorter is then 0. What is refused, as a bad label, throws.
 *
 * @param step a compiled function, or what could be compiled
 * @param inputs the arguments it would be called with
 */
export function profile<A extends readonly unknown[]>(
  step: (...args: A) => unknown,
  inputs: Readonly<A>,
  options: ProfileOptions = {},
): Profile {
  const fn = checkCall("profile", step, inputs);
  checkOptions("profile", options, ["repeats"]);
  const { repeats = 30 } = options;
  if (!(Number.isSafeInteger(repeats) && repeats >= 1))
    throw new RangeError(
      `profile: bad repeats: got ${describe(repeats)}, expected a whole number ≥ 1`,
    );
  let origins: ReadonlyMap<Node, Origin> = new Map();
  const { maxBytes } = optionsOf(step) ?? {};
  const recorded = compile(
    (...args: A) => {
      const found = withOrigins(() => fn(...(args as unknown as never[])));
      origins = found.origins;
      return found.result;
    },
    maxBytes === undefined ? {} : { maxBytes },
  );
  const { plan, program } = recorded.trace(...inputs);
  const { backend, float } = program;
  const alone = new Program(plan, backend, float, { alone: true });
  try {
    const { whole, parts } = measure(alone, dataOf(inputs), repeats);
    const peak = measurePeak(backend, float);
    const rows = rowsOf(plan, parts, origins, peak);
    const total = parts.reduce((sum, time) => sum + time, 0);
    const [sum] = groupsOf(rows, () => "all", total, peak);
    const by = (nameOf: (row: ProfileRow) => string) => groupsOf(rows, nameOf, total, peak);
    const data = {
      rows,
      byKernel: by(({ kernel }) => kernel),
      byOp: by(opOf),
      byModule: by(({ modules }) => modules.at(-1) ?? ""),
      peak,
      sum: sum ?? costOf(0, 0, 0, 0, peak),
      wholeMicroseconds: whole,
    };
    return {
      ...data,
      toText: (given = {}) => profileText(data, given),
      toTrace: () => profileTrace(data),
    };
  } finally {
    alone.release();
    program.release();
  }
}
