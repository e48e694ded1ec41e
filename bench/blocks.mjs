/**
 * `node bench/blocks.mjs [--fma] [--rounds N]`: how GEMM's block sizes were chosen. Compiles the
 * kernels once for each choice, strict or with fused multiply-adds, multiplies with all of them in
 * turn, and prints each one's fastest time as a share of the committed one's: above 100 % it is
 * faster. KC is not among them: it is part of the kernel contract.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { Command } from "commander";
import { align } from "./table.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const { options, targets } = JSON.parse(readFileSync(`${root}asconfig.json`, "utf8"));

/** [m, n, k], the three forms of each. */
const SIZES = [
  [32, 128, 256],
  [32, 1024, 256],
  [64, 256, 784],
  [64, 512, 64],
  [64, 784, 256],
  [256, 784, 64],
  [128, 128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
];

/** rsA, csA, rsB, csB, as in bench/gemm.mjs. */
const FORMS = {
  A·B: (_, n, k) => [k, 1, n, 1],
  Aᵀ·B: (m, n) => [1, m, n, 1],
  A·Bᵀ: (_m, _n, k) => [k, 1, 1, k],
};

/** Each changes one constant of a file. */
const constant = (file, name, value) => ({ file, name, value, label: `${name} ${value}` });
const gemm = (name, values) => values.map((value) => constant("assembly/gemm.ts", name, value));
const variants = (fma) => [
  { label: "as committed" },
  ...gemm("MC", fma ? [60, 180, 240] : [64, 192, 256]),
  ...gemm("NC", [256, 1024]),
  ...gemm("UNPACKED", [0, 32, 128]),
  ...gemm("UNPACKED_SCATTERED", [16, 64]),
  ...gemm("WIDTH", [8, 32, 512]),
  ...(fma ? [constant("assembly/microKernel.ts", "MR", 4)] : []),
];

/** The kernels with one constant changed, over a memory of their own. */
async function compile({ file, name, value }, fma, folder) {
  const target = fma ? "relaxed" : "simd";
  const flags = { ...options, enable: targets[target].enable.join() };
  const outFile = join(folder, "kernels.wasm");
  const { error, stderr } = await asc.main(
    [
      ...["assembly/relaxed.ts", "--baseDir", root, "--config", "none", "--outFile", outFile],
      ...Object.entries(flags).flatMap(([flag, x]) =>
        x === true ? [`--${flag}`] : [`--${flag}`, String(x)],
      ),
    ],
    {
      readFile(path, base) {
        try {
          const text = readFileSync(join(base, path), "utf8");
          if (path !== file) return text;
          return text.replace(
            new RegExp(`const ${name}: u32 = [^;]+;`),
            `const ${name}: u32 = ${value};`,
          );
        } catch {
          return null;
        }
      },
    },
  );
  if (error) throw new Error(`blocks: the kernels do not compile: got ${stderr}`);
  const memory = new WebAssembly.Memory({ initial: 256, maximum: 65536 });
  const module = new WebAssembly.Module(readFileSync(outFile));
  const imports = { env: { memory }, fused: { product: () => {} } };
  const { product, workspaceBytes } = new WebAssembly.Instance(module, imports).exports;
  return { product, memory, workspace: 65536, operands: 131072 + workspaceBytes() };
}

/** One call of a product of these sizes, its operands in place. */
function task({ product, memory, workspace, operands }, [m, n, k], strides) {
  // A and B start at different places within a page.
  const a = (operands + 63) & ~63;
  const b = (a + 4 * m * k + 4096 + 192) & ~63;
  const c = (b + 4 * k * n + 4096 + 320) & ~63;
  const end = c + 4 * m * n;
  if (end > memory.buffer.byteLength)
    memory.grow(Math.ceil((end - memory.buffer.byteLength) / 65536));
  new Float32Array(memory.buffer, a, (c - a) >> 2).fill(0.5);
  return () => product(c, a, b, 0, m, n, k, n, ...strides(m, n, k), 1, 0, 0, workspace);
}

/** The fastest of each, called in turn, in ms. */
function fastest(calls, flops, rounds) {
  const times = calls.map(() => Number.POSITIVE_INFINITY);
  const repeats = Math.max(1, Math.round(4e6 / flops));
  for (let round = 0; round < rounds; round++)
    for (const [at, call] of calls.entries()) {
      const start = performance.now();
      for (let index = 0; index < repeats; index++) call();
      times[at] = Math.min(times[at], (performance.now() - start) / repeats);
    }
  return times;
}

const { fma = false, rounds } = new Command("blocks")
  .option("--fma", "the kernels with fused multiply-adds")
  .option("--rounds <n>", "samples of each", Number, 30)
  .allowExcessArguments(false)
  .parse()
  .opts();
const folder = mkdtempSync(join(tmpdir(), "chainrule-blocks-"));
try {
  const tried = variants(fma);
  const kernels = [];
  for (const variant of tried) kernels.push(await compile(variant, fma, folder));
  const rows = SIZES.flatMap((sizes) =>
    Object.entries(FORMS).map(([form, strides]) => {
      const flops = 2 * sizes[0] * sizes[1] * sizes[2];
      const calls = kernels.map((kernel) => task(kernel, sizes, strides));
      const times = fastest(
        calls,
        flops,
        Math.max(3, Math.ceil(rounds * Math.min(1, 3e8 / flops))),
      );
      const [first] = times;
      return [
        `${form} ${sizes.join("×")}`,
        (flops / first / 1e6).toFixed(1),
        ...times.slice(1).map((ms) => `${((100 * first) / ms).toFixed(1)} %`),
      ];
    }),
  );
  const labels = tried.slice(1).map(({ label }) => label);
  console.log(align([["", "GFLOP/s", ...labels], ...rows]));
} finally {
  rmSync(folder, { recursive: true });
}
