/** Circuits of every kind that is drawn: of the teaching notes, of networks, with modules. */
import { type Tensor, tensor } from "../../src/core.js";
import { type CircuitData, circuit, type Gate, type Wire } from "../../src/inspect/index.js";
import * as nn from "../../src/nn/index.js";
import { normal, seed } from "../../src/random.js";

type Values = readonly Tensor[];
const at = (x: Values, k: number): Tensor => x[k] as Tensor;

class Block extends nn.Module {
  readonly norm = new nn.LayerNorm([8]);
  readonly attention = new nn.MultiheadAttention(8, 2);
  readonly mlp = new nn.Sequential(new nn.Linear(8, 16), new nn.GELU(), new nn.Linear(16, 8));

  forward(x: Tensor): Tensor {
    const y = this.norm.forward(x);
    const attended = x.add(this.attention.forward(y, y, y));
    return attended.add(this.mlp.forward(attended));
  }
}

export const EXAMPLES: Readonly<Record<string, () => CircuitData>> = {
  "(x + y) z": () =>
    circuit((x: Tensor, y: Tensor, z: Tensor) => ({ f: x.add(y).mul(z) }), [-2, 5, -4], {
      names: ["x", "y", "z"],
    }),
  "a sigmoid neuron": () =>
    circuit(
      (...v: Tensor[]) => {
        const sum = at(v, 0)
          .mul(at(v, 1))
          .add(at(v, 2).mul(at(v, 3)))
          .add(at(v, 4));
        return { f: sum.neg().exp().add(1).reciprocal() };
      },
      [2, -1, -3, -2, -3],
      { names: ["w0", "x0", "w1", "x1", "w2"] },
    ),
  "a staged function": () =>
    circuit(
      (x: Tensor, y: Tensor) => ({
        f: x.add(y.sigmoid()).div(x.sigmoid().add(x.add(y).square())),
      }),
      [3, -4],
      { names: ["x", "y"] },
    ),
  "a wire that forks into one gate": () =>
    circuit((x: Tensor) => x.mul(x).mul(x), [3], { names: ["x"] }),
  "the input itself": () => circuit((x: Tensor) => x, [3], { names: ["x"] }),
  "two results, one used by the other": () =>
    circuit((x: Tensor) => ({ a: x.exp(), b: x.exp().sum() }), [2], { names: ["x"] }),
  "a network of layers": () => {
    seed(1);
    const model = new nn.Sequential(
      new nn.Linear(4, 5),
      new nn.BatchNorm1d(5),
      new nn.ReLU(),
      new nn.Linear(5, 3),
    );
    model.parameters();
    const labels = tensor([0, 1, 2, 0, 1, 2], { dtype: "i32" });
    return circuit(
      (x: Tensor, y: Tensor) => ({ loss: nn.crossEntropy(model.forward(x), y) }),
      [normal([6, 4]), labels],
      { names: ["x", "labels"] },
    );
  },
  "a transformer of two blocks": () => {
    seed(1);
    const model = new nn.Sequential(new Block(), new Block());
    model.parameters();
    return circuit((x: Tensor) => ({ f: model.forward(x).square().mean() }), [normal([2, 3, 8])], {
      names: ["x"],
    });
  },
};

const summary = (value: number) =>
  ({
    shape: [],
    dtype: "f32",
    min: value,
    max: value,
    mean: value,
    norm: Math.abs(value),
    entries: [value],
  }) as const;

/** A chain of gates, each using the wires `back` and 1 before it; `modules` names those of a gate. */
export function chain(
  length: number,
  modules: (gate: number) => readonly string[] = () => [],
  back = 2,
): CircuitData {
  const gates = Array.from(
    { length },
    (_, id): Gate => ({
      id,
      name: "add",
      attributes: "",
      inputs: [id, Math.max(0, id + 1 - back)],
      outputs: [id + 1],
      modules: modules(id),
      source: undefined,
      rule: "add distributes",
      locals: [summary(1), summary(1)],
      inside: undefined,
    }),
  );
  const wires = Array.from(
    { length: length + 1 },
    (_, id): Wire => ({
      id,
      label: id === 0 ? "x" : `add${id - 1}`,
      kind: id === 0 ? "input" : "value",
      from: id === 0 ? undefined : id - 1,
      value: summary(id / 7),
      gradient: summary(1 / (id + 1)),
      terms: [],
    }),
  );
  return { gates, wires, inputs: [0], outputs: [length] };
}
