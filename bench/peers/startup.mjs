/**
 * What a fresh process needs before it has a gradient, and what compiling a step costs it:
 * `node startup.mjs WHAT` prints milliseconds. Every library differentiates Σ x² + sin x at three
 * points and reads the numbers.
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { makeArrays, WORKLOADS } from "./workloads.mjs";

const POINTS = [1, 2, 3];
const require = createRequire(import.meta.url);

async function ownGradient(backend) {
  const { grad, init, tensor } = await import("chainrule");
  if (backend === "ts") init({ backend: (await import("chainrule/pure")).ts });
  return grad((x) => x.square().add(x.sin()).sum())(tensor(POINTS)).toTypedArray();
}

async function tfjsGradient(backend) {
  const tf = require("@tensorflow/tfjs");
  if (backend === "wasm") {
    const name = "@tensorflow/tfjs-backend-wasm";
    require(name).setWasmPaths(`${dirname(require.resolve(name))}/`);
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  }
  await tf.setBackend(backend);
  const f = (x) => tf.sum(tf.add(tf.square(x), tf.sin(x)));
  return tf.grad(f)(tf.tensor1d(POINTS)).dataSync();
}

async function jaxGradient() {
  const { defaultDevice, grad, init, numpy: np } = await import("@jax-js/jax");
  await init("wasm");
  defaultDevice("wasm");
  const f = (x) => np.square(x.ref).add(np.sin(x)).sum();
  return grad(f)(np.array(POINTS)).dataSync();
}

const GRADIENTS = {
  chainrule: () => ownGradient("wasm"),
  "chainrule-ts": () => ownGradient("ts"),
  "tfjs-wasm": () => tfjsGradient("wasm"),
  "tfjs-cpu": () => tfjsGradient("cpu"),
  "jax-js": jaxGradient,
};

/** From before the import to the numbers. */
async function firstGradient(name) {
  const start = performance.now();
  const gradient = await GRADIENTS[name]();
  const ms = performance.now() - start;
  for (const [at, x] of POINTS.entries())
    if (!(Math.abs(gradient[at] - (2 * x + Math.cos(x))) < 1e-4))
      throw new Error(`gradient of ${name} is wrong: got ${gradient}`);
  return ms;
}

/** The first trace of a step in this process: tape, derivative, plan and program, nothing run. */
async function firstTrace(name) {
  const { makeStep } = await import("./peers/chainrule.mjs");
  const workload = WORKLOADS.find((each) => each.name === name);
  const arrays = new Map(makeArrays(workload).map((entry) => [entry.name, entry]));
  const { step, batches } = makeStep(workload, arrays);
  const start = performance.now();
  step.trace(batches[0].x, batches[0].y);
  return performance.now() - start;
}

/** What is asked for, to its label; the names of workloads stand for their first trace. */
export const STARTUPS = [
  ["chainrule", "first gradient: chainrule"],
  ["chainrule-ts", "first gradient: chainrule, pure TypeScript"],
  ["tfjs-wasm", "first gradient: tfjs wasm"],
  ["tfjs-cpu", "first gradient: tfjs cpu"],
  ["jax-js", "first gradient: jax-js wasm"],
  ["torch", "first gradient: PyTorch"],
  ["step 784-256-128-10 batch 64", "compile: chainrule, 784-256-128-10"],
  ["step gpt batch 8", "compile: chainrule, GPT"],
];

const [, script, what] = process.argv;
if (script?.endsWith("startup.mjs")) {
  // Notices of a library, as those of tfjs, would mix with the number.
  console.log = console.info = console.warn = () => {};
  const ms = what in GRADIENTS ? await firstGradient(what) : await firstTrace(what);
  process.stdout.write(`${ms}\n`);
  process.exit(0);
}
