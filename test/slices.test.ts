/** `train`: the same run in slices of any size, and what it does when something goes wrong. */
import { createHash } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Batch, batches, type Dataset } from "../src/data/index.js";
import { compile, type SliceBounds, type Tensor, tensor, train, zeros } from "../src/index.js";
import { joinStates, loadSafetensors, saveSafetensors, splitStates } from "../src/io/index.js";
import * as nn from "../src/nn/index.js";
import { Adam, schedules } from "../src/optim/index.js";
import * as random from "../src/random.js";

afterEach(() => vi.unstubAllGlobals());

const EPOCHS = 3;
/** Seven batches an epoch, the last one smaller. */
const TOTAL = 7 * EPOCHS;

const data: Dataset = {
  x: Float32Array.from({ length: 50 * 6 }, (_, i) => Math.fround(((i * 37) % 101) / 101)),
  y: Int32Array.from({ length: 50 }, (_, i) => (i * 7) % 3),
  shape: [6],
  length: 50,
  classes: 3,
};

/** Draws of their own between the steps': noise on the inputs. */
function* noisy(): Generator<Batch> {
  for (let epoch = 0; epoch < EPOCHS; epoch++)
    for (const { x, y } of batches(data, { batchSize: 8, seed: 1, epoch }))
      yield { x: x.add(random.normal(x.shape, { std: 0.1 })), y };
}

/** A network with draws inside the step, running statistics, moments and a schedule. */
function makeRun() {
  random.seed(5);
  const model = new nn.Sequential(
    new nn.Linear(6, 9),
    new nn.BatchNorm1d(9),
    new nn.ReLU(),
    new nn.Dropout(0.3),
    new nn.Linear(9, 3),
  );
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const schedule = schedules.cosine(optimizer, { steps: TOTAL, minimum: 1e-4 });
  const update = compile(({ x, y }: Batch) => {
    const loss = nn.crossEntropy(model.forward(x), y);
    optimizer.minimize(loss);
    return loss;
  });
  const step = (batch: Batch): number => {
    const loss = update(batch).item();
    schedule.step();
    return loss;
  };
  const save = () =>
    saveSafetensors(
      joinStates({
        model: model.stateDict(),
        optimizer: optimizer.stateDict(),
        random: random.stateDict(),
        schedule: schedule.stateDict(),
      }),
    );
  const load = (bytes: Uint8Array): void => {
    const saved = splitStates(loadSafetensors(bytes));
    model.loadStateDict(saved.model ?? {});
    optimizer.loadStateDict(saved.optimizer ?? {});
    random.loadStateDict(saved.random ?? {});
    schedule.loadStateDict(saved.schedule ?? {});
  };
  return { step, save, load };
}

/** SHA-256 of every weight, statistic, moment, the draws to come, and of all losses. */
const digest = (bytes: Uint8Array, losses: readonly number[]): string =>
  createHash("sha256").update(bytes).update(Float64Array.from(losses)).digest("hex");

type Start = (skip?: number) => ReturnType<typeof train<Batch, number>>;
type Finish = (start: Start, run: ReturnType<typeof makeRun>) => number[] | Promise<number[]>;

/** What a run ends with whose slices are made by `finish`; it returns the losses. */
async function ending(finish: Finish): Promise<string> {
  const run = makeRun();
  const losses = await finish((skip = 0) => train(run.step, noisy(), { skip }), run);
  return digest(run.save(), losses);
}

/** Slices that end by `bounds`, which gives those of the slice that begins after `taken` steps. */
const sliced =
  (bounds: (taken: number) => SliceBounds): Finish =>
  (start) => {
    const training = start();
    const losses: number[] = [];
    for (let done = false; !done; ) {
      const slice = training.steps(bounds(training.taken));
      expect(slice.steps).toBe(slice.losses.length);
      losses.push(...slice.losses);
      done = slice.done;
    }
    expect(training.taken).toBe(TOTAL);
    return losses;
  };

/** A clock that goes on by a millisecond whenever it is read. */
function ticking(): void {
  let now = 0;
  vi.stubGlobal("performance", { now: () => now++ });
}

/** Losses of the run without `train`. */
const unsliced: Finish = (_, { step }) => {
  const losses: number[] = [];
  for (const batch of noisy()) losses.push(step(batch));
  return losses;
};

/** Stops after some steps, saves, and goes on in a run that knows nothing but the bytes. */
const resumed =
  (stops: readonly number[], order: "load, train" | "train, load"): Finish =>
  async (start, run) => {
    const losses: number[] = [];
    let training = start();
    for (const stop of stops) {
      losses.push(...training.steps({ maxSteps: stop }).losses);
      const bytes = run.save();
      // Anything else happens in between.
      random.seed(99);
      const other = makeRun();
      [...noisy()].slice(0, 4).map(other.step);
      if (order === "load, train") run.load(bytes);
      training = start(training.taken);
      if (order === "train, load") run.load(bytes);
    }
    losses.push(...training.steps({ maxSteps: Number.POSITIVE_INFINITY }).losses);
    return losses;
  };

test.each<[string, Finish]>([
  ["by one step", sliced(() => ({ maxSteps: 1 }))],
  ["by two", sliced(() => ({ maxSteps: 2 }))],
  ["by seven", sliced(() => ({ maxSteps: 7 }))],
  ["by three", sliced(() => ({ maxSteps: 3 }))],
  ["by one, two, three …", sliced((taken) => ({ maxSteps: 1 + (taken % 4) }))],
  ["all at once", sliced(() => ({ maxSteps: Number.POSITIVE_INFINITY }))],
  ["by the smallest budget", sliced(() => ({ budgetMs: Number.MIN_VALUE }))],
  ["by a budget", sliced(() => ({ budgetMs: 0.5 }))],
  ["by a budget of time without end", sliced(() => ({ budgetMs: Number.POSITIVE_INFINITY }))],
  ["by the budget there is by default", sliced(() => ({}))],
  ["by budget and steps", sliced(() => ({ budgetMs: 1, maxSteps: 2 }))],
  [
    "in a loop",
    async (start) => {
      const losses: number[] = [];
      for await (const slice of start()) losses.push(...slice.losses);
      return losses;
    },
  ],
  [
    "in loops that are left, and by hand between them",
    async (start) => {
      const losses: number[] = [];
      const training = start();
      for (const pieces of [1, 2, 1, TOTAL]) {
        let seen = 0;
        for await (const slice of training) {
          losses.push(...slice.losses);
          if (++seen === pieces) break;
        }
        losses.push(...training.steps({ maxSteps: 2 }).losses);
      }
      return losses;
    },
  ],
  ["saved and resumed, the state loaded first", resumed([1, 2, 7], "load, train")],
  ["saved and resumed, the state loaded last", resumed([5, 1, 7], "train, load")],
  ["saved and resumed at the end", resumed([TOTAL], "train, load")],
])("%s", async (_, finish) => {
  expect(await ending(finish)).toBe(await ending(unsliced));
});

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const double = (batch: number): number => 2 * batch;

describe("a slice", () => {
  test.each<[string, SliceBounds, number[]]>([
    ["maxSteps", { maxSteps: 4 }, [4, 4, 2]],
    ["maxSteps that divides the run", { maxSteps: 5 }, [5, 5, 0]],
    // The clock is read once before the first step and once after each.
    ["budgetMs", { budgetMs: 3 }, [3, 3, 3, 1]],
    ["a budget between two ticks", { budgetMs: 2.5 }, [3, 3, 3, 1]],
    ["a budget that is used at once", { budgetMs: 0.001 }, Array(10).fill(1).concat(0)],
    ["the smaller of both: steps", { budgetMs: 3, maxSteps: 2 }, [2, 2, 2, 2, 2, 0]],
    ["the smaller of both: time", { budgetMs: 3, maxSteps: 4 }, [3, 3, 3, 1]],
    ["8 ms where nothing is said", {}, [8, 2]],
  ])("ends by %s", (_, bounds, sizes) => {
    ticking();
    for (const [given, own] of [
      [bounds, undefined],
      [{ maxSteps: 1 }, bounds],
    ]) {
      const training = train(double, upTo(10), given);
      const slices = sizes.map(() => training.steps(own));
      expect(slices.map(({ steps }) => steps)).toEqual(sizes);
      expect(slices.map(({ done }) => done)).toEqual(sizes.map((_, i) => i === sizes.length - 1));
      expect(slices.flatMap(({ losses }) => losses)).toEqual(upTo(10).map(double));
      expect(training.steps()).toEqual({ done: true, steps: 0, losses: [] });
      expect(training.taken).toBe(10);
    }
  });

  test("of no batches is done", async () => {
    expect(train(double, []).steps()).toEqual({ done: true, steps: 0, losses: [] });
    for await (const _ of train(double, [])) throw new Error("a slice without steps");
  });

  test("draws no batch ahead", () => {
    const drawn: number[] = [];
    const source = function* () {
      for (const i of upTo(5)) {
        drawn.push(i);
        yield i;
      }
    };
    const training = train(double, source());
    expect(drawn).toEqual([]);
    training.steps({ maxSteps: 2 });
    expect(drawn).toEqual([0, 1]);
  });

  test("begins after what was skipped", () => {
    const training = train(double, upTo(10), { skip: 7 });
    expect(training.taken).toBe(7);
    expect(training.steps().losses).toEqual([14, 16, 18]);
    expect(train(double, upTo(10), { skip: 10 }).steps().done).toBe(true);
    const before = random.getState();
    const drawing = function* () {
      while (true) yield random.bits([1]);
    };
    train(() => 0, drawing(), { skip: 3 });
    expect(random.getState()).toEqual(before);
  });
});

describe("the event loop has its turn between slices", () => {
  const kinds: readonly (readonly [string, readonly string[]])[] = [
    ["setImmediate", []],
    ["MessageChannel", ["setImmediate"]],
    ["setTimeout", ["setImmediate", "MessageChannel"]],
  ];
  test.each(kinds)("by %s", async (_, missing) => {
    for (const name of missing) vi.stubGlobal(name, undefined);
    const order: (number | string)[] = [];
    const timer = setInterval(() => order.push("timer"), 0);
    const wait = (batch: number): void => {
      const end = performance.now() + 3;
      while (performance.now() < end);
      order.push(batch);
    };
    for await (const slice of train(wait, upTo(12), { maxSteps: 3 })) expect(slice.steps).toBe(3);
    clearInterval(timer);
    expect(order.filter((entry) => entry !== "timer")).toEqual(upTo(12));
    expect(order.indexOf("timer")).toBeLessThan(order.indexOf(6));
  });

  test("two loops share the batches of one run", async () => {
    const training = train(double, upTo(20), { maxSteps: 3 });
    const losses: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const slice of training) losses.push(...slice.losses);
    };
    await Promise.all([loop(), loop()]);
    expect(losses).toEqual(upTo(20).map(double));
  });
});

describe("what goes wrong", () => {
  test("a step that throws takes no batch, and the next slice tries it again", async () => {
    let broken = true;
    const seen: number[] = [];
    const training = train((batch: number) => {
      if (batch === 3 && broken) throw new Error("out of range");
      seen.push(batch);
    }, upTo(6));
    expect(() => training.steps({ maxSteps: 9 })).toThrow("out of range");
    expect(() => training.steps({ maxSteps: 9 })).toThrow("out of range");
    const loop = async (): Promise<void> => {
      for await (const _ of training) seen.push(-1);
    };
    await expect(loop()).rejects.toThrow("out of range");
    expect([training.taken, seen]).toEqual([3, [0, 1, 2]]);
    broken = false;
    expect(training.steps({ maxSteps: 9 }).steps).toBe(3);
    expect(seen).toEqual(upTo(6));
  });

  test("a refused step changes nothing: the run goes on as if it had not been tried", async () => {
    const bad = await ending((_, { step }) => {
      const losses: number[] = [];
      const training = train(step, noisy());
      losses.push(...training.steps({ maxSteps: 4 }).losses);
      const wrong = { x: zeros([2, 6]), y: tensor([7, 0], { dtype: "i32" }) };
      expect(() => train(step, [wrong]).steps()).toThrow(/label 7 at row 0 is out of range/);
      losses.push(...training.steps({ maxSteps: TOTAL }).losses);
      return losses;
    });
    expect(bad).toBe(await ending(unsliced));
  });

  test("a source that throws ends the run: every later slice throws the same", () => {
    const source = function* () {
      yield* upTo(2);
      throw new Error("no such file");
    };
    const training = train(double, source());
    for (let k = 0; k < 3; k++)
      expect(() => training.steps({ maxSteps: 9 })).toThrow("no such file");
    expect(training.taken).toBe(2);
  });

  test("an asynchronous step is refused, and takes no batch", () => {
    const training = train(async (x: number) => {
      if (x === 0) throw new Error("not reported as well");
    }, upTo(3));
    expect(() => training.steps()).toThrow(
      new TypeError(
        "train: step is async: got a promise, expected a synchronous function; await what it needs in the loop",
      ),
    );
    expect(training.taken).toBe(0);
  });

  test("a slice inside a slice is refused, and breaks nothing", () => {
    const training: ReturnType<typeof train<number, void>> = train((batch: number) => {
      if (batch === 1)
        expect(() => training.steps()).toThrow(
          "steps: called by a step: got a slice inside a slice",
        );
    }, upTo(3));
    expect(training.steps({ maxSteps: 9 }).steps).toBe(3);
  });

  const steps = (bounds: unknown) => () => train(double, upTo(3)).steps(bounds as SliceBounds);
  const made = (options: unknown) => () => train(double, upTo(3), options as SliceBounds);
  const time = "expected a number of milliseconds > 0";
  const whole = "expected an integer ≥ 1, or Infinity";
  const from = "expected an integer ≥ 0";
  type Kind = ErrorConstructor | RangeErrorConstructor | TypeErrorConstructor;
  test.each<[() => unknown, Kind, string]>([
    [steps({ budgetMs: Number.NaN }), RangeError, `steps: bad budgetMs: got NaN, ${time}`],
    [steps({ budgetMs: 0 }), RangeError, `steps: bad budgetMs: got 0, ${time}`],
    [steps({ budgetMs: -1 }), RangeError, `steps: bad budgetMs: got -1, ${time}`],
    [steps({ budgetMs: "8" }), TypeError, `steps: bad budgetMs: got "8", ${time}`],
    [steps({ budgetMs: null }), TypeError, `steps: bad budgetMs: got null, ${time}`],
    [steps({ maxSteps: 0 }), RangeError, `steps: bad maxSteps: got 0, ${whole}`],
    [steps({ maxSteps: 1.5 }), RangeError, `steps: bad maxSteps: got 1.5, ${whole}`],
    [steps({ maxSteps: Number.NaN }), RangeError, `steps: bad maxSteps: got NaN, ${whole}`],
    [steps({ maxSteps: "2" }), TypeError, `steps: bad maxSteps: got "2", ${whole}`],
    [
      steps({ budget: 8 }),
      TypeError,
      "steps: unknown option: got budget, expected budgetMs or maxSteps",
    ],
    [steps(8), TypeError, "steps: bad options: got 8, expected an object"],
    [made({ budgetMs: -0 }), RangeError, `train: bad budgetMs: got 0, ${time}`],
    [made({ maxSteps: -2 }), RangeError, `train: bad maxSteps: got -2, ${whole}`],
    [made({ skip: -1 }), RangeError, `train: bad skip: got -1, ${from}`],
    [made({ skip: 0.5 }), RangeError, `train: bad skip: got 0.5, ${from}`],
    [made({ skip: "1" }), TypeError, `train: bad skip: got "1", ${from}`],
    [made({ skip: 4 }), RangeError, "train: too few batches to skip: got 3, expected at least 4"],
    [
      made({ epochs: 4 }),
      TypeError,
      "train: unknown option: got epochs, expected budgetMs, maxSteps or skip",
    ],
    [made(null), TypeError, "train: bad options: got null, expected an object"],
    [
      () => train(undefined as never, []),
      TypeError,
      "train: no function: got undefined, expected one, as in train((x) => …)",
    ],
    [
      () => train(double, (async function* () {})() as never),
      TypeError,
      "train: batches are not iterable: got an asynchronous source, expected an array or a generator; " +
        "await asynchronous batches first",
    ],
    [
      () => train(double, null as never),
      TypeError,
      "train: batches are not iterable: got null, expected an array or a generator; " +
        "await asynchronous batches first",
    ],
  ])("%#", (run, Kind, message) => {
    expect(run).toThrow(new Kind(message));
  });

  test("where the clock stands still, a budget needs maxSteps beside it", () => {
    vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
    const message =
      "steps: maxSteps is missing: got no other bound than time in a runtime whose clock stands " +
      "still during a computation, expected maxSteps";
    const training = train(double, upTo(3));
    expect(() => training.steps()).toThrow(new Error(message));
    expect(() => training.steps({ budgetMs: 8 })).toThrow(new Error(message));
    expect(training.steps({ budgetMs: 8, maxSteps: 9 }).losses).toEqual([0, 2, 4]);
  });
});

test("types: the batch of a compiled step, and what it returns", () => {
  const step = compile(({ x, y }: Batch): Tensor => x.mean().add(y.cast("f32").mean()));
  const { losses } = train(step, batches(data, { batchSize: 25 })).steps({ maxSteps: 2 });
  expect(losses.map((loss: Tensor) => loss.shape)).toEqual([[], []]);
});
