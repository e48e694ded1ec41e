/** chainrule through its public API: strict WebAssembly, fused multiply-add, threads, TypeScript. */
import * as cr from "chainrule";
import * as nn from "chainrule/nn";
import { Adam, SGD } from "chainrule/optim";
import { ts } from "chainrule/pure";
import { batchesIn, fusionProbe, probe, weightsIn } from "../workloads.mjs";

const i32 = { dtype: "i32" };

const typed = ({ data, shape }) => cr.tensor(data, { shape });

function fuses() {
  const { a, b } = fusionProbe();
  return cr.matmul(typed(a), typed(b)).toTypedArray()[0] !== 0;
}

/** Sets what is created from here on; or says what this build does not offer. */
async function choose({ backend, relaxedSimd, threads }) {
  if (backend === "ts") return void cr.init({ backend: ts });
  if (relaxedSimd) {
    try {
      await cr.init({ relaxedSimd: true });
    } catch (error) {
      return error.message;
    }
    if (!fuses()) return "init({ relaxedSimd: true }) gives the strict build";
  }
  if (threads > 1) {
    const ready = cr.init({ threads });
    if (!(ready instanceof Promise)) return `init({ threads: ${threads} }) is not offered`;
    await ready;
  }
}

function makeMlp({ sizes, batchNorm }) {
  const last = sizes.length - 2;
  const layers = sizes.slice(1).flatMap((out, layer) => {
    const linear = [`linear${layer}`, new nn.Linear(sizes[layer], out)];
    if (layer === last) return [linear];
    const norm = [`norm${layer}`, new nn.BatchNorm1d(out)];
    const relu = [`relu${layer}`, new nn.ReLU()];
    return batchNorm ? [linear, norm, relu] : [linear, relu];
  });
  return { layers, model: new nn.Sequential(...layers.map(([, layer]) => layer)) };
}

function makeCnn({ channels, side, classes }) {
  const flat = channels.at(-1) * (side >> (channels.length - 1)) ** 2;
  const layers = [
    ...channels.slice(1).flatMap((out, layer) => [
      [`conv${layer}`, new nn.Conv2d(channels[layer], out, 3, { padding: "same" })],
      [`norm${layer}`, new nn.BatchNorm2d(out)],
      [`relu${layer}`, new nn.ReLU()],
      [`pool${layer}`, new nn.MaxPool2d(2)],
    ]),
    ["flatten", new nn.Flatten()],
    ["linear", new nn.Linear(flat, classes)],
  ];
  return { layers, model: new nn.Sequential(...layers.map(([, layer]) => layer)) };
}

function makeGpt({ width, heads, blocks, context, classes }) {
  class Block extends nn.Module {
    norm1 = new nn.LayerNorm(width);
    attention = new nn.MultiheadAttention(width, heads, { batchFirst: true });
    norm2 = new nn.LayerNorm(width);
    mlp = new nn.Sequential(
      new nn.Linear(width, 4 * width),
      new nn.GELU(),
      new nn.Linear(4 * width, width),
    );
    forward(x) {
      const n = this.norm1.forward(x);
      const attended = cr.add(x, this.attention.forward(n, n, n, { causal: true }));
      return cr.add(attended, this.mlp.forward(this.norm2.forward(attended)));
    }
  }
  class Gpt extends nn.Module {
    tokens = new nn.Embedding(classes, width);
    positions = new nn.Embedding(context, width);
    blocks = new nn.Sequential(...Array.from({ length: blocks }, () => new Block()));
    norm = new nn.LayerNorm(width);
    head = new nn.Linear(width, classes);
    forward(tokens) {
      const places = cr.arange(context, undefined, 1, i32);
      const x = cr.add(this.tokens.forward(tokens), this.positions.forward(places));
      return this.head.forward(this.norm.forward(this.blocks.forward(x)));
    }
  }
  return new Gpt();
}

/** Writes the given weights over the ones that were drawn. */
function loadWeights(model, weights, rename = (name) => name) {
  const given = Object.fromEntries(
    [...weights].map(([name, { shape, data }]) => [rename(name), { shape, dtype: "F32", data }]),
  );
  model.loadStateDict({ ...model.stateDict(), ...given });
}

function build(workload, weights) {
  if (workload.kind === "gpt") {
    const model = makeGpt(workload);
    loadWeights(model, weights, (name) => name.replace("in_proj.", "in_proj_"));
    return model;
  }
  const { layers, model } = workload.kind === "cnn" ? makeCnn(workload) : makeMlp(workload);
  const places = new Map(layers.map(([name], at) => [name, at]));
  loadWeights(model, weights, (name) => {
    const [layer, entry] = name.split(".");
    return `${places.get(layer)}.${entry}`;
  });
  return model;
}

/** The compiled step of a workload, and its batches. */
export function makeStep(workload, arrays) {
  const model = build(workload, weightsIn(arrays));
  const { lr, momentum, betas, eps, classes } = workload;
  const optimizer = betas
    ? new Adam(model.parameters(), { lr, betas, eps })
    : new SGD(model.parameters(), { lr, momentum });
  const step = cr.compile((x, y) => {
    const loss = nn.crossEntropy(model.forward(x).reshape([-1, classes]), y.reshape([-1]));
    optimizer.minimize(loss);
    return loss;
  });
  const batches = batchesIn(arrays).map(({ x, y }) => ({ x: typed(x), y: typed(y) }));
  return { step, batches };
}

function makeTraining(workload, arrays) {
  const { step, batches } = makeStep(workload, arrays);
  return {
    call: (turn) => {
      const { x, y } = batches[turn % batches.length];
      return step(x, y).item();
    },
  };
}

const MAPS = {
  add: (a, b) => cr.add(a, b),
  exp: (a) => cr.exp(a),
  tanh: (a) => cr.tanh(a),
  sigmoid: (a) => cr.sigmoid(a),
  gelu: (a) => cr.gelu(a),
};
const FORMS = {
  AB: (a, b) => cr.matmul(a, b),
  AtB: (a, b) => cr.matmul(a.transpose(), b),
  ABt: (a, b) => cr.matmul(a, b.transpose()),
};

/** One operation on operands that live in the backend, its result assigned to a Parameter there. */
function makeOperation({ kind, op, form }, arrays) {
  const apply = kind === "gemm" ? FORMS[form] : MAPS[op];
  const [a, b] = ["a", "b"].map((name) => cr.parameter(typed(arrays.get(name))));
  const result = cr.parameter(cr.zeros(a.shape));
  const step = cr.compile(() => {
    cr.assign(result, apply(a, b));
  });
  return { call: () => step(), values: () => probe(result.value()) };
}

export async function load(options) {
  const cannot = await choose(options);
  if (cannot) return { cannot };
  return {
    about: { node: process.versions.node },
    make: (workload, arrays) =>
      ["gemm", "map"].includes(workload.kind)
        ? makeOperation(workload, arrays)
        : makeTraining(workload, arrays),
  };
}
