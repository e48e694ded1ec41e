/** Optimizers against PyTorch's: the same gradients must give the same parameters. */
import { afterEach, describe, expect, test } from "vitest";
import {
  compile,
  init,
  type Parameter,
  parameter,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import { Adam, AdamW, type Optimizer, SGD } from "../src/optim/index.js";
import { builds } from "./golden/adapter.js";
import { type GoldenTensor, loadGolden, mismatch } from "./golden/case.js";

afterEach(() => init({ backend: wasm }));

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

describe.each(builds)("optimizers in $name", ({ backend, dtype }) => {
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
        const { shape } = want;
        const got = (parameters[index] as Parameter).toTypedArray();
        const expected = { ...want, shape: shape.slice(1), data };
        expect(
          mismatch({ shape: expected.shape, data: got }, expected, dtype, run.f32_drift),
          `step ${k}, parameter ${index}`,
        ).toBeUndefined();
      }
    }
  });
});
