/** The NaN finder: a planted NaN or infinity is named, with op and source line; nothing changes. */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type Backend,
  checkpoint,
  compile,
  exp,
  init,
  log,
  type Parameter,
  type Tensor,
  tensor,
  vmap,
  wasm,
  where,
} from "../../src/index.js";
import { firstBadOp } from "../../src/inspect/index.js";
import * as nn from "../../src/nn/index.js";
import { Adam, SGD } from "../../src/optim/index.js";
import { ts } from "../../src/pure.js";
import * as random from "../../src/random.js";

const NAN = Number.NaN;
const lines = readFileSync(new URL(import.meta.url), "utf8").split("\n");
/** What stands in this file at a source that a report names. */
const codeAt = (source: string | undefined): string => {
  const [, file, line] = /^(.*):(\d+):\d+$/.exec(source ?? "") ?? [];
  expect(file).toContain("debug.test.ts");
  return (lines[Number(line) - 1] as string).trim();
};

type Plant = "forward" | "negative" | "division" | "sqrt" | "exp" | "loss" | "none";

class Network extends nn.Module {
  conv = new nn.Conv2d(1, 4, 3);
  bn = new nn.BatchNorm2d(4, { eps: 0 });
  drop = new nn.Dropout(0.25);
  head = new nn.Linear(4 * 36, 3);
  plant: Plant = "none";

  forward(x: Tensor): Tensor {
    let h = this.conv.forward(x);
    if (this.plant === "negative") h = log(h.sub(100)); // negative
    h = this.bn.forward(h).relu();
    if (this.plant === "division") h = h.div(h.sub(h)); // division
    if (this.plant === "sqrt") h = h.add(h.mul(0).sqrt()); // sqrt
    if (this.plant === "exp") h = h.add(exp(h.add(100))); // exp
    return this.head.forward(this.drop.forward(h).reshape([-1, 4 * 36]));
  }
}

function setting(optimizerOf: (p: Parameter[]) => SGD | Adam) {
  random.seed(7);
  const model = new Network();
  const optimizer = optimizerOf(model.parameters());
  const fn = (x: Tensor, y: Tensor): Tensor => {
    let loss = nn.crossEntropy(model.forward(x), y);
    if (model.plant === "loss") loss = loss.mul(1e30).mul(1e30); // loss
    optimizer.minimize(loss); // update
    return loss;
  };
  const x = random.uniform([5, 1, 8, 8]);
  const y = tensor([0, 1, 2, 0, 1], { dtype: "i32" });
  return { model, optimizer, fn, step: compile(fn), x, y };
}
type Setting = ReturnType<typeof setting>;

const stateOf = ({ model, optimizer }: Setting) => ({
  model: model.stateDict(),
  optimizer: optimizer.stateDict(),
  random: random.stateDict(),
});

interface Case {
  readonly name: string;
  plant(s: Setting): { x?: Tensor } | undefined;
  readonly op: string;
  readonly of?: string;
  /** What stands on the line that is named; undefined where the library's caller is. */
  readonly code?: string;
  readonly modules?: readonly string[];
  readonly cause: RegExp;
}

const spoil = (parameter: Parameter | undefined, value: number, at = 0): undefined => {
  const data = (parameter as Parameter).value();
  data[at] = value;
  (parameter as Parameter).write(data);
};

const planted = (plant: Plant) => (s: Setting) => {
  s.model.plant = plant;
  return undefined;
};

const cases: readonly Case[] = [
  {
    name: "the input",
    plant: ({ x }) => {
      const data = Float32Array.from(x.toTypedArray());
      data[70] = NAN;
      return { x: tensor(data, { shape: [5, 1, 8, 8] }) };
    },
    op: "argument",
    cause: /it is in the data/,
  },
  {
    name: "a weight",
    plant: ({ model }) => spoil(model.head.weight, Number.POSITIVE_INFINITY, 5),
    op: "parameter",
    modules: ["head"],
    code: "return this.head.forward(this.drop.forward(h).reshape([-1, 4 * 36]));",
    cause: /before this step/,
  },
  {
    name: "the convolution",
    plant: ({ model }) => {
      for (let k = 0; k < 9; k++) spoil(model.conv.weight, 3e38, k);
      return undefined;
    },
    op: "conv2d",
    modules: ["conv"],
    code: "let h = this.conv.forward(x);",
    cause:
      /the result is beyond 3.4e38: its inputs go up to 3e\+38; weights or activations have grown/,
  },
  {
    name: "batch norm without eps of a channel that is always the same",
    plant: ({ model }) => {
      for (let k = 0; k < 9; k++) spoil(model.conv.weight, 0, k);
      return undefined;
    },
    op: "batchNorm",
    modules: ["bn"],
    cause: /a variance of 0 and no eps/,
  },
  {
    name: "the logarithm of a negative number",
    plant: planted("negative"),
    op: "log",
    code: 'if (this.plant === "negative") h = log(h.sub(100)); // negative',
    cause: /the logarithm of a negative number is NaN: its input goes down to -1/,
  },
  {
    name: "a division",
    plant: planted("division"),
    op: "div",
    code: 'if (this.plant === "division") h = h.div(h.sub(h)); // division',
    cause: /a division by zero: 720 of the divisors are 0/,
  },
  {
    name: "the derivative of a square root at 0",
    plant: planted("sqrt"),
    op: "div",
    of: "sqrt",
    code: 'if (this.plant === "sqrt") h = h.add(h.mul(0).sqrt()); // sqrt',
    cause: /the derivative of a square root at 0 is infinite/,
  },
  {
    name: "an exponential",
    plant: planted("exp"),
    op: "exp",
    code: 'if (this.plant === "exp") h = h.add(exp(h.add(100))); // exp',
    cause: /e\^x is beyond 3.4e38 for x above 88.7: its input goes up to 10\d\.\d/,
  },
  {
    name: "the loss",
    plant: planted("loss"),
    op: "mul",
    code: 'if (model.plant === "loss") loss = loss.mul(1e30).mul(1e30); // loss',
    cause: /the result is beyond 3.4e38: its inputs go up to 1e\+30/,
  },
  {
    name: "the update",
    plant: ({ optimizer, model }) => {
      optimizer.lr = 3e38;
      if (optimizer instanceof SGD) optimizer.weightDecay = 1;
      model.head.weight.write(model.head.weight.value().map((w: number) => w * 1000));
      return undefined;
    },
    op: "update",
    code: "optimizer.minimize(loss); // update",
    cause: /the update goes beyond 3.4e38: weights up to \d+.*lower the learning rate/,
  },
];

const optimizers = {
  SGD: (p: Parameter[]) => new SGD(p, { lr: 0.05, momentum: 0.9 }),
  Adam: (p: Parameter[]) => new Adam(p, { lr: 0.01 }),
};

describe.each<[string, Backend]>([
  ["wasm", wasm],
  ["ts", ts],
])("in %s", (_, backend) => {
  beforeEach(() => {
    init({ backend });
    return () => init({ backend: wasm });
  });

  describe.each(Object.entries(optimizers))("a network with %s", (name, optimizerOf) => {
    test.each(cases)("a NaN planted in $name", ({ plant, op, of, code, modules, cause }) => {
      const s = setting(optimizerOf);
      s.step(s.x, s.y);
      const { x = s.x } = plant(s) ?? {};
      const before = stateOf(s);

      const debug = compile(s.fn, { debug: true });
      const report = firstBadOp(s.step, [x, s.y]);
      if (report === undefined) expect.fail("nothing was found");
      const named = op === "update" ? (name === "SGD" ? "sgdMomentum" : "adam") : op;
      expect([report.op, report.derivativeOf]).toEqual([named, of]);
      if (modules) expect(report.modules).toEqual(modules);
      if (code) expect(codeAt(report.source)).toBe(code);
      expect(report.cause).toMatch(cause);
      expect(report.output.nans + report.output.infinities).toBeGreaterThan(0);

      expect(() => debug(x, s.y)).toThrow(RangeError);
      let message = "";
      try {
        debug(x, s.y);
      } catch (error) {
        message = (error as Error).message;
      }
      const withoutPlace = (text: string) => text.replace(/recorded at [^\n]*/, "");
      expect(withoutPlace(message)).toBe(withoutPlace(String(report)));

      // Nothing has changed, and the library works on.
      expect(stateOf(s)).toEqual(before);
      expect(
        exp(tensor([0, 1]))
          .sum()
          .item(),
      ).toBeCloseTo(1 + Math.E, 5);
      expect(firstBadOp((a: Tensor) => a.mul(2), [tensor([1])])).toBeUndefined();
    });
  });

  test("without a NaN it computes the same bits, and finds nothing", () => {
    const runs = [false, true].map((debug) => {
      const s = setting(optimizers.Adam);
      s.model.bn = new nn.BatchNorm2d(4);
      const step = compile(s.fn, { debug });
      const losses = Array.from({ length: 3 }, () => step(s.x, s.y).item());
      const before = stateOf(s);
      expect(firstBadOp(step, [s.x, s.y])).toBeUndefined();
      expect(stateOf(s)).toEqual(before);
      return { losses, state: before };
    });
    expect(runs[1]).toEqual(runs[0]);
  });

  test("a mask of −Infinity is allowed, a row without anything else is not", () => {
    const masked = compile(
      (x: Tensor, keep: Tensor) => where(keep, x, Number.NEGATIVE_INFINITY).softmax(-1),
      { debug: true },
    );
    const keep = (values: boolean[]) => tensor(values, { shape: [1, 3] });
    const x = tensor([[1, 2, 3]]);
    expect(masked(x, keep([true, false, true])).toArray()).toEqual([
      [expect.closeTo(0.1192, 4), 0, expect.closeTo(0.8808, 4)],
    ]);
    expect(() => masked(x, keep([false, false, false]))).toThrow(
      /^softmax: result is not finite: got 3 NaN of 3 in f32\[1, 3\], the first at \[0, 0\], expected finite values\n {2}input 0: where f32\[1, 3\] in nothing finite, and 3 infinite\n {2}recorded at .*debug\.test\.ts:\d+:\d+\n {2}likely cause: a row in which every entry is −Infinity has no softmax/,
    );
  });

  test("a captured NaN, and one inside of vmap and checkpoint", () => {
    const captured = tensor([1, NAN]);
    const one = tensor([1, 0]);
    expect(firstBadOp((x: Tensor) => x.add(captured), [one])?.op).toBe("constant");
    const mapped = vmap((x: Tensor) => log(x.sub(1)));
    expect(firstBadOp(mapped, [one])).toMatchObject({ op: "log", value: Number.NEGATIVE_INFINITY });
    const again = checkpoint((x: Tensor) => log(x).mul(2));
    expect(firstBadOp(again, [one])).toMatchObject({ op: "log", first: [1] });
  });

  test("arguments inside of structures are named", () => {
    const step = compile((batch: { x: Tensor[] }, k: Tensor) => (batch.x[1] as Tensor).mul(k), {
      debug: true,
    });
    const bad = tensor([[1, Number.POSITIVE_INFINITY]]);
    expect(() => step({ x: [tensor([[1]]), bad] }, 2)).toThrow(
      /^argument: argument 0\.x\[1\] is not finite: got 1 infinite of 2 in f32\[1, 2\], the first at \[0, 1\], expected finite values\n/,
    );
    expect(() => step({ x: [tensor([[1]]), tensor([[1]])] }, NAN)).toThrow(
      /^argument: argument 1 is not finite: got 1 NaN of 1 in f32\[\], expected finite values\n/,
    );
  });

  test("what an op refuses is told with its line", () => {
    const step = compile((x: Tensor, y: Tensor) => nn.crossEntropy(x, y), { debug: true });
    expect(() => step(tensor([[1, 2]]), tensor([2], { dtype: "i32" }))).toThrow(
      /^crossEntropy: label 2 at row 0 is out of range: expected 0 ≤ label < 2 \(recorded at .*debug\.test\.ts:\d+:\d+\)$/,
    );
  });
});

test.each([
  [{ debug: 1 }, TypeError, "compile: bad debug: got 1, expected true or false"],
  [
    { debug: true, maxBytes: 5 },
    TypeError,
    "compile: maxBytes and debug exclude each other: got maxBytes 5 with debug, expected one of them",
  ],
  [{ debgu: true }, TypeError, "compile: unknown option: got debgu, expected maxBytes or debug"],
])("options %j are refused", (options, kind, message) => {
  const call = () => compile((x: Tensor) => x, options as never);
  expect(call).toThrow(kind);
  expect(call).toThrow(message);
});
