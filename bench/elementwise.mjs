/**
 * Elementwise kernels and reductions against the bandwidth of loops that only copy or read, on as
 * many bytes, in the same run; and functions by the element. Both builds get the same operands and
 * must give the same bits before anything is timed.
 */
import { readFileSync } from "node:fs";
import { compile, createWasmBackend } from "chainrule";
import { createTsBackend } from "chainrule/pure";
import { timesOf } from "./summary.mjs";

/** Bytes of all operands together: what is read, and what is written. */
const LEVELS = { "L1 16 KiB": 2 ** 14, "L2 512 KiB": 2 ** 19, "L3 32 MiB": 2 ** 25 };
/** A row, or as many columns. */
const WIDTH = 256;
const FUNCTION_ELEMENTS = 1e6;
/** Small operands are gone over again within a sample up to so many bytes. */
const SAMPLE_BYTES = 2 ** 20;

const opcodeOf = (fn, ...shapes) =>
  compile(fn).trace(...shapes.map((shape) => ({ shape }))).program.words[0];
const unary = (fn) => ({
  opcode: opcodeOf(fn, [4]),
  reads: 1,
  operands: (at, n) => [at.out, at.a, n],
});
const binary = (fn) => ({
  opcode: opcodeOf(fn, [4], [4]),
  reads: 2,
  operands: (at, n) => [at.out, at.a, at.b, 1, n, n, 1, n, 1],
});
const broadcast = (fn, rows, ...strides) => ({
  opcode: opcodeOf(fn, [4], [4]),
  reads: 1,
  operands: ({ out, a, row }, n) =>
    rows
      ? [out, a, row, n / WIDTH, WIDTH, WIDTH, 1, ...strides]
      : [out, a, row, 1, n, n, 1, ...strides],
});
const reduction = (fn, sizes) => ({
  opcode: opcodeOf(fn, [4]),
  reads: 1,
  reduces: true,
  operands: ({ out, a }, n) => [out, a, ...sizes(n)],
});
/** A kernel whose operations alone are a loop of bench/peak/bandwidth.ts. */
const bare = (loop, kernel) => ({ ...kernel, bare: loop });
const rowsOf = (n) => [n / WIDTH, WIDTH, 1];
const columnsOf = (n) => [1, n / WIDTH, WIDTH];

const ARITHMETIC = {
  "a + b": binary((a, b) => a.add(b)),
  "a − b": binary((a, b) => a.sub(b)),
  "a · b": binary((a, b) => a.mul(b)),
  "a / b": bare(
    "divide2",
    binary((a, b) => a.div(b)),
  ),
  "max(a, b)": bare(
    "greater2",
    binary((a, b) => a.maximum(b)),
  ),
  neg: bare(
    "multiply1",
    unary((a) => a.neg()),
  ),
  relu: bare(
    "multiply1",
    unary((a) => a.relu()),
  ),
  "a · scalar": bare(
    "multiply1",
    broadcast((a, b) => a.mul(b), false, 0, 0),
  ),
  "a + row": broadcast((a, b) => a.add(b), true, 0, 1),
  "sum of rows": bare(
    "sum8",
    reduction((a) => a.sum(), rowsOf),
  ),
  "mean of rows": bare(
    "sum8",
    reduction((a) => a.mean(), rowsOf),
  ),
  "max of rows": bare(
    "greatest8",
    reduction((a) => a.max(), rowsOf),
  ),
  "sum of columns": bare(
    "sum8",
    reduction((a) => a.sum(), columnsOf),
  ),
  "max of columns": bare(
    "greatest8",
    reduction((a) => a.max(), columnsOf),
  ),
  "sum of all": bare(
    "sum4",
    reduction(
      (a) => a.sum(),
      (n) => [1, n, 1],
    ),
  ),
};

const FUNCTIONS = {
  exp: unary((a) => a.exp()),
  log: unary((a) => a.log()),
  tanh: unary((a) => a.tanh()),
  sigmoid: unary((a) => a.sigmoid()),
  sin: unary((a) => a.sin()),
  cos: unary((a) => a.cos()),
  erf: unary((a) => a.erf()),
  pow: binary((a, b) => a.pow(b)),
};

const builds = { wasm: createWasmBackend(), ts: createTsBackend() };

/** Positive numbers up to 4 that repeat from run to run. */
function fill(floats, seed) {
  let state = seed;
  for (let index = 0; index < floats.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    floats[index] = 2 ** -8 + state / 2 ** 30;
  }
}

/** A program that goes `times` over n elements; streams never lie a power of two apart. */
function prepare(backend, { opcode, reads, operands }, n, outputs, times) {
  const { memory } = backend;
  const blocks = [];
  const place = (bytes) => {
    const address = memory.allocate(bytes + 64 * (2 * blocks.length + 1));
    blocks.push(address);
    return address;
  };
  const at = {
    a: place(4 * n),
    b: reads > 1 ? place(4 * n) : 0,
    out: place(4 * outputs),
    row: place(4 * WIDTH),
  };
  const size = times * (operands(at, n).length + 2);
  const program = place(4 * size);
  const status = place(16);
  const view = (address, length) => memory.views.f32.subarray(address / 4, address / 4 + length);
  for (const [address, length] of [
    [at.a, n],
    [at.b, reads > 1 ? n : 0],
    [at.row, WIDTH],
  ])
    fill(view(address, length), address === at.b ? 2 : 1);
  const words = [opcode, operands(at, n).length + 2, ...operands(at, n)];
  for (let index = 0; index < size; index += words.length)
    memory.views.u32.set(words, program / 4 + index);
  return {
    call: () => backend.run("f32", program, 4 * size, status),
    result: () => memory.views.u32.slice(at.out / 4, at.out / 4 + outputs),
    free: () => {
      for (const address of blocks) memory.free(address);
    },
  };
}

/** The tasks of the loops on as many bytes in all as the kernel moves. */
function loopTasks(bytes, { reads, reduces, bare }, times) {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) + 2, maximum: 65536 });
  // Pages that nothing has written are all one page, which stays in L1.
  new Uint8Array(memory.buffer).fill(1, 16384);
  const module = new WebAssembly.Module(
    readFileSync(new URL("../build/peak.simd.wasm", import.meta.url)),
  );
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const { copy4, copy8, read4, read8 } = exports;
  const base = 16384;
  const half = Math.floor(bytes / 256) * 128;
  const to = base + half + 320;
  if (reduces)
    return {
      loop4: () => read4(base, 2 * half, times),
      loop8: () => read8(base, 2 * half, times),
      ...(bare ? { bare: () => exports[bare](base, 2 * half, times) } : {}),
    };
  const part = Math.floor(bytes / (reads + 1) / 128) * 128;
  const out = base + reads * part + 320;
  return {
    loop4: () => copy4(to, base, half, times),
    loop8: () => copy8(to, base, half, times),
    ...(bare ? { bare: () => exports[bare](out, base, part, times) } : {}),
  };
}

function makeCase(name, kernel, n, times, bytes) {
  const outputs = kernel.reduces ? Math.max(WIDTH, n / WIDTH) : n;
  const prepared = Object.entries(builds).map(([build, backend]) => [
    build,
    prepare(backend, kernel, n, outputs, times),
  ]);
  const [wasm, ts] = prepared.map(([, { call, result }]) => {
    call();
    return result();
  });
  const written = kernel.reduces ? 1 : n;
  const at = wasm.subarray(0, written).findIndex((bits, index) => bits !== ts[index]);
  if (at >= 0)
    throw new Error(
      `bench: the builds differ in ${name} at element ${at}: got bits ${wasm[at].toString(16)}, ` +
        `expected ${ts[at].toString(16)} as in TypeScript`,
    );
  const loops = Object.entries(loopTasks(bytes, kernel, times));
  return {
    ...Object.fromEntries(prepared.map(([build, { call }]) => [build, { call }])),
    ...Object.fromEntries(loops.map(([loop, call]) => [loop, { call }])),
    free: () => {
      for (const [, { free }] of prepared) free();
    },
  };
}

function entry(group, label, kernel, level, n) {
  const streams = kernel.reads + (kernel.reduces ? 0 : 1);
  const bytes = 4 * n * streams;
  const times = Math.max(1, Math.floor(SAMPLE_BYTES / bytes));
  const name = `elementwise ${label} ${level}`;
  return {
    ...{ kind: group, name, label, level, elements: n, bytes, times },
    make: () => makeCase(name, kernel, n, times, bytes),
  };
}

/** One case per kernel and level, one per function. */
export function elementwiseCases() {
  const arithmetic = Object.entries(LEVELS).flatMap(([level, total]) =>
    Object.entries(ARITHMETIC).map(([label, kernel]) => {
      const streams = kernel.reads + (kernel.reduces ? 0 : 1);
      const n = Math.floor(total / (4 * streams * WIDTH)) * WIDTH;
      return entry("bandwidth", label, kernel, level, n);
    }),
  );
  const functions = Object.entries(FUNCTIONS).map(([label, kernel]) =>
    entry("function", label, kernel, "10⁶ elements", FUNCTION_ELEMENTS),
  );
  return [...arithmetic, ...functions];
}

/**
 * The figures: GB/s, the share of the better loop's rate (of medians, and of the fastest samples),
 * the share of the rate of its operations alone, ns per element, and how many times as fast as
 * TypeScript.
 * @returns {{ kind: "bandwidth" | "function", name: string, label: string, level: string,
 *   elements: number, bytes: number, gbps: number, loopGbps: number,
 *   ofLoop: { median: number, best: number }, ofBare?: { median: number, best: number },
 *   nsPerElement: { median: number, best: number },
 *   overTs: { median: number, best: number }, count: number }[]}
 */
export function summarizeElementwise(measured) {
  return measured.map(({ kind, name, label, level, elements, bytes, times, rounds }) => {
    const [wasm, ts, loop4, loop8] = ["wasm", "ts", "loop4", "loop8"].map((task) =>
      timesOf(rounds.flatMap((round) => round[task])),
    );
    const bare = rounds[0].bare ? timesOf(rounds.flatMap((round) => round.bare)) : undefined;
    const of = (statistic) => {
      const loop = Math.min(loop4[statistic], loop8[statistic]);
      const perElement = (wasm[statistic] / times / elements) * 1e6;
      return {
        loop,
        share: loop / wasm[statistic],
        perElement,
        ts: ts[statistic] / wasm[statistic],
      };
    };
    const [median, best] = [of("median"), of("min")];
    const rate = (ms) => (bytes * times) / ms / 1e6;
    return {
      ...{ kind, name, label, level, elements, bytes, count: wasm.count },
      gbps: rate(wasm.median),
      loopGbps: rate(median.loop),
      ofLoop: { median: median.share, best: best.share },
      ...(bare ? { ofBare: { median: bare.median / wasm.median, best: bare.min / wasm.min } } : {}),
      nsPerElement: { median: median.perElement, best: best.perElement },
      overTs: { median: median.ts, best: best.ts },
    };
  });
}
