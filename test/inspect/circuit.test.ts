/** Values and gradients on every wire, against worked examples and against the transforms. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  add,
  compile,
  div,
  grad,
  max,
  maximum,
  mul,
  sigmoid,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../src/index.js";
import { circuit } from "../../src/inspect/index.js";
import * as nn from "../../src/nn/index.js";
import { type GoldenCase, loadGolden } from "../golden/case.js";
import {
  batch,
  expectSums,
  gradientOf,
  inDouble,
  inSingle,
  labels,
  valuesAt,
  wire,
} from "./wires.js";

afterEach(inSingle);

interface Worked extends GoldenCase {
  readonly values: Readonly<Record<string, number>>;
  readonly grads: Readonly<Record<string, number>>;
}
type Scalars = Record<string, Tensor>;
/** The programs of the notes, staged as there; inputs are what is not computed. */
const programs: Readonly<Record<string, (of: Scalars) => Scalars>> = {
  xyz_notes({ x, y, z }) {
    const q = add(x as Tensor, y as Tensor);
    return { q, f: mul(q, z as Tensor) };
  },
  sigmoid_neuron_notes({ w0, w1, w2, x0, x1 }) {
    const dot = add(
      add(mul(w0 as Tensor, x0 as Tensor), mul(w1 as Tensor, x1 as Tensor)),
      w2 as Tensor,
    );
    return { dot, f: sigmoid(dot) };
  },
  staged_notes({ x, y }) {
    const sigy = sigmoid(y as Tensor);
    const num = add(x as Tensor, sigy);
    const sigx = sigmoid(x as Tensor);
    const xpy = add(x as Tensor, y as Tensor);
    const xpysqr = square(xpy);
    const den = add(sigx, xpysqr);
    const invden = div(1, den);
    return { sigy, num, sigx, xpy, xpysqr, den, invden, f: mul(num, invden) };
  },
  gates_notes({ x, y, z, w }) {
    const m = mul(x as Tensor, y as Tensor);
    const n = maximum(z as Tensor, w as Tensor);
    const s = add(m, n);
    return { m, n, s, f: mul(s, 2) };
  },
};
const golden = loadGolden<Worked>("cs231n");

describe("the worked examples of the notes", () => {
  beforeEach(inDouble);

  test.each(golden.filter(({ name }) => programs[name]))("$name", ({ name, values, grads }) => {
    const run = programs[name] as (of: Scalars) => Scalars;
    // What the program does not return is an input.
    const computed = Object.keys(run(Object.fromEntries(keysOf(values, tensor))));
    const inputs = Object.fromEntries(
      Object.entries(values).filter(([key]) => !computed.includes(key)),
    );
    const found = circuit(run, [inputs]);
    for (const [key, value] of Object.entries(values))
      expect(valuesAt(found, key)[0], key).toBeCloseTo(value, 12);
    for (const [key, value] of Object.entries(grads))
      expect(gradientOf(found, key)?.[0], `d${key}`).toBeCloseTo(value, 12);
  });

  test("every worked example of scalars is run", () => {
    expect(golden.filter(({ op }) => op === "scalar_graph").map(({ name }) => name)).toEqual(
      Object.keys(programs),
    );
  });

  test("matmul_WX", () => {
    const { inputs, outputs, cotangents, input_grads } = golden.find(
      ({ op }) => op === "matmul",
    ) as GoldenCase;
    const [W, X] = inputs.map(({ data, shape }) => tensor(data, { shape }));
    const [dD] = cotangents as NonNullable<GoldenCase["cotangents"]>;
    const found = circuit(
      ({ W: w, X: x }: Scalars) => ({ D: (w as Tensor).matmul(x as Tensor) }),
      [{ W, X }],
      { cotangent: tensor(dD?.data ?? [], { shape: dD?.shape ?? [] }) },
    );
    const close = (got: readonly number[] | undefined, want: ArrayLike<number> | undefined): void =>
      Array.from(want ?? []).forEach((value, index) => {
        expect(got?.[index]).toBeCloseTo(value, 12);
      });
    close(valuesAt(found, "D"), outputs[0]?.data);
    close(gradientOf(found, "W"), input_grads?.[0]?.data);
    close(gradientOf(found, "X"), input_grads?.[1]?.data);
    expect(found.gates[0]?.rule).toBe("matmul, D = W · X: dW = dD · Xᵀ, dX = Wᵀ · dD");
  });
});

function keysOf<T>(values: Readonly<Record<string, number>>, make: (value: number) => T) {
  return Object.entries(values).map(([key, value]) => [key, make(value)] as const);
}

describe("forks", () => {
  test("a value that is used twice has a term for each use, in the order of adding", () => {
    const found = circuit((x: Tensor, y: Tensor) => ({ f: add(mul(x, y), x) }), [3, -4], {
      names: ["x", "y"],
    });
    expect(
      wire(found, "x").terms.map(({ gate, operand, gradient }) => [
        gate,
        operand,
        gradient.entries,
      ]),
    ).toEqual([
      [1, 1, [1]],
      [0, 0, [-4]],
    ]);
    expect(gradientOf(found, "x")).toEqual([-3]);
  });

  test("both operands of one gate are two uses", () => {
    const found = circuit((x: Tensor) => square(x), [3], { names: ["x"] });
    expect(wire(found, "x").terms.map(({ gate, operand }) => [gate, operand])).toEqual([
      [0, 0],
      [0, 1],
    ]);
    expect(gradientOf(found, "x")).toEqual([6]);
  });

  test("an output that is used further on has the cotangent it was given as a term", () => {
    const found = circuit(
      (x: Tensor) => {
        const f = square(x);
        return { g: mul(f, 2), f };
      },
      [3],
      { names: ["x"] },
    );
    expect(gradientOf(found, "f")).toEqual([1]);
    expect(gradientOf(found, "g")).toBeUndefined();
    expect(gradientOf(found, "x")).toEqual([6]);
  });

  type Step = readonly [op: number, a: number, b: number];
  const steps = fc.array(fc.tuple(fc.nat(5), fc.nat(1000), fc.nat(1000)) as fc.Arbitrary<Step>, {
    minLength: 1,
    maxLength: 14,
  });
  const ops = [add, sub, mul, maximum, (a: Tensor) => sigmoid(a), (a: Tensor) => mul(a, 0.5)];
  const build =
    (list: readonly Step[]) =>
    (x: Tensor, y: Tensor): Tensor => {
      const known = [x, y];
      for (const [op, a, b] of list)
        known.push(
          (ops[op] as (a: Tensor, b: Tensor) => Tensor)(
            known[a % known.length] as Tensor,
            known[b % known.length] as Tensor,
          ),
        );
      return sum(known.reduce((a, b) => add(a, b)));
    };
  const entry = fc.double({ min: -2, max: 2, noNaN: true });

  test.each([
    ["f32", inSingle, Math.fround],
    ["f64", inDouble, (x: number) => x],
  ] as const)(
    "of any graph, terms add up to the gradient in %s, which is grad's",
    (_, begin, round) => {
      begin();
      fc.assert(
        fc.property(steps, fc.array(entry, { minLength: 6, maxLength: 6 }), (list, data) => {
          const [x, y] = [tensor(data.slice(0, 3)), tensor(data.slice(3))];
          const f = build(list);
          const found = circuit(f, [x, y], { names: ["x", "y"] });
          expectSums(found, round);
          const [dx, dy] = grad(f)(x, y) as [Tensor, Tensor];
          expect(gradientOf(found, "x")).toEqual(dx.toArray());
          expect(gradientOf(found, "y")).toEqual(dy.toArray());
        }),
        { numRuns: 40 },
      );
    },
  );
});

describe("what is unusual", () => {
  test.each([
    [
      "NaN",
      [Number.NaN, 1],
      { min: Number.NaN, max: Number.NaN, mean: Number.NaN, norm: Number.NaN },
    ],
    [
      "infinities",
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      {
        min: Number.NEGATIVE_INFINITY,
        max: Number.POSITIVE_INFINITY,
        mean: Number.NaN,
        norm: Number.POSITIVE_INFINITY,
      },
    ],
    ["no entry", [], { min: Number.NaN, max: Number.NaN, mean: Number.NaN, norm: 0 }],
    [
      "what has no square",
      [1e-30, 0],
      { min: 0, max: Math.fround(1e-30), mean: Math.fround(1e-30) / 2, norm: Math.fround(1e-30) },
    ],
  ] as const)("%s", (_, data, expected) => {
    const found = circuit((x: Tensor) => sum(x), [tensor([...data])], { names: ["x"] });
    expect(wire(found, "x").value).toEqual({
      shape: [data.length],
      dtype: "f32",
      entries: data.map(Math.fround),
      ...expected,
    });
    expect(gradientOf(found, "x")).toEqual(data.map(() => 1));
  });

  test("integers have no gradient, and neither has what does not reach the output", () => {
    const found = circuit(
      (x: Tensor, i: Tensor, unused: Tensor) => ({
        unused: unused.mul(2),
        f: sum(x.indexSelect(0, i)),
      }),
      [tensor([1, 2, 3]), labels(2, 2), tensor([1])],
      { names: ["x", "i", "u"] },
    );
    expect(gradientOf(found, "x")).toEqual([0, 0, 2]);
    expect(gradientOf(found, "i")).toBeUndefined();
    expect(gradientOf(found, "u")).toBeUndefined();
    expect(wire(found, "i").value).toMatchObject({ dtype: "i32", min: 2, max: 2 });
  });

  test("an input that is returned as it is", () => {
    const found = circuit((x: Tensor) => x, [3]);
    expect(found.gates).toEqual([]);
    expect(gradientOf(found, "x0")).toEqual([1]);
  });

  test("a circuit of a gradient", () => {
    inDouble();
    const found = circuit(
      (x: Tensor) => grad((y: Tensor) => sum(sigmoid(y)))(x).sum(),
      [tensor([0.5, -1])],
      { names: ["x"] },
    );
    const sigma = (x: number): number => 1 / (1 + Math.exp(-x));
    [0.5, -1].forEach((x, index) => {
      const s = sigma(x);
      expect(gradientOf(found, "x")?.[index]).toBeCloseTo(s * (1 - s) * (1 - 2 * s), 14);
    });
    // A derivative's line is that of what it is the derivative of.
    for (const { source } of found.gates) expect(source).toMatch(/circuit\.test\.ts:/);
  });

  test("entries of a tensor beyond those kept are counted in its range", () => {
    const found = circuit((x: Tensor) => max(x), [tensor([1, 2, 3, 4])], { entries: 2 });
    expect(wire(found, "x0").value).toMatchObject({ entries: [1, 2], max: 4 });
  });
});

describe("names", () => {
  test("of nested arguments are their keys; of results too; no two are the same", () => {
    const found = circuit(
      ({ a, b }: { a: Tensor; b: readonly [Tensor, { c: Tensor }] }, x: Tensor) => ({
        sums: [add(a, b[0]), add(b[1].c, x)],
        a: mul(add(a, b[0]), add(b[1].c, x)),
      }),
      [{ a: 1, b: [2, { c: 3 }] }, 4],
    );
    expect(found.wires.map(({ label }) => label)).toEqual([
      "a#2",
      "b.0",
      "b.1.c",
      "x1",
      "sums.0",
      "sums.1",
      "add2",
      "add3",
      "a",
    ]);
  });

  test("the output that is differentiated can be named", () => {
    const found = circuit((x: Tensor) => ({ loss: square(x), rest: mul(x, 3) }), [2], {
      output: "loss",
    });
    expect(gradientOf(found, "x0")).toEqual([4]);
    expect(found.outputs.map((id) => found.wires[id]?.label)).toEqual(["rest", "loss"]);
  });
});

describe("errors", () => {
  const scalar = (x: Tensor): Tensor => sum(x);
  const [three] = [tensor([1, 2, 3])];
  // biome-ignore lint/suspicious/noExplicitAny: what JavaScript may pass
  type Loose = any;
  test.each<[string, () => unknown, unknown]>([
    [
      "no function",
      () => circuit(3 as Loose, []),
      new TypeError("circuit: not a function: got 3, expected a function of tensors"),
    ],
    [
      "no list",
      () => circuit(scalar, three as Loose),
      new TypeError(
        "circuit: inputs are no list: got a Tensor, expected an array of the function's arguments",
      ),
    ],
    [
      "an argument of the wrong kind",
      () => circuit(scalar, [{ x: new Float32Array(2) }]),
      new TypeError(
        "circuit: argument[0].x is of the wrong kind: got a Float32Array, expected tensors, numbers, strings, booleans or null, in arrays or plain objects; wrap data with tensor(…)",
      ),
    ],
    [
      "no scalar",
      () => circuit((x: Tensor) => ({ y: mul(x, 2) }), [three]),
      new RangeError(
        "circuit: output y is not a scalar: got [3], expected []; reduce it with sum or mean, or give its cotangent",
      ),
    ],
    [
      "an integer",
      () => circuit((x: Tensor) => x.argmax(), [three]),
      new TypeError(
        "circuit: output has no derivative: got i32, expected f32 or f64; return a float last, or name it with the option output",
      ),
    ],
    [
      "nothing",
      () => circuit((() => undefined) as Loose, []),
      new TypeError(
        "circuit: result is not a tensor: got undefined, expected a tensor, or an object or array of tensors",
      ),
    ],
    [
      "a promise",
      () => circuit((async (x: Tensor) => x) as Loose, [three]),
      new Error("circuit: the function is async: got a promise, expected a synchronous function"),
    ],
    [
      "a cotangent that does not fit",
      () => circuit((x: Tensor) => x, [three], { cotangent: tensor([1, 2]) }),
      new RangeError("circuit: cotangent does not fit: got f32 [2], expected f32 [3]"),
    ],
    [
      "a cotangent that is none",
      () => circuit((x: Tensor) => x, [three], { cotangent: 1 as Loose }),
      new TypeError("circuit: cotangent is not a tensor: got 1, expected one like output"),
    ],
    [
      "names",
      () => circuit(scalar, [three], { names: ["x", "y"] }),
      new RangeError("circuit: number of names differs: got 2, expected 1, one for each argument"),
    ],
    [
      "entries",
      () => circuit(scalar, [three], { entries: -1 }),
      new RangeError("circuit: bad entries: got -1, expected a whole number ≥ 0, or Infinity"),
    ],
    [
      "depth",
      () => circuit(scalar, [three], { depth: 0.5 }),
      new RangeError("circuit: bad depth: got 0.5, expected a whole number ≥ 0, or Infinity"),
    ],
    [
      "an output of no such name",
      () => circuit((x: Tensor) => ({ f: sum(x) }), [three], { output: "g" }),
      new RangeError('circuit: no such output: got "g", expected one of f'),
    ],
    [
      "a label out of range",
      () => circuit((x: Tensor, y: Tensor) => nn.crossEntropy(x, y), [batch(1, 3), labels(3)]),
      new RangeError("crossEntropy: label 3 at row 0 is out of range: expected 0 ≤ label < 3"),
    ],
    [
      "what the function throws",
      () => circuit((x: Tensor) => x.add(tensor([1, 2])), [three]),
      new RangeError(
        "add: shapes do not broadcast: got [3] and [2], expected axis −1 to be equal or 1: 3 ≠ 2",
      ),
    ],
    [
      "inside a compiled function",
      () => compile((x: Tensor) => circuit(scalar, [x]).wires.length)(three),
      new Error(
        "circuit: called while a function is being compiled: expected a call outside of it, with its values",
      ),
    ],
  ])("%s", (_, run, error) => {
    expect(run).toThrow(error as Error);
  });
});
