/** Drawings: everything is there once, nothing lies on anything else, text is text. */
import * as dagre from "@dagrejs/dagre";
import { describe, expect, test } from "vitest";
import type { Drawing, PlacedLabel, Run } from "../../src/inspect/draw/drawing.js";
import { layout } from "../../src/inspect/draw/layout.js";
import { entriesText, full, short } from "../../src/inspect/draw/numbers.js";
import { everyKey } from "../../src/inspect/draw/open.js";
import { packed, unpacked } from "../../src/inspect/draw/packed.js";
import { groupsOf, makeScene, type Part } from "../../src/inspect/draw/scene.js";
import { type CircuitData, circuit as circuitOf, toHtml, toSvg } from "../../src/inspect/index.js";
import { Linear, ReLU, Sequential } from "../../src/nn/index.js";
import { ones } from "../../src/pure.js";
import type { Tensor } from "../../src/tensor.js";
import { chain, EXAMPLES } from "./examples.js";
import { type Element, elementsOf, parseXml, textOf } from "./markup.js";

const examples = Object.entries(EXAMPLES).map(([name, make]) => [name, make()] as const);
const all = { depth: Number.POSITIVE_INFINITY, modules: Number.POSITIVE_INFINITY };

const namesOf = (svg: string, attribute: string): string[] =>
  [...elementsOf(parseXml(svg))].flatMap(({ attributes }) => attributes[attribute] ?? []);

/** Keys of all gates, or wires, of a circuit and of what is inside of its gates. */
const keysOf = (circuit: CircuitData, kind: "gates" | "wires", path = ""): string[] => [
  ...circuit[kind].map(({ id }) => `${path}${kind[0]}${id}`),
  ...circuit.gates.flatMap(({ id, inside }) =>
    inside ? keysOf(inside, kind, `${path}${id}/`) : [],
  ),
];

describe.each(examples)("%s", (_, circuit) => {
  test("every gate and every wire is drawn once", async () => {
    const svg = await toSvg(circuit, { modules: Number.POSITIVE_INFINITY });
    const gates = circuit.gates.map(({ id }) => `g${id}`);
    const wires = circuit.wires.map(({ id }) => `w${id}`);
    expect(namesOf(svg, "data-gate").sort()).toEqual(gates.sort());
    expect(namesOf(svg, "data-wire").sort()).toEqual(wires.sort());
  });

  test("with all gates open, what is in them is drawn as well", async () => {
    const svg = await toSvg(circuit, all);
    expect(namesOf(svg, "data-gate").sort()).toEqual(keysOf(circuit, "gates").sort());
    // A result of an open gate has its label where it is made, and only its line outside.
    const labelled = namesOf(svg, "data-wire");
    expect(new Set(labelled).size).toBe(labelled.length);
    const drawn = new Set([...labelled, ...namesOf(svg, "data-through")]);
    expect([...drawn].sort()).toEqual(keysOf(circuit, "wires").sort());
  });

  test.each([
    ["as it is", new Set<string>()],
    ["with all open", new Set(everyKey(makeScene(circuit)))],
  ])("nothing lies on anything else, %s", (_, open) => {
    const drawing = layout(makeScene(circuit), open, dagre);
    expect(overlaps(drawing)).toEqual([]);
    expect(crossed(drawing)).toEqual([]);
  });

  test("the same again is the same, and asks nothing of a network", async () => {
    const [svg, html] = [await toSvg(circuit, all), await toHtml(circuit, all)];
    expect(await toSvg(circuit, all)).toBe(svg);
    expect(await toHtml(circuit, all)).toBe(html);
    const outside = (text: string): string[] =>
      (text.match(/https?:[^\s"')]*|\b(href|src)=|url\(|@import/g) ?? []).filter(
        (found) => found !== "http://www.w3.org/2000/svg",
      );
    expect(outside(svg)).toEqual([]);
    // Licences in comments name where they are from.
    expect(outside(html.replace(/\/\*[\s\S]*?\*\//g, ""))).toEqual([]);
  });
});

interface Rectangle {
  readonly name: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const rectangle = (name: string, { x, y, width, height }: PlacedLabel): Rectangle => ({
  name,
  left: x - width / 2,
  right: x + width / 2,
  top: y - height / 2,
  bottom: y + height / 2,
});

const labelsOf = ({ nets }: Drawing): Rectangle[] =>
  nets.flatMap(({ key, label, branches }) =>
    [...(label ? [label] : []), ...branches].map((placed, k) => rectangle(`${key} ${k}`, placed)),
  );

/** Pairs of labels and closed boxes that have an area in common. */
function overlaps(drawing: Drawing): string[] {
  const boxes = drawing.boxes
    .filter(({ open }) => open !== true)
    .map(({ key, x, y, width, height }) => ({
      name: key,
      left: x,
      right: x + width,
      top: y,
      bottom: y + height,
    }));
  const parts = [...boxes, ...labelsOf(drawing)];
  const slack = 0.2;
  return parts.flatMap((a, k) =>
    parts
      .slice(k + 1)
      .filter(
        (b) =>
          a.left < b.right - slack &&
          b.left < a.right - slack &&
          a.top < b.bottom - slack &&
          b.top < a.bottom - slack,
      )
      .map((b) => `${a.name} and ${b.name}`),
  );
}

/** Labels that the line of another wire runs through: stretches, and the curves between them. */
function crossed(drawing: Drawing): string[] {
  const labels = labelsOf(drawing);
  const hits: string[] = [];
  for (const { key, lines } of drawing.nets)
    for (const line of lines)
      for (const [k, run] of line.entries()) {
        const before: Run | undefined = line[k - 1];
        const areas = [{ left: run.from, right: run.to, top: run.y, bottom: run.y }];
        if (before)
          areas.push({
            left: before.to,
            right: run.from,
            top: Math.min(before.y, run.y),
            bottom: Math.max(before.y, run.y),
          });
        for (const { left, right, top, bottom } of areas)
          for (const label of labels)
            if (
              !label.name.startsWith(`${key} `) &&
              left < label.right - 0.2 &&
              label.left < right - 0.2 &&
              top < label.bottom - 0.2 &&
              label.top < bottom - 0.2
            )
              hits.push(`${key} crosses ${label.name}`);
      }
  return hits;
}

describe("what is written on it", () => {
  const labelTexts = (svg: string): string[] =>
    [...elementsOf(parseXml(svg))]
      .filter(({ name, attributes }) => name === "g" && attributes.class === "label")
      .map((label) => [...elementsOf(label)].map(textOf).join(" | "));

  test("values and gradients of (x + y) z at (−2, 5, −4)", async () => {
    const svg = await toSvg((EXAMPLES["(x + y) z"] as () => CircuitData)());
    expect(labelTexts(svg).sort()).toEqual(
      ["−2 | ∂ −4", "5 | ∂ −4", "−4 | ∂ 3", "3 | ∂ −4", "−12 | f | ∂ 1"].sort(),
    );
  });

  test("a fork has the sum and its terms", async () => {
    const svg = await toSvg((EXAMPLES["a wire that forks into one gate"] as () => CircuitData)());
    // d x·x·x = 9 for each of the three.
    const texts = labelTexts(svg);
    expect(texts.filter((text) => text === "∂ 9")).toHaveLength(3);
    expect(texts).toContain("3 | ∂ 27 = 9 + 9 + 9");
  });

  test("titles say upstream × local = downstream", async () => {
    const svg = await toSvg((EXAMPLES["(x + y) z"] as () => CircuitData)());
    const gates = [...elementsOf(parseXml(svg))].filter((e) => e.attributes["data-gate"]);
    const title = ({ children }: Element): string => textOf(children[0] as Element);
    expect(gates.map(title).join("\n")).toContain("1 × −4 = −4");
  });

  test("is text, whatever it says", async () => {
    const name = `</title><script>alert("&amp;'")</script>\u0007`;
    const circuit = chain(2);
    const wires = circuit.wires.map((wire) => (wire.id === 0 ? { ...wire, label: name } : wire));
    const gates = circuit.gates.map((gate) => ({ ...gate, name, rule: name, source: name }));
    const odd = { ...circuit, wires, gates };
    const svg = await toSvg(odd, { title: name });
    const shown = name.replace("\u0007", "");
    expect(textOf(parseXml(svg))).toContain(shown);
    expect([...elementsOf(parseXml(svg))].map((element) => element.name)).not.toContain("script");
    const html = await toHtml(odd, { title: name });
    expect(html).not.toContain("<script>alert");
    expect(html.match(/<\/script>/g)).toHaveLength(2);
  });
});

describe("large circuits", () => {
  const shownOf = (parts: readonly Part[]): number => parts.length;

  test.each([
    ["without modules", chain(5000), ["gates 0 to 70", "gates 71 to 141"]],
    [
      "by modules",
      chain(5000, (gate) => [`blocks.${Math.floor(gate / 50)}`]),
      ["blocks.0 to blocks.9", "blocks.10 to blocks.19"],
    ],
    [
      "by a few modules",
      chain(5000, (gate) => [gate < 2500 ? "encoder" : "decoder", `${Math.floor(gate / 100)}`]),
      ["encoder", "decoder"],
    ],
  ])("5,000 gates %s are grouped, and all of them are in a group", (_, circuit, titles) => {
    const { parts } = makeScene(circuit);
    expect(parts.slice(0, 2).map((part) => part.kind === "group" && part.title)).toEqual(titles);
    const groups = groupsOf(parts);
    for (const group of groups) expect(shownOf(group.parts)).toBeLessThanOrEqual(80);
    const gates = [parts, ...groups.map((group) => group.parts)]
      .flat()
      .flatMap((part) => (part.kind === "gate" ? [part.gate.id] : []));
    expect(gates.sort((a, b) => a - b)).toEqual(circuit.gates.map(({ id }) => id));
  });

  test("closed groups say how much is in them", async () => {
    const svg = await toSvg(
      chain(5000, (gate) => [gate < 2500 ? "encoder" : "decoder"]),
      {
        modules: 0,
      },
    );
    expect(namesOf(svg, "data-group")).toEqual(["m0-2500:encoder", "m2500-5000:decoder"]);
    expect(textOf(parseXml(svg))).toContain("2,500 gates");
  });

  test("a module that is used twice is two groups", () => {
    const circuit = chain(6, (gate) => (gate === 2 || gate === 3 ? [] : ["shared"]));
    expect(makeScene(circuit).parts.map(({ key }) => key)).toEqual([
      "m0-2:shared",
      "g2",
      "g3",
      "m4-6:shared",
    ]);
  });
});

test.each<[number, "f32" | "f64" | "i32", string, string]>([
  [0, "f32", "0", "0"],
  [-0, "f32", "−0", "−0"],
  [Number.NaN, "f32", "NaN", "NaN"],
  [Number.POSITIVE_INFINITY, "f32", "∞", "∞"],
  [Number.NEGATIVE_INFINITY, "f32", "−∞", "−∞"],
  [Math.fround(0.1), "f32", "0.1", "0.1"],
  [0.1 + 0.2, "f64", "0.3000", "0.30000000000000004"],
  [Math.fround(1 / 3), "f32", "0.3333", "0.33333334"],
  [-12, "f32", "−12", "−12"],
  [123456, "i32", "1.235e5", "123456"],
  [1e-7, "f64", "1e−7", "1e−7"],
  [Math.fround(1.2345678e-7), "f32", "1.235e−7", "1.2345679e−7"],
])("%s of %s is %s, in full %s", (value, dtype, few, all) => {
  expect(short(value, dtype)).toBe(few);
  expect(full(value, dtype)).toBe(all);
});

test("entries stand in rows, and those that are missing are counted", () => {
  const base = { dtype: "f32", min: 1, max: 5, mean: 3, norm: 9 } as const;
  expect(entriesText({ ...base, shape: [3, 2], entries: [1, 2, 3, -4, 5] })).toBe(
    " 1   2\n 3  −4\n 5\n… 1 more of 6",
  );
  expect(entriesText({ ...base, shape: [0], entries: [] })).toBe("");
});

test("a circuit comes out of a page as it went in", () => {
  const circuit = chain(3);
  const odd = { min: Number.NaN, max: Number.POSITIVE_INFINITY, mean: -0, norm: 1 };
  const wires = circuit.wires.map((wire) => ({
    ...wire,
    value: { ...wire.value, ...odd, entries: [Number.NEGATIVE_INFINITY, -0, Number.NaN] },
    gradient: wire.id === 1 ? undefined : wire.gradient,
    terms: [{ gate: -1, operand: 0, gradient: wire.value }],
  }));
  const gates = circuit.gates.map((gate) => ({ ...gate, inside: chain(1), locals: [undefined] }));
  const whole = { ...circuit, wires, gates };
  expect(unpacked(JSON.parse(JSON.stringify(packed(whole))))).toEqual(whole);
});

test.each<[unknown, unknown, string]>([
  [null, {}, "no circuit: got null, expected what circuit(f, inputs) returns"],
  [{ gates: [] }, {}, "no circuit: got an Object, expected what circuit(f, inputs) returns"],
  [chain(1), null, "bad options: got null, expected an object"],
  [chain(1), { size: 3 }, "unknown option: got size, expected depth, modules or title"],
  [chain(1), { depth: "1" }, 'bad depth: got "1", expected a whole number ≥ 0, or Infinity'],
  [chain(1), { depth: -1 }, "bad depth: got -1, expected a whole number ≥ 0, or Infinity"],
  [chain(1), { modules: 0.5 }, "bad modules: got 0.5, expected a whole number ≥ 0, or Infinity"],
  [chain(1), { title: 3 }, "bad title: got 3, expected a string"],
])("%o with %o is refused", async (circuit, options, message) => {
  await expect(toSvg(circuit as never, options as never)).rejects.toThrow(`toSvg: ${message}`);
  await expect(toHtml(circuit as never, options as never)).rejects.toThrow(`toHtml: ${message}`);
});

describe("operands stand in their order, from the top", () => {
  const neuron = () =>
    circuitOf(
      (w0: Tensor, x0: Tensor, w1: Tensor, x1: Tensor, w2: Tensor) =>
        w0.mul(x0).add(w1.mul(x1)).add(w2).sigmoid(),
      [2, -1, -3, -2, -3],
      { names: ["w0", "x0", "w1", "x1", "w2"] },
    );
  const layers = () => {
    const model = new Sequential(new Linear(2, 3), new ReLU(), new Linear(3, 2));
    model.parameters();
    return circuitOf((x: Tensor) => model.forward(x).sum(), [ones([4, 2])], { names: ["x"] });
  };
  test.each<[string, () => CircuitData, string[][]]>([
    ["a neuron", neuron, [["w0", "x0", "w1", "x1"]]],
    [
      "layers",
      layers,
      [
        ["x", "0.weight", "0.bias"],
        ["2.weight", "2.bias"],
      ],
    ],
  ])("%s", (_, make, orders) => {
    const circuit = make();
    const { boxes } = layout(makeScene(circuit), new Set(everyKey(makeScene(circuit))), dagre);
    for (const order of orders) {
      const found = boxes.filter(({ title }) => order.includes(title)).sort((a, b) => a.y - b.y);
      expect(found.map(({ title }) => title)).toEqual(order);
    }
  });
});
