/** Whole runs against PyTorch: the same weights, batches and rates must give the same losses. */
import { readFileSync } from "node:fs";
import {
  compile,
  type Parameter,
  parameter,
  relu,
  type Tensor,
  tensor,
} from "../../../src/index.js";
import { BatchNorm1d, crossEntropy } from "../../../src/nn/index.js";
import { SGD } from "../../../src/optim/index.js";
import type { Special } from "../adapter.js";
import { type GoldenCase, type GoldenTensor, mismatch } from "../case.js";

interface TrainingCase extends GoldenCase {
  readonly initial: readonly GoldenTensor[];
  readonly batches: GoldenTensor;
  readonly losses: GoldenTensor;
  readonly final: readonly GoldenTensor[];
  readonly buffers_final: readonly GoldenTensor[];
  readonly f32_drift: { readonly losses: number; readonly final: readonly number[] };
}

const digits = new URL("../../../examples/data/digits/", import.meta.url);
const pixels = readFileSync(new URL("train-images-idx3-ubyte", digits)).subarray(16);
const labels = readFileSync(new URL("train-labels-idx1-ubyte", digits)).subarray(8);

/** The images and labels of some rows. */
function batchOf(rows: readonly number[], dtype: "f32" | "f64"): [Tensor, Tensor] {
  const x = rows.flatMap((row) =>
    [...pixels.subarray(row * 64, row * 64 + 64)].map((v) => v / 240),
  );
  const y = rows.map((row) => labels[row] as number);
  return [tensor(x, { shape: [rows.length, 64], dtype }), tensor(y, { dtype: "i32" })];
}

const plain = (x: Tensor) => ({ shape: x.shape, data: x.toTypedArray() });

export const trainingRun: Special = function* (golden, { dtype }) {
  const run = golden as TrainingCase;
  const { lr, momentum = 0, steps, batch, bn_eps, bn_momentum } = run.attrs;
  const parameters = run.initial.map(({ name = "", data, shape }) =>
    parameter([...data], { shape, dtype, name }),
  );
  const named = Object.fromEntries(parameters.map((p) => [p.name, p]));
  const { W1, b1, W2, b2 } = named as Record<"W1" | "b1" | "W2" | "b2", Parameter>;
  let norm: BatchNorm1d | undefined;
  if (named.gamma1 && named.beta1) {
    norm = new BatchNorm1d(b1.size, { eps: bn_eps, momentum: bn_momentum });
    Object.assign(norm, { weight: named.gamma1, bias: named.beta1 });
  }
  const optimizer = new SGD(parameters, { lr, momentum });
  const step = compile((x: Tensor, y: Tensor) => {
    const hidden = x.matmul(W1).add(b1);
    const activated = relu(norm ? norm.forward(hidden) : hidden);
    const loss = crossEntropy(activated.matmul(W2).add(b2), y);
    optimizer.minimize(loss);
    return loss;
  });
  const rows = [...run.batches.data];
  const bound = dtype === "f64" ? 1e-10 : Math.max(1e-5, 4 * run.f32_drift.losses);
  for (let k = 0; k < steps; k++) {
    const [x, y] = batchOf(rows.slice(k * batch, (k + 1) * batch), dtype);
    const want = run.losses.data[k] as number;
    const got = step(x, y).item();
    if (!(Math.abs(got - want) / Math.abs(want) <= bound))
      yield `loss ${k}: got ${got}, expected ${want} within ${bound}, relative`;
  }
  if (step.callsPerStep !== 1) yield `got ${step.callsPerStep} calls per step, expected 1`;
  const largest = Math.max(...run.f32_drift.final);
  for (const [index, want] of run.final.entries()) {
    const wrong = mismatch(plain(parameters[index] as Parameter), want, dtype, largest);
    if (wrong) yield `final ${want.name}: ${wrong}`;
  }
  if (!norm) return;
  // A running mean is one of 64 products with W1 each, whose independent drifts add up as √64.
  for (const [index, buffer] of [
    norm.runningMean as Parameter,
    norm.runningVar as Parameter,
  ].entries()) {
    const want = run.buffers_final[index] as GoldenTensor;
    const wrong = mismatch(plain(buffer), want, dtype, 8 * largest);
    if (wrong) yield `buffer ${index}: ${wrong}`;
  }
  const batches = norm.numBatchesTracked?.item();
  if (batches !== steps) yield `got ${batches} batches tracked, expected ${steps}`;
};
