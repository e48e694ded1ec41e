/** The profiler: what it counts, what it prints and writes, and that it changes nothing. */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { Opcode } from "../../assembly/opcodes.js";
import {
  type Backend,
  compile,
  conv2d,
  exp,
  init,
  linear,
  matmul,
  parameter,
  type Tensor,
  tensor,
  wasm,
  zeros,
} from "../../src/index.js";
import { type ProfileData, profile } from "../../src/inspect/index.js";
import { kernelName } from "../../src/inspect/kernelNames.js";
import { profileText, profileTrace } from "../../src/inspect/profileText.js";
import { bytesOf, flopsOf } from "../../src/inspect/work.js";
import * as nn from "../../src/nn/index.js";
import { Adam, SGD } from "../../src/optim/index.js";
import { ts } from "../../src/pure.js";
import * as random from "../../src/random.js";

test("kernels have the names of their opcodes", () => {
  const text = readFileSync(new URL("../../assembly/opcodes.ts", import.meta.url), "utf8");
  const body = /enum Opcode \{([\s\S]*?)\n\}/.exec(text)?.[1] as string;
  const names = body
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  expect(names.pop()).toBe("Count");
  const lower = (name: string) => `${name[0]?.toLowerCase()}${name.slice(1)}`;
  expect(names.map((_, opcode) => kernelName(opcode as Opcode))).toEqual(names.map(lower));
  expect(names).toHaveLength(Opcode.Count);
});

/** FLOPs and bytes of all instructions of a function. */
function workOf(f: (...args: Tensor[]) => unknown, ...shapes: number[][]): [number, number] {
  const { plan } = compile(f as (...args: Tensor[]) => Tensor).trace(
    ...shapes.map((shape) => ({ shape })),
  );
  const sum = (of: typeof flopsOf) => plan.instructions.reduce((n, i) => n + of(i), 0);
  return [sum(flopsOf), sum(bytesOf)];
}

describe("work", () => {
  const F = 4;
  test.each<[string, () => [number, number], number, number]>([
    [
      "a product",
      () => workOf((a, b) => matmul(a as Tensor, b as Tensor), [7, 5], [5, 11]),
      2 * 7 * 5 * 11,
      F * (35 + 55 + 77),
    ],
    [
      "a batch of them",
      () => workOf((a, b) => matmul(a as Tensor, b as Tensor), [3, 7, 5], [3, 5, 11]),
      3 * 2 * 7 * 5 * 11,
      3 * F * (35 + 55 + 77),
    ],
    [
      "a linear layer with its activation",
      () => workOf((x, w, b) => linear(x as Tensor, w as Tensor, b as Tensor), [4, 8], [3, 8], [3]),
      2 * 4 * 3 * 8,
      F * (32 + 24 + 3 + 12),
    ],
    [
      "a convolution in groups",
      () =>
        workOf(
          (x, w) => conv2d(x as Tensor, w as Tensor, undefined, { groups: 2, stride: 2 }),
          [2, 4, 9, 9],
          [6, 2, 3, 3],
        ),
      2 * 2 * 6 * 16 * 2 * 9,
      F * (2 * 4 * 81 + 6 * 2 * 9 + 2 * 6 * 16),
    ],
    [
      "elementwise, with a broadcast",
      () => workOf((a, b) => (a as Tensor).add(b as Tensor), [6, 5], [5]),
      30,
      F * (30 + 5 + 30),
    ],
    ["a sum", () => workOf((a) => (a as Tensor).sum(), [6, 5]), 30, F * 31],
    [
      "a chain: nothing crosses its border but what goes in and out",
      () =>
        workOf(
          (a) =>
            exp(a as Tensor)
              .mul(2)
              .neg(),
          [300, 1001],
        ),
      3 * 300300,
      F * (2 * 300300 + 1),
    ],
    ["a transpose", () => workOf((a) => (a as Tensor).transpose(), [6, 5]), 0, F * 60],
    ["a softmax", () => workOf((a) => (a as Tensor).softmax(-1), [6, 5]), 150, F * 60],
  ])("of %s", (_, found, flops, bytes) => {
    expect(found()).toEqual([flops, bytes]);
  });

  test("of updates that are one instruction", () => {
    const [a, b] = [parameter(zeros([10])), parameter(zeros([7]))];
    for (const [optimizer, flops] of [
      [new SGD([a, b], { lr: 1 }), 4],
      [new SGD([a, b], { lr: 1, momentum: 0.9 }), 6],
      [new Adam([a, b], { lr: 1 }), 16],
    ] as const) {
      const step = compile(() => {
        optimizer.apply([a.mul(1), b.mul(1)]);
      });
      const { plan } = step.trace();
      const updates = plan.instructions.filter(({ node }) => /sgd|adam/.test(node.op.name));
      expect(updates.reduce((n, instruction) => n + flopsOf(instruction), 0)).toBe(17 * flops);
    }
  });
});

function network() {
  random.seed(1);
  const model = new nn.Sequential(
    new nn.Conv2d(1, 4, 3),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.Dropout(0.5),
    new nn.Flatten(),
    new nn.Linear(144, 3),
  );
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = nn.crossEntropy(model.forward(x), y);
    optimizer.minimize(loss);
    return loss;
  });
  const x = tensor(random.uniform([5, 1, 8, 8]).toTypedArray(), { shape: [5, 1, 8, 8] });
  const y = tensor([0, 1, 2, 0, 1], { dtype: "i32" });
  const state = () => ({
    model: model.stateDict(),
    optimizer: optimizer.stateDict(),
    random: random.stateDict(),
  });
  return { step, x, y, state };
}

describe.each<[string, Backend]>([
  ["wasm", wasm],
  ["ts", ts],
])("a step in %s", (name, backend) => {
  beforeEach(() => {
    init({ backend });
    return () => init({ backend: wasm });
  });

  test("is taken apart and left as it was", () => {
    const { step, x, y, state } = network();
    step(x, y);
    const before = state();
    const calls = step.plan.instructions.length;
    const found = profile(step, [x, y], { repeats: name === "ts" ? 1 : 3 });
    expect(state()).toEqual(before);
    const next = step(x, y).item();
    const again = network();
    again.step(x, y);
    expect(again.step(x, y).item()).toBe(next);

    expect(found.rows).toHaveLength(calls);
    const sum = (values: readonly number[]) => values.reduce((n, v) => n + v, 0);
    expect(sum(found.rows.map(({ share }) => share))).toBeCloseTo(1, 9);
    for (const groups of [found.byKernel, found.byOp, found.byModule]) {
      for (const key of ["microseconds", "flops", "bytes"] as const)
        expect(sum(groups.map((group) => group[key]))).toBeCloseTo(found.sum[key], 5);
      expect(sum(groups.map(({ instructions }) => instructions))).toBe(calls);
      const times = groups.map(({ microseconds }) => microseconds);
      expect(times).toEqual([...times].sort((a, b) => b - a));
    }
    expect(found.wholeMicroseconds).toBeGreaterThan(0);
    for (const rate of Object.values(found.peak)) expect(rate).toBeGreaterThan(0);
    const modules = new Set(found.byModule.map((group) => group.name));
    expect([...modules].sort()).toEqual(expect.arrayContaining(["", "0", "1", "5"]));
    const weight = found.rows.find(({ kernel }) => kernel === "conv2dWeightGradient");
    expect(weight).toMatchObject({
      op: "conv2dWeightGradient",
      derivativeOf: "conv2d",
      modules: ["0"],
      flops: 2 * 5 * 4 * 36 * 9,
    });
    expect(weight?.source).toContain("profile.test.ts");
    const text = found.toText({ by: "module", rows: 2 });
    expect(text).toMatch(/^module +instructions +µs/);
    expect(text).toMatch(/\n\d+ more /);
    JSON.parse(found.toTrace());
  });

  test("may be a plain function, with another shape than before", () => {
    const found = profile(
      (a: Tensor) => matmul(a, a),
      [
        tensor([
          [1, 2],
          [3, 4],
        ]),
      ],
      { repeats: 1 },
    );
    expect(found.rows.map(({ kernel, flops }) => [kernel, flops])).toEqual([["gemm", 16]]);
  });

  test("that refuses its labels throws", () => {
    const { step, x, state } = network();
    step(x, tensor([0, 1, 2, 0, 1], { dtype: "i32" }));
    const before = state();
    expect(() => profile(step, [x, tensor([0, 1, 3, 0, 1], { dtype: "i32" })])).toThrow(
      "crossEntropy: label 3 at row 2 is out of range: expected 0 ≤ label < 3",
    );
    expect(state()).toEqual(before);
  });
});

const cost = (microseconds: number, flops: number, bytes: number) => ({
  microseconds,
  share: microseconds / 40,
  flops,
  bytes,
  gflopsPerSecond: flops / microseconds / 1000,
  gigabytesPerSecond: bytes / microseconds / 1000,
  ofPeak: flops / microseconds / 1000 / 50,
});
const row = (index: number, kernel: string, modules: string[], derivativeOf?: string) => ({
  index,
  kernel,
  op: kernel,
  derivativeOf,
  modules,
  source: "step.ts:3:5",
  shape: [4, index],
});
const DATA: ProfileData = {
  rows: [
    { ...row(0, "gemm", ["a", "a.0"]), ...cost(10, 400_000, 30_000) },
    { ...row(1, "exp", ["a", "a.1"]), ...cost(5, 1000, 8000) },
    { ...row(2, "gemm", ["a", "a.0"], "matmul"), ...cost(20, 800_000, 30_000) },
    { ...row(3, "sgd", []), ...cost(5, 4000, 12_000) },
  ],
  byKernel: [],
  byOp: [],
  byModule: [
    { name: "a.0", instructions: 2, ...cost(30, 1_200_000, 60_000) },
    { name: "a.1", instructions: 1, ...cost(5, 1000, 8000) },
    { name: "", instructions: 1, ...cost(5, 4000, 12_000) },
  ],
  peak: { gflopsPerSecond: 50, cacheGigabytesPerSecond: 90.04, memoryGigabytesPerSecond: 12 },
  sum: cost(40, 1_205_000, 80_000),
  wholeMicroseconds: 38.5,
};

test("the table", () => {
  expect(profileText(DATA, {})).toBe(
    `kernel  op               module  shape     µs      %  MFLOP  GFLOP/s  % of peak     MB  GB/s
gemm    gemm of ∂matmul  a.0     [4, 2]  20.0   50.0  0.800    40.00       80.0  0.030   1.5
gemm    gemm             a.0     [4, 0]  10.0   25.0  0.400    40.00       80.0  0.030   3.0
exp     exp              a.1     [4, 1]   5.0   12.5  0.001     0.20        0.4  0.008   1.6
sgd     sgd                      [4, 3]   5.0   12.5  0.004     0.80        1.6  0.012   2.4
sum                                      40.0  100.0  1.205    30.13       60.3  0.080   2.0

4 instructions take 40.0 µs one by one, 38.5 µs in one call
peak of this machine: 50.0 GFLOP/s in products, 90.0 GB/s in cache, 12.0 GB/s from memory`,
  );
  expect(profileText(DATA, { by: "module", rows: 1 }).split("\n").slice(0, 4).join("\n")).toBe(
    `module  instructions    µs      %  MFLOP  GFLOP/s  % of peak     MB  GB/s
a.0                2  30.0   75.0  1.200    40.00       80.0  0.060   2.0
2 more                10.0   25.0  0.005     0.50        1.0  0.020   2.0
sum                   40.0  100.0  1.205    30.13       60.3  0.080   2.0`,
  );
  expect(() => profileText(DATA, { by: "layer" as never })).toThrow(
    'toText: unknown grouping: got "layer", expected instruction, kernel, op or module',
  );
});

test("the trace has what the trace event format requires", () => {
  const { traceEvents, displayTimeUnit, otherData } = JSON.parse(profileTrace(DATA)) as {
    traceEvents: Record<string, unknown>[];
    displayTimeUnit: string;
    otherData: Record<string, unknown>;
  };
  expect(displayTimeUnit).toBe("ms");
  expect(otherData).toMatchObject({ wholeMicroseconds: 38.5 });
  for (const event of traceEvents) {
    expect(typeof event.name).toBe("string");
    expect(["X", "M"]).toContain(event.ph);
    for (const key of ["ts", "pid", "tid"]) expect(Number.isFinite(event[key])).toBe(true);
    if (event.ph !== "X") continue;
    expect(event.dur).toBeGreaterThanOrEqual(0);
    expect(typeof event.cat).toBe("string");
    expect(typeof event.args).toBe("object");
  }
  const complete = traceEvents.filter(({ ph }) => ph === "X");
  const spans = (cat: RegExp) =>
    complete
      .filter((event) => cat.test(event.cat as string))
      .map(({ name, ts, dur }) => [name, ts, dur])
      .sort((a, b) => (a[1] as number) - (b[1] as number));
  expect(spans(/ward/)).toEqual([
    ["gemm: gemm", 0, 10],
    ["exp: exp", 10, 5],
    ["gemm: gemm of ∂matmul", 15, 20],
    ["sgd: sgd", 35, 5],
  ]);
  expect(spans(/module/)).toEqual([
    ["a", 0, 35],
    ["a.0", 0, 10],
    ["a.1", 10, 5],
    ["a.0", 15, 20],
  ]);
});

test("a viewer nests the trace as it is meant: instructions in their modules", () => {
  const rows = [
    { ...row(0, "gemm", ["a", "a.0"]), ...cost(0.5550000000198452, 1, 1) },
    { ...row(1, "sum", ["a", "a.0"]), ...cost(0, 1, 1) },
    { ...row(2, "exp", ["a"]), ...cost(0.0004, 1, 1) },
    { ...row(3, "exp", ["b"]), ...cost(1e-7, 1, 1) },
    { ...row(4, "log", ["b", "b.0", "b.0.1"]), ...cost(0.3, 1, 1) },
    { ...row(5, "sgd", []), ...cost(0.1, 1, 1) },
  ];
  const { traceEvents } = JSON.parse(profileTrace({ ...DATA, rows })) as {
    traceEvents: { ph: string; name: string; ts: number; dur: number }[];
  };
  // As Perfetto and chrome://tracing read it: nanoseconds, a stack of what has not ended yet.
  const stack: { name: string; end: number }[] = [];
  const nested = traceEvents.flatMap(({ ph, name, ts, dur }) => {
    if (ph !== "X") return [];
    const [begin, end] = [Math.round(1000 * ts), Math.round(1000 * (ts + dur))];
    expect(end).toBeGreaterThan(begin);
    while ((stack.at(-1)?.end ?? Number.POSITIVE_INFINITY) <= begin) stack.pop();
    expect(stack.at(-1)?.end ?? end).toBeGreaterThanOrEqual(end);
    stack.push({ name, end });
    return [stack.map((event) => event.name).join(" > ")];
  });
  expect(nested).toEqual([
    "a",
    "a > a.0",
    "a > a.0 > gemm: gemm",
    "a > a.0 > sum: sum",
    "a > exp: exp",
    "b",
    "b > exp: exp",
    "b > b.0",
    "b > b.0 > b.0.1",
    "b > b.0 > b.0.1 > log: log",
    "sgd: sgd",
  ]);
});

test.each<[string, () => unknown, typeof Error | typeof RangeError, string]>([
  [
    "no function",
    () => profile(3 as never, []),
    TypeError,
    "profile: not a function: got 3, expected a function of tensors",
  ],
  [
    "another option",
    () => profile((x: Tensor) => x, [tensor(1)], { repeat: 1 } as never),
    TypeError,
    "profile: unknown option: got repeat, expected repeats",
  ],
  [
    "no pass",
    () => profile((x: Tensor) => x, [tensor(1)], { repeats: 0 }),
    RangeError,
    "profile: bad repeats: got 0, expected a whole number ≥ 1",
  ],
])("%s is refused", (_, call, kind, message) => {
  expect(call).toThrow(kind);
  expect(call).toThrow(message);
});
