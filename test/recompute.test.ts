/** `compile(fn, { maxBytes })`: less memory, the same bits. */
import { afterEach, describe, expect, test } from "vitest";
import {
  type Compiled,
  checkpoint,
  compile,
  init,
  parameter,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import { crossEntropy, Linear, ReLU, Sequential } from "../src/nn/index.js";
import { AdamW, SGD } from "../src/optim/index.js";
import { ts } from "../src/pure.js";
import * as random from "../src/random.js";
import { type Case, models, type Spec } from "./models.js";

afterEach(() => init({ backend: wasm }));

const bits = (tensors: readonly Tensor[]): Uint32Array[] =>
  tensors.map((x) => new Uint32Array((x.toTypedArray() as Float32Array).slice().buffer));

/** Arguments of these kinds: numbers around 0, or classes 0 … 4. */
function argumentsOf(specs: readonly Spec[]): Tensor[] {
  return specs.map(({ shape, dtype }, k) => {
    const size = shape.reduce((n, length) => n * length, 1);
    const at = (i: number): number => (i * 7919 + k * 31) % 5;
    return tensor(
      Array.from({ length: size }, (_, i) => (dtype === "i32" ? at(i) : at(i) / 2 - 1)),
      { shape, ...(dtype && { dtype }) },
    );
  });
}

type Step = Compiled<Tensor[], Tensor>;

/** A training step of a fresh model; every one starts alike. */
function training(make: () => Case, maxBytes?: number): { step: Step; model: Case } {
  random.seed(3);
  const model = make();
  const optimizer = new AdamW(model.parameters, { lr: 1e-2 });
  const step = compile(
    (...args: Tensor[]) => {
      const loss = model.loss(...args);
      optimizer.minimize(loss);
      return loss;
    },
    maxBytes === undefined ? {} : { maxBytes },
  );
  return { step, model };
}

/** Losses of three steps and the Parameters after them. */
function outcome({ step, model }: ReturnType<typeof training>): Uint32Array[] {
  random.seed(5);
  const args = argumentsOf(model.args);
  const losses = [0, 1, 2].map(() => step(...args));
  return bits([...losses, ...model.parameters]);
}

describe("the same bits in less memory", () => {
  test.each<[string, number]>([
    ["MLP of 20 layers", 0.75],
    ["MLP of 20 layers", 0.5],
    ["MLP with batch norm and dropout", 0.995],
    ["CNN without pooling", 0.8],
    ["CNN without pooling", 0.7],
    ["GPT", 0.8],
    ["GPT", 0.4],
    ["small GPT", 0.75],
  ])("%s in %d of it", (name, part) => {
    const make = models[name] as () => Case;
    const full = training(make);
    const expected = outcome(full);
    const maxBytes = Math.floor(part * full.step.plan.peakBytes);
    const less = training(make, maxBytes);
    expect(outcome(less)).toEqual(expected);
    expect(less.step.plan.peakBytes).toBeLessThanOrEqual(maxBytes);
    expect(less.step.callsPerStep).toBe(1);
    expect(less.step.plan.instructions.length).toBeGreaterThan(full.step.plan.instructions.length);
    // As much as there is: nothing is recomputed.
    const same = training(make, full.step.plan.peakBytes);
    same.step.trace(...same.model.args);
    expect(same.step.plan.instructions).toHaveLength(full.step.plan.instructions.length);
  });

  test("in the TypeScript build", () => {
    init({ backend: ts });
    const make = models["small GPT"] as () => Case;
    const full = training(make);
    const expected = outcome(full);
    const maxBytes = Math.floor(0.75 * full.step.plan.peakBytes);
    const less = training(make, maxBytes);
    expect(outcome(less)).toEqual(expected);
    expect(less.step.plan.peakBytes).toBeLessThanOrEqual(maxBytes);
  });

  test("without a backward pass, and of a step in a step", () => {
    const f = (x: Tensor): Tensor => {
      const parts = Array.from({ length: 6 }, (_, k) => x.mul(k + 1).sin());
      return parts
        .reduceRight((sum, part) => sum.add(part))
        .add(checkpoint((v: Tensor) => v.exp())(x));
    };
    const x = tensor(Array.from({ length: 100 }, (_, k) => Math.fround(k / 50 - 1)));
    const full = compile(f);
    const expected = bits([full(x)]);
    const less = compile(f, { maxBytes: 0.7 * full.plan.peakBytes });
    expect(bits([less(x)])).toEqual(expected);
    const outer = compile((y: Tensor) => less(y).mul(2));
    expect(bits([outer(x)])).toEqual(bits([full(x).mul(2)]));
  });
});

describe("what does not fit", () => {
  test("is refused before anything runs, with the least that was reached", () => {
    const model = new Sequential(new Linear(8, 16), new ReLU(), new Linear(16, 3));
    const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
    const before = bits(model.parameters());
    const step = (maxBytes: number) =>
      compile(
        (x: Tensor, y: Tensor) => {
          const loss = crossEntropy(model.forward(x), y);
          optimizer.minimize(loss);
          return loss;
        },
        { maxBytes },
      );
    const [x, y] = argumentsOf([{ shape: [4, 8] }, { shape: [4], dtype: "i32" }]) as [
      Tensor,
      Tensor,
    ];
    const live = wasm.memory.liveBytes;
    const calls = wasm.calls;
    let message = "";
    for (let k = 0; k < 2; k++)
      try {
        step(100)(x, y);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        message = (error as Error).message;
      }
    const least = Number(/got (\d+) bytes/.exec(message)?.[1]);
    expect(message).toBe(
      `compile: plan does not fit: got ${least} bytes at least, expected at most 100 (maxBytes)`,
    );
    expect(wasm.calls).toBe(calls);
    expect(bits(model.parameters())).toEqual(before);
    // Moments were made, as at any first trace; no program was.
    expect(wasm.memory.liveBytes - live).toBeLessThan(4 * 1024);
    const smallest = step(least);
    smallest.trace(x, y);
    expect(smallest.plan.peakBytes).toBe(least);
  });

  test("a bad label is refused, and nothing has changed", () => {
    const p = parameter([[1, 2, 3]]);
    const optimizer = new SGD([p], { lr: 0.1 });
    const f = (x: Tensor, y: Tensor): void => {
      const h = x.matmul(p).exp().sin().exp().tanh();
      optimizer.minimize(crossEntropy(h, y));
    };
    const full = compile(f);
    const peak = full.trace({ shape: [50, 1] }, { shape: [50], dtype: "i32" }).plan.peakBytes;
    const step = compile(f, { maxBytes: 0.9 * peak });
    const [x, y] = argumentsOf([{ shape: [50, 1] }, { shape: [50], dtype: "i32" }]) as [
      Tensor,
      Tensor,
    ];
    expect(() => step(x, y)).toThrow("is out of range");
    expect(step.plan.peakBytes).toBeLessThan(peak);
    expect(p.toArray()).toEqual([[1, 2, 3]]);
  });

  test.each<[unknown, string]>([
    [Number.NaN, "compile: bad maxBytes: got NaN, expected a number of bytes ≥ 0"],
    [-1, "compile: bad maxBytes: got -1, expected a number of bytes ≥ 0"],
    ["1e6", 'compile: bad maxBytes: got "1e6", expected a number of bytes ≥ 0'],
    [null, "compile: bad maxBytes: got null, expected a number of bytes ≥ 0"],
  ])("maxBytes %s", (maxBytes, message) => {
    const make = () => compile((x: Tensor) => x, { maxBytes: maxBytes as number });
    expect(make).toThrow(message);
    expect(make).toThrow(typeof maxBytes === "number" ? RangeError : TypeError);
  });

  test("a misspelt option", () => {
    expect(() => compile((x: Tensor) => x, { maxbytes: 1 } as object)).toThrow(
      new TypeError("compile: unknown option: got maxbytes, expected maxBytes or debug"),
    );
  });
});
