/** jax-js on its WebAssembly backend, whole steps under `jit`. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as jax from "@jax-js/jax";
import { batchesIn, fusionProbe, probe, transposed, weightsIn } from "../workloads.mjs";
import { cnnLogits, gptLogits, mlpLogits } from "./jaxjsModels.mjs";

const { numpy: np, nn } = jax;

const arrayOf = ({ data, shape }) =>
  np.array(data, { shape, dtype: data instanceof Int32Array ? np.int32 : np.float32 });

/** Mean of −log softmax at the label. */
function crossEntropy(logits, labels) {
  const [rows, classes] = logits.shape;
  const hot = nn.oneHot(labels.reshape([rows]), classes);
  return nn
    .logSoftmax(logits)
    .mul(hot)
    .sum()
    .mul(-1 / rows);
}

/** Parameters, moments and running statistics of a step, as flat objects of arrays by name. */
function initialState(workload, weights) {
  const embedding = /^(tokens|positions)\./;
  const params = {};
  const stats = {};
  for (const [name, entry] of weights) {
    const turned = entry.shape.length === 2 && !embedding.test(name);
    params[name] = arrayOf(turned ? transposed(entry) : entry);
    if (workload.kind !== "gpt" && /^norm\d+\.weight$/.test(name)) {
      const layer = name.split(".")[0];
      stats[`${layer}.mean`] = np.zeros(entry.shape);
      stats[`${layer}.variance`] = np.ones(entry.shape);
    }
  }
  const zeros = () =>
    Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, np.zeros(shape)]));
  const moments = workload.betas ? [zeros(), zeros()] : [zeros()];
  return { params, stats, moments };
}

const mapNames = (object, f) =>
  Object.fromEntries(Object.keys(object).map((name) => [name, f(name)]));

/** b ← momentum·b + g; p ← p − lr·b. */
function momentumUpdate({ lr, momentum }, { params, moments: [old] }, grads) {
  const next = mapNames(params, (name) => old[name].mul(momentum).add(grads[name]));
  const updated = mapNames(params, (name) => params[name].sub(next[name].ref.mul(lr)));
  return { params: updated, moments: [next] };
}

/** Adam (Kingma and Ba 2015) as PyTorch writes it; the corrections 1 − βᵗ are arguments. */
function adamUpdate({ lr, betas, eps }, { params, moments: [first, second] }, grads, corrections) {
  const [beta1, beta2] = betas;
  const m = mapNames(params, (name) => first[name].mul(beta1).add(grads[name].ref.mul(1 - beta1)));
  const v = mapNames(params, (name) =>
    second[name].mul(beta2).add(np.square(grads[name]).mul(1 - beta2)),
  );
  const [c1, c2] = corrections;
  const updated = mapNames(params, (name) => {
    const scale = np.sqrt(v[name].ref.div(c2.ref)).add(eps);
    return params[name].sub(m[name].ref.div(c1.ref).mul(lr).div(scale));
  });
  c1.dispose();
  c2.dispose();
  return { params: updated, moments: [m, v] };
}

const LOGITS = { mlp: mlpLogits, cnn: cnnLogits, gpt: gptLogits };

function makeTraining(workload, arrays) {
  let state = initialState(workload, weightsIn(arrays));
  const logits = LOGITS[workload.kind];
  const loss = (params, stats, x, y) => {
    const { out, stats: next } = logits(workload, params, stats, x);
    return [crossEntropy(out, y), next];
  };
  const step = jax.jit(({ params, stats, moments }, x, y, corrections) => {
    const [[value, nextStats], grads] = jax.valueAndGrad(loss, { hasAux: true })(
      jax.tree.ref(params),
      stats,
      x,
      y,
    );
    const update = workload.betas ? adamUpdate : momentumUpdate;
    const updated = update(workload, { params, moments }, grads, corrections);
    return [{ ...updated, stats: nextStats }, value];
  });
  const batches = batchesIn(arrays);
  const powers = (workload.betas ?? []).map(() => 1);
  return {
    call: (turn) => {
      const { x, y } = batches[turn % batches.length];
      const corrections = powers.map((power, at) => {
        powers[at] = power * workload.betas[at];
        return np.array(Float32Array.of(1 - powers[at])).reshape([]);
      });
      const [next, value] = step(state, arrayOf(x), arrayOf(y), corrections);
      state = next;
      return value.dataSync()[0];
    },
    finish: () => {
      jax.tree.dispose(state);
      step.dispose();
    },
  };
}

const OPERATIONS = {
  ...{ add: (a, b) => a.add(b), AB: (a, b) => np.matmul(a, b) },
  AtB: (a, b) => np.matmul(np.transpose(a), b),
  ABt: (a, b) => np.matmul(a, np.transpose(b)),
  ...{ exp: (a) => np.exp(a), tanh: (a) => np.tanh(a), sigmoid: (a) => nn.sigmoid(a) },
  gelu: (a) => nn.gelu(a, { approximate: false }),
};

function makeOperation({ op, form }, arrays) {
  const f = OPERATIONS[op ?? form];
  const operands = ["a", "b"].slice(0, f.length).map((name) => arrayOf(arrays.get(name)));
  const compiled = jax.jit((...args) => f(...args));
  const apply = () => compiled(...operands.map((x) => x.ref));
  return {
    call: () => {
      const result = apply();
      return result.blockUntilReady().then(() => result.dispose());
    },
    values: () => probe(apply().dataSync()),
    finish: () => {
      for (const x of operands) x.dispose();
      compiled.dispose();
    },
  };
}

function fuses() {
  const { a, b } = fusionProbe();
  return np.matmul(arrayOf(a), arrayOf(b)).dataSync()[0] !== 0;
}

export async function load() {
  const started = await jax.init("wasm");
  if (!started.includes("wasm")) return { cannot: "its wasm backend does not start" };
  jax.defaultDevice("wasm");
  const entry = createRequire(import.meta.url).resolve("@jax-js/jax");
  const { version } = JSON.parse(readFileSync(new URL("../package.json", `file://${entry}`)));
  return {
    about: { version, fma: fuses() },
    make: (workload, arrays) =>
      ["gemm", "map"].includes(workload.kind)
        ? makeOperation(workload, arrays)
        : makeTraining(workload, arrays),
  };
}
