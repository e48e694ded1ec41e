/**
 * The plan: which instructions run in which order, and an address for every value, before anything
 * runs.
 *
 *     inputs | instructions that compute … may refuse | updates of Parameters, in place | copies
 *
 * Everything that may refuse its input comes before the first write to a Parameter, so a refused
 * run changes nothing.
 */
import { Opcode } from "../../assembly/opcodes.js";
import type { Parameter } from "../parameter.js";
import type { FloatDtype, Node, Tensor } from "../tensor.js";
import { type PlacedSegment, placeValues } from "./addresses.js";
import { fuseChains } from "./chains.js";
import { composeCopies } from "./copies.js";
import { fuseEpilogues, withActivation } from "./epilogues.js";
import { shareGeluSlopes } from "./geluSlopes.js";
import {
  dropUnread,
  type Instruction,
  Lowering,
  type PlanKind,
  reads,
  type Value,
} from "./lowering.js";
import { fuseNormRelus, norms } from "./normEpilogues.js";
import { reduceTape, type Tape } from "./passes.js";
import { mergeUpdates } from "./updates.js";
import { shareStorage } from "./views.js";

export interface Plan {
  /**
   * Bytes of the arena that a run uses: the highest byte any instruction or input writes, plus one.
   * Exact.
   */
  readonly peakBytes: number;
  /**
   * The largest sum of bytes of values that are alive at one instruction, values that share a place
   * counted once: no arena for these instructions can be smaller than this.
   */
  readonly liveBytes: number;
  /** The arena's map: what is occupied when. */
  readonly segments: readonly PlacedSegment[];
  /** Bytes of constants, optimizer scalars and random state, kept as long as the program. */
  readonly poolBytes: number;
  /** Bytes of the Parameters it reads or writes. */
  readonly parameterBytes: number;
  readonly instructions: readonly Instruction[];
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly pool: readonly Value[];
  readonly parameters: readonly Parameter[];
  readonly assigned: readonly Parameter[];
  /** Of a debug program: the tensor behind each value that an instruction checks. */
  readonly checks: ReadonlyMap<Value, Tensor> | undefined;
}

const NOTHING: ReadonlyMap<Tensor, Tensor> = new Map();

/**
 * Throws what the ops' lowering throws; nothing else can fail.
 */
export function makePlan(
  tape: Tape,
  float: FloatDtype,
  substituted: ReadonlyMap<Tensor, Tensor> = NOTHING,
  kind: PlanKind = "fused",
  place = placeValues,
): Plan {
  const fused = kind === "fused";
  const { nodes, find } = reduceTape(tape, substituted, kind !== "plain");
  const lowering = new Lowering(float, find, kind);
  const commits = new Map(tape.assignments.map(({ parameter, value }) => [parameter, find(value)]));
  const inputs = tape.placeholders.map((placeholder) => lowering.output(placeholder.node));
  for (const [index, value] of inputs.entries())
    lowering.check(tape.placeholders[index] as Tensor, value, true);
  const late =
    fused && commits.size > 0
      ? lateNodes(nodes, find, new Set(commits.values()), tape.outputs.map(find))
      : new Set<Node>();
  for (const node of nodes) if (!late.has(node)) lowering.lower(node);
  const firstUpdate = lowering.instructions.length;
  for (const node of nodes) if (late.has(node)) lowering.lower(node);
  const updates = lowering.instructions.splice(firstUpdate);
  const anyNode = nodes[0] as Node;
  // What is a Parameter's old value is copied before the updates, which may write it in place.
  const saved = new Map<Value, Value>();
  const result = (tensor: Tensor): Value => {
    const value = lowering.valueOf(find(tensor));
    if (!value.parameter) return value;
    const copy = saved.get(value) ?? lowering.temporary(value.dtype, value.size);
    if (!saved.has(value) && value.size > 0) emitCopy(lowering.instructions, copy, value, anyNode);
    saved.set(value, copy);
    return copy;
  };
  const outputs = tape.outputs.map(result);
  const committed = [...commits].map(([parameter, value]) => ({ parameter, value: result(value) }));
  const kept = new Set([...outputs, ...committed.map(({ value }) => value)]);
  const recorded = [...lowering.instructions, ...updates];
  const given = new Set(inputs);
  const needed = fused ? fuse(recorded, kept) : recorded;
  if (fused && committed.length > 0) commitInPlace(needed, committed, given);
  for (const { parameter, value } of committed)
    if (value.parameter !== parameter && value.size > 0)
      emitCopy(needed, lowering.parameter(parameter), value, anyNode);
  const merged = fused && committed.length > 1 ? mergeUpdates(needed) : needed;
  const instructions = fused ? shareStorage(merged, given, outputs) : needed;

  const live = usedValues(instructions, outputs);
  const usedInputs = inputs.map((input) => (live.has(input) ? input : undefined));
  const placement = place(instructions, usedInputs, outputs);
  const pool = [...live].filter((value) => value.inPool);
  const poolBytes = placePool(pool);
  const assigned = committed.map(({ parameter }) => parameter);
  const touched = [...live].flatMap(({ parameter }) => parameter ?? []);
  const parameters = [...new Set([...touched, ...assigned])];
  return {
    ...placement,
    poolBytes,
    parameterBytes: parameters.reduce((sum, parameter) => sum + parameter.byteLength, 0),
    instructions,
    inputs: usedInputs,
    outputs,
    pool,
    parameters,
    assigned,
    checks: lowering.checks,
  };
}

function fuse(recorded: readonly Instruction[], kept: ReadonlySet<Value>): Instruction[] {
  let instructions = dropUnread(composeCopies(recorded), kept);
  // Where there is nothing to do, a pass is not even called: a first step mostly waits for the engine
  // to compile functions.
  const pass = (fuse: typeof fuseEpilogues, opcodes: readonly Opcode[]): void => {
    if (instructions.some(({ opcode }) => opcodes.includes(opcode)))
      instructions = fuse(instructions, kept);
  };
  pass(fuseEpilogues, withActivation);
  pass(fuseNormRelus, norms);
  instructions = dropUnread(instructions, kept);
  pass(shareGeluSlopes, [Opcode.GeluBackward]);
  return fuseChains(instructions, kept);
}

function emitCopy(to: Instruction[], written: Value, read: Value, node: Node): void {
  to.push({ opcode: Opcode.Copy, writes: [written], rest: [read, read.bytes], inPlace: [], node });
}

/**
 * Nodes whose results are only committed: they run last, so that they may write over what others
 * have read.
 */
function lateNodes(
  nodes: readonly Node[],
  find: (tensor: Tensor) => Tensor,
  commits: ReadonlySet<Tensor>,
  outputs: readonly Tensor[],
): Set<Node> {
  const late = new Set<Node>();
  const busy = new Set(outputs.map((output) => output.node));
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index] as Node;
    const committed = node.outputs.some((output) => commits.has(output));
    if (committed && !busy.has(node) && !node.op.refusal && node.inputs.length > 0) late.add(node);
    else for (const input of node.inputs) busy.add(find(input).node);
  }
  return late;
}

/**
 * Gives a committed value the Parameter's own place when no instruction after the one that computes
 * it reads the old value, and none after it may refuse. The others are copied at the end.
 */
function commitInPlace(
  instructions: readonly Instruction[],
  committed: readonly { parameter: Parameter; value: Value }[],
  inputs: ReadonlySet<Value>,
): void {
  const first = new Map<Value, number>();
  const writer = new Map<Value, number>();
  const lastRead = new Map<Parameter, number>();
  let lastRefusal = -1;
  for (const [index, instruction] of instructions.entries()) {
    for (const value of instruction.writes) {
      if (!first.has(value)) first.set(value, index);
      writer.set(value, index);
    }
    for (const value of reads(instruction))
      if (value.parameter) lastRead.set(value.parameter, index);
    if (instruction.node.op.refusal) lastRefusal = index;
  }
  const times = new Map<Value, number>();
  for (const { value } of committed) times.set(value, (times.get(value) ?? 0) + 1);
  for (const { parameter, value } of committed) {
    const at = first.get(value);
    // A value that is put together by several instructions must not be begun too early either.
    const whole = writer.get(value) === at;
    if (!value.inArena || inputs.has(value) || times.get(value) !== 1) continue;
    if (at === undefined || at <= lastRefusal) continue;
    const read = lastRead.get(parameter) ?? -1;
    const instruction = instructions[at] as Instruction;
    const old = reads(instruction).filter((operand) => operand.parameter === parameter);
    const mayOverwrite = old.every((operand) =>
      instruction.inPlace.some(([written, from]) => written === value && from === operand),
    );
    if (read < at || (read === at && whole && mayOverwrite)) value.parameter = parameter;
  }
}

function usedValues(instructions: readonly Instruction[], outputs: readonly Value[]): Set<Value> {
  const live = new Set<Value>();
  const use = (value: Value): void => {
    live.add(value);
    if (value.parent) live.add(value.root);
  };
  for (const output of outputs) use(output);
  for (const instruction of instructions) {
    for (const value of instruction.writes) use(value);
    for (const value of reads(instruction)) use(value);
  }
  return live;
}

function placePool(pool: readonly Value[]): number {
  let end = 0;
  for (const value of pool) {
    if (value.parent) continue;
    value.offset = end;
    end += Math.ceil(value.bytes / 16) * 16;
  }
  for (const value of pool) if (value.parent) value.offset = value.root.offset + value.within;
  return end;
}
