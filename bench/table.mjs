/** The report for people: how the figures are made, then one aligned table per kind of case. */

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const number = (x) => (x >= 100 ? x.toFixed(0) : x.toPrecision(3));

/** Rows of texts, the first column to the left, the others to the right. */
export function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((text, at) => (at === 0 ? text.padEnd(widths[at]) : text.padStart(widths[at])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const HEADINGS = [
  ...["of peak", "p25 – p75", "paired", "best", "× ts", "best × ts", "GFLOP/s"],
  ...["ms", "p75 ms", "p99 ms", "samples", "ts ms", "samples"],
];

function row({ label, ofPeak, overTs, wasm, ts, callsPerStep }) {
  return [
    label,
    percent(ofPeak.median),
    `${(100 * ofPeak.p25).toFixed(1)} – ${percent(ofPeak.p75)}`,
    percent(ofPeak.paired),
    percent(ofPeak.best),
    overTs.median.toFixed(1),
    overTs.best.toFixed(1),
    wasm.gflops.toFixed(2),
    ...[wasm.ms.median, wasm.ms.p75, wasm.ms.p99].map(number),
    String(wasm.count),
    number(ts.ms.median),
    String(ts.count),
    ...(callsPerStep === undefined ? [] : [String(callsPerStep)]),
  ];
}

function section(title, cases, extra) {
  if (cases.length === 0) return [];
  return ["", align([[title, ...HEADINGS, ...extra], ...cases.map(row)])];
}

const FMA_HEADINGS = [
  ...["of peak", "p25 – p75", "paired", "best", "× strict", "best × strict", "GFLOP/s"],
  ...["ms", "p75 ms", "samples"],
];

function fmaRow({ label, fma: { ofPeak, overStrict, gflops, ms, count } }) {
  return [
    label,
    percent(ofPeak.median),
    `${(100 * ofPeak.p25).toFixed(1)} – ${percent(ofPeak.p75)}`,
    percent(ofPeak.paired),
    percent(ofPeak.best),
    overStrict.median.toFixed(2),
    overStrict.best.toFixed(2),
    gflops.toFixed(2),
    ...[ms.median, ms.p75].map(number),
    String(count),
  ];
}

function peakLines({ gflops, loop, loops }) {
  const rows = loops.map(({ name, gflops: median, ms, flops }) => [
    `  ${name}`,
    median.toFixed(2),
    ...[ms.p75, ms.p25, ms.min].map((time) => (flops / time / 1e6).toFixed(2)),
  ]);
  return [
    "",
    `peak ${gflops.toFixed(2)} GFLOP/s (${loop}): the best median of these loops`,
    align([["  loop, GFLOP/s", "median", "p25", "p75", "best"], ...rows]),
  ];
}

/** The rows with fused multiply-adds, against the loops with them. */
function fmaSection(peak, cases) {
  if (!peak) return [];
  const title = "relaxed SIMD, same flops";
  return [
    ...peakLines(peak),
    "",
    align([[title, ...FMA_HEADINGS], ...cases.filter(({ fma }) => fma).map(fmaRow)]),
  ];
}

const BANDWIDTH_HEADINGS = [
  ...["level", "of loop", "best", "of bare", "GB/s", "loop", "× ts", "samples"],
];

/** Kernels against the loops on as many bytes. */
function bandwidthSection(entries) {
  if (entries.length === 0) return [];
  const rows = entries.map(({ label, level, ofLoop, ofBare, gbps, loopGbps, overTs, count }) => [
    label,
    level,
    percent(ofLoop.median),
    percent(ofLoop.best),
    ofBare ? percent(ofBare.median) : "",
    ...[gbps, loopGbps].map((rate) => rate.toFixed(1)),
    overTs.median.toFixed(1),
    String(count),
  ]);
  return [
    "",
    "Bytes moved per second against a loop that copies as many, for reductions one that reads:",
    "the medians, and the fastest samples. Of bare: against a loop that does the same operations and",
    "nothing else, which a divider, adders or the number of instructions may slow.",
    align([["bandwidth", ...BANDWIDTH_HEADINGS], ...rows]),
  ];
}

function functionSection(entries) {
  if (entries.length === 0) return [];
  const rows = entries.map(({ label, level, nsPerElement, gbps, overTs, count }) => [
    label,
    level,
    ...[nsPerElement.median, nsPerElement.best].map((ns) => ns.toFixed(3)),
    gbps.toFixed(2),
    overTs.median.toFixed(1),
    overTs.best.toFixed(1),
    String(count),
  ]);
  const headings = ["of", "ns/element", "best", "GB/s", "× ts", "best × ts", "samples"];
  return ["", align([["function", ...headings], ...rows])];
}

/** @param report what bench/run.mjs writes as JSON */
export function table({ date, machine, peak, fmaPeak, cases, elementwise, pace }) {
  const { cpu, cores, platform, arch, node, v8, load } = machine;
  const of = (kind) => cases.filter((entry) => entry.kind === kind);
  return [
    `chainrule bench, ${date}`,
    `${cpu}, ${cores} cores, ${platform} ${arch}, Node ${node}, V8 ${v8}`,
    `load average ${load.before.toFixed(2)} before, ${load.after.toFixed(2)} after: ` +
      "above 0 before, other programs disturb the figures",
    "",
    `Each of ${pace.rounds} rounds takes, for every row, the peak loops, WebAssembly and`,
    "TypeScript in turn; figures are of the samples of all rounds, a sample being one call, or the",
    "mean of several short ones.",
    "  of peak  flops / median time over the peak, and its quartiles",
    "  paired   the same within a round against the loops just before; the median of the rounds",
    "  best     the fastest sample over the fastest of the loops",
    "  × ts     pure TypeScript's median time over WebAssembly's; best: of the fastest",
    ...(peak ? peakLines(peak) : []),
    ...section("GEMM, 2mnk flops", of("gemm"), []),
    ...section("training step, GEMM flops only", of("step"), ["calls per step"]),
    ...fmaSection(fmaPeak, cases),
    ...bandwidthSection(elementwise.filter(({ kind }) => kind === "bandwidth")),
    ...functionSection(elementwise.filter(({ kind }) => kind === "function")),
  ].join("\n");
}
