/** The numbers behind charts, as tables: for readers who do not see them, and for copying. */
import { escaped } from "../draw/escaped.js";
import { short } from "../draw/numbers.js";
import type { Chart } from "./charts.js";

const cell = (value: number | string): string =>
  `<td>${typeof value === "string" ? escaped(value) : short(value, "f32")}</td>`;

const whole = (value: number): string => String(value);

function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly (number | string)[])[],
): string {
  const head = heads.map((name) => `<th scope="col">${escaped(name)}</th>`).join("");
  const body = rows.map(
    ([first, ...rest]) =>
      `<tr><th scope="row">${escaped(String(first))}</th>${rest.map(cell).join("")}</tr>`,
  );
  return [
    `<table><caption>${escaped(caption)}</caption>`,
    `<thead><tr>${head}</tr></thead>`,
    `<tbody>${body.join("\n")}</tbody></table>`,
  ].join("\n");
}

export function tableOf(chart: Chart): string {
  const { title } = chart;
  if (chart.kind === "lines") {
    const { x, y, series } = chart;
    return table(
      `${title}: ${y.label}, by ${x.label}`,
      [x.label, ...series.map(({ label }) => label)],
      x.values.map((at, k) => [at, ...series.map(({ values }) => values[k] ?? Number.NaN)]),
    );
  }
  if (chart.kind === "histograms") {
    const { x, columns } = chart;
    return table(
      `${title}, by ${x.label}`,
      [x.label, "least", "greatest", "mean", "standard deviation", "fraction of zeros"],
      columns.map(({ edges, mean, std, zeros }, k) => [
        x.values[k] as number,
        edges[0] ?? Number.NaN,
        edges.at(-1) ?? Number.NaN,
        mean,
        std,
        zeros,
      ]),
    );
  }
  return table(
    `${title}: every area, by address`,
    ["first byte", "bytes", "from instruction", "to instruction", "written by"],
    chart.areas.map(({ begin, bytes, first, last, name }) => [
      begin,
      ...[bytes, first, last].map(whole),
      name,
    ]),
  );
}
