/**
 * What every runtime has to do, in plain ES modules over the built package: a sample of ops, the
 * digits run, saving and loading, bad input. The answer is plain JSON; bytes are hexadecimal, and
 * whoever launched the run compares them.
 */
import { bytesOf } from "./digits.mjs";

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** f32 words and 64-bit counters, little-endian; every NaN as 7fc00000, as in examples/train. */
function words(arrays) {
  return arrays.map((data) => {
    const view = new DataView(new ArrayBuffer(data.byteLength));
    for (const [index, value] of data.entries())
      if (typeof value === "bigint") view.setBigInt64(8 * index, value, true);
      else if (Number.isNaN(value)) view.setUint32(4 * index, 0x7fc00000, true);
      else if (data instanceof Float32Array) view.setFloat32(4 * index, value, true);
      else view.setInt32(4 * index, value, true);
    return hex(new Uint8Array(view.buffer));
  });
}

const weights = (model) => words(Object.values(model.stateDict()).map(({ data }) => data)).join("");

function network({ core, nn, optim }, sizes) {
  const hidden = sizes
    .slice(1, -1)
    .flatMap((width, index) => [
      new nn.Linear(sizes[index], width),
      new nn.BatchNorm1d(width),
      new nn.ReLU(),
    ]);
  const model = new nn.Sequential(...hidden, new nn.Linear(sizes.at(-2), sizes.at(-1)));
  const optimizer = new optim.Adam(model.parameters());
  const step = core.compile((x, labels) => {
    const loss = nn.crossEntropy(model.forward(x), labels);
    optimizer.minimize(loss);
    return loss;
  });
  return { model, optimizer, step, predict: core.compile((x) => model.forward(x)) };
}

/** The run of `npm start` with its defaults: the same weights, so the same hash. */
function digits(library) {
  const { core, data, random } = library;
  const [seed, epochs, batchSize, lr] = [1, 18, 64, 0.004];
  const read = (part, options) =>
    data.idxDataset(
      data.parseIdx(bytesOf(`${part}-images-idx3-ubyte`)),
      data.parseIdx(bytesOf(`${part}-labels-idx1-ubyte`)),
      options,
    );
  const flat = (set) => ({ ...set, shape: [64] });
  const train = flat(read("train", { scale: 1 / 240 }));
  const test = flat(read("t10k", { scale: 1 / 240, classes: train.classes }));
  random.seed(seed);
  const { model, optimizer, step, predict } = network(library, [64, 100, 50, 10]);
  const total = epochs * Math.ceil(train.length / batchSize);
  const source = function* () {
    for (let epoch = 0; epoch < epochs; epoch++)
      yield* data.batches(train, { batchSize, seed, epoch });
  };
  let steps = 0;
  const update = ({ x, y }) => {
    optimizer.lr = lr * (1 - steps++ / total);
    step(x, y);
  };
  // In slices, which change no bit.
  const training = core.train(update, source(), { budgetMs: 5, maxSteps: 7 });
  while (!training.steps().done);
  model.eval();
  let correct = 0;
  for (const { x, y } of data.batches(test, { batchSize: 500, shuffle: false }))
    correct += Math.round(data.accuracy(predict(x), y) * test.length);
  return { weights: weights(model), correct, steps, callsPerStep: step.callsPerStep };
}

/** Bits of ops of every family, and of derivatives of first and second order. */
function ops({ core, nn }) {
  const { tensor, grad, hessian } = core;
  const wave = (...shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return core.arange(size).mul(0.37).sin().reshape(shape);
  };
  const [a, b] = [wave(13, 29), wave(29, 37)];
  const images = wave(2, 3, 9, 7);
  const special = tensor([Number.NaN, Infinity, -Infinity, -0, 0, 1e-42, 3e38, -1]);
  const results = [
    a.matmul(b),
    a.exp().add(a.mul(50).tanh()).sub(a.sigmoid()),
    a.erf().mul(a.cos()).div(a.square().add(1).sqrt()),
    a.sum(0),
    a.softmax(1),
    a.gelu(),
    special.add(1).maximum(special),
    special.exp(),
    core.conv2d(images, wave(4, 3, 3, 3), wave(4), { padding: 1 }),
    core.maxPool2d(images, 2),
    nn.layerNorm(a, [29]),
    a.argmax(1),
    a.gt(0.5).cast("f32"),
    core.concat([a, a.flip(1)], 0),
    grad((x) => x.matmul(b).gelu().square().mean())(a),
    grad((x) =>
      core
        .conv2d(x, wave(4, 3, 3, 3))
        .relu()
        .sum(),
    )(images),
    hessian((x) => x.sin().mul(x).sum())(wave(5)),
  ];
  return words(results.map((result) => result.toTypedArray())).join("");
}

/** Saved after ten steps and loaded into another network, training goes on with the same bits. */
function savedAndLoaded(library) {
  const { core, io, random } = library;
  const x = core.arange(48).mul(0.1).sin().reshape([8, 6]);
  const labels = core.tensor([0, 1, 2, 0, 1, 2, 0, 1], { dtype: "i32" });
  random.seed(3);
  const first = network(library, [6, 5, 3]);
  for (let k = 0; k < 10; k++) first.step(x, labels);
  const bytes = io.saveSafetensors(
    io.joinStates({ model: first.model.stateDict(), optimizer: first.optimizer.stateDict() }),
  );
  const second = network(library, [6, 5, 3]);
  const saved = io.splitStates(io.loadSafetensors(bytes));
  second.model.loadStateDict(saved.model);
  second.optimizer.loadStateDict(saved.optimizer);
  for (const { step } of [first, second]) for (let k = 0; k < 5; k++) step(x, labels);
  return weights(first.model) === weights(second.model);
}

/** Steps that are worth two threads: how many ran them, and the weights after them. */
function wide(library) {
  const { core, random } = library;
  random.seed(5);
  const { model, step } = network(library, [300, 256, 10]);
  const x = core
    .arange(64 * 300)
    .mul(0.01)
    .sin()
    .reshape([64, 300]);
  const labels = core.tensor(Int32Array.from({ length: 64 }, (_, row) => (row * 7) % 10));
  for (let k = 0; k < 4; k++) step(x, labels);
  return { weights: weights(model), threads: step.program.threads };
}

/** Refused by name, with nothing changed. */
function refused(library) {
  const { core } = library;
  const messageOf = (fn) => {
    try {
      fn();
      return "nothing was thrown";
    } catch (error) {
      return error.message;
    }
  };
  const { model, step } = network(library, [4, 3, 2]);
  const x = core.zeros([2, 4]);
  step(x, core.tensor([0, 1], { dtype: "i32" }));
  const before = weights(model);
  const messages = [
    messageOf(() => core.zeros([3, 4]).matmul(core.zeros([5, 6]))),
    messageOf(() => step(x, core.tensor([0, 2], { dtype: "i32" }))),
    messageOf(() =>
      core.compile((t) => {
        t.exp();
        throw new Error("thrown while tracing");
      })(x),
    ),
  ];
  return { messages, unchanged: weights(model) === before };
}

/** What the parts of `chainrule/inspect` say that need no time, no file and no promise. */
function inspected(library) {
  const { core, inspect, random } = library;
  const f = (x, y) => ({ f: x.add(y.sigmoid()).div(x.sigmoid().add(x.add(y).square())) });
  const at = [[3, -4], { names: ["x", "y"] }];
  const drawn = inspect.circuit(f, ...at);
  random.seed(7);
  const watched = inspect.monitor(network(library, [4, 3, 2]).step);
  const x = core.arange(8).sin().reshape([2, 4]);
  watched(x, core.tensor([0, 1], { dtype: "i32" }));
  return [
    drawn.toText({ color: false }),
    drawn.toDot(),
    JSON.stringify(drawn.wires),
    inspect.stages(f, ...at),
    inspect.jacobianShapes(f, ...at).toText(),
    inspect.firstBadOp((z) => z.sub(1).log().sum(), [core.ones([3])]).cause,
    JSON.stringify(watched.history),
  ].join("\n");
}

/** Everything, on the backend that the entry brings. */
export function conformance(library) {
  const started = Date.now();
  const backend = library.core.parameter(library.core.zeros([1])).backend;
  const report = {
    backend: backend.name,
    variant: backend.variant,
    ops: ops(library),
    digits: digits(library),
    wide: wide(library),
    saved: savedAndLoaded(library),
    refused: refused(library),
    inspected: inspected(library),
    memoryBytes: backend.memory.bytes,
  };
  return { ...report, milliseconds: Date.now() - started };
}
