/** The plan: where values lie, what shares a place, in which order instructions run. */
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { Opcode } from "../assembly/opcodes.js";
import {
  assign,
  compile,
  concat,
  full,
  grad,
  gradients,
  init,
  type Parameter,
  type Plan,
  parameter,
  split,
  stopGradient,
  type Tensor,
  tensor,
  vjp,
  wasm,
} from "../src/index.js";
import { BatchNorm1d, crossEntropy, Dropout, Linear, ReLU, Sequential } from "../src/nn/index.js";
import { Adam } from "../src/optim/index.js";
import { reads, type Value } from "../src/plan/lowering.js";
import { ts } from "../src/pure.js";

afterEach(() => init({ backend: wasm }));

/** The bits of some tensors, NaNs made one. */
const bits = (tensors: readonly Tensor[]): string[] =>
  tensors.map((x) =>
    Array.from(x.toTypedArray(), (v) => (Object.is(v, -0) ? "-0" : String(v))).join(" "),
  );

/**
 * Fails when two values that are needed at the same time share a byte, or one lies outside the
 * peak.
 */
function checkPlaces({ instructions, inputs, outputs, peakBytes }: Plan): void {
  const lives = new Map<Value, { from: number; to: number }>();
  const use = (value: Value, at: number): void => {
    const life = lives.get(value);
    if (life) life.to = at;
    else if (value.inArena) lives.set(value, { from: at, to: at });
    // What lies inside a value is needed as long as that is.
    for (const [other, { from }] of lives)
      if (other.root === value && from < at) (lives.get(other) as { to: number }).to = at;
  };
  for (const input of inputs) if (input) use(input, -1);
  for (const [at, instruction] of instructions.entries())
    for (const value of [...reads(instruction), ...instruction.writes]) use(value, at);
  for (const output of outputs) if (lives.has(output)) use(output, instructions.length);
  const inPlace = (read: Value, written: Value, at: number): boolean =>
    instructions[at]?.inPlace.some(
      ([w, r]) => w === written && r.offset === w.offset && r.root === read.root,
    ) === true;
  for (const [a, lifeA] of lives) {
    expect(a.root.offset % 16).toBe(0);
    expect(a.offset).toBe(a.root.offset + a.within);
    expect(a.offset + a.bytes).toBeLessThanOrEqual(peakBytes);
    for (const [b, lifeB] of lives) {
      if (a.root === b.root || lifeA.from > lifeB.from || lifeA.to < lifeB.from) continue;
      if (lifeA.to === lifeB.from && inPlace(a, b, lifeA.to)) continue;
      const apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
      expect(apart || a.bytes === 0 || b.bytes === 0).toBe(true);
    }
  }
}

describe("random programs", () => {
  const shapes = [
    [],
    [1],
    [3],
    [2, 3],
    [3, 2],
    [1, 3],
    [2, 1],
    [6],
    [2, 1, 3],
    [3, 3],
    [0, 3],
    [17],
  ];
  const pick = <T>(from: readonly T[], n: number): T => from[n % from.length] as T;
  const sizeOf = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);
  const axesOf = (x: Tensor, n: number): number[] =>
    x.shape.flatMap((_, axis) => ((n >> axis) & 1 ? [axis] : []));
  const zeros = (n: number): Tensor => full([n], 0, { dtype: "i32" });

  // What does not fit throws a RangeError: then the program goes on without it.
  const ops: readonly ((x: Tensor, y: Tensor, n: number) => Tensor)[] = [
    ...(["neg", "exp", "log", "sqrt", "sigmoid", "tanh", "relu", "square"] as const).map(
      (name) => (x: Tensor) => x[name](),
    ),
    ...(["add", "sub", "mul", "div", "maximum", "minimum", "matmul"] as const).flatMap((name) => {
      const op = (x: Record<typeof name, (y: Tensor) => Tensor>, y: Tensor): Tensor => x[name](y);
      return [op, op];
    }),
    ...(["sum", "mean", "max", "min"] as const).map(
      (name) => (x: Tensor, _: Tensor, n: number) => x[name](axesOf(x, n)),
    ),
    (x, _, n) => x.reshape(pick(shapes, n)),
    (x, y) => x.reshape(y.shape),
    (x, _, n) => x.transpose(x.shape.map((_, axis) => (axis + n) % x.rank)),
    (x, y) => x.broadcastTo(y.shape),
    (x) => stopGradient(x),
    (x, y) => concat([x.reshape([x.size]), y.reshape([y.size])]),
    (x, y) => concat([x, y, x]),
    (x, _, n) => x.slice([[n % 3, (n >> 2) % 9]]),
    (x, y, n) => split(concat([x, y]), [y.shape[0] ?? 0, x.shape[0] ?? 0])[n % 2] as Tensor,
    (x) => crossEntropy(x, zeros(x.shape[0] ?? 0), { reduction: "none" }),
  ];
  /** [op, operand, operand, number]; ops past the table read or assign a Parameter. */
  type Gene = readonly [number, number, number, number];

  interface Store {
    readonly shapes: readonly (readonly number[])[];
    read(index: number): Tensor;
    assign(index: number, value: Tensor): void;
  }

  /** Runs the program; `keep` sees each value as it is made. */
  function run(
    genes: readonly Gene[],
    inputs: readonly Tensor[],
    store: Store,
    keep = (x: Tensor) => x,
  ): Tensor[] {
    const values = [...inputs];
    for (const [gene, a, b, n] of genes) {
      const [x, y] = [pick(values, a), pick(values, b)];
      const at = n % store.shapes.length;
      const choice = gene % (2 * ops.length);
      try {
        if (choice >= 1.5 * ops.length) values.push(keep(store.read(at)));
        else if (choice >= ops.length) {
          const value = x.reshape(store.shapes[at] as number[]);
          store.assign(at, value);
          values.push(keep(value));
        } else values.push(keep((ops[choice] as (typeof ops)[number])(x, y, n)));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    return values;
  }

  const numbers = fc.oneof(
    fc.constantFrom(0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY),
    fc.float({ min: -4, max: 4, noNaN: true }),
  );
  const data = fc.array(numbers, { minLength: 17, maxLength: 17 });
  const gene = fc.tuple(fc.nat(999), fc.nat(99), fc.nat(99), fc.nat(99));
  const programs = fc.record({
    genes: fc.array(gene, { minLength: 3, maxLength: 25 }),
    inputs: fc.array(fc.nat(99), { minLength: 1, maxLength: 3 }),
    parameters: fc.array(fc.nat(99), { minLength: 1, maxLength: 3 }),
    results: fc.array(fc.nat(99), { maxLength: 3 }),
    data: fc.tuple(data, data, data),
  });

  test("give the bits of their ops run one by one, in both builds", () => {
    const property = fc.property(programs, ({ genes, inputs, parameters, results, data }) => {
      const fill = (which: number, k: number): Tensor => {
        const shape = pick(shapes, which);
        const at = (i: number): number => (data[k % 3] as number[])[(i + 5 * which) % 17] as number;
        return tensor(
          Array.from({ length: sizeOf(shape) }, (_, i) => at(i)),
          { shape },
        );
      };
      const own = parameters.map((which) => pick(shapes, which));
      const chosen = (values: Tensor[]): Tensor[] => results.map((n) => pick(values, n));
      // One by one: every value is read as soon as it is made.
      const state = parameters.map((which) => fill(which, 0));
      const store: Store = {
        shapes: own,
        read: (index) => state[index] as Tensor,
        assign: (index, value) => void state.splice(index, 1, value),
      };
      const read = (x: Tensor): Tensor => tensor(x.toTypedArray(), { shape: x.shape });
      const expected = [1, 2].map((k) => {
        const values = run(
          genes,
          inputs.map((which) => fill(which, k)),
          store,
          read,
        );
        return [bits(chosen(values)), bits(state)];
      });
      for (const backend of [wasm, ts]) {
        init({ backend });
        const live: Parameter[] = parameters.map((which) => parameter(fill(which, 0)));
        const step = compile((xs: Tensor[]) =>
          chosen(
            run(genes, xs, {
              shapes: own,
              read: (index) => stopGradient(live[index] as Parameter),
              assign: (index, value) => void assign(live[index] as Parameter, value),
            }),
          ),
        );
        const got = [1, 2].map((k) => {
          const values = step(inputs.map((which) => fill(which, k)));
          return [bits(values), bits(live)];
        });
        checkPlaces(step.plan);
        init({ backend: wasm });
        expect(got).toEqual(expected);
      }
    });
    fc.assert(property, { numRuns: 400, seed: 4 });
  });
});

describe("sharing a place", () => {
  const peak = (fn: (x: Tensor) => unknown, shape = [100]): number =>
    compile(fn).trace({ shape }).plan.peakBytes;
  test.each<[string, number, (x: Tensor) => unknown]>([
    ["a chain of unary ops", 1, (x) => x.exp().neg().tanh().relu().sigmoid()],
    ["an operand used twice", 1, (x) => x.mul(x).add(1)],
    ["a scalar and a broadcast", 1, (x) => x.mul(2).add(tensor([3]))],
    ["reshapes cost nothing", 1, (x) => x.reshape([10, 10]).exp().reshape([100]).neg()],
    ["an argument that is returned", 2, (x) => [x, x.exp().neg()]],
    ["one value needed later", 2, (x) => x.exp().mul(x.neg())],
    ["transposes are not in place", 2, (x) => x.reshape([10, 10]).transpose().exp()],
    ["the same result twice", 1, (x) => [x.exp(), x.exp()]],
  ])("%s: %i", (_, places, fn) => {
    // Places are 16 bytes apart.
    expect(Math.ceil(peak(fn) / 416)).toBe(places);
  });
});

describe("fused activations", () => {
  const a = tensor([-0, 1, -2, Number.NaN, 3, 0.5], { shape: [3, 2] });
  const b = tensor([1, -1, 0, -0.25, 2, 1e30], { shape: [2, 3] });
  test.each(["relu", "sigmoid", "tanh"] as const)("%s: the bits of two instructions", (name) => {
    for (const backend of [wasm, ts]) {
      init({ backend });
      const fused = compile((x: Tensor, y: Tensor) => x.matmul(y)[name]());
      const split = compile((x: Tensor, y: Tensor) => {
        const z = x.matmul(y);
        return [z[name](), z];
      });
      const shared = compile((x: Tensor, y: Tensor) => {
        const z = x.matmul(y);
        return z[name]().add(z);
      });
      const [activated, product] = split(a, b) as [Tensor, Tensor];
      expect(bits([fused(a, b), shared(a, b)])).toEqual(bits([activated, activated.add(product)]));
      const lengths = [fused, split, shared].map((step) => step.plan.instructions.length);
      expect(lengths).toEqual([1, 2, 3]);
    }
  });
});

describe("fused derivatives of activations", () => {
  const x = tensor([-0, 1, -2, Number.NaN, 3, 0.5], { shape: [3, 2] });
  const w = tensor([1, -1, 0, -0.25, 2, 1e30], { shape: [2, 3] });
  const dy = tensor([1, -0, 2, Number.NaN, 1e-40, -3, 4, 5, Infinity], { shape: [3, 3] });
  const v = tensor([0.5, -1, 3, 2, 0, 1], { shape: [3, 2] });
  test.each(["relu", "sigmoid", "tanh"] as const)("%s: the bits of two instructions", (name) => {
    for (const backend of [wasm, ts]) {
      init({ backend });
      const loss = (u: Tensor): Tensor => x.matmul(w).add(u)[name]().matmul(v).mul(v).sum();
      const fused = compile((u: Tensor) => grad(loss)(u));
      const kinds = fused.trace({ shape: [3, 3] }).plan.instructions.map(({ opcode }) => opcode);
      expect(kinds).toContain(Opcode.GemmBackward);
      // The product is wanted by someone else too: two instructions.
      const apart = compile((u: Tensor) => {
        const y = x.matmul(w).add(u)[name]();
        const d = v.matmul(v.transpose());
        return [vjp((z: Tensor) => z[name](), x.matmul(w).add(u)).pullback(d), d, y];
      });
      const separate = apart.trace({ shape: [3, 3] }).plan.instructions;
      expect(separate.map(({ opcode }) => opcode)).not.toContain(Opcode.GemmBackward);
      expect(bits([fused(dy)])).toEqual(bits([(apart(dy) as Tensor[])[0] as Tensor]));
    }
  });
});

describe("sums fused with the product that reads the same cotangent", () => {
  test.each([
    [1, 4, 3],
    [5, 2, 7],
    [300, 17, 5],
    [3, 1, 4],
  ])("batch %i, out %i, in %i: the bits of two instructions", (batch, out, features) => {
    const numbers = (shape: number[], scale: number): Tensor => {
      const size = shape.reduce((product, length) => product * length, 1);
      return tensor(
        Array.from({ length: size }, (_, i) => Math.sin(i * scale) * (i % 5 === 0 ? 1e3 : 1)),
        { shape },
      );
    };
    const x = numbers([batch, features], 1.3);
    const dY = numbers([batch, out], 0.7);
    for (const backend of [wasm, ts]) {
      init({ backend });
      const layer = new Linear(features, out);
      const { weight, bias } = layer;
      const step = compile((x: Tensor, dY: Tensor) =>
        gradients(layer.forward(x).mul(dY).sum(), [weight, bias as Parameter]),
      );
      const kinds = step.trace(x, dY).plan.instructions.map(({ opcode }) => opcode);
      expect(kinds.includes(Opcode.GemmSums)).toBe(out > 1);
      expect(kinds.includes(Opcode.Gemm)).toBe(out === 1);
      const [dW, db] = step(x, dY) as [Tensor, Tensor];
      expect(bits([dW, db])).toEqual(bits([dY.transpose().matmul(x), dY.sum(0)]));
    }
  });
});

describe("a relu after a batch norm", () => {
  const x = tensor([-1, 2, 0.5, -3, 4, 0, 1, -0.25], { shape: [2, 2, 2] });
  const opcodes = (step: { readonly plan: Plan }): Opcode[] =>
    step.plan.instructions.map(({ opcode }) => opcode);
  const of = (kept: boolean) => {
    const model = new BatchNorm1d(2);
    return compile((v: Tensor) => {
      let y: Tensor | undefined;
      const dx = grad((w: Tensor) => {
        y = model.forward(w);
        return y.relu().square().sum();
      })(v);
      return kept ? [dx, y] : [dx];
    });
  };
  test("is part of it, forward and backward, to the bit", () => {
    for (const backend of [wasm, ts]) {
      init({ backend });
      const [fused, split] = [of(false), of(true)];
      const [dx, want] = [fused(x)[0], split(x)[0]] as [Tensor, Tensor];
      expect(bits([dx])).toEqual(bits([want]));
      expect(opcodes(fused)).not.toContain(Opcode.Relu);
      expect(opcodes(fused)).not.toContain(Opcode.ReluBackward);
      expect(opcodes(split)).toContain(Opcode.Relu);
      expect(opcodes(split)).toContain(Opcode.ReluBackward);
      checkPlaces(fused.plan);
      checkPlaces(split.plan);
    }
  });
  test("in evaluation too; not where what it reads is read again", () => {
    const model = new BatchNorm1d(2).eval();
    const fused = compile((v: Tensor) => model.forward(v).relu());
    const shared = compile((v: Tensor) => {
      const y = model.forward(v);
      return y.relu().add(y);
    });
    fused(x);
    shared(x);
    expect(opcodes(fused)).toEqual([Opcode.BatchNormEval]);
    expect(opcodes(shared)).toContain(Opcode.Relu);
  });
});

describe("a gelu that is differentiated", () => {
  const x = tensor([-1, 2, 0.5, -3, 4, 0, -0, Number.NaN, Infinity, -Infinity, 1e-40]);
  const opcodes = (step: { readonly plan: Plan }): Opcode[] =>
    step.plan.instructions.map(({ opcode }) => opcode);
  const of = (kept: boolean, times = 1) =>
    compile((v: Tensor) => {
      let u: Tensor | undefined;
      const dx = grad((w: Tensor) => {
        u = w.mul(0.75);
        return Array.from({ length: times }, () => (u as Tensor).gelu().square().sum()).reduce(
          (sum, y) => sum.add(y),
        );
      })(v);
      return kept ? [dx, u] : [dx];
    });
  test("computes its slope too, to the bit, unless what it reads is kept anyway", () => {
    for (const backend of [wasm, ts]) {
      init({ backend });
      const [fused, split, twice] = [of(false), of(true), of(false, 2)];
      const [dx, want] = [fused(x)[0], split(x)[0]] as [Tensor, Tensor];
      expect(bits([dx])).toEqual(bits([want]));
      twice(x);
      for (const step of [fused, twice]) {
        expect(opcodes(step)).toContain(Opcode.GeluForward);
        expect(opcodes(step)).not.toContain(Opcode.Gelu);
        expect(opcodes(step)).not.toContain(Opcode.GeluBackward);
        checkPlaces(step.plan);
      }
      expect(opcodes(split)).toContain(Opcode.Gelu);
      expect(opcodes(split)).toContain(Opcode.GeluBackward);
      expect(fused.plan.peakBytes).toBeLessThanOrEqual(split.plan.peakBytes);
    }
  });
  test("alone where nothing is differentiated", () => {
    const step = compile((v: Tensor) => v.gelu());
    step(x);
    expect(opcodes(step)).toEqual([Opcode.Gelu]);
  });
});

describe("order", () => {
  const labels = tensor([0, 1, 1, 0], { dtype: "i32" });
  const model = new Sequential(
    new Linear(3, 4),
    new BatchNorm1d(4),
    new ReLU(),
    new Dropout(0.5),
    new Linear(4, 2),
  );
  const optimizer = new Adam(model.parameters());
  const loss = (x: Tensor): Tensor => crossEntropy(model.forward(x), labels);
  test.each<[string, (x: Tensor) => unknown]>([
    ["a step", (x) => optimizer.minimize(loss(x))],
    [
      "a step that penalises the gradient",
      (x) => {
        const penalty = grad((v: Tensor) => loss(v))(x)
          .square()
          .sum();
        optimizer.minimize(loss(x).add(penalty));
      },
    ],
  ])("%s: all that may refuse comes before the first write to a parameter", (_, fn) => {
    const { instructions } = compile(fn).trace({ shape: [4, 3] }).plan;
    const refusing = instructions.findLastIndex(({ node }) => node.op.refusal !== undefined);
    const writing = instructions.findIndex(({ writes }) => writes.some((value) => value.parameter));
    expect(refusing).toBeGreaterThan(0);
    expect(writing).toBeGreaterThan(refusing);
    // Weights and moments are updated where they are.
    const updates = instructions.filter(({ opcode }) => opcode === Opcode.Adam);
    expect(updates.flatMap(({ writes }) => writes).every((value) => value.parameter)).toBe(true);
    // All of them are one instruction.
    expect(updates.map(({ writes }) => writes.length)).toEqual([3 * optimizer.parameters.length]);
    // So are the counters, which a second forward counts once more.
    const counts = instructions.filter(({ opcode }) => opcode === Opcode.Increment);
    expect(counts.length).toBeLessThanOrEqual(2);
  });
});
