/** A profile as a table, and as a trace that browsers open. */
import { checkOptions, describe } from "../describe.js";
import { formatShape } from "../shape.js";
import { checkCount } from "./check.js";
import { type Cost, costOf } from "./cost.js";
import type { ProfileData, ProfileGroup, ProfileRow } from "./profile.js";
import { tableText } from "./table.js";

export interface TextOptions {
  /** "instruction" by default. */
  readonly by?: "instruction" | "kernel" | "op" | "module";
  /** The most rows; 40 by default. What is left out is summed up in a last row. */
  readonly rows?: number;
}

const HEADINGS = ["µs", "%", "MFLOP", "GFLOP/s", "% of peak", "MB", "GB/s"];

const fixed = (x: number, digits: number): string => x.toFixed(digits);

const cells = (cost: Cost): string[] => [
  fixed(cost.microseconds, 1),
  fixed(100 * cost.share, 1),
  fixed(cost.flops / 1e6, 3),
  fixed(cost.gflopsPerSecond, 2),
  fixed(100 * cost.ofPeak, 1),
  fixed(cost.bytes / 1e6, 3),
  fixed(cost.gigabytesPerSecond, 1),
];

/** An op and, in the backward pass, what it is the derivative of. */
export const opOf = ({ op, derivativeOf }: ProfileRow): string =>
  derivativeOf === undefined ? op : `${op} of ∂${derivativeOf}`;

const labelsOf = (row: ProfileRow | ProfileGroup): string[] =>
  "kernel" in row
    ? [row.kernel, opOf(row), row.modules.at(-1) ?? "", formatShape(row.shape)]
    : [row.name === "" ? "(no module)" : row.name, String(row.instructions)];

export function profileText(data: ProfileData, options: TextOptions): string {
  checkOptions("toText", options, ["by", "rows"]);
  const { by = "instruction", rows = 40 } = options;
  checkCount("toText", "rows", rows);
  const groups = {
    instruction: [...data.rows].sort((a, b) => b.microseconds - a.microseconds),
    kernel: data.byKernel,
    op: data.byOp,
    module: data.byModule,
  }[by] as readonly (ProfileRow | ProfileGroup)[] | undefined;
  if (!groups)
    throw new TypeError(
      `toText: unknown grouping: got ${describe(by)}, expected instruction, kernel, op or module`,
    );
  const titles = by === "instruction" ? ["kernel", "op", "module", "shape"] : [by, "instructions"];
  const shown = groups.slice(0, rows);
  const rest = groups.slice(rows);
  const blank = titles.slice(1).map(() => "");
  const table = [
    [...titles, ...HEADINGS],
    ...shown.map((row) => [...labelsOf(row), ...cells(row)]),
    ...(rest.length > 0 ? [[`${rest.length} more`, ...blank, ...cells(sumOf(rest, data))]] : []),
    ["sum", ...blank, ...cells(data.sum)],
  ];
  const { gflopsPerSecond, cacheGigabytesPerSecond, memoryGigabytesPerSecond } = data.peak;
  const left = by === "instruction" ? 4 : 1;
  const right = (table[0] as string[]).map((_, column) => column).slice(left);
  return [
    tableText(table, right),
    "",
    `${data.rows.length} instructions take ${fixed(data.sum.microseconds, 1)} µs one by one, ` +
      `${fixed(data.wholeMicroseconds, 1)} µs in one call`,
    `peak of this machine: ${fixed(gflopsPerSecond, 1)} GFLOP/s in products, ` +
      `${fixed(cacheGigabytesPerSecond, 1)} GB/s in cache, ${fixed(memoryGigabytesPerSecond, 1)} GB/s from memory`,
  ].join("\n");
}

function sumOf(costs: readonly Cost[], { peak, sum }: ProfileData): Cost {
  const add = (key: "microseconds" | "flops" | "bytes"): number =>
    costs.reduce((total, cost) => total + cost[key], 0);
  return costOf(add("microseconds"), add("flops"), add("bytes"), sum.microseconds, peak);
}

/**
 * The trace event format ("JSON object format", Google 2016): complete events, one after the other,
 * times in microseconds; the modules, outermost first, as events around those of their instructions.
 * Viewers nest events by their times, to the nanosecond, and of events of the same time what comes
 * later into what came first: so times are whole nanoseconds, an event takes one at least, and a
 * module comes before what is in it.
 */
export function profileTrace({ rows, peak, sum, wholeMicroseconds }: ProfileData): string {
  const common = { pid: 1, tid: 1 };
  const events: object[] = [
    { ...common, name: "process_name", ph: "M", ts: 0, args: { name: "chainrule" } },
    { ...common, name: "thread_name", ph: "M", ts: 0, args: { name: "one step, by instruction" } },
  ];
  let nanoseconds = 0;
  const now = (): number => nanoseconds / 1000;
  const begin = <Event extends object>(event: Event): Event & { ts: number; dur: number } => {
    const begun = { ...common, ...event, ph: "X", ts: now(), dur: 0 };
    events.push(begun);
    return begun;
  };
  const end = (event: { readonly ts: number; dur: number }): void => {
    event.dur = now() - event.ts;
  };
  const open: (ReturnType<typeof begin> & { readonly name: string })[] = [];
  const close = (depth: number): void => {
    for (const module of open.splice(depth)) end(module);
  };
  for (const row of rows) {
    const { modules } = row;
    const same = open.findIndex(({ name }, depth) => modules[depth] !== name);
    if (same >= 0) close(same);
    for (const name of modules.slice(open.length))
      open.push(begin({ name, cat: "module", args: {} }));
    const instruction = begin({
      name: `${row.kernel}: ${opOf(row)}`,
      cat: row.derivativeOf === undefined ? "forward" : "backward",
      args: {
        instruction: row.index,
        shape: formatShape(row.shape),
        source: row.source ?? "",
        flops: row.flops,
        bytes: row.bytes,
        "GFLOP/s": row.gflopsPerSecond,
        "GB/s": row.gigabytesPerSecond,
        "of peak": row.ofPeak,
      },
    });
    nanoseconds += Math.max(1, Math.round(1000 * row.microseconds));
    end(instruction);
  }
  close(0);
  const otherData = { peak, microseconds: sum.microseconds, wholeMicroseconds };
  return JSON.stringify({ traceEvents: events, displayTimeUnit: "ms", otherData });
}
