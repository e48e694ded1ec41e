/** Whole runs against PyTorch: the same weights, batches and rates must give the same losses. */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import {
  compile,
  init,
  type Parameter,
  parameter,
  relu,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import { BatchNorm1d, crossEntropy } from "../src/nn/index.js";
import { Adam, AdamW, type Optimizer, SGD } from "../src/optim/index.js";
import { ts } from "../src/pure.js";
import { expectGolden, type GoldenTensor, loadGolden } from "./golden.js";

const builds = [
  { build: "wasm f32", backend: wasm, dtype: "f32" },
  { build: "ts f32", backend: ts, dtype: "f32" },
  { build: "ts f64", backend: ts, dtype: "f64" },
] as const;

afterEach(() => init({ backend: wasm }));

interface TrainingCase {
  readonly name: string;
  readonly attrs: {
    lr: number;
    momentum?: number;
    steps: number;
    batch: number;
    bn_eps?: number;
    bn_momentum?: number;
  };
  readonly initial: readonly GoldenTensor[];
  readonly batches: GoldenTensor;
  readonly losses: GoldenTensor;
  readonly first_grads: readonly GoldenTensor[];
  readonly final: readonly GoldenTensor[];
  readonly buffers_final: readonly GoldenTensor[];
  readonly f32_drift: { readonly losses: number; readonly final: readonly number[] };
}

const digits = new URL("../examples/data/digits/", import.meta.url);
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

const relative = (got: number, want: number): number => Math.abs(got - want) / Math.abs(want);

describe.each(builds)("training runs in $build", ({ backend, dtype }) => {
  test.each(loadGolden<TrainingCase>("train"))("$name", (run) => {
    init({ backend, dtype });
    const { lr, momentum = 0, steps, batch } = run.attrs;
    const parameters = run.initial.map(({ name = "", data, shape }) =>
      parameter([...data], { shape, dtype, name }),
    );
    const named = Object.fromEntries(parameters.map((p) => [p.name, p])) as Record<
      string,
      Parameter
    >;
    const { W1, b1, W2, b2 } = named as Record<"W1" | "b1" | "W2" | "b2", Parameter>;
    let norm: BatchNorm1d | undefined;
    if (named.gamma1 && named.beta1) {
      norm = new BatchNorm1d(b1.size, {
        eps: run.attrs.bn_eps as number,
        momentum: run.attrs.bn_momentum as number,
      });
      Object.assign(norm, { weight: named.gamma1, bias: named.beta1 });
    }
    const optimizer = new SGD(parameters, { lr, momentum });
    const step = compile((x: Tensor, y: Tensor) => {
      const hidden = x.matmul(W1).add(b1);
      const loss = crossEntropy(
        relu(norm ? norm.forward(hidden) : hidden)
          .matmul(W2)
          .add(b2),
        y,
      );
      optimizer.minimize(loss);
      return loss;
    });
    const rows = [...run.batches.data];
    const bound = dtype === "f64" ? 1e-10 : Math.max(1e-5, 4 * run.f32_drift.losses);
    for (let k = 0; k < steps; k++) {
      const [x, y] = batchOf(rows.slice(k * batch, (k + 1) * batch), dtype);
      const want = run.losses.data[k] as number;
      expect(relative(step(x, y).item(), want), `loss ${k}`).toBeLessThanOrEqual(bound);
    }
    expect(step.callsPerStep).toBe(1);
    const largest = Math.max(...run.f32_drift.final);
    for (const [index, want] of run.final.entries())
      expectGolden(
        (parameters[index] as Parameter).toTypedArray(),
        want,
        dtype,
        largest,
        `final ${want.name}`,
      );
    // A running mean is one of 64 products with W1 each, whose independent drifts add up as √64.
    const inherited = 8 * largest;
    const buffers = norm ? [norm.runningMean, norm.runningVar] : [];
    for (const [index, buffer] of buffers.entries())
      expectGolden(
        buffer.toTypedArray(),
        run.buffers_final[index] as GoldenTensor,
        dtype,
        inherited,
        `buffer ${index}`,
      );
    if (norm) expect(norm.numBatchesTracked.item()).toBe(steps);
  });
});

interface OptimizerCase {
  readonly name: string;
  readonly op: string;
  readonly attrs: {
    optimizer: string;
    steps: number;
    lr: number;
    momentum?: number;
    nesterov?: boolean;
    weight_decay?: number;
    betas?: [number, number];
    eps?: number;
  };
  readonly inputs: readonly GoldenTensor[];
  readonly grads: readonly GoldenTensor[];
  readonly params: readonly GoldenTensor[];
  readonly f32_drift: number;
}

function make(parameters: Parameter[], { attrs }: OptimizerCase): Optimizer {
  const { lr, momentum = 0, nesterov = false, weight_decay } = attrs;
  const decay = weight_decay === undefined ? {} : { weightDecay: weight_decay };
  if (attrs.optimizer === "SGD") return new SGD(parameters, { lr, momentum, nesterov, ...decay });
  const options = {
    lr,
    ...decay,
    ...(attrs.betas && { betas: attrs.betas }),
    ...(attrs.eps && { eps: attrs.eps }),
  };
  return attrs.optimizer === "Adam"
    ? new Adam(parameters, options)
    : new AdamW(parameters, options);
}

const offered = loadGolden<OptimizerCase>("optim").filter(
  ({ op, attrs }) => op === "optimizer" && ["SGD", "Adam", "AdamW"].includes(attrs.optimizer),
);

describe.each(builds)("optimizers in $build", ({ backend, dtype }) => {
  test.each(
    offered.flatMap((run) => [
      { name: `${run.name}, compiled`, compiled: true, run },
      { name: `${run.name}, at once`, compiled: false, run },
    ]),
  )("$name", ({ compiled, run }) => {
    init({ backend, dtype });
    const parameters = run.inputs
      .slice(0, 2)
      .map(({ data, shape }) => parameter([...data], { shape, dtype }));
    const optimizer = make(parameters, run);
    const apply = (a: Tensor, b: Tensor): void => optimizer.apply([a, b]);
    const step = compiled ? compile(apply) : apply;
    const part = ({ data, shape }: GoldenTensor, k: number): number[] => {
      const size = shape.slice(1).reduce((n, length) => n * length, 1);
      return [...data.subarray(k * size, (k + 1) * size)];
    };
    for (let k = 0; k < run.attrs.steps; k++) {
      const [a, b] = run.grads.map((g) => tensor(part(g, k), { shape: g.shape.slice(1), dtype }));
      step(a as Tensor, b as Tensor);
      for (const [index, want] of run.params.entries()) {
        const data = Float64Array.from(part(want, k));
        // The recorded gradients are PyTorch's f64 ones, so only the updates differ.
        expectGolden(
          (parameters[index] as Parameter).toTypedArray(),
          { ...want, data },
          dtype,
          run.f32_drift,
          `step ${k}, parameter ${index}`,
        );
      }
    }
  });
});
