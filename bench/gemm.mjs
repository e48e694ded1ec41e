/**
 * GEMM as a training step runs it: a program of one instruction in a backend's memory, entered
 * through `run`. Both builds get the same operands and must give the same bits before anything is
 * timed; where the engine has relaxed SIMD, so does the one with fused multiply-adds, which rounds
 * less.
 */
import { compile, createWasmBackend, matmul } from "chainrule";
import { createTsBackend } from "chainrule/pure";
import { hasFma } from "./peak.mjs";

/**
 * C is m × n, k terms a sum: cubes, a wide layer on a batch of 64, sizes that fill no tile; few rows,
 * few columns, one row, one column, and one term: an outer product. TypeScript takes a second for
 * 1,024³.
 */
const SIZES = [
  { m: 64, n: 64, k: 64 },
  { m: 256, n: 256, k: 256 },
  { m: 512, n: 512, k: 512 },
  { m: 1024, n: 1024, k: 1024, scarce: true },
  { m: 64, n: 100, k: 784 },
  { m: 13, n: 29, k: 37 },
  { m: 8, n: 512, k: 512 },
  { m: 2048, n: 10, k: 128 },
  { m: 1, n: 512, k: 512 },
  { m: 512, n: 1, k: 512 },
  { m: 512, n: 256, k: 1 },
];

/** rsA, csA, rsB, csB of `gemm` in src/kernels.ts; a transposed operand is stored untransposed. */
const PRODUCTS = {
  AB: { label: "A·B", strides: ({ n, k }) => [k, 1, n, 1] },
  AtB: { label: "Aᵀ·B", strides: ({ m, n }) => [1, m, n, 1] },
  ABt: { label: "A·Bᵀ", strides: ({ k }) => [k, 1, 1, k] },
};

/** Small products are repeated within a sample up to this much work, for the clock's sake. */
const SAMPLE_FLOPS = { wasm: 5e6, ts: 2e5, fma: 5e6 };

const STATUS_BYTES = 16;

const builds = {
  wasm: createWasmBackend(),
  ts: createTsBackend(),
  ...(hasFma ? { fma: createWasmBackend({ relaxedSimd: true }) } : {}),
};

/** The opcode of GEMM, as the library itself writes it. */
function gemmOpcode() {
  const spec = { shape: [2, 2] };
  return compile((a, b) => matmul(a, b)).trace(spec, spec).program.words[0];
}

/** Numbers in [−1, 1) that repeat from run to run. */
function operand(size, seed) {
  let state = seed;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Places operands and the instruction in a backend's memory. */
function prepare(backend, { m, n, k }, strides) {
  const { memory } = backend;
  const place = (data) => {
    const address = memory.allocate(data.byteLength);
    memory.views.u8.set(new Uint8Array(data.buffer), address);
    return address;
  };
  const a = place(operand(m * k, 1));
  const b = place(operand(k * n, 2));
  const c = place(new Float32Array(m * n).fill(Number.NaN));
  const none = 0;
  const operands = [c, a, b, none, m, n, k, n, ...strides, none, none, none];
  const words = Uint32Array.of(gemmOpcode(), operands.length + 2, ...operands);
  const status = memory.allocate(STATUS_BYTES);
  const program = place(words);
  return {
    call: () => backend.run("f32", program, words.byteLength, status),
    result: () => memory.views.u32.slice(c / 4, c / 4 + m * n),
  };
}

function makeCase(name, sizes, strides, flops) {
  const results = [];
  const tasks = Object.entries(builds).map(([build, backend]) => {
    const { call, result } = prepare(backend, sizes, strides);
    call();
    results.push(result());
    return [build, { call, calls: Math.max(1, Math.round(SAMPLE_FLOPS[build] / flops)) }];
  });
  const [wasm, ts] = results;
  const at = wasm.findIndex((bits, index) => bits !== ts[index]);
  if (at >= 0)
    throw new Error(
      `bench: the builds differ in ${name} at entry ${at}: got bits ${wasm[at].toString(16)}, ` +
        `expected ${ts[at].toString(16)} as in TypeScript`,
    );
  return Object.fromEntries(tasks);
}

/** One case per product and size, 2mnk flops each. */
export function gemmCases() {
  return SIZES.flatMap((sizes) =>
    Object.entries(PRODUCTS).map(([product, { label, strides }]) => {
      const { m, n, k, scarce } = sizes;
      const flops = 2 * m * n * k;
      const name = `gemm ${m}x${n}x${k} ${product}`;
      return {
        kind: "gemm",
        name,
        label: `${label} ${m}×${n}×${k}`,
        flops,
        scarce,
        make: () => makeCase(name, sizes, strides(sizes), flops),
      };
    }),
  );
}
