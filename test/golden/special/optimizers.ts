/** Optimizers, clipping and schedules: the same gradients must give the same parameters. */
import { compile, type Parameter, parameter, type Tensor, tensor } from "../../../src/index.js";
import {
  Adadelta,
  Adagrad,
  Adam,
  AdamW,
  clipGradNorm,
  clipGradValue,
  NAdam,
  type Optimizer,
  RMSprop,
  type Scheduled,
  SGD,
  schedules,
} from "../../../src/optim/index.js";
import type { Special } from "../adapter.js";
import { type GoldenCase, type GoldenTensor, mismatch } from "../case.js";

interface OptimizerCase extends GoldenCase {
  readonly grads: readonly GoldenTensor[];
  readonly params: readonly GoldenTensor[];
  readonly f32_drift: number;
}

// biome-ignore lint/suspicious/noExplicitAny: every optimizer has options of its own
type Make = (parameters: Parameter[], options: any) => Optimizer;

const makers: Readonly<Record<string, Make>> = {
  SGD: (parameters, options) => new SGD(parameters, options),
  RMSprop: (parameters, options) => new RMSprop(parameters, options),
  Adagrad: (parameters, options) => new Adagrad(parameters, options),
  Adadelta: (parameters, options) => new Adadelta(parameters, options),
  Adam: (parameters, options) => new Adam(parameters, options),
  AdamW: (parameters, options) => new AdamW(parameters, options),
  NAdam: (parameters, options) => new NAdam(parameters, options),
};

/** PyTorch's option names as this library writes them. */
const camel = (attrs: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(attrs).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );

/** What a tensor [steps, …] holds for one step. */
function at({ shape, data }: GoldenTensor, k: number): { shape: number[]; data: Float64Array } {
  const size = shape.slice(1).reduce((n, length) => n * length, 1);
  return { shape: shape.slice(1), data: data.slice(k * size, (k + 1) * size) };
}

function* runOptimizer(run: OptimizerCase, dtype: "f32" | "f64", compiled: boolean) {
  const { optimizer: name, steps, ...options } = run.attrs;
  const parameters = run.inputs
    .slice(0, 2)
    .map(({ data, shape }) => parameter([...data], { shape, dtype }));
  const make = makers[name];
  if (!make) throw new RangeError(`${name} is not offered`);
  const optimizer = make(parameters, camel(options));
  const apply = (a: Tensor, b: Tensor): void => optimizer.apply([a, b]);
  const step = compiled ? compile(apply) : apply;
  for (let k = 0; k < steps; k++) {
    const [a, b] = run.grads.map((all) => {
      const { data, shape } = at(all, k);
      return tensor([...data], { shape, dtype });
    });
    step(a as Tensor, b as Tensor);
    for (const [index, all] of run.params.entries()) {
      // The recorded gradients are PyTorch's f64 ones, so only the updates differ.
      const want = { ...all, ...at(all, k) };
      const got = { shape: want.shape, data: (parameters[index] as Parameter).toTypedArray() };
      const wrong = mismatch(got, want, dtype, run.f32_drift);
      if (wrong) yield `${compiled ? "compiled" : "at once"}, step ${k}, ${index}: ${wrong}`;
    }
  }
}

export const optimizer: Special = function* (golden, { dtype }) {
  for (const compiled of [true, false])
    yield* runOptimizer(golden as OptimizerCase, dtype, compiled);
};

const clipped = (clip: (gradients: Tensor[], attrs: GoldenCase["attrs"]) => Tensor[]): Special =>
  function* (golden, { dtype }) {
    const gradients = golden.inputs.map(({ data, shape }) => tensor([...data], { shape, dtype }));
    for (const [index, got] of clip(gradients, golden.attrs).entries()) {
      const want = golden.outputs[index];
      const wrong =
        want && mismatch({ shape: got.shape, data: got.toTypedArray() }, want, dtype, 0);
      if (wrong) yield `gradient ${index}: ${wrong}`;
    }
  };

export const clipNorm = clipped((gradients, { max_norm, norm_type = 2 }) => {
  const normType = norm_type === "inf" ? Number.POSITIVE_INFINITY : Number(norm_type);
  return clipGradNorm(gradients, max_norm, { normType }).gradients as Tensor[];
});

export const clipValue = clipped(
  (gradients, { clip_value }) => clipGradValue(gradients, clip_value) as Tensor[],
);

interface Stepped {
  readonly rates: readonly number[];
  step(): void;
}

const scheduleMakers: Readonly<
  Record<string, (of: Scheduled, attrs: GoldenCase["attrs"]) => Stepped>
> = {
  StepLR: (of, { step_size, gamma }) => schedules.step(of, { size: step_size, gamma }),
  MultiStepLR: (of, { milestones, gamma }) => schedules.multiStep(of, { milestones, gamma }),
  ExponentialLR: (of, { gamma }) => schedules.exponential(of, { gamma }),
  LinearLR: (of, { start_factor = 1 / 3, end_factor = 1, total_iters = 5 }) =>
    schedules.linear(of, { from: start_factor, to: end_factor, steps: total_iters }),
  ConstantLR: (of, { factor = 1 / 3, total_iters = 5 }) =>
    new schedules.Schedule(of, (base, count) => (count < total_iters ? base * factor : base)),
  PolynomialLR: (of, { total_iters = 5, power = 1 }) =>
    new schedules.Schedule(
      of,
      (base, count) => base * (1 - Math.min(count, total_iters) / total_iters) ** power,
    ),
  CosineAnnealingLR: (of, { T_max, eta_min = 0 }) =>
    schedules.cosine(of, { steps: T_max, minimum: eta_min }),
  CosineAnnealingWarmRestarts: (of, { T_0, T_mult = 1, eta_min = 0 }) =>
    schedules.cosine(of, { steps: T_0, minimum: eta_min, restarts: { stretch: T_mult } }),
  OneCycleLR: (of, attrs) =>
    schedules.oneCycle(of, {
      maximum: attrs.max_lr,
      steps: attrs.total_steps,
      rise: attrs.pct_start ?? 0.3,
      anneal: attrs.anneal_strategy === "linear" ? "linear" : "cosine",
      divide: attrs.div_factor ?? 25,
      finalDivide: attrs.final_div_factor ?? 1e4,
    }),
};

export const schedule: Special = function* ({ attrs, outputs }) {
  const of = { groups: [{ lr: attrs.base_lr as number }] };
  const make = scheduleMakers[attrs.schedule];
  if (!make) throw new RangeError(`${attrs.schedule} is not offered`);
  const moving = make(of, attrs);
  for (const [count, want] of (outputs[0]?.data ?? []).entries()) {
    if (count > 0) moving.step();
    const got = moving.rates[0] as number;
    if (!(Math.abs(got - want) <= 1e-14 * Math.abs(want)))
      yield `step ${count}: got ${got}, expected ${want}`;
  }
};
