/** The report as aligned text for a terminal and as Markdown: the same rows, written in two ways. */

const KINDS = [
  ["Training steps", ["mlp", "cnn", "gpt"], "copies of the batch in and of the loss out included"],
  ["Matrix products", ["gemm"], "operands and result stay in the library's memory"],
  ["Elementwise, 10⁶ numbers", ["map"], "operands and result stay in the library's memory"],
];

const number = (x) => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toPrecision(3));
const times = ({ median, p25, p75, rounds }) =>
  rounds === 0
    ? `${number(median)} (one call)`
    : `${number(median)} (${number(p25)} – ${number(p75)})`;

/** A cell per column of a contender's row. */
function cells(result, label, { bases, withRate }) {
  if (result.cannot) return [label, `– ${result.cannot}`];
  const { ms, ratios, gflops, compared, worst, once } = result;
  return [
    label,
    once ? number(ms.median) : `${number(ms.median)} (${number(ms.p25)} – ${number(ms.p75)})`,
    ...(withRate ? [gflops.toFixed(1)] : []),
    ratios[bases[0]] ? number(ratios[bases[0]].best) : "",
    ...bases.map((base) => (ratios[base] ? times(ratios[base]) : "")),
    worst === undefined
      ? ""
      : `${worst === 0 ? "0" : worst.toExponential(0)}${compared > 1 ? ` (${compared})` : ""}`,
  ];
}

/** Tables as `{ title, note, head, rows }`: one per workload, one of times to start. */
export function tables({ workloads, contenders, startup }) {
  const labels = new Map(contenders.map(({ name, label }) => [name, label]));
  const running = new Set(contenders.filter(({ cannot }) => !cannot).map(({ name }) => name));
  const bases = contenders.filter(({ base, name }) => base && running.has(name));
  const columns = { bases: bases.map(({ name }) => name) };
  const sections = KINDS.flatMap(([heading, kinds, note]) =>
    workloads
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ name, flops, results }, at) => {
        const withRate = flops !== undefined;
        return {
          ...(at === 0 ? { heading, note } : {}),
          head: [
            name,
            "ms (quartiles)",
            ...(withRate ? ["GFLOP/s"] : []),
            "fastest ×",
            ...bases.map(({ label }) => `× ${label}`),
            "apart",
          ],
          rows: results.map((result) =>
            cells(result, labels.get(result.name), { ...columns, withRate }),
          ),
        };
      }),
  );
  if (!startup?.length) return sections;
  const rows = startup.map(({ label, ms, cannot }) =>
    cannot
      ? [label, `– ${cannot}`]
      : [label, `${number(ms.median)} (${number(ms.p25)} – ${number(ms.p75)})`],
  );
  const note = "each time a fresh process";
  return [...sections, { heading: "To start", note, head: ["", "ms (quartiles)"], rows }];
}

/**
 * Rows of texts, the first column to the left, the others to the right. A row that is too short says
 * why, and that sentence may run on.
 */
export function align(rows) {
  const count = Math.max(...rows.map((row) => row.length));
  const full = rows.filter((row) => row.length === count || row.length === 1);
  const widths = Array.from({ length: count }, (_, at) =>
    Math.max(...(at === 0 ? rows : full).map((row) => (row[at] ?? "").length)),
  );
  return rows
    .map((row) =>
      row
        .map((text, at) => {
          if (row.length < count && at > 0) return text;
          return at === 0 ? text.padEnd(widths[at]) : text.padStart(widths[at]);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const READING = [
  "Each contender is a process of its own. In every round each takes a slice right after another;",
  "× is its time over chainrule's in the same round, the median of the rounds and their quartiles:",
  "above 1, chainrule is faster; fastest × compares the fastest calls. Apart: how far the results",
  "(the losses of so many first steps) lie from chainrule's, relative to the largest; who is beyond",
  "the tolerance is not timed. At the peak: the matrix products of the workload alone, in the fastest",
  "loop that only multiplies and adds; its × is how much of chainrule's time they cannot go below.",
];

const machineLine = ({ cpu, cores, platform, arch, node, load }) =>
  `${cpu}, ${cores} cores, ${platform} ${arch}, Node ${node}; load average ` +
  `${load.before.toFixed(2)} before (above 0, other programs disturb the figures), ` +
  `${load.after.toFixed(2)} after`;

const aboutLine = ({ about, cannot }) =>
  cannot
    ? `– ${cannot}`
    : Object.entries(about ?? {})
        .map(([key, value]) => `${key} ${value}`)
        .join(", ");

/** For a terminal. */
export function text(report) {
  const { date, machine, contenders, command, package: name } = report;
  const wide = Math.max(...contenders.map(({ label }) => label.length));
  return [
    `${name} beside its peers, ${date}`,
    machineLine(machine),
    command,
    "",
    ...contenders.map((each) => `${each.label.padEnd(wide)}  ${aboutLine(each)}`),
    "",
    ...READING,
    ...tables(report).flatMap(({ heading, note, head, rows }) => [
      "",
      ...(heading ? [`${heading} (${note})`, ""] : []),
      align([head, ...rows]),
    ]),
    "",
  ].join("\n");
}

const markdownRow = (row) => `| ${row.join(" | ")} |`;

/** Short rows, as those that say why there is nothing, are filled up. */
function markdownTable([head, ...rows]) {
  const rule = head.map((_, at) => (at === 0 ? "---" : "---:"));
  const full = rows.map((row) => head.map((_, at) => row[at] ?? ""));
  return [head, rule, ...full].map(markdownRow).join("\n");
}

/** @param svg the chart's name beside the file, or undefined */
export function markdown(report, svg) {
  const { date, machine, contenders, command, quick, package: name } = report;
  return [
    "# Benchmarks",
    "",
    `${name} beside other libraries, on identical work with identical weights and data, its results`,
    "checked to be equal before anything is timed.",
    "",
    `- ${date.slice(0, 10)}; ${machineLine(machine)}`,
    `- \`${command}\``,
    ...(quick
      ? ["- **a quick run: it shows that all works, its figures are not to be quoted**"]
      : []),
    "",
    markdownTable([["contender", "what"], ...contenders.map((c) => [c.label, aboutLine(c)])]),
    "",
    ...READING,
    ...(svg ? ["", `![Times over chainrule's, with quartiles](${svg})`] : []),
    ...tables(report).flatMap(({ heading, note, head, rows }) => [
      "",
      ...(heading ? [`## ${heading}`, "", `${note[0].toUpperCase()}${note.slice(1)}.`, ""] : []),
      markdownTable([head, ...rows]),
    ]),
    "",
    NOTES,
  ].join("\n");
}

const NOTES = `## What is equal, and what is not

- Weights and batches are drawn once from a seed and read by all from one file. MLPs and the CNN: SGD,
  lr 0.01, momentum 0.9; the GPT: Adam, lr 0.001, no decay, GELU with erf, pre-norm blocks. Batch norm
  in training mode keeps running statistics in every library.
- A library computes in its own layout: weights are transposed before the run where it prefers that.
- tfjs: embedding as a product with one-hot rows, and in wasm the filter's gradient of a convolution as
  a convolution, since that backend lacks both gradients. One thread, SIMD.
- jax-js: forward, gradients and update under one \`jit\`. It uses fused multiply-add where the engine
  offers it (Node 22 and later), and one thread in Node.
- onnxruntime-web does inference only, and copies operands in and results out in every call.
- PyTorch: one thread, eager; the instruction set is set for PyTorch, oneDNN and the BLAS. Debian's
  takes the \`libblas.so.3\` it finds, of which the reference one is 8 to 30 times slower than OpenBLAS:
  \`--blas FOLDER\` names another.
- Matrix products and functions: chainrule's result is assigned to a parameter, PyTorch's has a place of
  its own, those of the others are made anew.
`;
