/** Optimizers beyond PyTorch's cases: formulas, groups, clipping, accumulation, schedules. */
import { afterEach, describe, expect, test } from "vitest";
import { Opcode } from "../assembly/opcodes.js";
import {
  add,
  compile,
  gradients,
  init,
  mul,
  type Parameter,
  parameter,
  sub,
  sum,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import {
  Adadelta,
  Adagrad,
  Adam,
  AdamW,
  clipGradNorm,
  clipGradValue,
  GradientAccumulator,
  gradNorm,
  Lion,
  NAdam,
  type Optimizer,
  RMSprop,
  type Scheduled,
  SGD,
  schedules,
} from "../src/optim/index.js";
import { cosPi, exponential } from "../src/optim/numbers.js";
import { ts } from "../src/pure.js";

afterEach(() => init({ backend: wasm }));

type Make = (parameters: Parameter[]) => Optimizer;
const makers: [string, Make][] = [
  ["SGD", (p) => new SGD(p, { lr: 0.1, weightDecay: 0.01 })],
  ["SGD with momentum", (p) => new SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true })],
  ["RMSprop", (p) => new RMSprop(p)],
  ["RMSprop, centered", (p) => new RMSprop(p, { centered: true, momentum: 0.5 })],
  ["Adagrad", (p) => new Adagrad(p, { lrDecay: 0.1 })],
  ["Adadelta", (p) => new Adadelta(p)],
  ["Adam", (p) => new Adam(p)],
  ["AdamW", (p) => new AdamW(p)],
  ["NAdam", (p) => new NAdam(p)],
  ["Lion", (p) => new Lion(p, { weightDecay: 0.1 })],
];

/** Weights after `steps` steps down Σ (w − 3)² / 2, and the state. */
function descend(make: Make, steps: number, compiled = true): { w: number[]; state: unknown } {
  const w = parameter([1, -2, 0.5]);
  const optimizer = make([w]);
  const body = (): void => optimizer.minimize(mul(sum(sub(w, 3).square()), 0.5));
  const step = compiled ? compile(body) : body;
  for (let k = 0; k < steps; k++) step();
  return { w: w.toArray() as number[], state: optimizer.stateDict() };
}

describe.each(makers)("%s", (_, make) => {
  test("has equal bits in both builds, and compiled or not", () => {
    const here = descend(make, 5);
    expect(descend(make, 5, false)).toEqual(here);
    init({ backend: ts });
    expect(descend(make, 5)).toEqual(here);
  });

  test("goes on from its saved state with the same bits", () => {
    const whole = descend(make, 6).w;
    const w = parameter([1, -2, 0.5]);
    const run = (optimizer: Optimizer, steps: number): void => {
      for (let k = 0; k < steps; k++) optimizer.minimize(mul(sum(sub(w, 3).square()), 0.5));
    };
    const first = make([w]);
    run(first, 3);
    const second = make([w]);
    second.loadStateDict(first.stateDict());
    run(second, 3);
    expect(w.toArray()).toEqual(whole);
  });

  test("two updates in one step are one after the other", () => {
    const twice = (together: boolean): unknown => {
      const w = parameter([1, -2, 0.5]);
      const optimizer = make([w]);
      const once = (): void => optimizer.minimize(sum(w.square()));
      const step = compile(() => {
        once();
        if (together) once();
      });
      for (let k = 0; k < (together ? 2 : 4); k++) step();
      return [w.toArray(), optimizer.stateDict()];
    };
    expect(twice(true)).toEqual(twice(false));
  });

  test("maximize climbs by what it would descend", () => {
    const run = (maximize: boolean): number[] => {
      const w = parameter([1, -2, 0.5]);
      const options = { ...make([w]).groups[0], maximize } as never;
      const optimizer = new (make([w]).constructor as typeof Adam)(
        [{ ...(options as object), parameters: [w] }],
        {
          lr: 0.1,
        },
      );
      const loss = sum(w.square());
      optimizer.minimize(maximize ? loss.neg() : loss);
      return w.toArray() as number[];
    };
    expect(run(true)).toEqual(run(false));
  });
});

describe("formulas, in f64", () => {
  const { sqrt } = Math;
  const g = (w: number): number => w - 3;

  test.each<[string, (p: Parameter[]) => Optimizer, () => (w: number) => number]>([
    [
      "Adadelta",
      (p) => new Adadelta(p, { lr: 0.5, rho: 0.8, eps: 1e-3 }),
      () => {
        let [v, u] = [0, 0];
        return (w) => {
          v = 0.8 * v + 0.2 * g(w) ** 2;
          const delta = (sqrt(u + 1e-3) / sqrt(v + 1e-3)) * g(w);
          u = 0.8 * u + 0.2 * delta ** 2;
          return w - 0.5 * delta;
        };
      },
    ],
    [
      "NAdam",
      (p) => new NAdam(p, { lr: 0.1, momentumDecay: 0.01 }),
      () => {
        let [m, v, product, t] = [0, 0, 1, 0];
        const mu = (n: number): number => 0.9 * (1 - 0.5 * 0.96 ** (n * 0.01));
        return (w) => {
          t++;
          m = 0.9 * m + 0.1 * g(w);
          v = 0.999 * v + 0.001 * g(w) ** 2;
          product *= mu(t);
          const d = sqrt(v / (1 - 0.999 ** t)) + 1e-8;
          const now = ((0.1 * (1 - mu(t))) / (1 - product)) * (g(w) / d);
          return w - now - ((0.1 * mu(t + 1)) / (1 - product * mu(t + 1))) * (m / d);
        };
      },
    ],
    [
      "Lion",
      (p) => new Lion(p, { lr: 0.3, weightDecay: 0.1 }),
      () => {
        let m = 0;
        return (w) => {
          const direction = Math.sign(0.9 * m + (1 - 0.9) * g(w));
          m = 0.99 * m + (1 - 0.99) * g(w);
          return w * (1 - 0.3 * 0.1) - 0.3 * direction;
        };
      },
    ],
    [
      "RMSprop, centered, with momentum",
      (p) => new RMSprop(p, { lr: 0.05, alpha: 0.9, momentum: 0.5, centered: true }),
      () => {
        let [v, m, b] = [0, 0, 0];
        return (w) => {
          v = 0.9 * v + 0.1 * g(w) ** 2;
          m = 0.9 * m + 0.1 * g(w);
          b = 0.5 * b + g(w) / (sqrt(v - m * m) + 1e-8);
          return w - 0.05 * b;
        };
      },
    ],
  ])("%s", (_, make, reference) => {
    init({ backend: ts, dtype: "f64" });
    const w = parameter([1]);
    const optimizer = make([w]);
    const step = compile(() => optimizer.minimize(mul(sum(sub(w, 3).square()), 0.5)));
    const next = reference();
    let want = 1;
    for (let k = 0; k < 20; k++) {
      step();
      want = next(want);
      expect(w.item()).toBeCloseTo(want, 11);
    }
  });
});

test("Adam with zero gradients throughout leaves the parameter exactly", () => {
  const w = parameter([0.1, -3]);
  const before = w.toArray();
  const optimizer = new Adam([w]);
  for (let k = 0; k < 5; k++) optimizer.apply([tensor([0, 0])]);
  expect(w.toArray()).toEqual(before);
});

describe("groups", () => {
  test("each has its own rates, changed between runs; lr of the optimizer is all of them", () => {
    const [a, b] = [parameter([1]), parameter([1])];
    const optimizer = new SGD([{ parameters: [a], lr: 1 }, { parameters: [b] }], { lr: 0.5 });
    expect(optimizer.parameters).toEqual([a, b]);
    expect(optimizer.groups.map(({ lr }) => lr)).toEqual([1, 0.5]);
    const step = compile(() => optimizer.minimize(sum(a).add(sum(b))));
    step();
    expect([a.item(), b.item()]).toEqual([0, 0.5]);
    (optimizer.groups[1] as { lr: number }).lr = 0.25;
    step();
    expect([a.item(), b.item()]).toEqual([-1, 0.25]);
    optimizer.lr = 0;
    optimizer.weightDecay = 1;
    step();
    expect([a.item(), b.item(), step.callsPerStep]).toEqual([-1, 0.25, 1]);
    const saved = optimizer.stateDict();
    expect(Object.keys(saved)).toContain("param_groups.1.weight_decay");
    optimizer.lr = 3;
    optimizer.loadStateDict(saved);
    expect(optimizer.groups.map(({ lr, weightDecay }) => [lr, weightDecay])).toEqual([
      [0, 1],
      [0, 1],
    ]);
    const one = new SGD([a, b], { lr: 0.5 });
    expect(() => one.loadStateDict(saved)).toThrow(
      'loadStateDict: number of groups differs: got "param_groups.1.lr", expected 1 groups',
    );
  });

  test("a parameter is in one group only, and rates are checked", () => {
    const a = parameter([1]);
    expect(() => new SGD([{ parameters: [a] }, { parameters: [a] }], { lr: 1 })).toThrow(
      "SGD: bad list of parameters: got 2, expected at least one and each once",
    );
    expect(() => new Adam([{ parameters: [a], betas: [0.9, 1] }])).toThrow(
      "Adam: bad beta2: got 1, expected 0 ≤ beta2 < 1",
    );
    expect(() => new RMSprop([a], { alpha: 2 })).toThrow(
      "RMSprop: bad alpha: got 2, expected 0 ≤ alpha < 1",
    );
    expect(() => new Adadelta([a], { lr: -1 })).toThrow(
      "Adadelta: bad lr: got -1, expected a finite number ≥ 0",
    );
  });
});

describe("between gradients and apply", () => {
  const g = [tensor([3, 4]), undefined, tensor([[12]])];

  test("norms", () => {
    expect(gradNorm(g).item()).toBe(13);
    expect(gradNorm(g, 1).item()).toBe(19);
    expect(gradNorm(g, Number.POSITIVE_INFINITY).item()).toBe(12);
    expect(gradNorm(g, 3).item()).toBeCloseTo((27 + 64 + 1728) ** (1 / 3), 4);
    expect(() => gradNorm(g, 0)).toThrow(
      "gradNorm: bad normType: got 0, expected a positive number or Infinity",
    );
    expect(() => clipGradNorm([undefined], 1)).toThrow(
      "gradNorm: nothing to clip: got no gradient, expected at least one",
    );
  });

  test("clipping, inside the one call of a step", () => {
    const [w, other] = [parameter([3, 4]), parameter([1])];
    const optimizer = new SGD([w, other], { lr: 1 });
    const step = compile(() => {
      const found = gradients(mul(sum(w.square()), 0.5), [w, other]);
      const { gradients: clipped, norm } = clipGradNorm(found, 1);
      optimizer.apply(clipped);
      return norm;
    });
    expect([step().item(), step.callsPerStep, other.item()]).toEqual([5, 1, 1]);
    const [x, y] = w.toArray() as number[];
    expect(x).toBeCloseTo(3 - 0.6, 5);
    expect(y).toBeCloseTo(4 - 0.8, 5);
  });

  test("values; NaN stays and an infinite norm gives NaN", () => {
    const [clipped, none] = clipGradValue([tensor([3, -4, Number.NaN]), undefined], 2);
    expect([clipped?.toArray(), none]).toEqual([[2, -2, Number.NaN], undefined]);
    expect(() => clipGradValue(g, -1)).toThrow(
      "clipGradValue: bad limit: got -1, expected a number ≥ 0",
    );
    const [infinite, finite] = clipGradNorm(
      [tensor([Number.POSITIVE_INFINITY]), tensor([1])],
      1,
    ).gradients;
    expect([infinite?.item(), finite?.item()]).toEqual([Number.NaN, 0]);
  });

  test.each([true, false])("accumulated gradients are those of the whole batch: %s", (compiled) => {
    const batches = [tensor([1, 2]), tensor([3, 4]), tensor([5, 0])];
    const [w, idle] = [parameter([1, 1]), parameter([1])];
    const optimizer = new SGD([w, idle], { lr: 1 });
    const sums = new GradientAccumulator(optimizer.parameters);
    const part = (x: Tensor): Tensor => {
      const loss = sum(mul(w, x));
      sums.add(gradients(loss, optimizer.parameters));
      return loss;
    };
    const update = (): void => optimizer.apply(sums.take());
    const [first, last] = compiled ? [compile(part), compile(update)] : [part, update];
    for (let round = 1; round <= 2; round++) {
      for (const x of batches) first(x);
      last();
      expect(w.toArray()).toEqual([1 - 3 * round, 1 - 2 * round]);
    }
    expect(idle.item()).toBe(1);
  });

  test.each([true, false])("accumulated, now of these parameters, now of those: %s", (compiled) => {
    const parameters = [parameter([0, 0]), parameter([0]), parameter([[0, 0]]), parameter([0])];
    const sums = new GradientAccumulator(parameters);
    const give = (step: () => unknown): void => void (compiled ? compile(step) : step)();
    const [a, b, c] = [tensor([1, -0]), tensor([2]), tensor([[3, 4]])];
    give(() => sums.add([a, undefined, c, undefined]));
    give(() => sums.add([undefined, b, c, undefined]));
    give(() => sums.add([a, b, undefined, undefined]));
    give(() => sums.add([undefined, undefined, undefined, undefined]));
    const take = (mean: boolean) => (): (Tensor | undefined)[] => sums.take({ mean });
    const taken = (mean: boolean) => (compiled ? compile(take(mean)) : take(mean))();
    const values = (of: (Tensor | undefined)[]) => of.map((tensor) => tensor?.toArray());
    expect(values(taken(false))).toEqual([[2, 0], [4], [[6, 8]], undefined]);
    expect(values(taken(true))).toEqual([[0, 0], [0], [[0, 0]], undefined]);
    give(() => sums.add([undefined, b, undefined, undefined]));
    give(() => sums.add([a, undefined, c, undefined]));
    expect(values(taken(true))).toEqual([[0.5, 0], [1], [[1.5, 2]], undefined]);
  });

  test("an accumulator adds in one pass, in place", () => {
    const parameters = [parameter([[1, 2]]), parameter([3]), parameter([4, 5, 6])];
    const sums = new GradientAccumulator(parameters);
    const step = compile((x: Tensor) => {
      const losses = parameters.map((p) => sum(mul(p, x.exp())));
      const [first, ...rest] = losses as [Tensor, ...Tensor[]];
      sums.add(gradients(rest.reduce(add, first), parameters));
    });
    step(tensor(0));
    const { instructions } = step.plan;
    expect(
      instructions.filter(({ writes }) => writes.some((v) => v.parameter?.rank === 1)),
    ).toEqual([expect.objectContaining({ opcode: Opcode.Add })]);
    expect(sums.take({ mean: false }).map((x) => x?.toArray())).toEqual([[[1, 1]], [1], [1, 1, 1]]);
  });

  test("an accumulator of other gradients", () => {
    const sums = new GradientAccumulator([parameter([1])]);
    expect(() => sums.add([])).toThrow(
      "add: number of gradients differs: got 0, expected 1, one per parameter",
    );
    expect(() => sums.add([tensor([1, 2])])).toThrow(
      "add: gradient 0 does not fit: got f32 [2], expected that of Parameter(f32[1])",
    );
  });
});

describe("schedules", () => {
  const rates = (make: (of: Scheduled) => { step(): void }, count: number, lr = 1): number[] => {
    const group = { lr };
    const moving = make({ groups: [group] });
    return Array.from({ length: count }, (_, k) => {
      if (k > 0) moving.step();
      return group.lr;
    });
  };
  const close = (got: readonly number[], want: readonly number[]): void => {
    expect(got.length).toBe(want.length);
    for (const [index, x] of want.entries()) expect(got[index]).toBeCloseTo(x, 12);
  };

  test("step, multiStep, exponential, linear", () => {
    close(
      rates((of) => schedules.step(of, { size: 2, gamma: 0.5 }), 5),
      [1, 1, 0.5, 0.5, 0.25],
    );
    close(
      rates((of) => schedules.multiStep(of, { milestones: [1, 3, 3], gamma: 0.5 }), 5),
      [1, 0.5, 0.5, 0.125, 0.125],
    );
    close(
      rates((of) => schedules.exponential(of, { gamma: 0.5 }), 3),
      [1, 0.5, 0.25],
    );
    close(
      rates((of) => schedules.linear(of, { from: 0.2, to: 1, steps: 4 }), 6),
      [0.2, 0.4, 0.6, 0.8, 1, 1],
    );
  });

  test("cosine, with a warm-up and with restarts", () => {
    const half = (1 + Math.SQRT1_2) / 2;
    close(
      rates((of) => schedules.cosine(of, { steps: 4 }), 5),
      [1, half, 0.5, 1 - half, 0],
    );
    close(
      rates((of) => schedules.cosine(of, { steps: 2, warmup: 3, minimum: 0.1 }), 6),
      [0.25, 0.5, 0.75, 1, 0.55, 0.1],
    );
    close(
      rates((of) => schedules.cosine(of, { steps: 2, restarts: { stretch: 2 } }), 7),
      [1, 0.5, 1, half, 0.5, 1 - half, 1],
    );
  });

  test("oneCycle rises to its maximum and falls to next to nothing", () => {
    const all = rates((of) => schedules.oneCycle(of, { maximum: 2, steps: 10 }), 10);
    expect(all[0]).toBeCloseTo(2 / 25, 12);
    expect(all[2]).toBe(2);
    expect(all[9]).toBeCloseTo(2 / 25 / 1e4, 12);
    expect([...all.slice(2)].sort((a, b) => b - a)).toEqual(all.slice(2));
    expect(() => rates((of) => schedules.oneCycle(of, { maximum: 2, steps: 3 }), 4)).toThrow(
      "oneCycle: the cycle is over: got step 3, expected less than 3",
    );
  });

  test("reduceOnPlateau waits, reduces, cools down", () => {
    const group = { lr: 1 };
    const schedule = schedules.reduceOnPlateau(
      { groups: [group] },
      { patience: 1, factor: 0.5, cooldown: 1, minimum: 0.3 },
    );
    const after = [5, 4, 4, 4, 4, 4, 4, Number.NaN, 3, 3, 3].map((metric) => {
      schedule.step(metric);
      return group.lr;
    });
    expect(after).toEqual([1, 1, 1, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3]);
    const resumed = schedules.reduceOnPlateau({ groups: [group] });
    resumed.loadStateDict(schedule.stateDict());
    expect(resumed.stateDict()).toEqual(schedule.stateDict());
  });

  test("a schedule drives a compiled step, and resumes", () => {
    const w = parameter([0]);
    const optimizer = new SGD([w], { lr: 1 });
    const schedule = schedules.exponential(optimizer, { gamma: 0.5 });
    const step = compile(() => optimizer.minimize(sum(w)));
    for (let k = 0; k < 3; k++) {
      step();
      schedule.step();
    }
    expect([w.item(), schedule.count, schedule.rates]).toEqual([-1.75, 3, [0.125]]);
    const fresh = schedules.exponential(new SGD([w], { lr: 1 }), { gamma: 0.5 });
    fresh.loadStateDict(schedule.stateDict());
    expect(fresh.rates).toEqual([0.125]);
  });

  test.each<[string, () => unknown, string]>([
    [
      "step",
      () => schedules.step({ groups: [] }, { size: 0 }),
      "step: bad size: got 0, expected a whole number ≥ 1",
    ],
    [
      "exponential",
      () => schedules.exponential({ groups: [] }, { gamma: Number.NaN }),
      "exponential: bad gamma: got NaN, expected a finite number ≥ 0",
    ],
    [
      "reduceOnPlateau",
      () => schedules.reduceOnPlateau({ groups: [] }, { factor: 1 }),
      "reduceOnPlateau: bad factor: got 1, expected 0 ≤ factor < 1",
    ],
    [
      "a metric that is a tensor",
      () => schedules.reduceOnPlateau({ groups: [] }).step(tensor(1) as never),
      "reduceOnPlateau: metric is not a number: got a Tensor, expected one, as from loss.item()",
    ],
  ])("bad input: %s", (_, call, message) => expect(call).toThrow(message));
});

test("the schedules' own functions are right to the last digits", () => {
  for (let k = 0; k <= 4000; k++) {
    const x = k / 1000;
    expect(Math.abs(cosPi(x) - Math.cos(Math.PI * x))).toBeLessThan(2e-15);
    expect(Math.abs(exponential(-x) / Math.exp(-x) - 1)).toBeLessThan(1e-13);
  }
  expect([0, 0.5, 1, 1.5, 2].map(cosPi)).toEqual([1, 0, -1, 0, 1]);
});
