/**
 * Whole training steps through the public API, copies of the batch in and of the loss out included:
 * multi-layer perceptrons with softmax cross-entropy and SGD with momentum, on batches that take
 * turns.
 */
import { compile, createWasmBackend, init, tensor, wasm } from "chainrule";
import * as nn from "chainrule/nn";
import { SGD } from "chainrule/optim";
import { ts } from "chainrule/pure";
import { seed, uniform } from "chainrule/random";
import { hasFma } from "./peak.mjs";

const MODELS = [
  { sizes: [784, 256, 128, 10], batch: 64, batchNorm: false },
  { sizes: [784, 256, 128, 10], batch: 64, batchNorm: true },
  { sizes: [784, 512, 512, 10], batch: 128, batchNorm: false },
  { sizes: [64, 32, 10], batch: 32, batchNorm: false },
];

const BATCHES = 8;

const builds = { wasm, ts, ...(hasFma ? { fma: createWasmBackend({ relaxedSimd: true }) } : {}) };

/**
 * What the matrix products of a step cost: 2mnk each for the forward pass, for dW and, in all
 * layers but the first, for dX. Everything else (activations, norms, loss, updates) counts as
 * nothing, so its time lowers the figure.
 */
export function gemmFlops({ sizes, batch }) {
  return sizes
    .slice(1)
    .map((out, layer) => 2 * batch * sizes[layer] * out * (layer === 0 ? 2 : 3))
    .reduce((sum, flops) => sum + flops);
}

function makeModel({ sizes, batchNorm }) {
  const last = sizes.length - 2;
  const layers = sizes.slice(1).flatMap((out, layer) => {
    const linear = new nn.Linear(sizes[layer], out);
    if (layer === last) return [linear];
    return batchNorm ? [linear, new nn.BatchNorm1d(out), new nn.ReLU()] : [linear, new nn.ReLU()];
  });
  return new nn.Sequential(...layers);
}

function makeTask(backend, model) {
  const { sizes, batch } = model;
  init({ backend });
  seed(1);
  const network = makeModel(model);
  const optimizer = new SGD(network.parameters(), { lr: 0.01, momentum: 0.9 });
  const step = compile((x, labels) => {
    const loss = nn.crossEntropy(network.forward(x), labels);
    optimizer.minimize(loss);
    return loss;
  });
  const classes = sizes.at(-1);
  const batches = Array.from({ length: BATCHES }, (_, at) => ({
    x: tensor(uniform([batch, sizes[0]]).toTypedArray(), { shape: [batch, sizes[0]] }),
    labels: tensor(Int32Array.from({ length: batch }, (_, row) => (row * 7 + at) % classes)),
  }));
  let turn = 0;
  const train = () => {
    const { x, labels } = batches[turn++ % BATCHES];
    return step(x, labels);
  };
  const loss = train().item();
  if (!Number.isFinite(loss))
    throw new Error(`bench: the loss is not a number: got ${loss}, expected a finite one`);
  return { call: train, before: () => init({ backend }), callsPerStep: step.callsPerStep };
}

/** One case per model. */
export function stepCases() {
  return MODELS.map((model) => {
    const { sizes, batch, batchNorm } = model;
    const name = `step ${sizes.join("-")}${batchNorm ? " batchnorm" : ""} batch ${batch}`;
    return {
      kind: "step",
      name,
      label: name.slice("step ".length),
      flops: gemmFlops(model),
      on: (backend) => makeTask(backend, model),
      make: () =>
        Object.fromEntries(
          Object.entries(builds).map(([build, backend]) => [build, makeTask(backend, model)]),
        ),
    };
  });
}
