/** Two copies of the library side by side, and what is left after something goes wrong in one. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import type { Tensor } from "../src/core.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "chainrule-copies-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Copy {
  readonly core: typeof import("../src/index.js");
  readonly nn: typeof import("../src/nn/index.js");
  readonly optim: typeof import("../src/optim/index.js");
  readonly random: typeof import("../src/random.js");
}

/** The built package in a folder of its own: another tape, another memory. */
async function copyOf(name: string): Promise<Copy> {
  cpSync(join(root, "dist"), join(folder, name, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(folder, name, "package.json"));
  const load = (entry: string): Promise<unknown> =>
    import(/* @vite-ignore */ pathToFileURL(join(folder, name, "dist", `${entry}.js`)).href);
  const [core, nn, optim, random] = await Promise.all(
    ["index", "nn", "optim", "random"].map((entry) => load(entry)),
  );
  return { core, nn, optim, random } as unknown as Copy;
}

/** A network and its compiled functions, which leave the weights after each step. */
function training({ core, nn, optim, random }: Copy) {
  random.seed(11);
  const model = new nn.Sequential(new nn.Linear(3, 5), new nn.Tanh(), new nn.Linear(5, 2));
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
  const x = core.arange(12).mul(0.3).sin().reshape([4, 3]);
  const labels = core.tensor([0, 1, 1, 0], { dtype: "i32" });
  const step = core.compile((inputs: Tensor, targets: Tensor) => {
    const loss = nn.crossEntropy(model.forward(inputs), targets);
    optimizer.minimize(loss);
    return loss;
  });
  const predict = core.compile((inputs: Tensor) => model.forward(inputs));
  const weights = (): number[] => model.parameters().flatMap((p) => [...p.toTypedArray()]);
  return {
    step: () => step(x, labels).item(),
    predict: () => predict(x).toArray(),
    weights,
    x,
    step2: step,
  };
}

const first = await copyOf("first");
const second = await copyOf("second");

/** What an undisturbed run of as many steps ends with. */
async function undisturbed(steps: number): Promise<number[]> {
  const { step, weights } = training(await copyOf(`undisturbed-${steps}`));
  for (let k = 0; k < steps; k++) step();
  return weights();
}

test("two copies do not know of one another", async () => {
  expect(first.core.Tensor).not.toBe(second.core.Tensor);
  const runs = [training(first), training(second)];
  for (let k = 0; k < 6; k++)
    for (const { step, predict } of runs) {
      step();
      predict();
    }
  const expected = await undisturbed(6);
  for (const { weights } of runs) expect(weights()).toEqual(expected);
});

test("a tensor of one copy is refused by the other, by name", () => {
  const foreign = second.core.tensor([1, 2]);
  expect(() => first.core.tensor([1, 2]).add(foreign as never)).toThrow(/^add: /);
  expect(first.core.tensor([1, 2]).add(1).toArray()).toEqual([2, 3]);
});

test("one copy recording while the other one computes", async () => {
  const outer = training(first);
  const inner = training(second);
  const nested = first.core.compile((t: Tensor) => {
    inner.step();
    return t.mul(2).add(first.core.tensor((inner.predict() as number[][])[0] as number[]));
  });
  nested(outer.x.sum(0).slice([[0, 2]]));
  for (let k = 0; k < 3; k++) outer.step();
  expect(outer.weights()).toEqual(await undisturbed(3));
  expect(inner.weights()).toEqual(await undisturbed(1));
});

test.each<[string, (copy: Copy, run: ReturnType<typeof training>) => unknown]>([
  [
    "an error of the user's inside a trace",
    ({ core }, { x }) =>
      core.compile((t: Tensor) => {
        t.exp().sum();
        throw new RangeError("the user's own");
      })(x),
  ],
  [
    "an error inside a gradient inside a trace",
    ({ core }, { x }) =>
      core.compile((t: Tensor) =>
        core.grad((u: Tensor) => {
          u.square();
          throw new RangeError("the user's own");
        })(t),
      )(x),
  ],
  [
    "a shape that does not fit, inside a trace",
    ({ core }, { x }) => core.compile((t: Tensor) => t.matmul(t))(x),
  ],
  [
    "a label out of range, refused while the program runs",
    ({ core }, { x, step2 }) => step2(x, core.tensor([0, 1, 2, 0], { dtype: "i32" })).item(),
  ],
])("%s leaves both copies as they were", async (_, fail) => {
  const runs = [first, second].map(training);
  for (let k = 0; k < 4; k++) {
    expect(() => fail(first, runs[0] as never)).toThrow(RangeError);
    for (const { step } of runs) step();
  }
  const expected = await undisturbed(4);
  for (const { weights } of runs) expect(weights()).toEqual(expected);
});

test("a run that is given up half-way leaves its functions usable", async () => {
  const { step, weights } = training(first);
  const controller = new AbortController();
  const loop = async (): Promise<number> => {
    for (let k = 0; ; k++) {
      controller.signal.throwIfAborted();
      step();
      if (k === 2) controller.abort(new Error("given up"));
      await Promise.resolve();
    }
  };
  await expect(loop()).rejects.toThrow("given up");
  step();
  expect(weights()).toEqual(await undisturbed(4));
});

test("no code is made at run time", () => {
  const text = readFileSync(join(root, "dist/index.js"), "utf8");
  expect(text).not.toMatch(/(?<![.\w])eval\(|new Function\(/);
});
