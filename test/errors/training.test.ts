/** Messages about training: optimizers, derivatives, effects and draws. */
import { expect, test } from "vitest";
import * as c from "../../src/index.js";
import {
  assign,
  compile,
  grad,
  gradients,
  init,
  jvp,
  parameter,
  type Tensor,
  tensor,
  vjp,
  zeros,
} from "../../src/index.js";
import { Adam, clipGradNorm, GradientAccumulator, SGD, schedules } from "../../src/optim/index.js";
import { ts } from "../../src/pure.js";
import * as random from "../../src/random.js";
import { any, expectMessages, ints, type Row, x23 } from "./messages.js";

const p = (): ReturnType<typeof parameter> => parameter([1, 2], { name: "w" });

const sgd = (): SGD => new SGD([p()], { lr: 0.1 });

const rows: Record<string, Row> = {
  "learning rate NaN": {
    call: () => new SGD([p()], { lr: Number.NaN }),
    kind: RangeError,
    message: "SGD: bad lr: got NaN, expected a finite number ≥ 0",
  },
  "learning rate negative": {
    call: () => new Adam([p()], { lr: -1 }),
    kind: RangeError,
    message: "Adam: bad lr: got -1, expected a finite number ≥ 0",
  },
  "beta of one": {
    call: () => new Adam([p()], { betas: [0.9, 1] }),
    kind: RangeError,
    message: "Adam: bad beta2: got 1, expected 0 ≤ beta2 < 1",
  },
  "nesterov without momentum": {
    call: () => new SGD([p()], { lr: 1, nesterov: true }),
    kind: RangeError,
    message: "SGD: nesterov needs momentum: got momentum 0, expected more than 0",
  },
  "an optimizer of tensors": {
    call: () => new SGD(any([x23]), { lr: 1 }),
    kind: TypeError,
    message: "SGD: not a parameter: got a Tensor, expected Parameters, as from model.parameters()",
  },
  "an accumulator of an optimizer": {
    call: () => new GradientAccumulator(any(sgd())),
    kind: TypeError,
    message: "GradientAccumulator: parameters are no list: got a SGD, expected model.parameters()",
  },
  "an accumulator of tensors": {
    call: () => new GradientAccumulator(any([x23])),
    kind: TypeError,
    message:
      "GradientAccumulator: not a parameter: got a Tensor, expected Parameters, as from model.parameters()",
  },
  "a schedule with a misspelt option": {
    call: () => schedules.cosine(sgd(), { steps: 3, min: 0.1 } as never),
    kind: TypeError,
    message: "cosine: unknown option: got min, expected steps, minimum, warmup or restarts",
  },
  "a schedule without its options": {
    call: () => schedules.step(sgd(), any(undefined)),
    kind: TypeError,
    message: "step: bad options: got undefined, expected an object",
  },
  "milestones that are no list": {
    call: () => schedules.multiStep(sgd(), { milestones: any(3) }),
    kind: TypeError,
    message: "multiStep: list of milestones is no array: got 3, expected one, as in [2, 3]",
  },
  "restarts of another kind": {
    call: () => schedules.cosine(sgd(), { steps: 3, restarts: any(2) }),
    kind: TypeError,
    message: "cosine, restarts: bad options: got 2, expected an object",
  },
  "an unknown way to anneal": {
    call: () => schedules.oneCycle(sgd(), { maximum: 1, steps: 9, anneal: any("cos") }),
    kind: TypeError,
    message: 'oneCycle: unknown anneal: got "cos", expected "cosine" or "linear"',
  },
  "an unknown mode of a plateau": {
    call: () => schedules.reduceOnPlateau(sgd(), { mode: any("minimum") }),
    kind: TypeError,
    message: 'reduceOnPlateau: unknown mode: got "minimum", expected "min" or "max"',
  },
  "a plateau with a misspelt option": {
    call: () => schedules.reduceOnPlateau(sgd(), { patence: 2 } as never),
    kind: TypeError,
    message:
      "reduceOnPlateau: unknown option: got patence, expected mode, factor, patience, threshold, relative, cooldown or minimum",
  },
  "clipping with a misspelt option": {
    call: () => clipGradNorm([x23], 1, { norm_type: 1 } as never),
    kind: TypeError,
    message: "clipGradNorm: unknown option: got norm_type, expected normType",
  },
  "an accumulator with a misspelt option": {
    call: () => new GradientAccumulator([p()]).take({ average: true } as never),
    kind: TypeError,
    message: "take: unknown option: got average, expected mean",
  },
  "a gradient that is a number": {
    call: () => sgd().apply(any([1])),
    kind: TypeError,
    message: "apply: operand is not a tensor: got 1, expected a tensor; wrap data with tensor(…)",
  },
  "an optimizer with a misspelt option": {
    call: () => new Adam([p()], { learningRate: 1 } as never),
    kind: TypeError,
    message:
      "Adam: unknown option: got learningRate, expected lr, betas, eps, weightDecay or maximize",
  },
  "aux that is missing": {
    call: () => c.grad((x: Tensor) => x.sum() as never, { aux: true })(x23),
    kind: TypeError,
    message: "grad: result has no aux: got a Tensor, expected [scalar, aux] with aux: true",
  },
  "an optimizer of nothing": {
    call: () => new SGD([], { lr: 1 }),
    kind: RangeError,
    message: "SGD: bad list of parameters: got 0, expected at least one and each once",
  },
  "apply with too few gradients": {
    call: () => new SGD([p()], { lr: 1 }).apply([]),
    kind: RangeError,
    message: "apply: number of gradients differs: got 0, expected 1, one per parameter",
  },
  "apply with a gradient of another shape": {
    call: () => new SGD([p()], { lr: 1 }).apply([x23]),
    kind: RangeError,
    message:
      "apply: gradient 0 does not fit: got f32 [2, 3], expected that of Parameter(w: f32[2])",
  },
  "assign, shapes": {
    call: () => assign(p(), x23),
    kind: RangeError,
    message: "assign: shapes differ: got [2, 3] for Parameter(w: f32[2]), expected [2]",
  },
  "assign, dtypes": {
    call: () => assign(p(), ints),
    kind: TypeError,
    message: "assign: dtypes differ: got i32 for Parameter(w: f32[2]), expected f32",
  },
  "grad of a vector": {
    call: () => grad((x: Tensor) => x)(x23),
    kind: RangeError,
    message:
      "grad: result is not a scalar: got [2, 3], expected []; reduce it with sum or mean, or use vjp",
  },
  "grad of integers": {
    call: () => grad((x: Tensor) => x.reshape([2]).sum())(ints),
    kind: TypeError,
    message: 'sum: dtype is not a float: got i32, expected f32 or f64; cast(x, "f32") makes it one',
  },
  "grad of a number": {
    call: () => grad(any((x: Tensor) => x))(any(3)),
    kind: TypeError,
    message:
      "grad: argument[0] is not a tensor: got 3, expected a tensor; wrap data with tensor(…)",
  },
  "gradients of a tensor": {
    call: () => gradients(x23.sum(), any([x23])),
    kind: TypeError,
    message: "gradients: not a parameter: got a Tensor, expected a Parameter",
  },
  "jvp, tangent": {
    call: () => jvp((x: Tensor) => x.exp(), x23, zeros([2])),
    kind: RangeError,
    message: "jvp: tensor 0 does not fit: got Tensor(f32[2]), expected Tensor(f32[2, 3])",
  },
  "pullback, cotangent": {
    call: () => vjp((x: Tensor) => x.exp(), x23).pullback(zeros([2])),
    kind: RangeError,
    message: "pullback: tensor 0 does not fit: got Tensor(f32[2]), expected Tensor(f32[2, 3])",
  },
  seed: {
    call: () => random.seed(-1),
    kind: RangeError,
    message: "seed: not a seed: got -1, expected an integer from 0 to 2⁵³ − 1",
  },
  "uniform, shape": {
    call: () => random.uniform([2.5]),
    kind: RangeError,
    message: "uniform: bad shape: got [2.5], expected non-negative integers",
  },
  "compile, typed array": {
    call: () => compile((x: Tensor) => x)(any(new Float32Array(2))),
    kind: TypeError,
    message:
      "compile: argument[0] is of the wrong kind: got a Float32Array, expected tensors, numbers, strings, booleans or null, " +
      "in arrays or plain objects; wrap data with tensor(…)",
  },
};

expectMessages(rows, "training.test.ts");

test("mixed homes are refused, each backend works on", () => {
  const a = parameter([1]);
  init({ backend: ts });
  const b = parameter([2]);
  expect(() => a.add(b).item()).toThrow(
    "evaluate: parameters live in different backends: got Parameter(f32[1]) in ts and others in wasm, expected one",
  );
  expect([a.add(1).item(), b.add(1).item()]).toEqual([2, 3]);
});

test("a learning rate that turns NaN stops the step before it runs", () => {
  const w = parameter([1, 2]);
  const optimizer = new SGD([w], { lr: 0.1 });
  const step = compile((x: Tensor) => {
    const loss = w.mul(x).sum();
    optimizer.minimize(loss);
    return loss;
  });
  step(tensor([1, 1]));
  const before = w.toArray();
  optimizer.lr = Number.NaN;
  expect(() => step(tensor([1, 1]))).toThrow("SGD: bad lr: got NaN, expected a finite number ≥ 0");
  expect(w.toArray()).toEqual(before);
  optimizer.lr = 0.1;
  step(tensor([1, 1]));
  expect(w.toArray()).not.toEqual(before);
});
