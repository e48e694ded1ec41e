/** What the planner promises of models as they are trained: memory at the bound, no copies. */
import { afterEach, describe, expect, test } from "vitest";
import { Opcode } from "../assembly/opcodes.js";
import {
  compile,
  concat,
  gradients,
  gt,
  init,
  type Parameter,
  type Plan,
  parameter,
  relu,
  sum,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import {
  Adagrad,
  Adam,
  AdamW,
  clipGradNorm,
  Lion,
  type Optimizer,
  RMSprop,
  SGD,
} from "../src/optim/index.js";
import { placeApart } from "../src/plan/apart.js";
import { makePlan } from "../src/plan/plan.js";
import { Program } from "../src/plan/program.js";
import { ts } from "../src/pure.js";
import { uniform } from "../src/random.js";
import type { TypedArray } from "../src/tensor.js";
import { type Case, cnn, mlp, models } from "./models.js";
import { randomNetwork } from "./networks.js";

afterEach(() => init({ backend: wasm }));

const rules = {
  SGD: (parameters: readonly Parameter[]) => new SGD(parameters, { lr: 0.1, momentum: 0.9 }),
  Adam: (parameters: readonly Parameter[]) => new Adam(parameters),
  RMSprop: (parameters: readonly Parameter[]) => new RMSprop(parameters),
};

/** The plan of a training step, with or without clipping. */
function planOf(make: () => Case, rule: keyof typeof rules, clips: boolean): Plan {
  const { parameters, loss, args } = make();
  const optimizer = rules[rule](parameters);
  const step = compile((...given: Tensor[]) => {
    const value = loss(...given);
    if (clips) optimizer.apply(clipGradNorm(gradients(value, optimizer.parameters), 1).gradients);
    else optimizer.minimize(value);
    return value;
  });
  return step.trace(...args).plan;
}

describe.each([wasm, ts])("plain plans in $name", (backend) => {
  test.each<[string, (tensors: readonly Tensor[]) => readonly Tensor[], boolean]>([
    ["of every value: none shares a place", (tensors) => tensors, true],
    ["of a few values: they share places", (tensors) => tensors.slice(-2), false],
    ["of none", () => [], true],
  ])("%s, and has the bits of a plan that is fused", (_, choose, apart) => {
    init({ backend });
    const step = compile((x: Tensor, y: Tensor) => {
      const h = relu(x.matmul(y)).add(1).exp();
      return [gt(h, 2), h.div(h.sum()).log().mul(h.max(0)), sum(h)];
    });
    const args: [Tensor, Tensor] = [uniform([5, 2]), uniform([2, 9])];
    step(...args);
    const { tape } = step.trace(...args);
    const tensors = tape.nodes.flatMap(({ inputs, outputs, op }) =>
      inputs.length > 0 && op.name !== "placeholder" ? outputs : [],
    );
    const outputs = choose(tensors);
    const resultOf = (kind: "fused" | "plain"): { run: TypedArray[]; plan: Plan } => {
      const place = kind === "plain" ? placeApart : undefined;
      const plan = makePlan({ ...tape, outputs }, "f32", undefined, kind, place);
      const program = new Program(plan, backend, "f32");
      const data = args.map((arg) => arg.toTypedArray());
      program.poison();
      const run = program.run(data);
      expect(program.bytesWritten()).toBe(plan.peakBytes);
      expect(program.run(data, false, outputs.length)).toEqual([]);
      const read = outputs.map(({ dtype, size }, index) => {
        const begin = program.placeOf(index).address / 4;
        return [...backend.memory.views[dtype].subarray(begin, begin + size)];
      });
      program.release();
      expect(read).toEqual(run.map((numbers) => [...numbers]));
      expect(plan.liveBytes).toBeLessThanOrEqual(plan.peakBytes);
      return { run, plan };
    };
    const { run, plan } = resultOf("plain");
    expect(run).toEqual(resultOf("fused").run);
    const { segments } = plan;
    const places = new Set(segments.map(({ begin }) => begin));
    expect(places.size === segments.length).toBe(apart);
  });
});

describe.each(Object.keys(models))("%s", (name) => {
  test.each(Object.keys(rules) as (keyof typeof rules)[])(
    "%s: the peak is near the bound",
    (rule) => {
      for (const clips of [false, true]) {
        const { peakBytes, liveBytes } = planOf(models[name] as () => Case, rule, clips);
        expect(liveBytes).toBeLessThanOrEqual(peakBytes);
        expect(peakBytes).toBeLessThanOrEqual(1.05 * liveBytes);
      }
    },
  );
});

/** Sizes for which placing blocks in the order of their sizes, or times, leaves 5 to 28 % unused. */
test.each<[string, () => Case, keyof typeof rules, boolean]>([
  ["MLP 86-91-10", () => mlp(88, 86, 91, 10), "Adam", true],
  ["MLP 36-284-10", () => mlp(56, 36, 284, 10), "Adam", true],
  ["MLP 102-3-173-9-10", () => mlp(9, 102, 3, 173, 9, 10), "Adam", true],
  ["MLP of 7 layers", () => mlp(101, 259, 159, 231, 215, 51, 94, 193, 10), "Adam", false],
  ["MLP of 5 layers", () => mlp(127, 74, 173, 148, 277, 170, 165, 10), "Adam", false],
  ["CNN of 6 channels", () => cnn(26, 3, 6, 18), "SGD", false],
  ["CNN of 15 channels", () => cnn(19, 1, 15, 21), "SGD", false],
  ["CNN of 19 channels", () => cnn(39, 2, 19, 13), "SGD", true],
])("%s: the peak is near the bound at odd sizes", (_, make, rule, clips) => {
  const { peakBytes, liveBytes } = planOf(make, rule, clips);
  expect(liveBytes).toBeLessThanOrEqual(peakBytes);
  expect(peakBytes).toBeLessThanOrEqual(1.05 * liveBytes);
});

/** Of each of some random networks by what factor its peak is above the bound, where by more than 5 %. */
function above(seeds: readonly number[]): Map<string, number> {
  const factors = new Map<string, number>();
  for (const seed of seeds) {
    const network = randomNetwork(seed);
    const { peakBytes, liveBytes } = planOf(() => network, network.rule, network.clips);
    for (const parameter of network.parameters) parameter[Symbol.dispose]();
    if (peakBytes > 1.05 * liveBytes) factors.set(network.name, peakBytes / liveBytes);
  }
  return factors;
}

describe("random networks: the peak is near the bound", () => {
  // Values of this one are so small that multiples of 16 bytes alone take 6.4 % more.
  const small = "175: transformer 1×9×5";
  test("of two hundred", () => {
    const seeds = Array.from({ length: 200 }, (_, seed) => seed);
    expect([...above(seeds).keys()]).toEqual([small]);
  });

  test("of those for which it is hardest to reach", () => {
    const seeds = [
      ...[338, 352, 583, 785, 853, 913, 1160, 1704, 2088, 2364, 2440, 2464, 2516, 2868, 2993, 3087],
      ...[3149, 3348, 3451, 3488, 3602, 3782, 3876, 3907, 4087, 4359, 4571, 4592, 4608, 4645, 4948],
    ];
    expect(above(seeds).size).toBe(0);
  });

  test("of those for which no places can reach it, as their gradients lie side by side", () => {
    const factors = above([821, 1107, 1648, 3842, 8587]);
    expect(factors.size).toBe(5);
    expect(Math.max(...factors.values())).toBeLessThan(1.085);
  });
});

/** Bits of some tensors. */
const bits = (tensors: readonly Tensor[]): Uint32Array[] =>
  tensors.map((x) => new Uint32Array((x.toTypedArray() as Float32Array).slice().buffer));

const copies = ({ instructions }: Plan): number =>
  instructions.filter(({ opcode }) =>
    [Opcode.StridedCopy, Opcode.StridedPlace, Opcode.Copy].includes(opcode),
  ).length;

describe("joined values", () => {
  test.each(Object.keys(models))("clipping of %s copies no gradient", (name) => {
    const make = models[name] as () => Case;
    expect(copies(planOf(make, "SGD", true))).toBe(copies(planOf(make, "SGD", false)));
  });

  test.each(Object.keys(models))("the gradients of %s leave and enter as one vector", (name) => {
    const { parameters, loss, args } = (models[name] as () => Case)();
    const plan = (join: (found: readonly Tensor[]) => unknown): Plan =>
      compile((...given: Tensor[]) =>
        join(gradients(loss(...given), parameters) as Tensor[]),
      ).trace(...args).plan;
    const vector = plan((found) => concat(found.map((gradient) => gradient.reshape([-1]))));
    expect(copies(vector)).toBe(copies(plan((found) => found)));
    const optimizer = new Adam(parameters);
    const size = parameters.reduce((sum, parameter) => sum + parameter.size, 0);
    const update = compile((given: Tensor) => {
      let end = 0;
      const parts = parameters.map((parameter) => {
        end += parameter.size;
        return given.slice([[end - parameter.size, end]]).reshape(parameter.shape);
      });
      optimizer.apply(parts);
    }).trace({ shape: [size] }).plan;
    expect([copies(update), update.peakBytes]).toEqual([0, 4 * size]);
  });

  type Program = (x: Tensor, y: Tensor) => readonly Tensor[];
  /** What is computed, and how many instructions it takes. */
  const cases: readonly [string, number, Program][] = [
    ["parts computed and joined", 3, (x, y) => [concat([x.exp(), y.neg()]).tanh()]],
    [
      "a part read as well",
      4,
      (x, y) => {
        const e = x.exp();
        return [concat([e, y.neg()]).tanh(), e.sin()];
      },
    ],
    [
      "a part twice",
      3,
      (x) => {
        const e = x.exp();
        return [concat([e, e]).neg()];
      },
    ],
    ["arguments are copied", 2, (x, y) => [concat([x, y])]],
    [
      "joins within joins",
      4,
      (x, y) => {
        const inner = concat([x.exp(), y.neg()]);
        return [concat([inner, y.sin()]).tanh()];
      },
    ],
    [
      "parts returned, too",
      3,
      (x, y) => {
        const [e, n] = [x.exp(), y.neg()];
        return [e, concat([e, n]).tanh(), n];
      },
    ],
    [
      "split again",
      4,
      (x, y) => {
        const both = concat([x.exp(), y.neg()]).tanh();
        return [both.slice([[0, 3]]).sin(), both.slice([[3]])];
      },
    ],
    [
      "a part of what dies is copied",
      4,
      (x, y) => [
        concat([x.exp(), y.exp()])
          .slice([[1, 3]])
          .neg(),
      ],
    ],
    [
      "a scalar of what is written over",
      3,
      (x) => {
        const e = x.exp();
        return [e.mul(e.slice([1])).neg()];
      },
    ],
    [
      "along another axis",
      4,
      (x, y) => [
        concat(
          [
            x.exp().reshape([1, -1]),
            y
              .exp()
              .slice([[0, 3]])
              .reshape([1, -1]),
          ],
          1,
        ),
      ],
    ],
    [
      "through a transpose",
      5,
      (x) => {
        const e = x.exp().reshape([3, 1]);
        return [concat([e, e.neg()], 1).transpose()];
      },
    ],
    ["an empty part", 3, (x, y) => [concat([x.exp(), y.slice([[2, 2]]).exp(), y.neg()])]],
  ];
  const x = tensor([1, -0, Number.NaN]);
  const y = tensor([0.5, -2, 3, Number.POSITIVE_INFINITY, 7]);
  test.each(cases)("%s: %i instructions at most, the bits of one by one", (_, most, program) => {
    const keep = (t: readonly Tensor[]) => bits(t);
    for (const backend of [wasm, ts]) {
      init({ backend });
      const step = compile(program);
      const got = keep(step(x, y));
      expect(step.plan.instructions.length).toBeLessThanOrEqual(most);
      // Read as they are made, no two values share anything.
      expect(got).toEqual(keep(program(x, y)));
      expect(got).toEqual(keep(step(x, y)));
      expect(step.plan.peakBytes).toBeLessThanOrEqual(step.plan.liveBytes + 64);
    }
  });
});

describe("updates", () => {
  const kinds = [Opcode.Sgd, Opcode.SgdMomentum, Opcode.Adam];
  test.each([
    ["SGD", (p: Parameter[]) => new SGD(p, { lr: 0.1 })],
    ["SGD with momentum", (p: Parameter[]) => new SGD(p, { lr: 0.1, momentum: 0.9 })],
    ["Adam", (p: Parameter[]) => new Adam(p)],
    [
      "AdamW of two groups",
      ([a, b, ...rest]: Parameter[]) =>
        new AdamW([{ parameters: [a, b] as Parameter[], lr: 0.5 }, { parameters: rest }]),
    ],
  ] as const)("%s of all parameters is one instruction", (_, make) => {
    const { parameters, loss, args } = mlp(8, 5, 7, 6, 3);
    const optimizer = make([...parameters]);
    const step = compile((...given: Tensor[]) => optimizer.minimize(loss(...given)));
    const { instructions } = step.trace(...args).plan;
    const updates = instructions.filter(({ opcode }) => kinds.includes(opcode));
    expect(updates).toHaveLength(1);
    expect(
      updates[0]?.writes.filter((value) => parameters.includes(value.parameter as Parameter)),
    ).toHaveLength(6);
  });

  test.each<[string, number, (p: Parameter[]) => Optimizer]>([
    ["SGD", 1, (p) => new SGD(p, { lr: 0.1 })],
    [
      "SGD of two groups",
      2,
      ([a, ...rest]) =>
        new SGD([{ parameters: [a as Parameter] }, { parameters: rest }], {
          lr: 0.1,
          momentum: 0.9,
        }),
    ],
    ["RMSprop", 1, (p) => new RMSprop(p, { momentum: 0.9 })],
    ["Lion", 1, (p) => new Lion(p)],
    ["Adagrad: a rate for each parameter", 7, (p) => new Adagrad(p)],
  ])("%s: what is read before each run: %i", (_, sources, make) => {
    const { parameters, loss, args } = mlp(8, 5, 7, 6, 3);
    const optimizer = make([...parameters]);
    const step = compile((...given: Tensor[]) => optimizer.minimize(loss(...given)));
    const { pool, instructions } = step.trace(...args).plan;
    expect(pool.filter(({ source }) => source)).toHaveLength(sources);
    // Read where they are: they are not copied.
    const copies = instructions.filter(({ opcode }) => opcode === Opcode.StridedCopy);
    expect(copies).toHaveLength(0);
  });

  test("a parameter that is read between two updates is updated in its turn", () => {
    const [p, q] = [parameter([1, 2]), parameter([3, 4])];
    const optimizer = new SGD([p, q], { lr: 0.5 });
    const step = compile((g: Tensor) => {
      optimizer.apply([g, undefined]);
      optimizer.apply([undefined, p.mul(2)]);
      optimizer.apply([g, g]);
    });
    for (let k = 0; k < 2; k++) step(tensor([1, -1]));
    // p: 1 → 0.5 → 0 → −0.5 → −1; q: 3 − 0.5 − 0.5 − (−0.5) − 0.5.
    expect([p.toArray(), q.toArray()]).toEqual([
      [-1, 4],
      [2, -1],
    ]);
  });
});
