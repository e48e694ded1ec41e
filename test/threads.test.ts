/** Several threads: the bits of one, refusals, the life and death of workers. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import workerThreads from "node:worker_threads";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import {
  add,
  arange,
  type Backend,
  compile,
  gradients,
  init,
  matmul,
  parameter,
  type Tensor,
  type ThreadedBackend,
  tensor,
  wasm,
} from "../src/index.js";
import * as nn from "../src/nn/index.js";
import * as optim from "../src/optim/index.js";
import * as random from "../src/random.js";
import { createThreadedBackend } from "../src/threads.js";
import { threadParts } from "../src/wasm/backend.js";
import { toShared } from "../src/wasm/sharedModules.js";
import { numbers } from "./kernels/values.js";

const made: ThreadedBackend[] = [];
const threaded = async (
  threads: number,
  options: { minimumWork?: number; patience?: number; maximumBytes?: number } = {},
): Promise<ThreadedBackend> => {
  const backend = await createThreadedBackend({ threads, minimumWork: 0, ...options }, threadParts);
  made.push(backend);
  return backend;
};

afterEach(() => init({ backend: wasm }));
afterAll(() => {
  for (const backend of made) backend[Symbol.dispose]();
});

const { Worker } = workerThreads;

/** Node's worker_threads with another Worker while something is made. */
async function withWorkerClass<T>(replaced: typeof Worker, make: () => Promise<T>): Promise<T> {
  workerThreads.Worker = replaced;
  try {
    return await make();
  } finally {
    workerThreads.Worker = Worker;
  }
}

/** The backends that every training step runs on: one thread, and two to four. */
const several = Promise.all([2, 3, 4].map((threads) => threaded(threads)));

const image = (shape: readonly number[], seed = 7): Tensor =>
  tensor(
    numbers(
      shape.reduce((n, length) => n * length, 1),
      seed,
    ),
    { shape },
  );
const labels = (n: number, classes: number): Tensor =>
  tensor(Int32Array.from({ length: n }, (_, i) => (i * 7 + 1) % classes));

interface Task {
  readonly model: nn.Module;
  readonly inputs: readonly Tensor[];
  loss(...inputs: Tensor[]): Tensor;
}

function perceptron(batchNorm: boolean, rows = 33): Task {
  const norm = batchNorm ? [new nn.BatchNorm1d(50)] : [];
  const model = new nn.Sequential(
    new nn.Linear(70, 50),
    ...norm,
    new nn.Tanh(),
    new nn.Dropout(0.2),
    new nn.Linear(50, 10),
  );
  return {
    model,
    inputs: [image([rows, 70]), labels(rows, 10)],
    loss: (x, y) => nn.crossEntropy(model.forward(x as Tensor), y as Tensor),
  };
}

function convolutional(): Task {
  const model = new nn.Sequential(
    new nn.Conv2d(1, 6, 3, { padding: 1 }),
    new nn.BatchNorm2d(6),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(6, 8, 3),
    new nn.ReLU(),
    new nn.AvgPool2d(2),
    new nn.Flatten(),
    new nn.Linear(32, 10),
  );
  return {
    model,
    inputs: [image([7, 1, 12, 12]), labels(7, 10)],
    loss: (x, y) => nn.crossEntropy(model.forward(x as Tensor), y as Tensor),
  };
}

class Transformer extends nn.Module {
  readonly tokens = new nn.Embedding(13, 16);
  readonly positions = new nn.Embedding(9, 16);
  readonly norm = new nn.LayerNorm(16);
  readonly attention = new nn.MultiheadAttention(16, 2, { batchFirst: true });
  readonly mlp = new nn.Sequential(new nn.Linear(16, 64), new nn.GELU(), new nn.Linear(64, 16));
  readonly head = new nn.Linear(16, 13);

  forward(ids: Tensor): Tensor {
    const places = arange(9, undefined, 1, { dtype: "i32" });
    const x = add(this.tokens.forward(ids), this.positions.forward(places));
    const n = this.norm.forward(x);
    const y = add(x, this.attention.forward(n, n, n, { causal: true }) as Tensor);
    return this.head.forward(add(y, this.mlp.forward(y)));
  }
}

function transformer(): Task {
  const model = new Transformer();
  const ids = tensor(labels(45, 13).toTypedArray() as Int32Array, { shape: [5, 9] });
  return {
    model,
    inputs: [ids, labels(45, 13)],
    loss: (x, y) => nn.crossEntropy(model.forward(x as Tensor).reshape([-1, 13]), y as Tensor),
  };
}

type MakeOptimizer = (p: ReturnType<nn.Module["parameters"]>) => optim.Optimizer;

/** The bits of three losses and of all state after them, and how many threads ran. */
function train(
  backend: Backend,
  task: () => Task,
  make: MakeOptimizer,
): { bits: string; threads: number } {
  init({ backend });
  random.seed(3);
  const { model, inputs, loss } = task();
  const optimizer = make(model.parameters());
  const step = compile((...args: Tensor[]) => {
    const value = loss(...args);
    const found = gradients(value, model.parameters());
    optimizer.apply(optim.clipGradNorm(found, 1).gradients);
    return value;
  });
  const losses = [0, 1, 2].map(() => step(...inputs).item());
  const state = Object.values({ ...model.stateDict(), ...optimizer.stateDict() });
  const bits = state.map(({ data }) => Buffer.from(data.buffer).toString("hex"));
  return { bits: [losses, ...bits].join("\n"), threads: step.program.threads };
}

const adam: MakeOptimizer = (p) => new optim.Adam(p);
test.each<[string, () => Task, MakeOptimizer]>([
  ["a perceptron", () => perceptron(false), adam],
  ["a perceptron with batch norm", () => perceptron(true), adam],
  ["one row", () => perceptron(false, 1), adam],
  ["a convolutional network", convolutional, (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 })],
  ["a transformer", transformer, (p) => new optim.AdamW(p)],
  ["SGD", () => perceptron(false), (p) => new optim.SGD(p, { lr: 0.1, weightDecay: 0.01 })],
  [
    "Nesterov",
    () => perceptron(false),
    (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true }),
  ],
  [
    "RMSprop",
    () => perceptron(false),
    (p) => new optim.RMSprop(p, { centered: true, momentum: 0.5 }),
  ],
  ["Adagrad", () => perceptron(false), (p) => new optim.Adagrad(p, { lrDecay: 0.1 })],
  ["Adadelta", () => perceptron(false), (p) => new optim.Adadelta(p)],
  ["NAdam", () => perceptron(false), (p) => new optim.NAdam(p)],
  ["Lion", () => perceptron(false), (p) => new optim.Lion(p, { weightDecay: 0.1 })],
])("training has the same bits for any number of threads: %s", async (_, task, make) => {
  const one = train(wasm, task, make);
  expect(one.threads).toBe(1);
  for (const [at, backend] of (await several).entries())
    for (let again = 0; again < 2; again++) {
      const more = train(backend, task, make);
      expect(more.threads).toBe(at + 2);
      expect(more.bits === one.bits).toBe(true);
    }
});

test("a program that is too small to gain runs on one thread", async () => {
  init({ backend: await threaded(2, { minimumWork: 2000 }) });
  const product = compile((a: Tensor, b: Tensor) => matmul(a, b));
  product(image([8, 8]), image([8, 8]));
  expect(product.program.threads).toBe(1);
  const [a, b] = [image([256, 256]), image([256, 256], 8)];
  const two = product(a, b).toTypedArray();
  expect(product.program.threads).toBe(2);
  init({ backend: wasm });
  expect(product(a, b).toTypedArray()).toEqual(two);
});

test("a bad label changes nothing, and the next step works", async () => {
  const [two] = await several;
  const run = (backend: Backend): string => {
    init({ backend });
    random.seed(3);
    const { model, inputs, loss } = perceptron(false);
    const optimizer = new optim.Adam(model.parameters());
    const step = compile((x: Tensor, y: Tensor) => {
      const value = loss(x, y);
      optimizer.minimize(value);
      return value;
    });
    const [x, y] = inputs as [Tensor, Tensor];
    step(x, y);
    const before = JSON.stringify(model.stateDict());
    const bad = tensor(Int32Array.from(y.toTypedArray(), (label, i) => (i === 20 ? 10 : label)));
    for (let again = 0; again < 20; again++)
      expect(() => step(x, bad)).toThrow(
        "crossEntropy: label 10 at row 20 is out of range: expected 0 ≤ label < 10",
      );
    expect(JSON.stringify(model.stateDict())).toBe(before);
    return JSON.stringify([step(x, y).item(), model.stateDict()]);
  };
  expect(run(two as Backend)).toBe(run(wasm));
});

test("the memory grows, programs come and go, backends take turns", async () => {
  const [two, three] = (await several) as Backend[] as [Backend, Backend];
  for (const n of [3, 200, 17, 700, 64, 900]) {
    const [a, b] = [image([n, 64]), image([64, n], 3)];
    const product = (backend: Backend): Tensor => {
      init({ backend });
      return compile((x: Tensor, y: Tensor) => matmul(x, y))(a, b);
    };
    const [one, ...others] = [wasm, two, three, two].map((backend) => product(backend));
    const wanted = one?.toTypedArray();
    for (const other of others) {
      const got = other.toTypedArray();
      expect(got.buffer).toBeInstanceOf(ArrayBuffer);
      expect(got.every((x, i) => x === wanted?.[i])).toBe(true);
    }
  }
  init({ backend: two });
  const p = parameter(image([5]));
  expect(p.toTypedArray().buffer).toBeInstanceOf(ArrayBuffer);
  expect(two.memory.views.f32.buffer).toBeInstanceOf(SharedArrayBuffer);
});

test("a memory that cannot hold it is refused with nothing changed", async () => {
  init({ backend: await threaded(2, { maximumBytes: 4_000_000 }) });
  const product = compile((a: Tensor, b: Tensor) => matmul(a, b));
  expect(() => product(image([1000, 8]), image([8, 1000]))).toThrow("memory: cannot grow");
  expect(product(image([8, 8]), image([8, 8])).shape).toEqual([8, 8]);
  await expect(threaded(2, { maximumBytes: 65536 })).rejects.toThrow("memory: cannot grow");
});

describe("the workers", () => {
  /** Two threads, and the worker behind the second. */
  async function withWorker(
    patience?: number,
  ): Promise<{ backend: ThreadedBackend; worker: InstanceType<typeof Worker> }> {
    const workers: InstanceType<typeof Worker>[] = [];
    const backend = await withWorkerClass(
      class extends Worker {
        constructor(...args: ConstructorParameters<typeof Worker>) {
          super(...args);
          workers.push(this);
        }
      },
      () => threaded(2, patience === undefined ? {} : { patience }),
    );
    expect(workers.length).toBe(1);
    return { backend, worker: workers[0] as InstanceType<typeof Worker> };
  }
  const square = (n: number) => {
    const p = parameter(image([n, n]));
    const step = compile((x: Tensor) => matmul(x, p));
    return { p, step, x: image([n, n], 2) };
  };
  const CURE = "call await init({ threads: 2 }) again, Parameters made before can still be read";

  test("one that has ended is an Error, at once and ever after", async () => {
    const { backend, worker } = await withWorker();
    init({ backend });
    const { p, step, x } = square(64);
    step(x);
    await worker.terminate();
    for (let again = 0; again < 2; again++)
      expect(() => step(x)).toThrow(
        `run: the threads of the backend have ended: thread 1 has ended: exit code 1; ${CURE}`,
      );
    expect(p.toTypedArray()).toEqual(image([64, 64]).toTypedArray());
    init({ backend: await threaded(2) });
    expect(square(64).step(x).shape).toEqual([64, 64]);
  });

  test("one that ends before a run, unnoticed, is an Error and not a hang", async () => {
    const { backend, worker } = await withWorker(100);
    init({ backend });
    const { p, step, x } = square(64);
    step(x);
    const ended = worker.terminate();
    const blocked = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(blocked, 0, 0, 300);
    expect(() => step(x)).toThrow(
      /^run: the threads of the backend have ended: thread 1 gave no sign of life for \d+ ms; call await/,
    );
    expect(() => step(x)).toThrow(CURE);
    expect(p.toTypedArray().length).toBe(4096);
    await ended;
  });

  test("a clock that leaps, as over a process that was stopped, ends nobody", async () => {
    const { backend } = await withWorker();
    init({ backend });
    const { step, x } = square(64);
    const wanted = step(x).toTypedArray();
    // The worker is asleep by now, and is woken when the clock leaps, not before.
    await new Promise((resolve) => setTimeout(resolve, 50));
    let wake = (): unknown => undefined;
    const { notify } = Atomics;
    const kept = vi.spyOn(Atomics, "notify").mockImplementationOnce((...args) => {
      wake = () => notify(...args);
      return 0;
    });
    let looks = 0;
    const real = performance.now.bind(performance);
    const clock = vi.spyOn(performance, "now").mockImplementation(() => {
      if (++looks === 3) wake();
      return real() + (looks < 3 ? 0 : 1e6);
    });
    try {
      expect(step(x).toTypedArray()).toEqual(wanted);
    } finally {
      clock.mockRestore();
      kept.mockRestore();
    }
  });

  test("disposing ends them; using the backend afterwards is an Error", async () => {
    const { backend, worker } = await withWorker();
    init({ backend });
    const { step, x } = square(32);
    step(x);
    const exit = new Promise((resolve) => worker.once("exit", resolve));
    backend[Symbol.dispose]();
    backend[Symbol.dispose]();
    await exit;
    expect(() => step(x)).toThrow(
      "the threads of the backend have ended: the backend was disposed",
    );
  });

  test("they sleep when there is nothing to do", async () => {
    const { backend } = await withWorker();
    init({ backend });
    const { step, x } = square(64);
    step(x);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(0.3);
  });
});

describe("init({ threads })", () => {
  const number = "expected an integer from 1 to 256";
  test.each<[string, unknown, ErrorConstructor, string]>([
    ["0", { threads: 0 }, RangeError, `init: bad number of threads: got 0, ${number}`],
    ["1.5", { threads: 1.5 }, RangeError, `init: bad number of threads: got 1.5, ${number}`],
    ["NaN", { threads: Number.NaN }, RangeError, `init: bad number of threads: got NaN, ${number}`],
    ["257", { threads: 257 }, RangeError, `init: bad number of threads: got 257, ${number}`],
    ["text", { threads: "2" }, TypeError, `init: threads is not a number: got "2", ${number}`],
    [
      "undefined",
      { threads: undefined },
      TypeError,
      `init: threads is not a number: got undefined, ${number}`,
    ],
    [
      "a backend as well",
      { threads: 2, backend: wasm },
      TypeError,
      "init: threads come with a backend of their own: got backend wasm as well, expected one of the two",
    ],
    [
      "a module as well",
      { threads: 2, module: {} },
      TypeError,
      "init: threads come with a backend of their own: got module as well, expected one of the two",
    ],
    [
      "a string for relaxedSimd",
      { threads: 2, relaxedSimd: "false" },
      TypeError,
      'init: bad relaxedSimd: got "false", expected true or false',
    ],
    [
      "f64",
      { threads: 2, dtype: "f64" },
      TypeError,
      "init: dtype with threads: got f64, expected f32",
    ],
  ])("refuses %s", async (_, options, kind, message) => {
    const result = init(options as { threads: number });
    await expect(result).rejects.toThrow(new kind(message));
    expect(parameter([1]).backend).toBe(wasm);
  });

  test("refuses pages that are not cross-origin isolated", async () => {
    vi.stubGlobal("crossOriginIsolated", false);
    await expect(init({ threads: 2 })).rejects.toThrow(
      "init: threads need shared memory: got a page that is not cross-origin isolated, expected the headers " +
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
    );
    vi.unstubAllGlobals();
  });

  test("refuses runtimes whose Worker only throws", async () => {
    const refused = withWorkerClass(
      class {
        constructor() {
          throw new Error("not implemented");
        }
      } as never,
      () => init({ threads: 2 }),
    );
    await expect(refused).rejects.toThrow(
      "init: threads cannot be started: got not implemented, expected workers made from text",
    );
    expect(parameter([1]).backend).toBe(wasm);
  });

  test.each([1, 2])("%i makes the default backend for what comes after", async (threads) => {
    const backend = await init({ threads });
    made.push(backend);
    expect(backend.threads?.count ?? 1).toBe(threads);
    expect(parameter([1]).backend).toBe(backend);
    const x = image([200, 200]);
    const product = compile((a: Tensor) => matmul(a, a));
    const got = product(x).toTypedArray();
    expect(product.program.threads).toBe(threads);
    init({ backend: wasm });
    expect(product(x).toTypedArray()).toEqual(got);
  });

  test("workers do not keep a process alive", () => {
    const script = `
      import { compile, init, matmul, ones } from "./dist/index.js";
      await init({ threads: 3 });
      const x = ones([256, 256]);
      console.log(compile((a) => matmul(a, a))(x).toTypedArray()[0]);`;
    const root = fileURLToPath(new URL("../", import.meta.url));
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: root,
      timeout: 30_000,
    });
    expect(output.toString()).toBe("256\n");
  });
});

test("only one byte of the module changes", () => {
  const bytes = new Uint8Array(
    readFileSync(new URL("../build/kernels.simd.wasm", import.meta.url)),
  );
  const shared = toShared(bytes);
  const changed = [...shared.keys()].filter((at) => shared[at] !== bytes[at]);
  expect(changed.map((at) => [bytes[at], shared[at]])).toEqual([[1, 3]]);
  expect(() => toShared(shared)).toThrow("threads: the module imports no memory with a maximum");
});
