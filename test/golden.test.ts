import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  add,
  div,
  exp,
  init,
  jvp,
  linear,
  log,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  neg,
  relu,
  sigmoid,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  vjp,
  wasm,
} from "../src/index.js";
import { crossEntropy } from "../src/nn/index.js";
import { batchNormEval, batchNormTrain } from "../src/ops/norm.js";
import { ts } from "../src/pure.js";
import { expectGolden, type GoldenCase, type GoldenTensor, loadGolden } from "./golden.js";

type Inputs = readonly [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
// biome-ignore lint/suspicious/noExplicitAny: every op has attributes of its own
type Program = (inputs: Inputs, attrs: Record<string, any>) => Tensor[];

const unary =
  (f: (x: Tensor) => Tensor): Program =>
  ([x]) => [f(x)];
const binary =
  (f: (a: Tensor, b: Tensor) => Tensor): Program =>
  ([a, b]) => [f(a, b)];
const reduce =
  (f: (x: Tensor, axes: number[] | null, keepdims: boolean) => Tensor): Program =>
  ([x], { axes, keepdim }) => [f(x, axes, keepdim)];
const moved = (old: Tensor, now: Tensor, momentum: number): Tensor =>
  add(mul(old, 1 - momentum), mul(now, momentum));

const programs: Record<string, Program> = {
  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary(div),
  maximum: binary(maximum),
  minimum: binary(minimum),
  exp: unary(exp),
  log: unary(log),
  sqrt: unary(sqrt),
  square: unary(square),
  neg: unary(neg),
  sigmoid: unary(sigmoid),
  tanh: unary(tanh),
  relu: unary(relu),
  sum: reduce(sum),
  mean: reduce(mean),
  max: reduce(max),
  min: reduce(min),
  matmul: ([a, b], { transA, transB }) => [
    matmul(transA ? a.transpose() : a, transB ? b.transpose() : b),
  ],
  matmul_nd: binary(matmul),
  linear: ([x, w, b]) => [linear(x, w, b)],
  affine: ([x, w, b]) => [add(matmul(x, w), b)],
  gemm: ([a, b, c], { alpha, beta }) => [add(mul(matmul(a, b), alpha), mul(c, beta))],
  cross_entropy: ([x, y], { reduction }) => [crossEntropy(x, y, { reduction })],
  batch_norm_train: ([x, gamma, beta, runningMean, runningVar], { momentum, eps }) => {
    const { y, mean: mu, variance, count } = batchNormTrain(x, gamma, beta, eps);
    const unbiased = mul(variance, count / (count - 1));
    return [
      y,
      moved(runningMean, mu, momentum),
      moved(runningVar, unbiased, momentum),
      mu,
      div(1, sqrt(add(variance, eps))),
    ];
  },
  batch_norm_eval: ([x, gamma, beta, mu, variance], { eps }) => [
    batchNormEval(x, mu, variance, gamma, beta, eps),
  ],
  batch_norm_train_y: ([x], { eps }) => {
    const channels = x.shape[1] as number;
    const fill = (value: number): Tensor =>
      tensor(new Array<number>(channels).fill(value), { dtype: x.dtype });
    return [batchNormTrain(x, fill(1), fill(0), eps).y];
  },
  mlp: ([x, w1, b1, w2, b2, y]) => [
    crossEntropy(add(matmul(relu(add(matmul(x, w1), b1)), w2), b2), y),
  ],
  mlp_bn: ([x, w1, gamma, beta, w2, y], { eps }) => [
    crossEntropy(matmul(relu(batchNormTrain(matmul(x, w1), gamma, beta, eps).y), w2), y),
  ],
  deep_tanh: ([x, w], { depth }) => {
    let h = x;
    for (let layer = 0; layer < depth; layer++) h = tanh(matmul(h, w));
    return [h];
  },
};

const files = [
  "unary",
  "binary",
  "reduce",
  "matmul",
  "softmax_losses",
  "norm",
  "composite",
  "nonfinite",
];

/** Ops of these files that the library does not offer. */
const notOffered = new Set([
  "abs",
  "sin",
  "cos",
  "leaky_relu",
  "elu",
  "gelu_erf",
  "gelu_tanh",
  "silu",
  "softplus",
  "clamp",
  "log1p",
  "expm1",
  "rsqrt",
  "reciprocal",
  "erf",
  "logsigmoid",
  "hardtanh",
  "sign",
  "floor",
  "pow",
  "where",
  "logsumexp",
  "var",
  "norm2",
  "max_pick",
  "argmax",
  "softmax",
  "log_softmax",
  "cross_entropy_soft",
  "nll_loss",
  "bce_with_logits",
  "mse",
  "l1",
  "huber",
  "multi_margin",
  "svm_hinge",
  "layer_norm",
  "rms_norm",
  "causal_attention",
  "residual",
]);

/** Options and shapes of offered ops that are not offered: the reason why a case does not run. */
function refused({ op, attrs, inputs }: GoldenCase): string | undefined {
  if (op === "matmul_nd" && inputs.some(({ shape }) => shape.length > 2)) return "batched matmul";
  if (op === "cross_entropy" && attrs.label_smoothing) return "label smoothing";
  return op === "cross_entropy" && "ignore_index" in attrs ? "ignoreIndex" : undefined;
}

const builds = [
  { build: "wasm f32", backend: wasm, dtype: "f32" },
  { build: "ts f32", backend: ts, dtype: "f32" },
  { build: "ts f64", backend: ts, dtype: "f64" },
] as const;

describe.each(builds)("PyTorch's cases in $build", ({ backend, dtype }) => {
  beforeAll(() => init({ backend, dtype }));
  afterAll(() => init({ backend: wasm }));

  const asTensor = ({ data, shape, dtype: own }: GoldenTensor): Tensor =>
    tensor([...data], { shape, dtype: own === "i32" ? "i32" : dtype });
  const values = (x: Tensor) => x.toTypedArray();

  for (const file of files)
    for (const golden of loadGolden(file)) {
      const program = programs[golden.op];
      if (!program) {
        test(`${golden.name}: ${golden.op} is not offered`, () =>
          expect(notOffered).toContain(golden.op));
        continue;
      }
      const reason = refused(golden);
      if (reason) {
        test.skip(`${golden.name}: ${reason} is not offered`, () => undefined);
        continue;
      }
      test(`${file}: ${golden.name}`, () => {
        const inputs = golden.inputs.map(asTensor);
        const gradients = golden.input_grads ?? [];
        const wanted = inputs.flatMap((_, index) => (gradients[index] ? [index] : []));
        const run = (moving: readonly Tensor[]): Tensor[] => {
          const all = inputs.map((input, index) => moving[wanted.indexOf(index)] ?? input);
          return program(all as unknown as Inputs, golden.attrs);
        };
        const errors = golden.torch_f32_err;
        const primal = wanted.map((index) => inputs[index] as Tensor);
        const { value, pullback } = vjp(run, primal);
        for (const [index, want] of golden.outputs.entries()) {
          const got = value[index] as Tensor;
          expect(got.shape).toEqual(want.shape);
          expectGolden(values(got), want, dtype, errors?.outputs[index] ?? 0, `output ${index}`);
        }
        if (golden.cotangents) {
          const cotangents = value.map((output, index) => {
            const given = golden.cotangents?.[index];
            return given ? asTensor(given) : mul(output, 0);
          });
          for (const [place, got] of pullback(cotangents).entries()) {
            const index = wanted[place] as number;
            const error = errors?.input_grads?.[index] ?? 0;
            expectGolden(
              values(got),
              gradients[index] as GoldenTensor,
              dtype,
              error,
              `gradient ${index}`,
            );
          }
        }
        const tangents = golden.tangents?.filter((_, index) => wanted.includes(index));
        if (!tangents || !golden.output_tangents) return;
        const moved = jvp(
          run,
          primal,
          tangents.map((t) => asTensor(t as GoldenTensor)),
        ).tangent;
        for (const [index, want] of golden.output_tangents.entries()) {
          if (!want) continue;
          const error = errors?.outputs[index] ?? 0;
          const scale = Math.max(error, ...(errors?.input_grads ?? []).map((e) => e ?? 0));
          expectGolden(values(moved[index] as Tensor), want, dtype, scale, `tangent ${index}`);
        }
      });
    }
});
