import { expect } from "vitest";
import { run as runDouble } from "../../src/generated/double/run.js";
import { run as runSingle, WORKSPACE_BYTES } from "../../src/ts/run.js";
import { embedded } from "../../src/wasm/embedded.js";
import { notFused } from "../../src/wasm/kernels.js";

type Buffer = Float32Array | Int32Array | Uint32Array;
export type Block = Buffer | Float64Array;
export interface Outcome {
  /** 0, or 1 when the instruction refused. */
  readonly status: number;
  /** The status block: refusal, instruction, position, value. */
  readonly refusal: readonly number[];
  /** Every buffer after the run, floats as f64 in the double-precision twin. */
  readonly buffers: readonly Block[];
}

/** One instruction: an opcode and its operands, given the addresses of the buffers. */
export type Instruction = readonly [opcode: number, operands: readonly number[]];

const module = embedded.module("simd");
const memory = new WebAssembly.Memory({ initial: 1024, maximum: 65536 });
const kernels = new WebAssembly.Instance(module, {
  env: { memory },
  fused: notFused,
  threads: { barrier: () => 0 },
}).exports as {
  run(program: number, bytes: number, status: number, workspace: number): number;
  heapBase(): number;
  workspaceBytes(): number;
};

const PROGRAM = 64 * 1024;
const WORKSPACE = 2 * PROGRAM;
const align = (n: number): number => (n + 15) & ~15;

/**
 * Puts the buffers into a memory of 64 MiB filled with a pattern, runs the instructions there, and
 * reads the buffers back. Fails when a byte outside every buffer was written.
 */
function execute(
  bytes: ArrayBuffer,
  run: (program: number, length: number, status: number) => number,
  floatBytes: 4 | 8,
  buffers: readonly Buffer[],
  program: (...addresses: number[]) => readonly Instruction[],
  base: number,
): Outcome {
  const u8 = new Uint8Array(bytes);
  const u32 = new Uint32Array(bytes);
  const placed: { at: number; block: Block }[] = [];
  let at = base;
  for (const buffer of buffers) {
    const block =
      buffer instanceof Float32Array && floatBytes === 8 ? Float64Array.from(buffer) : buffer;
    placed.push({ at, block });
    at = align(at + block.byteLength) + 16;
  }
  u8.fill(0xa5, base, at);
  for (const { at, block } of placed)
    u8.set(new Uint8Array(block.buffer, block.byteOffset, block.byteLength), at);
  const words = program(...placed.map((p) => p.at)).flatMap(([opcode, operands]) => [
    opcode,
    operands.length + 2,
    ...operands,
  ]);
  u32.set(words, PROGRAM >>> 2);
  const status = run(PROGRAM, words.length * 4, 16);
  const result = placed.map(({ at, block }) => {
    const copy = u8.slice(at, at + block.byteLength).buffer;
    if (block instanceof Float64Array) return new Float64Array(copy);
    if (block instanceof Float32Array) return new Float32Array(copy);
    return block instanceof Int32Array ? new Int32Array(copy) : new Uint32Array(copy);
  });
  for (const { at: start, block } of placed)
    for (let i = start + block.byteLength; i < align(start + block.byteLength) + 16; i++)
      if (u8[i] !== 0xa5)
        throw new Error(
          `a byte outside every buffer was written: ${i - start - block.byteLength} past the end`,
        );
  return { status, refusal: [...u32.subarray(4, 8)], buffers: result };
}

export function onWasm(
  buffers: readonly Buffer[],
  program: (...addresses: number[]) => readonly Instruction[],
): Outcome {
  const base = align(WORKSPACE + kernels.workspaceBytes());
  return execute(
    memory.buffer,
    (p, n, s) => kernels.run(p, n, s, WORKSPACE),
    4,
    buffers,
    program,
    base,
  );
}

const plain = new ArrayBuffer(64 * 1024 * 1024);
const views = { i: new Int32Array(plain), u: new Uint32Array(plain) };
export function onTs(
  buffers: readonly Buffer[],
  program: (...addresses: number[]) => readonly Instruction[],
): Outcome {
  const heap = { ...views, f: new Float32Array(plain) };
  const run = (p: number, n: number, s: number) => runSingle(heap, p, n, s, WORKSPACE);
  return execute(plain, run, 4, buffers, program, align(WORKSPACE + WORKSPACE_BYTES));
}

export function onDouble(
  buffers: readonly Buffer[],
  program: (...addresses: number[]) => readonly Instruction[],
): Outcome {
  const heap = { ...views, f: new Float64Array(plain) };
  const run = (p: number, n: number, s: number) => runDouble(heap, p, n, s, WORKSPACE);
  return execute(plain, run, 8, buffers, program, align(WORKSPACE + WORKSPACE_BYTES));
}

/** The bits of a block, NaNs made one. */
export function bits(block: Block): Uint32Array {
  if (!(block instanceof Float32Array)) return Uint32Array.from(block);
  const words = new Uint32Array(block.slice().buffer);
  for (let i = 0; i < words.length; i++) if (Number.isNaN(block[i])) words[i] = 0x7fc00000;
  return words;
}

/** Fails at the first word that differs: much faster than comparing typed arrays as objects. */
function expectSameBits(a: Block, b: Block, what: string): void {
  const [left, right] = [bits(a), bits(b)];
  expect(left.length, what).toBe(right.length);
  const at = left.findIndex((word, i) => word !== right[i]);
  if (at >= 0) expect.fail(`${what}, element ${at}: wasm ${a[at]}, ts ${b[at]}`);
}

/**
 * Runs on WebAssembly and on TypeScript f32, expects equal bits everywhere but in the buffers that
 * are `scratch` (their places in the list), and returns the outcome.
 */
export function onBoth(
  buffers: readonly Buffer[],
  program: (...addresses: number[]) => readonly Instruction[],
  scratch: readonly number[] = [],
): Outcome {
  const a = onWasm(buffers, program);
  const b = onTs(buffers, program);
  expect(a.status).toBe(b.status);
  if (a.status !== 0) expect(a.refusal).toEqual(b.refusal);
  for (const [index, block] of a.buffers.entries())
    if (!scratch.includes(index))
      expectSameBits(block, b.buffers[index] as Block, `buffer ${index}`);
  return a;
}
