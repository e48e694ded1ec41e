/** The parts of `npm run bench:peers` that need no peer: equal data, ratios, tables. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const folder = new URL("../bench/peers/", import.meta.url);
/** Its modules are plain JavaScript. */
const load = (name: string) => import(new URL(name, folder).href);
const { agreement, pairedRatio, quartiles, summarize } = await load("ratios.mjs");
const { align, markdown, text } = await load("table.mjs");
const { roundsFor } = await load("measure.mjs");
const { batchesIn, makeArrays, packArrays, probe, transposed, unpackArrays, weightsIn, WORKLOADS } =
  await load("workloads.mjs");

interface Named {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}
const workload = (name: string) =>
  WORKLOADS.find((each: { readonly name: string }) => each.name === name);

describe("agreement", () => {
  it.each([
    ["equal", [1, 2], [1, 2], 0, true],
    ["apart by a part of the largest expected", [1, 2.02], [1, 2], 0.01, false],
    ["within the tolerance", [1, 2.0001], [1, 2], 0.00005, true],
    ["of as many as both have", [1], [1, 2, 3], 0, true],
    ["NaN", [1, Number.NaN], [1, 2], Number.NaN, false],
    ["Infinity", [Number.POSITIVE_INFINITY], [1], Number.POSITIVE_INFINITY, false],
    ["nothing", [], [], Number.NaN, false],
    ["zeros", [0, 0], [0, 0], 0, true],
  ])("%s", (_, values, expected, worst, equal) => {
    const found = agreement(values, expected, 1e-4);
    expect(found.equal).toBe(equal);
    if (Number.isFinite(worst)) expect(found.worst).toBeCloseTo(worst, 10);
    else expect(found.worst).toBe(worst);
  });
});

describe("ratios", () => {
  const entry = (
    rounds: readonly number[],
    samples: readonly (readonly number[])[],
    more = {},
  ) => ({
    ...{ name: "peer", compared: 3, worst: 0, rounds, samples },
    ...more,
  });
  const base = entry([0, 1, 2, 3], [[1], [2], [4], [1, 1, 9]], { name: "own" });

  it("are paired within rounds, each by its medians", () => {
    const all = entry([0, 1, 2, 3], [[2], [6], [16], [5]]);
    expect(pairedRatio(all, base)).toEqual({
      ...{ p25: 2.75, median: 3.5, p75: 4.25, best: 2, rounds: 4 },
    });
  });
  it("leave out the rounds that only one took part in", () => {
    const some = entry([1, 3], [[20], [10]]);
    expect(pairedRatio(some, base)).toMatchObject({ p25: 10, median: 10, best: 10, rounds: 2 });
    expect(pairedRatio(entry([7], [[20]]), base)).toBeUndefined();
  });
  it("of one call are over the median of all samples", () => {
    const once = entry([], [[30]], { once: true });
    expect(pairedRatio(once, base)).toEqual({ p25: 20, median: 20, p75: 20, best: 30, rounds: 0 });
  });
  it("are 1 within itself, and inverse the other way round", () => {
    const sample = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(sample, sample), { minLength: 1 }), (pairs) => {
        const rounds = pairs.map((_, at) => at);
        const a = entry(
          rounds,
          pairs.map(([x]) => [x]),
        );
        const b = entry(
          rounds,
          pairs.map(([, y]) => [y]),
        );
        expect(pairedRatio(a, a).median).toBe(1);
        const [there, back] = [pairedRatio(a, b), pairedRatio(b, a)];
        if (pairs.length % 2 === 1) expect(there.median * back.median).toBeCloseTo(1, 9);
        expect(there.p25).toBeLessThanOrEqual(there.median);
        expect(there.median).toBeLessThanOrEqual(there.p75);
      }),
    );
  });
  it("quartiles lie between the samples", () => {
    expect(quartiles([4, 1, 3, 2])).toEqual({ p25: 1.75, median: 2.5, p75: 3.25 });
    expect(quartiles([7])).toEqual({ p25: 7, median: 7, p75: 7 });
  });
  it("leave out who cannot, and say why", () => {
    const entries = [base, entry([0], [[2]]), { name: "other", cannot: "no such thing" }];
    const { results, name } = summarize({ name: "work", flops: 4e6, entries }, ["own", "absent"]);
    expect(name).toBe("work");
    expect(results[0]).toMatchObject({ ms: { min: 1, median: 1.5 }, ratios: {} });
    expect(results[1]).toMatchObject({ gflops: 2, ratios: { own: { median: 2, rounds: 1 } } });
    expect(results[2]).toEqual({ name: "other", cannot: "no such thing" });
  });
});

it.each([
  [50, [0, 1, 2, 3, 4, 5]],
  [200, [0, 1, 3, 4]],
  [10_000, [0, 3]],
])("who costs %i ms takes part in rounds %j", (cost, rounds) => {
  expect(roundsFor(cost, { rounds: 6, budget: 800 })).toEqual(rounds);
});

describe("data", () => {
  it("is the same whenever it is made, and the same through a file", () => {
    const arrays: readonly Named[] = makeArrays(workload("step 64-32-10 batch 32"));
    expect(makeArrays(workload("step 64-32-10 batch 32"))).toEqual(arrays);
    const { entries, bytes } = packArrays(arrays);
    const { buffer, byteOffset, length } = bytes;
    const read = unpackArrays(entries, buffer.slice(byteOffset, byteOffset + length));
    expect([...read.values()]).toEqual(arrays);
    expect([...weightsIn(read).keys()]).toEqual([
      "linear0.weight",
      "linear0.bias",
      "linear1.weight",
      "linear1.bias",
    ]);
    expect(batchesIn(read)).toHaveLength(4);
    for (const { x, y } of batchesIn(read)) {
      expect(x.shape).toEqual([32, 64]);
      for (const label of y.data) expect(label >= 0 && label < 10).toBe(true);
    }
  });
  it("has the shapes of the models", () => {
    const shapes = (name: string) =>
      Object.fromEntries(
        makeArrays(workload(name)).map((array: Named) => [array.name, array.shape.join("×")]),
      );
    expect(shapes("step cnn batch 32")).toMatchObject({
      ...{ "conv0.weight": "16×1×3×3", "conv1.weight": "32×16×3×3", "norm1.bias": "32" },
      ...{ "linear.weight": "10×1568", x0: "32×1×28×28", y3: "32" },
    });
    expect(shapes("step gpt batch 8")).toMatchObject({
      ...{ "blocks.3.attention.in_proj.weight": "384×128", "blocks.0.mlp.2.weight": "128×512" },
      ...{ "tokens.weight": "65×128", "head.bias": "65", x0: "8×64", y0: "8×64" },
    });
  });
  it("transposes, and probes evenly", () => {
    const turned = transposed({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
    expect(turned).toEqual({ shape: [3, 2], data: Float32Array.of(1, 4, 2, 5, 3, 6) });
    expect(probe([1, 2, 3])).toEqual([1, 2, 3]);
    expect(probe(Array.from({ length: 128 }, (_, at) => at)).slice(0, 3)).toEqual([0, 2, 4]);
  });
});

describe("tables", () => {
  const ms = { min: 1, p25: 1, median: 2, p75: 3 };
  const report = {
    ...{ package: "chainrule 0", date: "2026-01-02T00:00:00.000Z", command: "npm run bench:peers" },
    machine: {
      ...{ cpu: "a CPU", cores: 2, platform: "linux", arch: "x64", node: "20.0.0" },
      load: { before: 0, after: 1 },
    },
    contenders: [
      { name: "own", label: "chainrule", base: true, about: { node: "20.0.0" } },
      { name: "peer", label: "a peer", about: { version: "1.2" } },
      { name: "third", label: "a third" },
      { name: "none", label: "another", cannot: "not installed" },
    ],
    workloads: [
      {
        ...{ name: "step tiny", kind: "mlp" },
        results: [
          { name: "own", compared: 24, worst: 0, ms, ratios: {} },
          {
            ...{ name: "peer", compared: 24, worst: 1.4e-7, ms },
            ratios: { own: { p25: 1.5, median: 12.34, p75: 250, best: 11, rounds: 12 } },
          },
          { name: "third", cannot: "inference only" },
        ],
      },
    ],
    startup: [{ label: "first gradient", ms }],
  };

  it("align columns; a sentence may run on", () => {
    expect(
      align([
        ["a", "b", "c"],
        ["long", "1", "22"],
        ["x", "– a longer sentence"],
      ]),
    ).toBe(["a     b   c", "long  1  22", "x     – a longer sentence"].join("\n"));
  });
  it("are printed", () => {
    const printed: string = text(report);
    expect(printed).toMatch(/^chainrule 0 beside its peers, 2026-01-02/);
    expect(printed).toMatch(/^another {4}– not installed$/m);
    expect(printed).toMatch(
      /^a peer +2\.00 \(1\.00 – 3\.00\) +11\.0 +12\.3 \(1\.50 – 250\) +1e-7 \(24\)$/m,
    );
    expect(printed).toMatch(/– inference only$/m);
  });
  it("are Markdown of equally many cells", () => {
    const page: string = markdown(report, "chart.svg");
    expect(page).toContain("![Times over chainrule's, with quartiles](chart.svg)");
    expect(page).toContain(
      "| a peer | 2.00 (1.00 – 3.00) | 11.0 | 12.3 (1.50 – 250) | 1e-7 (24) |",
    );
    const tables = page.split(/\n\n/).filter((part) => part.startsWith("|"));
    expect(tables).toHaveLength(3);
    for (const table of tables)
      expect(new Set(table.split("\n").map((row) => row.split("|").length)).size).toBe(1);
  });
});
