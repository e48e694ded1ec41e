/** Gates of a circuit: what they open into, their derivatives, their outputs. */
import { afterEach, describe, expect, test } from "vitest";
import { checkpoint, mul, split, square, sum, type Tensor, tensor } from "../../src/index.js";
import { type CircuitData, circuit, type Wire } from "../../src/inspect/index.js";
import * as nn from "../../src/nn/index.js";
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

describe("gates that open", () => {
  const inside = (found: CircuitData, name: string): CircuitData => {
    const opened = found.gates.find((gate) => gate.name === name)?.inside;
    if (!opened) throw new Error(`${name} does not open`);
    return opened;
  };
  const names = ({ gates }: CircuitData): string[] => gates.map(({ name }) => name);

  test.each([
    ["f32", inSingle, 1e-6],
    ["f64", inDouble, 1e-14],
  ] as const)(
    "cross-entropy shows its max node and the gradient through it, %s",
    (_, begin, bound) => {
      begin();
      const found = circuit(
        (x: Tensor, y: Tensor) => nn.crossEntropy(x, y),
        [batch(4, 5), labels(0, 3, 4, 1)],
        {
          entries: Number.POSITIVE_INFINITY,
          names: ["x", "labels"],
        },
      );
      const opened = inside(found, "crossEntropy");
      expect(names(opened)).toEqual([
        ..."max reshape broadcastTo sub exp sum reshape log oneHot mul sum reshape sub".split(" "),
      ]);
      // The shift cancels: what comes back through the maximum is rounding alone.
      const [maximum] = opened.gates;
      const through = opened.wires[maximum?.outputs[0] as number]?.gradient;
      expect(through?.norm).toBeLessThan(bound);
      expect(wire(opened, "x").terms.map(({ gate }) => opened.gates[gate]?.name)).toEqual([
        "sub",
        "max",
      ]);
      wire(opened, "x").gradient?.entries.forEach((got, index) => {
        expect(Math.abs(got - (gradientOf(found, "x")?.[index] as number))).toBeLessThan(bound);
      });
      expect(gradientOf(found, "labels")).toBeUndefined();
    },
  );

  test.each([
    [
      "softmax",
      (x: Tensor) => x.softmax(),
      "max reshape broadcastTo sub exp sum reshape broadcastTo div",
    ],
    [
      "softmax",
      (x: Tensor) => x.logSoftmax(),
      "max reshape broadcastTo sub exp sum reshape log broadcastTo sub",
    ],
    ["gelu", (x: Tensor) => x.gelu(), "broadcastTo mul erf broadcastTo add broadcastTo mul mul"],
    ["silu", (x: Tensor) => x.silu(), "sigmoid mul"],
    ["softplus", (x: Tensor) => x.softplus(), "relu abs neg exp broadcastTo add log add"],
    ["checkpoint", (x: Tensor) => checkpoint((y: Tensor) => y.exp().add(y))(x), "exp add"],
  ] as const)("%s", (name, f, gates) => {
    inDouble();
    const x = batch(2, 3);
    const found = circuit((t: Tensor) => sum(f(t).mul(t)), [x], { names: ["x"] });
    const opened = inside(found, name);
    expect(names(opened)).toEqual(gates.split(" "));
    expectSums(found, (value) => value);
    // The inside ends where the gate does, in value and in gradient.
    const gate = found.gates.find((one) => one.name === name);
    const outer = found.wires[gate?.outputs[0] as number] as Wire;
    const inner = opened.wires[opened.outputs[0] as number] as Wire;
    expect(inner.gradient).toEqual(outer.gradient);
    inner.value.entries.forEach((value, index) => {
      expect(value).toBeCloseTo(outer.value.entries[index] as number, 12);
    });
    const back = wire(found, "x").terms.find((term) => found.gates[term.gate]?.name === name);
    opened.wires[opened.inputs[0] as number]?.gradient?.entries.forEach((value, index) => {
      expect(value).toBeCloseTo(back?.gradient.entries[index] as number, 12);
    });
  });

  test("batch norm in its staged form", () => {
    inDouble();
    const found = circuit(
      (x: Tensor, gamma: Tensor, beta: Tensor) => sum(square(nn.batchNormTrain(x, gamma, beta).y)),
      [batch(4, 3), tensor([1, 2, 3]), tensor([0, 1, 0])],
      { names: ["x", "gamma", "beta"] },
    );
    const opened = inside(found, "batchNorm");
    expect(names(opened).filter((name) => name !== "broadcastTo")).toEqual(
      "mean sub mul mean add sqrt div mul mul add".split(" "),
    );
    for (const label of ["x", "gamma", "beta"])
      gradientOf(found, label)?.forEach((value, index) => {
        expect(gradientOf(opened, label)?.[index]).toBeCloseTo(value, 11);
      });
  });

  test("depth 0 leaves them closed", () => {
    const found = circuit((x: Tensor) => sum(x.gelu()), [batch(2, 2)], { depth: 0 });
    expect(found.gates[0]?.inside).toBeUndefined();
  });
});

test("a gate that works entry by entry shows its derivatives: upstream × local = downstream", () => {
  const found = circuit(
    (x: Tensor, y: Tensor) => ({ q: mul(x, y), f: sum(mul(x, y)) }),
    [batch(1, 3), batch(1, 3)],
  );
  const [first] = found.gates;
  expect(first?.locals.map((local) => local?.entries)).toEqual([
    valuesAt(found, "x1"),
    valuesAt(found, "x0"),
  ]);
  expect(found.gates.at(-1)?.locals).toEqual([undefined]);
});

test("a gate with several outputs has a wire for each that is used", () => {
  const found = circuit(
    (x: Tensor) => {
      const [, b, c] = split(x, [1, 2, 2]) as [Tensor, Tensor, Tensor];
      return sum(mul(b, c));
    },
    [tensor([1, 2, 3, 4, 5])],
  );
  expect(found.gates[0]?.outputs.map((id) => found.wires[id]?.label)).toEqual([
    "split0",
    "split0.1",
    "split0.2",
  ]);
  expect(gradientOf(found, "x0")).toEqual([0, 4, 5, 2, 3]);
});
