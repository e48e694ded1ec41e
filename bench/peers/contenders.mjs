/**
 * Who is compared, and how each is started. Every contender is a process of its own, so that heaps,
 * global state and threads are apart and each can have its engine flags or instruction set.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const file = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What a Node needs before it compiles relaxed SIMD: nothing from version 22 on. */
function relaxedFlags(node) {
  const { stdout } = spawnSync(node, ["-p", "process.versions.node"], { encoding: "utf8" });
  return Number.parseInt(stdout ?? "", 10) >= 22 ? [] : ["--experimental-wasm-relaxed-simd"];
}

const inNode = (node, flags, peer, options) => ({
  command: node,
  args: [...flags, "--expose-gc", file("child.mjs"), peer, JSON.stringify(options)],
});

/**
 * The widths of vector instructions that PyTorch, oneDNN and its BLAS (OpenBLAS or MKL) are held to.
 * Prescott's kernels are the fastest of OpenBLAS's that use 128-bit registers alone.
 */
const WIDTHS = {
  sse: {
    label: "PyTorch, SSE",
    env: {
      ...{ ATEN_CPU_CAPABILITY: "default", ONEDNN_MAX_CPU_ISA: "SSE41", DNNL_MAX_CPU_ISA: "SSE41" },
      ...{ OPENBLAS_CORETYPE: "Prescott", MKL_ENABLE_INSTRUCTIONS: "SSE4_2" },
    },
  },
  avx2: {
    label: "PyTorch, AVX2",
    env: {
      ...{ ATEN_CPU_CAPABILITY: "avx2", ONEDNN_MAX_CPU_ISA: "AVX2", DNNL_MAX_CPU_ISA: "AVX2" },
      ...{ OPENBLAS_CORETYPE: "Haswell", MKL_ENABLE_INSTRUCTIONS: "AVX2" },
    },
  },
  avx512: {
    label: "PyTorch, AVX-512",
    env: {
      ...{ ATEN_CPU_CAPABILITY: "avx512", ONEDNN_MAX_CPU_ISA: "AVX512_CORE" },
      ...{ DNNL_MAX_CPU_ISA: "AVX512_CORE", OPENBLAS_CORETYPE: "SkylakeX" },
      MKL_ENABLE_INSTRUCTIONS: "AVX512",
    },
  },
};

const ONE_THREAD = { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", MKL_NUM_THREADS: "1" };

/** The first Python that has PyTorch, or undefined. */
function findPython(asked) {
  const candidates = asked ? [asked] : ["python3", "/usr/bin/python3"];
  return candidates.find((python) => spawnSync(python, ["-c", "import torch"]).status === 0);
}

function torchContenders({ python: asked, blas }) {
  const python = findPython(asked);
  const cannot = python ? undefined : `${asked ?? "python3"} cannot import torch`;
  const library = blas
    ? { LD_LIBRARY_PATH: [blas, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":") }
    : {};
  return Object.entries(WIDTHS).map(([width, { label, env }]) => ({
    ...{ name: `torch-${width}`, label, cannot },
    how: {
      command: python,
      args: [file("peers/pytorch.py")],
      env: { ...ONE_THREAD, ...library, ...env },
    },
  }));
}

/**
 * @typedef {{ name: string, label: string, base?: boolean, cannot?: string,
 *   how: { command: string, args: readonly string[], env?: Record<string, string> } }} Contender
 *   The others are divided by each `base`.
 * @param {{ node: string, python?: string, blas?: string }} options
 * @returns {Contender[]}
 */
export function contenders(options) {
  const { node } = options;
  const flags = relaxedFlags(node);
  const own = (settings) => inNode(node, settings.relaxedSimd ? flags : [], "chainrule", settings);
  return [
    { name: "chainrule", label: "chainrule", base: true, how: own({}) },
    {
      ...{ name: "chainrule-fma", label: "chainrule, FMA", base: true },
      how: own({ relaxedSimd: true }),
    },
    {
      ...{ name: "chainrule-threads", label: "chainrule, 2 threads", base: true },
      how: own({ threads: 2 }),
    },
    { name: "peak", label: "its products, at the peak", how: inNode(node, [], "peak", {}) },
    {
      ...{ name: "peak-fma", label: "its products, at the FMA peak" },
      how: inNode(node, flags, "peak", { relaxedSimd: true }),
    },
    { name: "chainrule-ts", label: "chainrule, pure TypeScript", how: own({ backend: "ts" }) },
    { name: "tfjs-wasm", label: "tfjs wasm", how: inNode(node, [], "tfjs", { backend: "wasm" }) },
    { name: "tfjs-cpu", label: "tfjs cpu", how: inNode(node, [], "tfjs", { backend: "cpu" }) },
    { name: "jax-js", label: "jax-js wasm, jit", how: inNode(node, [], "jaxjs", {}) },
    // It fuses wherever the engine can, so that without flags the one above does.
    ...(flags.length > 0
      ? [{ name: "jax-js-fma", label: "jax-js, FMA", how: inNode(node, flags, "jaxjs", {}) }]
      : []),
    { name: "onnxruntime", label: "onnxruntime-web", how: inNode(node, [], "onnx", {}) },
    ...torchContenders(options),
  ];
}
