/** Circuits as text, Graphviz, JSON and words; by module; a rule for every op. */
import { readdirSync, readFileSync } from "node:fs";
import { instance } from "@viz-js/viz";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  add,
  avgPool2d,
  conv2d,
  mul,
  ones,
  relu,
  sigmoid,
  square,
  sum,
  type Tensor,
  tensor,
} from "../../src/index.js";
import {
  type CircuitData,
  circuit,
  collapsed,
  type Gate,
  grouped,
} from "../../src/inspect/index.js";
import { hasRule } from "../../src/inspect/rules.js";
import * as nn from "../../src/nn/index.js";

const plain = { color: false } as const;
const xyz = circuit(
  (x: Tensor, y: Tensor, z: Tensor) => {
    const q = add(x, y);
    return { q, f: mul(q, z) };
  },
  [-2, 5, -4],
  { names: ["x", "y", "z"] },
);
const forked = circuit((x: Tensor) => ({ f: sum(mul(sigmoid(x), x)) }), [tensor([1, -2])], {
  names: ["x"],
});

describe("text", () => {
  test("a row for each wire: value and gradient", () => {
    expect(xyz.toText(plain)).toBe(`2 gates
wire           value  gradient of f
x                 -2             -4
y                  5             -4
z                 -4              3
q = add(x, y)      3             -4
f = mul(q, z)    -12              1`);
  });

  test("forks are sums, term by term", () => {
    const rows = forked
      .toText({ ...plain, entries: 8 })
      .split("\n")
      .map((line) => line.trim().split(/ {2,}/));
    expect(rows).toEqual([
      ["3 gates"],
      ["wire", "value", "gradient of f"],
      ["x", "[2] (1, -2)", "[2] (0.927671, -0.0907842)"],
      ["= by mul1", "[2] (0.731059, 0.119203)"],
      ["+ by sigmoid0", "+ [2] (0.196612, -0.209987)"],
      ["sigmoid0 = sigmoid(x)", "[2] (0.731059, 0.119203)", "[2] (1, -2)"],
      ["mul1 = mul(sigmoid0, x)", "[2] (0.731059, -0.238406)", "[2] (1, 1)"],
      ["f = sum(mul1, axes [0])", "0.492653", "1"],
    ]);
  });

  test("tensors by shape, range and norm; those entries that are not shown are counted", () => {
    const row = (entries: number): string =>
      circuit((x: Tensor) => sum(x), [tensor([3, 4, 0])])
        .toText({ ...plain, entries })
        .split("\n")[2] as string;
    expect(row(0)).toMatch(/^x0 +\[3\] 0 … 4 ‖5‖ +\[3\] 1 … 1 ‖1.73‖$/);
    expect(row(2)).toMatch(/^x0 +\[3\] \(3, 4, … 1 more\) +\[3\] \(1, 1, … 1 more\)$/);
  });

  test("an empty tensor, NaN and infinities", () => {
    const rows = circuit(
      (x: Tensor, y: Tensor) => add(sum(x), sum(y)),
      [tensor([]), tensor([Number.NaN, Number.NEGATIVE_INFINITY])],
    ).toText(plain);
    expect(rows).toMatch(/x0 +\[0\] empty +\[0\] empty\n/);
    expect(rows).toMatch(/x1 +\[2\] NaN … NaN ‖NaN‖/);
  });

  test("gates say what they hold, and open", () => {
    const found = circuit((x: Tensor) => sum(x.silu()), [tensor([1, 2])], { names: ["x"] });
    expect(found.toText(plain)).toMatch(/^silu0 = silu\(x\) \[2 gates inside\] /m);
    const opened = found
      .toText({ ...plain, depth: 1 })
      .split("\n")
      .map((line) => line.split(/ {2,}/)[0]);
    expect(opened).toEqual([
      "2 gates",
      "wire",
      "x",
      "silu0 = silu(x)",
      "│ x",
      "│",
      "│",
      "│ sigmoid0 = sigmoid(x)",
      "│ silu0 = mul(x, sigmoid0)",
      "sum1 = sum(silu0, axes [0])",
    ]);
  });

  describe("colours", () => {
    const process = globalThis.process;
    afterEach(() => vi.unstubAllGlobals());
    const green = "\u001b[32m";
    const red = "\u001b[31m";

    test("values green, gradients red", () => {
      expect(xyz.toText({ color: true })).toContain(
        `q = add(x, y)  ${green}    3\u001b[0m  ${red}           -4\u001b[0m`,
      );
    });

    test.each([
      ["a terminal", { stdout: { isTTY: true }, env: {} }, true],
      ["NO_COLOR", { stdout: { isTTY: true }, env: { NO_COLOR: "1" } }, false],
      ["NO_COLOR that is empty", { stdout: { isTTY: true }, env: { NO_COLOR: "" } }, true],
      ["a pipe", { stdout: {}, env: {} }, false],
      ["no process", undefined, false],
    ])("by default: %s", (_, stub, colored) => {
      vi.stubGlobal("process", stub);
      const text = xyz.toText();
      vi.stubGlobal("process", process);
      expect(text.includes(green)).toBe(colored);
    });

    test("none in toString", () => {
      expect(String(xyz)).toBe(xyz.toText(plain));
    });
  });
});

describe("steps", () => {
  test("walk the backward pass, last gate first, with the rule and the numbers", () => {
    expect(xyz.steps().map(({ text }) => text)).toEqual([
      "f = mul(q, z): multiply swaps the inputs and scales: each gets the gradient times the other one. " +
        "Given df = 1: dq = 1 · -4 = -4, dz = 1 · 3 = 3",
      "q = add(x, y): add distributes the gradient to all of its inputs, unchanged. " +
        "Given dq = -4: dx = -4 · 1 = -4, dy = -4 · 1 = -4",
    ]);
  });

  test("upstream × local = downstream, gate by gate", () => {
    for (const { upstream, local, downstream } of forked.steps())
      for (const [operand, factor] of local.entries())
        factor?.entries.forEach((value, index) => {
          expect((upstream[0]?.entries[index] as number) * value).toBeCloseTo(
            downstream[operand]?.entries[index] as number,
            6,
          );
        });
  });

  test("gates that no gradient arrives at are passed over", () => {
    const found = circuit((x: Tensor) => ({ rest: mul(x, 3), f: square(x) }), [2]);
    expect(found.steps().map(({ gate }) => gate.id)).toEqual([1]);
  });

  test("a gate that keeps the gradient says so", () => {
    const found = circuit((x: Tensor) => add(x.floor(), x), [1.5]);
    expect(found.steps().at(-1)?.text).toBe(
      "floor0 = floor(x0): its steps are flat: it passes no gradient. Given dfloor0 = 1: nothing goes on",
    );
  });
});

test("JSON is plain, and keeps what it has no numbers for as strings", () => {
  const found = circuit(
    (x: Tensor) => sum(x),
    [tensor([Number.NaN, Number.POSITIVE_INFINITY, -0])],
  );
  const { wires, gates, inputs, outputs } = JSON.parse(JSON.stringify(found)) as CircuitData;
  expect(wires[0]?.value.entries).toEqual(["NaN", "Infinity", "-0"]);
  expect(wires[0]?.value.min).toBe("NaN");
  expect([inputs, outputs, gates[0]?.name]).toEqual([[0], [1], "sum"]);
  expect(Object.keys(found)).toEqual(["gates", "wires", "inputs", "outputs"]);
  expect(wires.map(({ value }) => value.entries.map(Number))).toEqual(
    found.wires.map(({ value }) => value.entries),
  );
});

class Block extends nn.Module {
  readonly first = new nn.Linear(3, 3);
  readonly second = new nn.Linear(3, 3);
  forward(x: Tensor): Tensor {
    return add(x, this.second.forward(relu(this.first.forward(x))));
  }
}
const network = new nn.Sequential(new Block(), new nn.LayerNorm(3), new Block());
network.parameters();
const deep = circuit((x: Tensor) => sum(square(network.forward(x))), [tensor([[1, 2, 3]])], {
  names: ["x"],
});

describe("by module", () => {
  test("gates as a tree", () => {
    const { groups, gates, count } = grouped(deep);
    expect(count).toBe(deep.gates.length);
    expect(gates.map((id) => deep.gates[id]?.name)).toEqual(["mul", "sum"]);
    expect(groups.map(({ key, count: n }) => [key, n])).toEqual([
      ["0", 4],
      ["1", groups[1]?.count],
      ["2", 4],
    ]);
    expect(groups[0]?.groups.map(({ key, gates: own }) => [key, own.length])).toEqual([
      ["0.first", 1],
      ["0.second", 1],
    ]);
  });

  const names = (gates: readonly Gate[]): string[] => gates.map(({ name }) => name);

  test("modules as gates that open", () => {
    const whole = collapsed(deep);
    expect(names(whole.gates)).toEqual(["0", "1", "2", "mul", "sum"]);
    const [first] = whole.gates as [Gate];
    expect(first.attributes).toBe("4 gates");
    expect(names(first.inside?.gates ?? [])).toEqual(["0.first", "relu", "0.second", "add"]);
    expect(whole.wires.filter(({ kind }) => kind === "parameter")).toEqual([]);
  });

  /** Counts gates, and checks that every wire is made where it says and terms come from its users. */
  function countChecked(found: CircuitData): number {
    for (const [id, wire] of found.wires.entries()) {
      expect(wire.id).toBe(id);
      if (wire.from === undefined) expect(found.inputs).toContain(id);
      else expect(found.gates[wire.from]?.outputs).toContain(id);
      for (const { gate, operand } of wire.terms)
        if (gate >= 0) expect(found.gates[gate]?.inputs[operand]).toBe(id);
    }
    return found.gates.reduce((sum, gate, id) => {
      expect(gate.id).toBe(id);
      for (const at of gate.inputs) {
        const from = found.wires[at]?.from;
        expect(from === undefined || from < id).toBe(true);
      }
      if (!gate.inside) return sum + 1;
      const { inside } = gate;
      expect(inside.outputs.length).toBe(gate.outputs.length);
      gate.inputs.forEach((at, index) => {
        expect(inside.wires[inside.inputs[index] as number]?.value).toEqual(found.wires[at]?.value);
      });
      const count = countChecked(inside);
      return sum + (gate.group ? count : 1);
    }, 0);
  }

  test("nothing is lost, and all is in its place", () => {
    expect(countChecked(deep)).toBe(deep.gates.length);
    expect(countChecked(collapsed(deep))).toBe(deep.gates.length);
  });

  test("a wire keeps its gradient; its terms are those beside it", () => {
    const inside = collapsed(deep).gates[0]?.inside as CircuitData;
    const [x] = inside.wires;
    expect(x?.gradient).toEqual(deep.wires[0]?.gradient);
    expect(x?.terms.map(({ gate }) => inside.gates[gate]?.name)).toEqual(["add", "0.first"]);
  });

  test("text says how much is closed, and opens it", () => {
    const text = deep.toText({ ...plain, modules: 0 });
    expect(text).toMatch(
      new RegExp(`^${deep.gates.length} gates, by module in 5; the option modules opens them\n`),
    );
    expect(text).toMatch(/^add3 = 0\(x\): 4 gates /m);
    expect(deep.toText({ ...plain, modules: 2 })).toMatch(/^│ │ 0\.first\.weight /m);
    expect(deep.toText(plain)).toMatch(/^0\.first:$/m);
  });

  test("modules and fused gates open apart from each other", () => {
    const one = deep.toText({ ...plain, modules: 1 });
    expect(one).toMatch(/^│ /m);
    expect(one).not.toMatch(/^│ │ /m);
    expect(deep.toText({ ...plain, modules: 0, depth: 9 })).not.toMatch(/^│ /m);
    const closed = deep.toText({ ...plain, modules: 0 });
    expect(deep.collapsed().toText(plain)).toBe(closed.replace(/, by module.*/, ""));
  });

  test("circuits of more than a hundred gates are shown so by default", () => {
    const many = new nn.Sequential(
      ...Array.from({ length: 101 }, () => new nn.ReLU()),
      new nn.Linear(1, 1),
    );
    many.parameters();
    const found = circuit((x: Tensor) => sum(many.forward(x)), [tensor([[1]])]);
    expect(found.toText(plain)).toMatch(/^103 gates, by module in 103;/);
    expect(found.toText({ ...plain, modules: Number.POSITIVE_INFINITY })).toMatch(/^103 gates\n/);
  });
});

describe("Graphviz", () => {
  test.each([
    ["scalars", () => xyz.toDot()],
    ["forks", () => forked.toDot()],
    ["modules closed", () => deep.toDot({ modules: 0 })],
    ["modules and gates opened", () => deep.toDot({ modules: 9, depth: 9 })],
    [
      "words that have to be escaped",
      () =>
        circuit(
          ({ 'a<b>&"c': x }: Record<string, Tensor>) => square(x as Tensor),
          [{ 'a<b>&"c': 2 }],
        ).toDot(),
    ],
    ["an input alone", () => circuit((x: Tensor) => x, [1]).toDot()],
  ])("draws %s", async (_, write) => {
    const { status, errors } = (await instance()).render(write(), { format: "svg" });
    // Its own font has no measure of ∇ and ‖.
    const wrong = errors.filter(({ message }) => !/non-ASCII/.test(message));
    expect([status, wrong]).toEqual(["success", []]);
  });

  test("gates are nodes, and edges carry value and gradient", async () => {
    const { objects, edges } = (await instance()).renderJSON(xyz.toDot()) as {
      objects: { shape: string; label: string }[];
      edges: { label?: string }[];
    };
    expect(objects.map(({ shape }) => shape)).toEqual([
      "box",
      "box",
      "box",
      "ellipse",
      "ellipse",
      "box",
    ]);
    const numbers = edges.map(({ label = "" }) =>
      label.replaceAll(/<br\/>/g, " ").replaceAll(/<[^>]*>/g, ""),
    );
    expect(numbers).toEqual(["-2 ∇ -4", "5 ∇ -4", "3 ∇ -4", "-4 ∇ 3", ""]);
  });
});

test("every op of the library has a rule in words", () => {
  const folder = new URL("../../src/", import.meta.url);
  const made =
    /\b(?:unary|binary|backward|draw|update|comparison|logical|reduction|extremum)\(\s*"(\w+)"|\bname: "(\w+)",\n\s+(?:cost|infer|vjp)/g;
  const names = ["ops/", "autodiff/", ""].flatMap((part) =>
    readdirSync(new URL(part, folder))
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) =>
        [...readFileSync(new URL(part + file, folder), "utf8").matchAll(made)].map(
          ([, a, b]) => (a ?? b) as string,
        ),
      ),
  );
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name) => !hasRule(name))).toEqual([]);
});

test("a window says its size, and what is not as usual", () => {
  const image = ones([2, 3, 8, 9]);
  const attributesOf = (f: (x: Tensor) => Tensor): string | undefined =>
    circuit((x: Tensor) => f(x).sum(), [image]).gates[0]?.attributes;
  const filters = ones([4, 3, 3, 2]);
  expect(attributesOf((x) => conv2d(x, filters))).toBe("kernel 3 × 2");
  expect(attributesOf((x) => conv2d(x, filters, undefined, { stride: 2, padding: [1, 0] }))).toBe(
    "kernel 3 × 2, stride 2, padding 1 × 0",
  );
  expect(attributesOf((x) => conv2d(x, ones([3, 1, 3, 2]), undefined, { groups: 3 }))).toBe(
    "kernel 3 × 2, groups 3",
  );
  expect(attributesOf((x) => avgPool2d(x, 2))).toBe("kernel 2 × 2, stride 2, countIncludePad");
});
