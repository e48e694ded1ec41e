/** Columns that stand below one another. */
export const width = (text: string): number => [...text].length;
export const padEnd = (text: string, to: number): string => text + " ".repeat(to - width(text));
export const padStart = (text: string, to: number): string => " ".repeat(to - width(text)) + text;

/** Rows of equally many cells as lines; the columns in `right` are aligned at their ends. */
export function tableText(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => width(row[at] as string))),
  );
  const cell = (text: string, at: number): string =>
    (right.includes(at) ? padStart : padEnd)(text, widths[at] as number);
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}
