/** Circuits of steps that assign: nothing is changed, and updates are left out where they may be. */
import { afterEach, describe, expect, test } from "vitest";
import {
  assign,
  compile,
  gradients,
  type Parameter,
  parameter,
  stopGradient,
  sum,
  type Tensor,
  tensor,
} from "../../src/index.js";
import { type CircuitData, circuit } from "../../src/inspect/index.js";
import * as nn from "../../src/nn/index.js";
import { Adam, SGD } from "../../src/optim/index.js";
import * as random from "../../src/random.js";
import { batch, gradientOf, inSingle, labels, valuesAt } from "./wires.js";

afterEach(inSingle);

describe("a compiled step with effects", () => {
  const model = new nn.Sequential(
    new nn.Linear(4, 5),
    new nn.BatchNorm1d(5),
    new nn.ReLU(),
    new nn.Dropout(0.3),
    new nn.Linear(5, 3),
  );
  const optimizer = new Adam(model.parameters(), { lr: 1e-2 });
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = nn.crossEntropy(model.forward(x), y);
    optimizer.minimize(loss);
    return loss;
  });

  test("changes nothing, and shows what the next step will compute", () => {
    const [x, y] = [batch(6, 4), labels(0, 1, 2, 0, 1, 2)];
    step(x, y);
    const parameters = [...model.namedParameters().values()];
    const state = (): unknown => [
      parameters.map((p) => [p.version, p.toArray()]),
      random.getState(),
      optimizer.stateDict(),
    ];
    const before = state();
    const found = circuit(step, [x, y]);
    expect(state()).toEqual(before);
    expect(found.wires[found.outputs[0] as number]?.value.entries).toEqual([step(x, y).item()]);
  });

  test("shows the forward part, by module, with the user's line", () => {
    const found = circuit(step, [batch(6, 4), labels(0, 1, 2, 0, 1, 2)]);
    expect(found.gates.map(({ name, modules }) => [name, ...modules])).toEqual([
      ["linear", "0"],
      ["batchNorm", "1"],
      ["relu", "2"],
      ["dropout", "3"],
      ["linear", "4"],
      ["crossEntropy"],
      ["mean"],
    ]);
    expect(
      found.wires.filter(({ kind }) => kind === "parameter").map(({ label }) => label),
    ).toEqual(["0.weight", "0.bias", "1.weight", "1.bias", "4.weight", "4.bias"]);
    for (const { source } of found.gates)
      expect(source).toMatch(/circuitEffects\.test\.ts:\d+:\d+$/);
    expect(model.forward).toBe(nn.Sequential.prototype.forward);
  });
});

describe("updates of an optimizer", () => {
  const names = ({ gates }: CircuitData): string[] => gates.map(({ name }) => name);
  const one = () => {
    const w = parameter([2], { name: "w" });
    return { w, optimizer: new SGD([w], { lr: 0.5, momentum: 0.9 }) };
  };
  const kept = (optimizer: SGD): string[] =>
    Object.keys(optimizer.stateDict()).filter((key) => key.startsWith("state."));

  test.each<[string, (optimizer: SGD, loss: Tensor) => void]>([
    ["minimize", (optimizer, loss) => optimizer.minimize(loss)],
    ["apply", (optimizer, loss) => optimizer.apply(gradients(loss, optimizer.parameters))],
  ])("of %s are gates where something depends on them, and else are left out", (_, update) => {
    const { w, optimizer } = one();
    const step = (again: boolean) => (): Tensor => {
      const loss = sum(w.mul(w));
      update(optimizer, loss);
      return again ? sum(w.mul(3)) : loss;
    };
    expect(names(circuit(step(false), []))).toEqual(["mul", "sum"]);
    expect(kept(optimizer)).toEqual([]);
    const found = circuit(step(true), []);
    expect(names(found)).toContain("sgdMomentum");
    expect(kept(optimizer)).toEqual(["state.0.momentum_buffer"]);
    expect(found.wires[found.outputs[0] as number]?.value.entries).toEqual([0]);
    for (const { source } of found.gates) expect(source).toMatch(/circuitEffects\.test\.ts:/);
    expect(w.toArray()).toEqual([2]);
  });

  test.each<[string, (w: Parameter, loss: Tensor) => Tensor]>([
    ["reads", (w) => sum(w.mul(3))],
    ["assigns", (w) => sum(assign(w, w.mul(3)))],
    ["differentiates", (w, loss) => sum(gradients(loss.mul(3), [w])[0] as Tensor)],
  ])("are there for a function that %s only at some calls", (_, after) => {
    for (const first of [false, true]) {
      const { w, optimizer } = one();
      let again = first;
      const found = circuit(() => {
        again = !again;
        const loss = sum(w.mul(w));
        optimizer.minimize(loss);
        return again ? after(w, loss) : loss;
      }, []);
      const [mul, , ...rest] = names(found);
      expect(mul).toBe("mul");
      // The last recording is what is shown, whole.
      expect(rest.length > 0).toBe(again);
    }
  });

  test("are refused as they would be", () => {
    const { w, optimizer } = one();
    expect(() =>
      circuit(
        (x: Tensor) => {
          const loss = sum(x.add(stopGradient(w)));
          optimizer.minimize(loss);
          return loss;
        },
        [tensor([1])],
      ),
    ).toThrow(
      new Error(
        "minimize: the loss reaches none of the parameters: got Tensor(f32[]), expected one computed from Parameter(w: f32[1]) or others",
      ),
    );
    expect(() =>
      circuit(() => {
        optimizer.minimize(w.mul(w));
        return sum(w);
      }, []),
    ).toThrow(/^gradients: result is not a scalar: got \[1\]/);
  });
});

test("the user's line is found through many calls of the library", () => {
  let model: nn.Layer = new nn.ReLU();
  for (let level = 0; level < 30; level++) model = new nn.Sequential(model);
  const found = circuit((x: Tensor) => sum(model.forward(x)), [tensor([1, -1])]);
  for (const { source } of found.gates) expect(source).toMatch(/circuitEffects\.test\.ts:/);
});

test("a Parameter that is assigned and read again is the value assigned", () => {
  const w = parameter([2], { name: "w" });
  const found = circuit(() => {
    const first = w.mul(3);
    assign(w, first);
    return sum(w.mul(w));
  }, []);
  expect(valuesAt(found, "w")).toEqual([2]);
  expect(gradientOf(found, "w")).toEqual([36]);
  expect(w.toArray()).toEqual([2]);
});
