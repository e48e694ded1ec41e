/** The proof: every op of the table, and the page that says what was found. */
import { goldenFiles, unsupported } from "../golden/adapter.js";
import { type GoldenCase, loadGolden, ownCases } from "../golden/case.js";
import { onTs, onWasm } from "../kernels/harness.js";
import { functions, type MeasuredFunction, maxUlp, type SweepOptions } from "../kernels/ulp.js";
import { rows } from "../ops/rows/index.js";
import { type Measured, measure } from "./measure.js";
import { publicName } from "./names.js";

/** Every op of the table, in its order. */
export const ops: readonly string[] = [...new Set(rows.map(({ op }) => op))];

function casesByOp(): Map<string, GoldenCase[]> {
  const byOp = new Map<string, GoldenCase[]>();
  for (const file of goldenFiles(ownCases))
    for (const golden of loadGolden(file)) {
      if (unsupported(golden)) continue;
      const op = publicName(golden.op);
      byOp.set(op, [...(byOp.get(op) ?? []), golden]);
    }
  return byOp;
}

export function* proof(): Generator<Measured> {
  const cases = casesByOp();
  for (const op of ops)
    yield* measure(
      op,
      rows.filter((row) => row.op === op),
      cases.get(op) ?? [],
    );
}

const small = (error: number | undefined): string =>
  error === undefined ? "–" : error === 0 ? "0" : error.toExponential(0);

function line({ op, build, ulp, errors, equalBits, passed, cases, misses }: Measured): string {
  const cells = [
    `\`${op}\``,
    build,
    ulp === undefined ? "–" : ulp.toFixed(1),
    small(errors?.reverse),
    small(errors?.forward),
    small(errors?.secondReverse),
    small(errors?.secondForward),
    equalBits === undefined ? "–" : equalBits ? "equal" : "differ",
    cases === 0 ? "–" : `${passed}/${cases}`,
    misses.length === 0 ? "proved" : misses.join("; "),
  ];
  return `| ${cells.join(" | ")} |`;
}

const HEAD = `| op | build | ULP | reverse | forward | second, reverse | second, forward | bits | PyTorch | verdict |
| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | --- |`;

export const table = (measured: readonly Measured[]): string =>
  [HEAD, ...measured.map(line)].join("\n");

/** The f32 functions over all their inputs, in each build. */
export interface Swept {
  readonly name: MeasuredFunction;
  readonly build: string;
  readonly ulp: number;
  readonly at: number;
  readonly bound: number;
}

/** Every `stride`-th of all f32 patterns, and windows of every one where errors would show first. */
export function* sweeps(options: SweepOptions): Generator<Swept> {
  for (const name of Object.keys(functions) as MeasuredFunction[])
    for (const [build, onBuild] of [
      ["wasm f32", onWasm],
      ["ts f32", onTs],
    ] as const) {
      const run = (x: Float32Array): Float32Array => {
        const { opcode } = functions[name];
        const { buffers } = onBuild([x, new Float32Array(x.length)], (from, to) => [
          [opcode, [to as number, from as number, x.length]],
        ]);
        return buffers[1] as Float32Array;
      };
      yield { name, build, ...maxUlp(name, run, options), bound: functions[name].bound };
    }
}

export const sweepTable = (swept: readonly Swept[]): string =>
  [
    "| function | build | largest error, ULP | at | allowed | verdict |\n| --- | --- | ---: | ---: | ---: | --- |",
    ...swept.map(
      ({ name, build, ulp, at, bound }) =>
        `| \`${name}()\` | ${build} | ${ulp.toFixed(3)} | ${at} | ${bound} | ${ulp <= bound ? "proved" : "too far"} |`,
    ),
  ].join("\n");

/** Op, build and verdict of every line of a page. */
export const verdicts = (page: string): string[] =>
  page
    .split("\n")
    .filter((text) => text.startsWith("| `"))
    .map((text) => {
      const cells = text.split(" | ");
      return [cells[0], cells[1], cells.at(-1)].join(" ");
    });
