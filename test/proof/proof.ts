/** The proof: every op of the table, and the page that says what was found. */
import { goldenFiles, unsupported } from "../golden/adapter.js";
import { type GoldenCase, loadGolden, ownCases } from "../golden/case.js";
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

/** Op, build and verdict of every line of a page. */
export const verdicts = (page: string): string[] =>
  page
    .split("\n")
    .filter((text) => text.startsWith("| `"))
    .map((text) => {
      const cells = text.split(" | ");
      return [cells[0], cells[1], cells.at(-1)].join(" ");
    });
