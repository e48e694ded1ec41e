/** The files that are opened, written by the built package. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile, tensor } from "chainrule";
import { circuit, report, toHtml, toSvg } from "chainrule/inspect";
import * as nn from "chainrule/nn";
import { Adam } from "chainrule/optim";
import { normal, seed } from "chainrule/random";

export const PAGES = fileURLToPath(new URL("../../build/pages", import.meta.url));

const notes = () =>
  circuit((x, y, z) => ({ f: x.add(y).mul(z) }), [-2, 5, -4], { names: ["x", "y", "z"] });

const staged = () =>
  circuit((x, y) => ({ f: x.add(y.sigmoid()).div(x.sigmoid().add(x.add(y).square())) }), [3, -4], {
    names: ["x", "y"],
  });

function network() {
  seed(1);
  const model = new nn.Sequential(
    new nn.Linear(6, 8),
    new nn.BatchNorm1d(8),
    new nn.ReLU(),
    new nn.Linear(8, 3),
  );
  const optimizer = new Adam(model.parameters());
  const step = compile((x, labels) => {
    const logits = model.forward(x);
    const loss = nn.crossEntropy(logits, labels);
    optimizer.minimize(loss);
    return { logits, loss };
  });
  const inputs = [normal([9, 6]), tensor([0, 1, 2, 0, 1, 2, 0, 1, 2], { dtype: "i32" })];
  return { step, inputs };
}

class Block extends nn.Module {
  norm = new nn.LayerNorm([8]);
  attention = new nn.MultiheadAttention(8, 2);
  mlp = new nn.Sequential(new nn.Linear(8, 16), new nn.GELU(), new nn.Linear(16, 8));

  forward(x) {
    const y = this.norm.forward(x);
    const attended = x.add(this.attention.forward(y, y, y));
    return attended.add(this.mlp.forward(attended));
  }
}

/** At least 5,000 gates. */
function large() {
  seed(1);
  const model = new nn.Sequential(...Array.from({ length: 128 }, () => new Block()));
  model.parameters();
  return circuit((x) => ({ f: model.forward(x).square().mean() }), [normal([2, 3, 8])], {
    names: ["x"],
    depth: 0,
    entries: 2,
  });
}

/** A run as a monitor records it. */
function history() {
  const spread = (mean) => ({ mean, std: 0.1, min: mean - 0.2, max: mean + 0.2 });
  const layer = (key, k, scale) => ({
    key,
    shape: [8, 6],
    gradientNorm: scale / (1 + k),
    weightNorm: 1,
    updateNorm: 1e-3 * scale,
    updateRatio: 1e-3 * scale,
  });
  return Array.from({ length: 20 }, (_, k) => ({
    step: 10 * k,
    loss: 1.1 / (1 + k),
    layers: [layer("0.weight", k, 1), layer("3.weight", k, 0.2), layer("3.bias", k, 0)],
    activations: [
      {
        key: "2 relu",
        op: "relu",
        shape: [9, 8],
        mean: 0.4,
        std: 0.5,
        min: 0,
        max: 2,
        histogram: { edges: [0, 0.5, 1, 1.5, 2], counts: [40, 20, 8, 4] },
        zeros: 0.5,
        dead: k / 40,
        saturated: undefined,
        nonFinite: 0,
      },
    ],
    norms: [
      {
        key: "1",
        channels: 8,
        mean: spread(0.3 + 0.05 * Math.sin(k)),
        variance: spread(2 + 0.5 * Math.cos(k)),
        runningMean: spread(0.3 * (1 - 0.9 ** k)),
        runningVariance: spread(2 - 0.9 ** k),
      },
    ],
    warnings:
      k === 3 ? [{ kind: "dead", key: "2 relu", text: "2 relu: a tenth is dead <here>" }] : [],
  }));
}

export async function write() {
  rmSync(PAGES, { recursive: true, force: true });
  mkdirSync(PAGES, { recursive: true });
  const save = (name, text) => writeFileSync(join(PAGES, name), text);
  const { step, inputs } = network();
  step(...inputs);
  const loss = circuit(step, inputs, { names: ["x", "labels"] });
  for (const [name, made] of Object.entries({ notes: notes(), staged: staged(), loss })) {
    save(`${name}.svg`, await toSvg(made));
    save(`${name}Open.svg`, await toSvg(made, { depth: Number.POSITIVE_INFINITY }));
    save(`${name}.html`, await toHtml(made));
  }
  save("large.html", await toHtml(large()));
  const run = {
    title: "A small network",
    history: history(),
    metrics: { "train accuracy": [0.4, 0.8, 0.9], "test accuracy": [0.3, 0.7, 0.8] },
    step,
    inputs,
    hash: "ab".repeat(32),
    environment: { runtime: "a test", threads: 1 },
  };
  save("report.html", await report(run));
}
