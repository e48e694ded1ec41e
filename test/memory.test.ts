/**
 * Linear memory: what a plan promises, what the allocator keeps, what growing and refusing leave
 * intact.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  type Backend,
  type Compiled,
  compile,
  createWasmBackend,
  full,
  grad,
  init,
  type Parameter,
  parameter,
  type Tensor,
  tensor,
  wasm,
} from "../src/index.js";
import { LinearMemory } from "../src/memory.js";
import * as nn from "../src/nn/index.js";
import { Adam, AdamW, SGD } from "../src/optim/index.js";
import { createTsBackend, ts } from "../src/pure.js";

afterEach(() => init({ backend: wasm }));

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const numbers = (...shape: number[]): Tensor =>
  full(shape, 0).add(tensor(Array.from({ length: shape.at(-1) ?? 1 }, (_, k) => Math.sin(k + 1))));
const labels = tensor([0, 2, 1, 1, 0, 2, 2], { dtype: "i32" });

type Step = Pick<Compiled<Tensor[], unknown>, "plan" | "program"> & ((...x: Tensor[]) => unknown);

const layers = {
  relu: () => new nn.ReLU(),
  sigmoid: () => new nn.Sigmoid(),
  tanh: () => new nn.Tanh(),
  norm: () => new nn.BatchNorm1d(9),
  dropout: () => new nn.Dropout(0.5),
};
const rules = {
  sgd: (p: Parameter[]) => new SGD(p, { lr: 0.1 }),
  momentum: (p: Parameter[]) => new SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.1 }),
  adam: (p: Parameter[]) => new Adam(p, { lr: 0.1, weightDecay: 0.1 }),
  adamW: (p: Parameter[]) => new AdamW(p),
};

/** A training step of a network of these hidden layers, on [7, 5] with 3 classes. */
function training(rule: keyof typeof rules, ...hidden: (keyof typeof layers)[]): Step {
  const middle = hidden.map((name) => layers[name]());
  const model = new nn.Sequential(new nn.Linear(5, 9), ...middle, new nn.Linear(9, 3));
  const optimizer = rules[rule](model.parameters());
  return compile((x: Tensor, y: Tensor) => {
    const loss = nn.crossEntropy(model.forward(x), y);
    optimizer.minimize(loss);
    return loss;
  }) as Step;
}

const f = (x: Tensor): Tensor => x.tanh().mul(x.sigmoid()).sum();
const steps: Record<string, () => Step> = {
  "linear, SGD": () => training("sgd"),
  "relu, SGD with momentum and decay": () => training("momentum", "relu"),
  "sigmoid and batch norm, SGD": () => training("sgd", "sigmoid", "norm"),
  "tanh, Adam with decay": () => training("adam", "tanh"),
  "batch norm and dropout, AdamW": () => training("adamW", "norm", "relu", "dropout"),
  "gradient of gradient": () =>
    compile((x: Tensor) => grad((y: Tensor) => grad(f)(y).square().sum())(x)) as Step,
  "several results": () =>
    compile((x: Tensor) => [x, x.sum(0), x.sum(1), x.transpose(), x.mean(), x.max(0), x]) as Step,
  "uneven broadcasts": () =>
    compile((x: Tensor) => {
      const [rows, columns] = [x.sum(1).reshape([7, 1, 1, 1]), x.sum(0).reshape([5, 1, 1])];
      return x.reshape([7, 1, 5, 1]).add(columns).mul(rows).sum([1, 3]);
    }) as Step,
  "a constant": () => compile((_: Tensor) => tensor([1])) as Step,
};

describe.each([wasm, ts])("plans in $name", (backend) => {
  test.each(Object.entries(steps))("%s: peakBytes is what a run writes", (_, make) => {
    init({ backend });
    const step = make();
    const args = [numbers(7, 5), labels];
    step(...args);
    for (let k = 0; k < 2; k++) {
      step.program.poison();
      step(...args);
      expect(step.program.bytesWritten()).toBe(step.plan.peakBytes);
    }
  });

  test("a larger plan moves the arena, older programs follow", () => {
    init({ backend });
    const twice = compile((x: Tensor) => x.mul(2).exp().log());
    const p = parameter([1, 2, 3]);
    const shifted = compile((x: Tensor) => x.exp().log().add(p));
    const [a, b] = [twice(p.mul(1)).toArray(), shifted(p.mul(1)).toArray()];
    const moved = [backend.arena.address];
    const walls: unknown[] = [];
    for (let size = 2 * backend.arena.bytes; moved.length < 4; size *= 2) {
      // In the way of growing where it is.
      walls.push(parameter(new Float32Array(size)));
      twice(full([Math.ceil(size / 4)], 1));
      moved.push(backend.arena.address);
      expect([twice(p.mul(1)).toArray(), shifted(p.mul(1)).toArray()]).toEqual([a, b]);
    }
    expect(new Set(moved).size).toBeGreaterThan(1);
  });

  test("growing between two runs, while tracing and while evaluating", () => {
    init({ backend });
    const [x, p] = [tensor([1, 2]), parameter([5, 6])];
    const grow = (): void => {
      const before = backend.memory.bytes;
      while (backend.memory.bytes === before) parameter(new Float32Array(1 << 20));
    };
    const step = compile((v: Tensor) => v.mul(p).exp().log());
    const [first, held] = [step(x), p.toTypedArray()];
    grow();
    expect(step(x).toArray()).toEqual(first.toArray());
    const large = parameter(new Float32Array(1 << 20));
    const optimizer = new SGD([large], { lr: 0.5, momentum: 1 });
    const captured = full([1 << 20], 0).exp();
    const before = backend.memory.bytes;
    const growing = compile((v: Tensor) => {
      optimizer.apply([captured]);
      return v.mul(p).add(large.sum());
    });
    for (const moved of [0.5, 1.5])
      expect(growing(x).toArray()).toEqual([5, 12].map((y) => y - moved * 2 ** 20));
    expect(backend.memory.bytes).toBeGreaterThan(before);
    expect([first.toArray(), [...held], p.toArray()]).toEqual([first.toArray(), [5, 6], [5, 6]]);
  });
});

test("10,000 steps leave both memories as they are", () => {
  const step = training("adam", "tanh");
  const args = [numbers(7, 5), labels];
  const p = parameter([1]);
  const outside = new SGD([p], { lr: 0.1 });
  const loss = (): Tensor => p.square().sum();
  const growths: number[] = [];
  let [bytes, liveBytes, heap] = [0, 0, 0];
  for (let round = 0; round < 4; round++) {
    for (let k = 0; k < 2500; k++) step(...args);
    for (let k = 0; k < 100; k++) outside.minimize(loss());
    collect();
    if (round > 0) expect([wasm.memory.bytes, wasm.memory.liveBytes]).toEqual([bytes, liveBytes]);
    ({ bytes, liveBytes } = wasm.memory);
    growths.push(process.memoryUsage().heapUsed - heap);
    heap += growths.at(-1) as number;
  }
  // Compiling and the test runner allocate, too; a step that kept anything would show in every
  // round.
  expect(Math.min(...growths.slice(1))).toBeLessThan(2500 * 64);
});

const MiB = 1 << 20;
const limited: [string, (bytes: number) => Backend][] = [
  ["wasm", (maximumBytes) => createWasmBackend({ maximumBytes })],
  ["ts", (maximumBytes) => createTsBackend({ maximumBytes })],
];
test.each(limited)("%s: what does not fit is refused, and nothing has changed", (_, make) => {
  const backend = make(2 * MiB);
  init({ backend });
  const step = compile((x: Tensor) => x.mul(2).exp());
  const p = parameter(new Float32Array(100));
  step(tensor([1]));
  const state = () => [
    backend.memory.liveBytes,
    backend.memory.bytes,
    backend.arena.bytes,
    p.address,
  ];
  const before = state();
  const large = new Float32Array(MiB);
  const refused = (live: number): RangeError =>
    new RangeError(
      `memory: cannot grow: got a request for ${4 * MiB} bytes with ${live} live, ` +
        `expected at most ${2 * MiB} in all`,
    );
  const live = before[0] as number;
  expect(() => parameter(large)).toThrow(refused(live));
  // The arena is given back before a larger one is asked for; the new program has a block by then.
  const { program } = step.trace(tensor(large));
  const block = Math.ceil(program.blockBytes / 64) * 64;
  const message = refused(live + block - Math.ceil(backend.arena.bytes / 64) * 64);
  for (let k = 0; k < 2; k++) {
    expect(() => step(tensor(large))).toThrow(message);
    expect(() => tensor(large).neg().toArray()).toThrow(RangeError);
    expect(state()).toEqual(before);
  }
  expect(step(tensor([0])).item()).toBe(1);
  expect(tensor([1, 2]).add(1).toArray()).toEqual([2, 3]);
});

describe("the allocator", () => {
  const BASE = 100;
  const LIMIT = 1 << 16;
  const make = (): LinearMemory => {
    let buffer = new ArrayBuffer(1024);
    const grow = (bytes: number): boolean => {
      const larger = new ArrayBuffer(Math.ceil(bytes / 1024) * 1024);
      new Uint8Array(larger).set(new Uint8Array(buffer));
      buffer = larger;
      return true;
    };
    return new LinearMemory({ limit: LIMIT, buffer: () => buffer, grow }, BASE);
  };
  const whole = LIMIT - 128;

  test("blocks are aligned and apart; freeing all of them leaves one", () => {
    // A size to allocate, or which of the live blocks to free.
    const action = fc.oneof(
      fc.record({ take: fc.oneof(fc.nat(300), fc.nat(20_000)) }),
      fc.record({ free: fc.nat(1000) }),
    );
    const property = fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const memory = make();
      const live: { address: number; bytes: number }[] = [];
      for (const { take, free } of actions as { take?: number; free?: number }[]) {
        if (take !== undefined) {
          const before = [memory.liveBytes, memory.bytes];
          try {
            const address = memory.allocate(take);
            live.push({ address, bytes: take });
            memory.views.u8.subarray(address, address + take).fill(address / 64);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
            expect([memory.liveBytes, memory.bytes]).toEqual(before);
          }
        } else if (live.length > 0)
          memory.free(live.splice((free as number) % live.length, 1)[0]?.address as number);
        const sizes = live.map(({ bytes }) => Math.max(64, Math.ceil(bytes / 64) * 64));
        expect(memory.liveBytes).toBe(sizes.reduce((sum, bytes) => sum + bytes, 0));
        for (const { address, bytes } of live) {
          expect([address % 64, address >= BASE, address + bytes <= memory.bytes]).toEqual([
            0,
            true,
            true,
          ]);
          const own = memory.views.u8.subarray(address, address + bytes);
          expect(own.every((byte) => byte === ((address / 64) & 255))).toBe(true);
        }
      }
      for (const { address } of live) memory.free(address);
      expect(memory.liveBytes).toBe(0);
      const all = memory.allocate(whole);
      expect([all, memory.liveBytes]).toEqual([128, whole]);
    });
    fc.assert(property, { numRuns: 100, seed: 1 });
  });

  test("what is no block is not freed", () => {
    const memory = make();
    const address = memory.allocate(1);
    memory.free(address);
    for (const wrong of [address, address + 1, 0])
      expect(() => memory.free(wrong)).toThrow(`memory: no block at ${wrong}: expected a live one`);
    expect(() => memory.allocate(whole + 1)).toThrow(RangeError);
    expect(memory.liveBytes).toBe(0);
  });
});

describe("blocks come back", () => {
  test("of a parameter, when it is disposed, once", () => {
    const before = wasm.memory.liveBytes;
    const p = parameter(new Float32Array(16));
    expect(wasm.memory.liveBytes).toBe(before + 64);
    for (let k = 0; k < 2; k++) p[Symbol.dispose]();
    expect(wasm.memory.liveBytes).toBe(before);
    expect(() => p.toArray()).toThrow("the parameter was disposed");
  });

  test("of programs that are kept no longer", () => {
    const step = compile((x: Tensor) => x.exp().sum());
    const live = Array.from({ length: 60 }, (_, k) => {
      step(full([60 - k], 1));
      return wasm.memory.liveBytes;
    });
    expect(new Set(live.slice(16))).toEqual(new Set([live[15]]));
  });

  test("of compiled functions and parameters that nothing refers to", async () => {
    const settled = async (done: () => boolean): Promise<void> => {
      for (let k = 0; k < 20 && !done(); k++) {
        collect();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await settled(() => false);
    const before = wasm.memory.liveBytes;
    for (let k = 0; k < 20; k++) training("adam", "tanh")(numbers(7, 5), labels);
    expect(wasm.memory.liveBytes).toBeGreaterThan(before + 20 * 1024);
    await settled(() => wasm.memory.liveBytes <= before);
    expect(wasm.memory.liveBytes).toBeLessThanOrEqual(before);
  });
});
