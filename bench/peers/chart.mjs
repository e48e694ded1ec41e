/** The ratios as an SVG: per workload a panel, per contender a point with its quartiles. */
import { parse, View } from "vega";
import { compile } from "vega-lite";

const FAMILIES = [
  [/^chainrule/, "chainrule"],
  [/^peak/, "the peak"],
  [/^torch/, "PyTorch"],
  [/./, "JavaScript"],
];
const familyOf = (name) => FAMILIES.find(([pattern]) => pattern.test(name))[1];

/** One row per ratio to the first base. */
function rowsOf({ workloads, contenders }) {
  const [base] = contenders.filter(({ base: isBase, cannot }) => isBase && !cannot);
  const labels = new Map(contenders.map(({ name, label }) => [name, label]));
  return workloads.flatMap(({ name: workload, results }) =>
    results
      .filter(({ ratios }) => ratios?.[base.name])
      .map(({ name, ratios }) => {
        const { median, p25, p75 } = ratios[base.name];
        return { workload, contender: labels.get(name), family: familyOf(name), median, p25, p75 };
      }),
  );
}

function specOf(report) {
  const values = rowsOf(report);
  const order = report.contenders.map(({ label }) => label);
  const x = { type: "quantitative", scale: { type: "log" } };
  const y = { field: "contender", type: "nominal", sort: order, title: null };
  const color = {
    ...{ field: "family", type: "nominal", legend: { title: null, orient: "top" } },
    scale: {
      domain: ["chainrule", "JavaScript", "PyTorch", "the peak"],
      range: ["#4c78a8", "#f58518", "#54a24b", "#666"],
    },
  };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: "Time over chainrule's (strict, one thread): right of the line, chainrule is faster",
    ...{ background: "white", config: { axis: { labelLimit: 240 } } },
    data: { values },
    facet: {
      ...{ field: "workload", type: "nominal", title: null },
      sort: report.workloads.map(({ name }) => name),
    },
    columns: 3,
    spec: {
      ...{ width: 220, height: { step: 14 } },
      layer: [
        {
          mark: { type: "rule", color: "#888" },
          encoding: { x: { datum: 1, type: "quantitative" } },
        },
        {
          mark: { type: "rule", strokeWidth: 2 },
          encoding: { x: { ...x, field: "p25", title: null }, x2: { field: "p75" }, y, color },
        },
        {
          mark: { type: "point", filled: true, size: 45 },
          encoding: { x: { ...x, field: "median", title: null }, y, color },
        },
      ],
    },
  };
}

/** @param report what bench/peers/run.mjs writes as JSON @returns {Promise<string>} */
export function chart(report) {
  const view = new View(parse(compile(specOf(report)).spec), { renderer: "none" });
  return view.toSVG();
}
