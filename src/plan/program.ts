/**
 * A plan lowered to words, in the linear memory of its backend:
 *
 *     status, 16 bytes | instructions [opcode, length, operands …] | pool: constants and host values
 *
 * (those of other threads, where there are any, follow those of the first).
 *
 * Operands that are addresses are known only when the block and the arena are placed, so the words
 * are kept with a list of what to add where; when the arena moves, only its operands are rewritten,
 * before the next run.
 */

import { Refusal } from "../../assembly/opcodes.js";
import { type Backend, elementBytes, type ThreadProgram } from "../backend.js";
import { makeFinalizer } from "../finalizer.js";
import { type FloatDtype, isFloat, type Node, type Tensor, type TypedArray } from "../tensor.js";
import { assemble, type Relocation, wholes } from "./assemble.js";
import type { Value } from "./lowering.js";
import type { Plan } from "./plan.js";
import type { Share } from "./shares.js";

export const STATUS_BYTES = 16;
/** The run loop reads nine operands of every instruction: of the last ones past their end. */
const LOOKAHEAD_BYTES = 36;
const POISON = 0xa5;

/** What an instruction of a checked plan refused. */
export interface Finding {
  readonly tensor: Tensor;
  /** Where in the tensor. */
  readonly position: number;
  readonly data: TypedArray;
  /** The floats it was computed from. */
  readonly inputs: readonly { readonly tensor: Tensor; readonly data: TypedArray }[];
}

interface ProgramOptions {
  /** On one thread, however many the backend has. */
  readonly alone?: boolean;
  /** What to throw for a value that is not finite. */
  explain?(finding: Finding): Error;
  /** What to add to what an op says when it refuses its input. */
  where?(node: Node): string;
}

const finalizer = makeFinalizer<{ backend: Backend; address: number }>((block) =>
  block.backend.memory.free(block.address),
);

export class Program {
  readonly plan: Plan;
  readonly backend: Backend;
  readonly float: FloatDtype;
  /** The words before addresses are filled in, of all threads. */
  readonly words: Uint32Array;
  /** How many threads run it. */
  readonly threads: number;
  /** Where the words of each thread end. */
  readonly #ends: readonly number[];
  readonly #arenaBytesWanted: number;
  readonly #relocations: readonly Relocation[];
  /** The instruction at a byte offset. */
  readonly #shares: ReadonlyMap<number, Share>;
  readonly #options: ProgramOptions;
  readonly #host: { readonly value: Value; readonly numbers: Float64Array }[];
  #block = 0;
  #arena = -1;
  #running = false;

  constructor(plan: Plan, backend: Backend, float: FloatDtype, options: ProgramOptions = {}) {
    this.plan = plan;
    this.backend = backend;
    this.float = float;
    this.#options = options;
    const threads = options.alone || plan.checks ? undefined : backend.threads;
    const whole = wholes(plan);
    const schedule = threads?.schedule(plan, whole);
    const { words, relocations, shares, ends } = assemble(schedule?.lists ?? [whole]);
    this.words = words;
    this.threads = ends.length;
    this.#ends = ends;
    this.#arenaBytesWanted = plan.peakBytes + (schedule?.scratchBytes ?? 0);
    this.#relocations = relocations;
    this.#shares = shares;
    this.#host = plan.pool.flatMap((value) =>
      value.source ? [{ value, numbers: new Float64Array(value.size) }] : [],
    );
  }

  /** Bytes of the program's own block. */
  get blockBytes(): number {
    return this.#poolStart() + this.plan.poolBytes;
  }

  /**
   * Copies the inputs in, enters the backend once, copies the outputs out. Whatever is wrong is
   * thrown before the backend is entered or before anything is committed. `rehearsal`: random state
   * and whatever else JavaScript keeps stay as they are. The last `left` outputs are not copied: they
   * lie where `placeOf` says.
   */
  run(inputs: readonly TypedArray[], rehearsal = false, left = 0): TypedArray[] {
    if (this.#running) throw new Error("run: the program is running already: expected no re-entry");
    this.#running = true;
    try {
      const status = this.prepare(inputs);
      const [own, ...others] = this.#programs() as [ThreadProgram, ...ThreadProgram[]];
      if (this.backend.run(this.float, own.address, own.bytes, status, others) !== 0)
        throw this.refusal();
      const { outputs } = this.plan;
      const copies = outputs
        .slice(0, outputs.length - left)
        .map((value) =>
          value.dtype === "bool" ? Uint8Array.from(this.#view(value)) : this.#copy(value),
        );
      for (const parameter of this.plan.assigned) parameter.written();
      if (!rehearsal) for (const { value } of this.#host) value.source?.committed?.();
      return copies;
    } finally {
      this.#running = false;
    }
  }

  /** Where an output of the last run lies, until anything else runs; bools are i32 there. */
  placeOf(output: number): { readonly address: number; readonly bytes: number } {
    const value = this.plan.outputs[output] as Value;
    return { address: this.#address(value), bytes: value.bytes };
  }

  /**
   * Puts program and inputs in place. Returns the address of the status, which the words come after.
   */
  prepare(inputs: readonly TypedArray[]): number {
    for (const { value, numbers } of this.#host) value.source?.read(numbers);
    this.#place();
    this.#copyIn(inputs);
    return this.#block;
  }

  /**
   * Gives the program's block back. Programs that are not released are when nothing refers to them.
   */
  release(): void {
    if (this.#block === 0) return;
    finalizer.unregister(this);
    this.backend.memory.free(this.#block);
    this.#block = 0;
    this.#arena = -1;
  }

  /**
   * Fills the arena with a pattern, so that `bytesWritten` can tell afterwards what a run has
   * written.
   */
  poison(): void {
    this.#place();
    this.#arenaBytes().fill(POISON);
  }

  /** The highest byte of the arena, plus one, that is not as `poison` left it. */
  bytesWritten(): number {
    return this.#arenaBytes().findLastIndex((byte) => byte !== POISON) + 1;
  }

  #arenaBytes(): Uint8Array {
    const { arena, memory } = this.backend;
    return memory.views.u8.subarray(arena.address, arena.address + arena.bytes);
  }

  #poolStart(): number {
    return Math.ceil((STATUS_BYTES + this.words.byteLength + LOOKAHEAD_BYTES) / 16) * 16;
  }

  /** Puts words, pool and arena where they belong, if they are not there yet. */
  #place(): void {
    const { backend, plan } = this;
    // Throws for a disposed one.
    for (const parameter of plan.parameters) void parameter.address;
    const fresh = this.#block === 0;
    if (fresh) {
      this.#block = backend.memory.allocate(this.blockBytes);
      finalizer.register(this, { backend, address: this.#block }, this);
      const start = (this.#block + STATUS_BYTES) >>> 2;
      backend.memory.views.u32.set(this.words, start);
      for (const value of plan.pool) if (value.data) this.#view(value).set(value.data);
      this.#relocate((value) => !value.inArena);
    }
    try {
      backend.arena.reserve(this.#arenaBytesWanted);
    } catch (error) {
      if (fresh) this.release();
      throw error;
    }
    if (this.#arena !== backend.arena.address) {
      this.#arena = backend.arena.address;
      this.#relocate((value) => value.inArena);
    }
  }

  #relocate(which: (value: Value) => boolean): void {
    const { u32 } = this.backend.memory.views;
    const start = (this.#block + STATUS_BYTES) >>> 2;
    for (const { word, value, offset } of this.#relocations)
      if (which(value)) u32[start + word] = this.#address(value) + offset;
  }

  #programs(): ThreadProgram[] {
    const base = this.#block + STATUS_BYTES;
    return this.#ends.map((end, thread) => {
      const begin = this.#ends[thread - 1] ?? 0;
      return { address: base + begin * 4, bytes: (end - begin) * 4 };
    });
  }

  #address(value: Value): number {
    if (value.parameter) return value.parameter.address;
    return value.inPool
      ? this.#block + this.#poolStart() + value.offset
      : this.backend.arena.address + value.offset;
  }

  /** Where a value begins among elements of its type. */
  #start(value: Value): number {
    return this.#address(value) / elementBytes(value.dtype);
  }

  #view(value: Value): TypedArray {
    const start = this.#start(value);
    return this.backend.memory.views[value.dtype].subarray(start, start + value.size);
  }

  #copy(value: Value): TypedArray {
    const start = this.#start(value);
    return this.backend.memory.views[value.dtype].slice(start, start + value.size);
  }

  #copyIn(inputs: readonly TypedArray[]): void {
    const { views } = this.backend.memory;
    // A view of where they go would cost more than to copy a few hundred of them.
    for (const [index, value] of this.plan.inputs.entries())
      if (value) views[value.dtype].set(inputs[index] as TypedArray, this.#start(value));
    for (const { value, numbers } of this.#host) {
      const view = views[value.dtype];
      const start = this.#start(value);
      for (let k = 0; k < numbers.length; k++) view[start + k] = numbers[k] as number;
    }
  }

  /** What a run was refused for. */
  refusal(): Error {
    const status = this.backend.memory.views.u32.subarray(
      this.#block >>> 2,
      (this.#block >>> 2) + 4,
    );
    const [code = Refusal.None, offset = 0, position = 0, value = 0] = status;
    const { node, operands = [] } = this.#shares.get(offset) ?? {};
    if (code === Refusal.NonFinite) {
      const found = this.#finding(operands as readonly (Value | number)[], position);
      const error = this.#options.explain?.(found);
      if (error) return error;
    }
    const message = node?.op.refusal?.(node, position, value | 0);
    if (!node || !message)
      return new RangeError(`run: refused with code ${code} at byte ${offset}`);
    return new RangeError(message + (this.#options.where?.(node) ?? ""));
  }

  /** What `checkFinite` with these operands refused: y, n, infinities, count, [input, n] … */
  #finding(operands: readonly (Value | number)[], position: number): Finding {
    const [value, , , , ...pairs] = operands as [Value, ...(Value | number)[]];
    const tensor = this.plan.checks?.get(value) as Tensor;
    const floats = tensor.node.inputs.filter(({ dtype }) => isFloat(dtype));
    const inputs = floats.map((input, index) => ({
      tensor: input,
      data: this.#view(pairs[2 * index] as Value).slice(),
    }));
    return { tensor, position, data: this.#view(value).slice(), inputs };
  }
}
